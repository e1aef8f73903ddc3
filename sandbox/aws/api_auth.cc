#include "sandbox/aws/api_auth.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/s3/dates.h"
#include "sandbox/s3/sigv4.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// What the Authorization header says.
struct Claim {
  std::string key_id;
  SigningScope scope;
  std::vector<std::string> signed_names;
  std::string signature;
  std::string time;
  int64_t time_ms = 0;
};

// The JSON services have names of their own for the same refusals, and answer 400.
IamError refusal(const ApiCall& call, std::string query_code, std::string json_code,
                 std::string text) {
  if (call.is_json()) return {400, std::move(json_code), std::move(text)};
  return {403, std::move(query_code), std::move(text)};
}

IamError bad_signature(const ApiCall& call, std::string text) {
  return refusal(call, "SignatureDoesNotMatch", "InvalidSignatureException", std::move(text));
}

IamError incomplete(const ApiCall& call, std::string text) {
  return {400, call.is_json() ? "IncompleteSignatureException" : "IncompleteSignature",
          std::move(text)};
}

ApiResult<Unit> read_parts(const ApiCall& call, std::string_view header, Claim* claim,
                           std::string* credential, std::string* names) {
  for (const std::string& raw : split(header.substr(kAlgorithm.size()), ',')) {
    const std::string_view part = trim(raw);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) {
      return incomplete(call, "'" + std::string(part) +
                                  "' not a valid key=value pair (missing equal-sign) in "
                                  "Authorization header: '" +
                                  std::string(header) + "'.");
    }
    const std::string_view name = part.substr(0, equals);
    const std::string value(part.substr(equals + 1));
    if (name == "Credential") *credential = value;
    if (name == "SignedHeaders") *names = value;
    if (name == "Signature") claim->signature = value;
  }
  return Unit{};
}

ApiResult<Claim> read_claim(const ApiCall& call) {
  const std::string* header = call.request->header("authorization");
  if (header == nullptr || header->rfind(kAlgorithm, 0) != 0) {
    return refusal(call, "MissingAuthenticationToken", "MissingAuthenticationTokenException",
                   "Request is missing Authentication Token");
  }
  Claim claim;
  std::string credential;
  std::string names;
  VESTO_TRY(read_parts(call, *header, &claim, &credential, &names));
  std::string missing;
  if (credential.empty()) missing += "Authorization header requires 'Credential' parameter. ";
  if (claim.signature.empty()) missing += "Authorization header requires 'Signature' parameter. ";
  if (names.empty()) missing += "Authorization header requires 'SignedHeaders' parameter. ";
  claim.time = call.request->header_or_empty("x-amz-date");
  const auto time_ms = parse_amz_time(claim.time);
  if (!time_ms) {
    missing +=
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  }
  if (!missing.empty()) return incomplete(call, missing + "Authorization=" + *header);
  const std::vector<std::string> parts = split(credential, '/');
  if (parts.size() != 5 || parts[4] != "aws4_request") {
    return incomplete(call,
                      "Credential must have exactly 5 slash-delimited elements, e.g. "
                      "keyid/date/region/service/term, got '" +
                          credential + "'");
  }
  claim.key_id = parts[0];
  claim.scope = {parts[1], parts[2], parts[3]};
  claim.signed_names = split(names, ';');
  claim.time_ms = *time_ms;
  return claim;
}

bool is_region(std::string_view text) {
  // "eu-west-1", "us-gov-east-1", "eusc-de-east-1"
  if (text.size() < 9 || text.size() > 24 || text.front() == '-') return false;
  const size_t dash = text.rfind('-');
  if (dash == std::string_view::npos || dash + 1 == text.size()) return false;
  return std::all_of(
             text.begin(), text.end(),
             [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }) &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(dash) + 1, text.end(),
                     [](char c) { return c >= '0' && c <= '9'; }) &&
         std::count(text.begin(), text.end(), '-') >= 2;
}

// "sts.eu-west-1.localhost:9000" names its region; "localhost:9000" takes any.
std::string region_of_host(const HttpRequest& request) {
  const std::vector<std::string> labels = split(request.header_or_empty("host"), '.');
  return labels.size() == 3 && labels[2].rfind("localhost", 0) == 0 ? labels[1] : "";
}

ApiResult<Unit> check_scope(const ApiCall& call, const Claim& claim) {
  const std::string host_region = region_of_host(*call.request);
  if (!is_region(claim.scope.region) ||
      (!host_region.empty() && host_region != claim.scope.region)) {
    return bad_signature(
        call, "Credential should be scoped to a valid region, not '" + claim.scope.region + "'. ");
  }
  if (claim.scope.service != signing_name(call.service)) {
    return bad_signature(call, "Credential should be scoped to correct service: '" +
                                   std::string(signing_name(call.service)) + "'. ");
  }
  if (claim.scope.date != claim.time.substr(0, 8)) {
    return bad_signature(call,
                         "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
                         "of date from HTTP: '" +
                             claim.scope.date + "' != '" + claim.time.substr(0, 8) + "', from '" +
                             claim.time + "'.");
  }
  return Unit{};
}

ApiResult<Unit> check_time(const ApiCall& call, const Claim& claim) {
  if (std::llabs(claim.time_ms - call.now_ms) <= kApiMaxSkewMs) return Unit{};
  const std::string now = format_amz_time(call.now_ms);
  if (claim.time_ms < call.now_ms) {
    return bad_signature(call, "Signature expired: " + claim.time + " is now earlier than " +
                                   format_amz_time(call.now_ms - kApiMaxSkewMs) + " (" + now +
                                   " - 15 min.)");
  }
  return bad_signature(call, "Signature not yet current: " + claim.time + " is still later than " +
                                 format_amz_time(call.now_ms + kApiMaxSkewMs) + " (" + now +
                                 " + 15 min.)");
}

ApiResult<AccessKeyInfo> check_key(const ApiCall& call, const Iam& iam, const Claim& claim) {
  auto key = iam.find_key(claim.key_id);
  const std::string token = call.request->header_or_empty("x-amz-security-token");
  if (!key || key->session_token != token) {
    return refusal(call, "InvalidClientTokenId", "UnrecognizedClientException",
                   "The security token included in the request is invalid.");
  }
  if (key->expires_ms != 0 && call.now_ms >= key->expires_ms) {
    return refusal(call, "ExpiredToken", "ExpiredTokenException",
                   "The security token included in the request is expired");
  }
  return *std::move(key);
}

ApiResult<Unit> check_signed_names(const ApiCall& call, const Claim& claim) {
  const auto& names = claim.signed_names;
  for (const auto& [name, value] : call.request->headers) {
    if (name != "host" && name.rfind("x-amz-", 0) != 0) continue;
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return bad_signature(call, "'" + name + "' must be a 'SignedHeader' in the AWS Authorization.");
  }
  return Unit{};
}

ApiResult<Unit> check_signature(const ApiCall& call, const Claim& claim, const AccessKeyInfo& key) {
  const auto query = canonical_query(call.request->query, "X-Amz-Signature");
  const std::string canonical = call.request->method + "\n" + call.request->path + "\n" +
                                query.value_or("") + "\n" +
                                canonical_headers(call.request->headers, claim.signed_names) +
                                "\n" + join(claim.signed_names, ";") + "\n" + sha256_hex(call.body);
  const std::string expected = sign_hex(signing_key(key.secret, claim.scope),
                                        string_to_sign(claim.time, claim.scope, canonical));
  const bool same = query && expected.size() == claim.signature.size() &&
                    CRYPTO_memcmp(expected.data(), claim.signature.data(), expected.size()) == 0;
  if (same) return Unit{};
  return bad_signature(call,
                       "The request signature we calculated does not match the signature you "
                       "provided. Check your AWS Secret Access Key and signing method. Consult "
                       "the service documentation for details.");
}

}  // namespace

std::string unsigned_region(const HttpRequest& request) {
  const std::string region = region_of_host(request);
  return region.empty() ? "us-east-1" : region;
}

ApiResult<Unit> authenticate_call(const Iam& iam, ApiCall* call) {
  VESTO_ASSIGN(const Claim claim, read_claim(*call));
  VESTO_TRY(check_scope(*call, claim));
  VESTO_ASSIGN(AccessKeyInfo key, check_key(*call, iam, claim));
  VESTO_TRY(check_time(*call, claim));
  VESTO_TRY(check_signed_names(*call, claim));
  VESTO_TRY(check_signature(*call, claim, key));
  call->key = std::move(key);
  call->region = claim.scope.region;
  call->origin.region = claim.scope.region;
  return Unit{};
}

}  // namespace vesto::sandbox
