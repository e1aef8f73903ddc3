#include "config/config.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace vesto {

namespace {

template <typename T>
const T* find_named(const std::vector<T>& all, std::string_view name) {
  for (const T& one : all) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace

const SourceConfig* Config::find_source(std::string_view name) const {
  return find_named(sources, name);
}
const DestinationConfig* Config::find_destination(std::string_view name) const {
  return find_named(destinations, name);
}
const SyncConfig* Config::find_sync(std::string_view name) const { return find_named(syncs, name); }

std::string other_warehouse(const DestinationConfig& destination) {
  const WarehouseEndpoint& endpoint = destination.endpoint;
  const std::string& named = destination.auth.warehouse;
  const bool tells = !endpoint.vpc_endpoint && !endpoint.name.empty() && !named.empty();
  if (!tells || to_lower_ascii(endpoint.name) == to_lower_ascii(named)) return "";
  return endpoint.name;
}

Error issue_error(const ConfigIssue& issue) {
  Error error(issue.code, issue.origin.text() + ": " + issue.message);
  if (!issue.hint.empty()) error.with_hint(issue.hint);
  return error;
}

Error no_object(std::string_view kind, std::string_view name,
                const std::vector<std::string>& known) {
  const std::optional<std::string> better = nearest(name, known);
  Error error(ErrorCode::kCfgNoObject,
              fmt::format("there is no {} \"{}\"{}", kind, cut_utf8(name, 200),
                          better ? fmt::format("; did you mean \"{}\"?", *better) : ""));
  if (known.empty()) {
    error.with_hint(fmt::format("The configuration defines no {} yet.", kind));
  } else {
    error.with_hint(fmt::format("Defined: {}.", join(known, ", ")));
  }
  return error;
}

}  // namespace vesto
