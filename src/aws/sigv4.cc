#include "aws/sigv4.h"

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "base/hash.h"
#include "base/strings.h"
#include "net/http.h"

namespace vesto {

namespace {

// Trimmed, and every inner run of blanks made one.
std::string collapsed(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c == ' ' && !out.empty() && out.back() == ' ') continue;
    out += c;
  }
  return out;
}

// By lower-case name; values of one name joined in their order.
std::map<std::string, std::string> canonical_headers(const NameValues& headers) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : headers) {
    const auto [place, is_new] = out.try_emplace(to_lower_ascii(name), collapsed(value));
    if (!is_new) place->second += "," + collapsed(value);
  }
  return out;
}

std::string signed_names(const std::map<std::string, std::string>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

}  // namespace

std::string amz_date(int64_t wall_ms) {
  std::string out;  // 2013-05-24T00:00:00Z without its separators
  for (const char c : format_utc_seconds(wall_ms)) {
    if (c != '-' && c != ':') out += c;
  }
  return out;
}

std::string canonical_query(const NameValues& query) {
  NameValues encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
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

std::string canonical_request(const SigV4Request& request) {
  const auto headers = canonical_headers(request.headers);
  std::string out = request.method + "\n" + request.path + "\n" + canonical_query(request.query);
  out += '\n';
  for (const auto& [name, value] : headers) out += name + ":" + value + "\n";
  return out + "\n" + signed_names(headers) + "\n" + request.payload_hash;
}

std::string sigv4_authorization(const SigV4Request& request, const SigV4Key& key) {
  const auto headers = canonical_headers(request.headers);
  const auto date_header = headers.find("x-amz-date");
  const std::string time = date_header == headers.end() ? "" : date_header->second;
  const std::string date = time.substr(0, 8);
  const std::string scope = date + "/" + key.region + "/" + key.service + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256_hex(canonical_request(request));

  WipedString first_key;
  first_key.text.reserve(4 + key.secret_access_key.reveal().size());
  first_key.text.append("AWS4").append(key.secret_access_key.reveal());
  std::string signing_key = hmac_sha256(first_key.text, date);
  signing_key = hmac_sha256(signing_key, key.region);
  signing_key = hmac_sha256(signing_key, key.service);
  signing_key = hmac_sha256(signing_key, "aws4_request");
  return "AWS4-HMAC-SHA256 Credential=" + key.access_key_id + "/" + scope +
         ", SignedHeaders=" + signed_names(headers) +
         ", Signature=" + to_hex(hmac_sha256(signing_key, to_sign));
}

}  // namespace vesto
