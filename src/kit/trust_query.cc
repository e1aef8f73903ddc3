#include "kit/trust_query.h"

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/strings.h"

namespace vesto::kit {

std::string literal(const std::string& json) { return "`" + replace_all(json, "`", "\\`") + "`"; }
std::string text_literal(std::string_view text) { return literal(json_quote(text)); }

std::string statements_of(const std::string& policy) {
  const auto json = nlohmann::ordered_json::parse(policy, nullptr, false);
  if (!json.is_object() || !json.contains("Statement")) return policy;
  const std::string list = json["Statement"].dump();
  return list.size() < 2 ? policy : list.substr(1, list.size() - 2);
}

}  // namespace vesto::kit
