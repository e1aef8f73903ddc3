#include "sandbox/oidc/strict_json.h"

#include <set>
#include <string>
#include <vector>

namespace vesto::sandbox {

namespace {
constexpr size_t kMaxDepth = 16;
}  // namespace

std::optional<nlohmann::json> read_strict_object(std::string_view text) {
  using Json = nlohmann::json;
  std::vector<std::set<std::string>> names;  // of the objects that are open
  size_t depth = 0;
  bool good = true;
  const auto watch = [&](int /*depth*/, Json::parse_event_t event, Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start:
        names.emplace_back();
        good = good && ++depth <= kMaxDepth;
        break;
      case Json::parse_event_t::array_start:
        good = good && ++depth <= kMaxDepth;
        break;
      case Json::parse_event_t::object_end:
        if (!names.empty()) names.pop_back();
        --depth;
        break;
      case Json::parse_event_t::array_end:
        --depth;
        break;
      case Json::parse_event_t::key:
        good = good && !names.empty() && value.is_string() &&
               names.back().insert(value.get<std::string>()).second;
        break;
      case Json::parse_event_t::value:
        break;
    }
    // What is false here is not kept and its children are not looked at: the text is refused then.
    return good;
  };
  Json json = Json::parse(text, watch, false);
  if (!good || !json.is_object()) return std::nullopt;
  return json;
}

}  // namespace vesto::sandbox
