// A JSON object read strictly: no doubled name at any depth, no deep nesting. Pure; any thread.
#ifndef VESTO_SANDBOX_OIDC_STRICT_JSON_H_
#define VESTO_SANDBOX_OIDC_STRICT_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace vesto::sandbox {

// Nothing where it is no JSON object, has a name twice, or nests more than 16 levels.
std::optional<nlohmann::json> read_strict_object(std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_STRICT_JSON_H_
