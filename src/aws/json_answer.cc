#include "aws/json_answer.h"

#include <limits>
#include <utility>

#include "base/redact.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;

// Counts brackets outside of strings; whether they match is the parser's business.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::optional<nlohmann::json> parse_json_object(std::string_view text) {
  if (text.size() > kMaxBytes || too_deep(text)) return std::nullopt;
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  return parsed;
}

std::optional<std::string> json_text(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<std::string> take_json_text(nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return std::move(found->get_ref<std::string&>());
}

std::optional<int64_t> json_int(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() &&
      found->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return found->get<int64_t>();
}

std::string outside_text(std::string_view text, size_t max_bytes) {
  // Redacted before it is cut, or half a secret would stay at the end. What is redacted is bounded.
  const std::string clean = redact(text.substr(0, 64 << 10));
  return printable(cut_utf8(trim(clean), max_bytes), false);
}

}  // namespace vesto
