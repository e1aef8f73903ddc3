#include "aws/keys_json.h"

#include <algorithm>

#include "aws/json_answer.h"
#include "base/strings.h"
#include "base/time_text.h"

namespace vesto {

namespace {

constexpr size_t kMaxKeyBytes = 16 << 10;

bool is_plain(std::string_view text) {
  return text.size() <= kMaxKeyBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

std::optional<int64_t> parse_expiration(std::string_view text) {
  if (text.ends_with('Z') || text.size() < 7) return parse_iso8601_utc(text);
  const std::string_view zone = text.substr(text.size() - 6);  // "+01:00"
  const auto hours = parse_int(zone.substr(1, 2));
  const auto minutes = parse_int(zone.substr(4, 2));
  if ((zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !hours || !minutes || *hours < 0 ||
      *hours > 14 || *minutes < 0 || *minutes > 59) {
    return std::nullopt;
  }
  const auto local_ms =
      parse_iso8601_utc(std::string(text.substr(0, text.size() - zone.size())) + "Z");
  if (!local_ms) return std::nullopt;
  const int64_t ahead_ms = (*hours * 60 + *minutes) * 60'000;
  return *local_ms - (zone[0] == '+' ? ahead_ms : -ahead_ms);
}

bool are_usable(const AwsCredentials& keys) {
  return is_access_key_id(keys.access_key_id) && !keys.secret_access_key.empty() &&
         is_plain(keys.secret_access_key.reveal()) && is_plain(keys.session_token.reveal());
}

Result<AwsCredentials> keys_from_json(nlohmann::json& object, const char* token_field,
                                      const std::string& where, ErrorCode code, int64_t now_ms) {
  AwsCredentials keys;
  keys.access_key_id = json_text(object, "AccessKeyId").value_or("");
  keys.secret_access_key = Secret(take_json_text(object, "SecretAccessKey").value_or(""));
  keys.session_token = Secret(take_json_text(object, token_field).value_or(""));
  if (keys.access_key_id.empty()) return Error(code, where + " gave no AccessKeyId");
  if (keys.secret_access_key.empty()) return Error(code, where + " gave no SecretAccessKey");
  if (!are_usable(keys)) {
    return Error(code, where + " gave keys with characters in them that keys cannot have");
  }
  const auto expires = object.find("Expiration");
  if (expires == object.end() || expires->is_null()) return keys;
  keys.expires_at_ms = parse_expiration(json_text(object, "Expiration").value_or(""));
  if (!keys.expires_at_ms) {
    return Error(code, where + " gave an Expiration that is no time in ISO 8601");
  }
  if (*keys.expires_at_ms > now_ms) return keys;
  return Error(code, where + " gave keys that expired at " +
                         format_utc_seconds(*keys.expires_at_ms) + "; it is " +
                         format_utc_seconds(now_ms) + " here")
      .with_hint("Have it give new keys, and compare this machine's clock with the true time.");
}

}  // namespace vesto
