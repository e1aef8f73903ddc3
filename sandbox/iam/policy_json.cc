#include "sandbox/iam/policy_json.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDocumentBytes = size_t{64} << 10;

// Brackets within brackets, strings left out.
bool too_deep(std::string_view text) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if ((c == '{' || c == '[') && ++depth > kMaxPolicyDepth) return true;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return false;
}

PolicyError not_json(std::string detail) {
  return {.text = "The policy is not in the valid JSON format.", .detail = std::move(detail)};
}

}  // namespace

size_t count_non_blank(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return c != ' ' && c != '\t' && c != '\n' && c != '\r';
  }));
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

Result<Json, PolicyError> parse_policy_json(std::string_view text) {
  if (text.size() > kMaxDocumentBytes) return not_json("the document is too large");
  if (too_deep(text)) return not_json("the document nests too deep");
  // nlohmann keeps the last of two members of one name; a policy with two of them is a mistake.
  std::vector<std::set<std::string>> open_objects;
  std::string doubled;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end && !open_objects.empty()) open_objects.pop_back();
    if (event == Json::parse_event_t::key && !open_objects.empty()) {
      const auto& name = value.get_ref<const std::string&>();
      if (!open_objects.back().insert(name).second) doubled = name;
    }
    return true;
  };
  Json json = Json::parse(text, watch, false);
  if (json.is_discarded()) return not_json("no JSON");
  if (!json.is_object()) return not_json("no JSON object");
  if (!doubled.empty()) {
    return PolicyError{.text = "Syntax errors in policy.", .detail = "twice: " + doubled};
  }
  return json;
}

}  // namespace vesto::sandbox
