#include "aws/json_answer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/redact.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;

// JWTs, session tokens and the like begin so; AWS echoes them in some texts, perhaps cut, so that
// redact() alone would not know them.
constexpr std::string_view kTokenStarts[] = {"eyJ", "IQoJ", "FwoG", "FQoG"};
constexpr size_t kShortestToken = 16;

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("+/=_-.%").find(c) != std::string_view::npos;
}

// What is longer than any name of AWS's (64) and holds capitals, small letters and digits, with
// nothing but base64url between them, is a part of a token or of a key.
constexpr size_t kShortestRun = 65;

bool is_run_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

size_t run_length(std::string_view text) {
  size_t length = 0;
  bool capital = false;
  bool small = false;
  bool digit = false;
  for (; length < text.size() && is_run_char(text[length]); ++length) {
    const char c = text[length];
    capital = capital || (c >= 'A' && c <= 'Z');
    small = small || (c >= 'a' && c <= 'z');
    digit = digit || (c >= '0' && c <= '9');
  }
  return length >= kShortestRun && capital && small && digit ? length : 0;
}

std::string without_tokens(std::string_view text) {
  std::string out;
  bool in_word = false;  // a run is looked at once, from where it begins
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    size_t length = in_word ? 0 : run_length(rest);
    for (const std::string_view start : kTokenStarts) {
      size_t token = 0;
      if (!rest.starts_with(start)) continue;
      while (token < rest.size() && is_token_char(rest[token])) ++token;
      if (token >= kShortestToken) length = std::max(length, token);
    }
    if (length > 0) {
      out += "***";
      at += length;
      in_word = false;
    } else {
      in_word = is_run_char(text[at]);
      out += text[at++];
    }
  }
  return out;
}

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
  const std::string clean = without_tokens(redact(text.substr(0, 64 << 10)));
  return std::string(cut_utf8(printable(trim(clean), /*keep_lines=*/false), max_bytes));
}

}  // namespace vesto
