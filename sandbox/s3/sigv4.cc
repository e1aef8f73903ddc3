#include "sandbox/s3/sigv4.h"

#include <algorithm>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

// Blanks around the value are cut and runs of them inside become one.
std::string collapse_blanks(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c == ' ' && !out.empty() && out.back() == ' ') continue;
    out += c;
  }
  return out;
}

}  // namespace

std::string SigningScope::text() const {
  return date + "/" + region + "/" + service + "/aws4_request";
}

std::optional<std::string> canonical_path(std::string_view raw_path) {
  const auto decoded = percent_decode(raw_path, false);
  if (!decoded) return std::nullopt;
  return percent_encode(*decoded, true);
}

std::optional<std::string> canonical_query(std::string_view raw_query, std::string_view leave_out) {
  const auto parameters = parse_query(raw_query);
  if (!parameters) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> encoded;
  for (const auto& [name, value] : *parameters) {
    if (!leave_out.empty() && name == leave_out) continue;
    encoded.emplace_back(percent_encode(name, false), percent_encode(value, false));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name + "=" + value;
  }
  return out;
}

std::string canonical_headers(const std::vector<std::pair<std::string, std::string>>& headers,
                              const std::vector<std::string>& signed_names) {
  std::string out;
  for (const std::string& name : signed_names) {
    out += name + ":";
    bool first = true;
    for (const auto& [header, value] : headers) {
      if (header != name) continue;
      if (!first) out += ',';
      first = false;
      out += collapse_blanks(value);
    }
    out += '\n';
  }
  return out;
}

std::string signing_key(std::string_view secret, const SigningScope& scope) {
  std::string key = hmac_sha256("AWS4" + std::string(secret), scope.date);
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  return hmac_sha256(key, "aws4_request");
}

std::string string_to_sign(std::string_view time, const SigningScope& scope,
                           std::string_view canonical_request) {
  return "AWS4-HMAC-SHA256\n" + std::string(time) + "\n" + scope.text() + "\n" +
         sha256_hex(canonical_request);
}

std::string sign_hex(std::string_view key, std::string_view text) {
  return to_hex(hmac_sha256(key, text));
}

std::string chunk_string_to_sign(std::string_view time, const SigningScope& scope,
                                 std::string_view previous, std::string_view data_sha256_hex) {
  std::string out = "AWS4-HMAC-SHA256-PAYLOAD\n" + std::string(time) + "\n" + scope.text() + "\n";
  out += previous;
  out += "\n" + sha256_hex("") + "\n";
  out += data_sha256_hex;
  return out;
}

std::string trailer_string_to_sign(std::string_view time, const SigningScope& scope,
                                   std::string_view previous, std::string_view trailer_sha256_hex) {
  std::string out = "AWS4-HMAC-SHA256-TRAILER\n" + std::string(time) + "\n" + scope.text() + "\n";
  out += previous;
  out += "\n";
  out += trailer_sha256_hex;
  return out;
}

}  // namespace vesto::sandbox
