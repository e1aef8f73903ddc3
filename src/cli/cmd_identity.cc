// identity show.
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/identity_report.h"
#include "sync/assemble.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

bool uses_google(const Config& config) {
  if (config.destinations.empty()) return true;
  for (const DestinationConfig& destination : config.destinations) {
    if (destination.auth.identity == "google") return true;
  }
  return false;
}

// A token file holds a token for one audience, which is some destination's.
std::vector<std::string> audiences(const Config& config) {
  std::vector<std::string> out;
  if (config.google.source == "token_file") {
    for (const DestinationConfig& destination : config.destinations) {
      if (destination.auth.identity == "google") out.push_back(destination.auth.audience);
    }
  }
  if (out.empty()) out.emplace_back(kShowAudience);
  return out;
}

int end(const Context& context, const std::optional<Error>& error, const std::string& json,
        const std::string& text) {
  write_out(context.options.json ? json : text);
  if (!error) return kExitOk;
  write_err(error_text(*error));
  return exit_code_of(*error);
}

int show_all(const Context& context, const Config& config) {
  std::optional<GoogleReport> google;
  if (uses_google(config)) {
    google = report_google(config.google, google_key(context, config), audiences(config),
                           *context.clock);
  }
  const int64_t now_ms = context.clock->wall_ms();
  return end(context, google ? google->error : std::nullopt,
             identity_json(config, google, nullptr, now_ms), overview_text(config, google, now_ms));
}

int show_one(const Context& context, const Config& config, const DestinationConfig& destination) {
  const IdentityReport report =
      report_identity(destination, identity_options(config, destination, sealed_store(context)),
                      names_of_other_roles(config, destination), *context.clock);
  const int64_t now_ms = context.clock->wall_ms();
  return end(context, report.error, identity_json(config, report.google, &report, now_ms),
             identity_text(report, context.terminal, now_ms));
}

}  // namespace

int cmd_identity_show(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const std::string& name = context.options.name;
  if (name.empty()) {
    if (config->destinations.size() != 1) return show_all(context, *config);
    return show_one(context, *config, config->destinations.front());
  }
  const auto destination = named_destination(context, *config);
  if (!destination.ok()) return fail(context, destination.error());
  return show_one(context, *config, **destination);
}

}  // namespace vesto::cli
