#include "sandbox/s3/request_auth.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/s3/dates.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr int64_t kMaxExpiresSeconds = 604'800;

// What a request says about its signature, in either form.
struct Claim {
  bool presigned = false;
  std::string key_id;
  SigningScope scope;
  std::vector<std::string> signed_names;
  std::string signature;
  std::string time;
  int64_t time_ms = 0;
  int64_t expires_s = 0;  // presigned
  std::string token;
};

S3Error malformed(const Claim& claim, std::string text) {
  if (claim.presigned) {
    return S3Error{400, "AuthorizationQueryParametersError", std::move(text)};
  }
  return S3Error{400, "AuthorizationHeaderMalformed",
                 "The authorization header is malformed; " + std::move(text)};
}

S3Error access_denied(std::string text) { return S3Error{403, "AccessDenied", std::move(text)}; }

// Credential=<id>/<date>/<region>/s3/aws4_request
std::optional<S3Error> read_credential(std::string_view text, Claim& claim) {
  const std::vector<std::string> parts = split(text, '/');
  // A key id may hold slashes itself; the scope is the last four parts.
  if (parts.size() < 5) {
    return malformed(claim, claim.presigned
                                ? "Error parsing the X-Amz-Credential parameter; the Credential is "
                                  "mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/"
                                  "aws4_request\"."
                                : "the Credential is mal-formed; expecting "
                                  "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  }
  const size_t n = parts.size();
  claim.key_id = join({parts.begin(), parts.end() - 4}, "/");
  claim.scope = {parts[n - 4], parts[n - 3], parts[n - 2]};
  if (parts[n - 1] != "aws4_request") {
    return malformed(
        claim, "incorrect terminal \"" + parts[n - 1] + "\". This endpoint uses \"aws4_request\".");
  }
  return std::nullopt;
}

std::optional<S3Error> read_header_claim(const HttpRequest& request, std::string_view value,
                                         Claim& claim) {
  std::string credential;
  std::string signed_headers;
  for (const std::string& raw : split(value.substr(kAlgorithm.size()), ',')) {
    const std::string_view part = trim(raw);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = part.substr(0, equals);
    const std::string_view text = part.substr(equals + 1);
    if (name == "Credential") credential = std::string(text);
    if (name == "SignedHeaders") signed_headers = std::string(text);
    if (name == "Signature") claim.signature = std::string(text);
  }
  if (credential.empty())
    return malformed(claim,
                     "the authorization header requires three "
                     "components: Credential, SignedHeaders, and "
                     "Signature.");
  if (auto error = read_credential(credential, claim)) return error;
  if (signed_headers.empty() || claim.signature.empty()) {
    return malformed(claim,
                     "the authorization header requires three components: Credential, "
                     "SignedHeaders, and Signature.");
  }
  claim.signed_names = split(signed_headers, ';');
  claim.time = request.header_or_empty("x-amz-date");
  auto time_ms = parse_amz_time(claim.time);
  if (claim.time.empty()) {
    time_ms = parse_http_date(request.header_or_empty("date"));
    if (time_ms) claim.time = format_amz_time(*time_ms);
  }
  if (!time_ms) {
    return access_denied("AWS authentication requires a valid Date or x-amz-date header");
  }
  claim.time_ms = *time_ms;
  claim.token = request.header_or_empty("x-amz-security-token");
  return std::nullopt;
}

std::optional<S3Error> read_query_claim(const QueryParameters& query, Claim& claim) {
  claim.presigned = true;
  const auto value = [&query](std::string_view name) {
    const std::string* found = find_parameter(query, name);
    return found == nullptr ? std::string() : *found;
  };
  if (value("X-Amz-Algorithm") != kAlgorithm) {
    return malformed(claim,
                     "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and "
                     "AWS4-ECDSA-P256-SHA256\"");
  }
  for (const char* name : {"X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date",
                           "X-Amz-SignedHeaders", "X-Amz-Expires"}) {
    if (value(name).empty()) {
      return malformed(claim,
                       "Query-string authentication version 4 requires the "
                       "X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
                       "X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
    }
  }
  if (auto error = read_credential(value("X-Amz-Credential"), claim)) return error;
  claim.signature = value("X-Amz-Signature");
  claim.signed_names = split(value("X-Amz-SignedHeaders"), ';');
  claim.token = value("X-Amz-Security-Token");
  claim.time = value("X-Amz-Date");
  const auto time_ms = parse_amz_time(claim.time);
  if (!time_ms) {
    return malformed(claim,
                     "X-Amz-Date must be in the ISO8601 Long Format "
                     "\"yyyyMMdd'T'HHmmss'Z'\"");
  }
  claim.time_ms = *time_ms;
  const auto expires = parse_int(value("X-Amz-Expires"));
  if (!expires) return malformed(claim, "X-Amz-Expires should be a number");
  if (*expires < 0) return malformed(claim, "X-Amz-Expires must be non-negative");
  if (*expires > kMaxExpiresSeconds) {
    return malformed(claim,
                     "X-Amz-Expires must be less than a week (in seconds); that is, the "
                     "given X-Amz-Expires must be less than 604800 seconds");
  }
  claim.expires_s = *expires;
  return std::nullopt;
}

S3Result<Claim> read_claim(const HttpRequest& request, const QueryParameters& query) {
  Claim claim;
  const std::string* header = request.header("authorization");
  const bool in_query = find_parameter(query, "X-Amz-Algorithm") != nullptr;
  const S3Error unsupported{400, "InvalidRequest",
                            "The authorization mechanism you have provided is not supported. "
                            "Please use AWS4-HMAC-SHA256."};
  if (header != nullptr && in_query) {
    return S3Error{400, "InvalidArgument",
                   "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                   "Signature query string parameter or the Authorization header should be "
                   "specified"};
  }
  if (header == nullptr && !in_query) {
    if (find_parameter(query, "AWSAccessKeyId") != nullptr) return unsupported;
    return access_denied("Access Denied");
  }
  if (header != nullptr) {
    if (header->rfind(std::string(kAlgorithm) + " ", 0) != 0) return unsupported;
    if (auto error = read_header_claim(request, *header, claim)) return *std::move(error);
  } else if (auto error = read_query_claim(query, claim)) {
    return *std::move(error);
  }
  return claim;
}

// As "eu-west-1", "us-gov-east-1".
bool has_form_of_region(std::string_view text) {
  const std::vector<std::string> parts = split(text, '-');
  if (parts.size() < 3 || !parse_int(parts.back())) return false;
  return std::all_of(parts.begin(), parts.end() - 1, [](const std::string& part) {
    return !part.empty() &&
           part.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
  });
}

std::optional<S3Error> check_scope(const Claim& claim, std::string_view region) {
  if (region.empty() && !has_form_of_region(claim.scope.region)) {
    return malformed(claim, "the region '" + claim.scope.region + "' is wrong");
  }
  if (!region.empty() && claim.scope.region != region) {
    S3Error error = malformed(claim, "the region '" + claim.scope.region +
                                         "' is wrong; expecting '" + std::string(region) + "'");
    if (claim.presigned) {
      error.message = "Error parsing the X-Amz-Credential parameter; " + error.message;
    }
    error.extra["Region"] = std::string(region);
    return error;
  }
  if (claim.scope.service != "s3") {
    return malformed(claim, "incorrect service \"" + claim.scope.service +
                                "\". This endpoint belongs to \"s3\".");
  }
  if (claim.scope.date != claim.time.substr(0, 8)) {
    return malformed(claim, "Invalid credential date \"" + claim.scope.date +
                                "\". This date is not the same as X-Amz-Date: \"" +
                                claim.time.substr(0, 8) + "\".");
  }
  return std::nullopt;
}

std::optional<S3Error> check_time(const Claim& claim, int64_t now_ms) {
  if (claim.presigned) {
    if (claim.time_ms > now_ms + kMaxSkewMs) {
      S3Error error = access_denied("Request is not yet valid");
      error.extra["ServerTime"] = format_utc_seconds(now_ms);
      return error;
    }
    const int64_t end_ms = claim.time_ms + claim.expires_s * 1000;
    if (now_ms <= end_ms) return std::nullopt;
    S3Error error = access_denied("Request has expired");
    error.extra["X-Amz-Expires"] = std::to_string(claim.expires_s);
    error.extra["Expires"] = format_utc_seconds(end_ms);
    error.extra["ServerTime"] = format_utc_seconds(now_ms);
    return error;
  }
  if (std::llabs(claim.time_ms - now_ms) <= kMaxSkewMs) return std::nullopt;
  S3Error error{403, "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large."};
  error.extra["RequestTime"] = claim.time;
  error.extra["ServerTime"] = format_utc_seconds(now_ms);
  error.extra["MaxAllowedSkewMilliseconds"] = std::to_string(kMaxSkewMs);
  return error;
}

S3Result<AccessKey> check_key(const Claim& claim, const KeyRing& keys, int64_t now_ms) {
  auto key = keys.find(claim.key_id);
  // Temporary keys without their token are answered as an unknown key.
  if (!key || (!key->session_token.empty() && claim.token.empty())) {
    S3Error error{403, "InvalidAccessKeyId",
                  "The AWS Access Key Id you provided does not exist in our records."};
    error.extra["AWSAccessKeyId"] = claim.key_id;
    return error;
  }
  if (key->session_token != claim.token) {
    S3Error error{400, "InvalidToken", "The provided token is malformed or otherwise invalid."};
    error.extra["Token-0"] = claim.token;
    return error;
  }
  if (key->expires_ms != 0 && now_ms >= key->expires_ms) {
    S3Error error{400, "ExpiredToken", "The provided token has expired."};
    error.extra["Token-0"] = claim.token;
    return error;
  }
  return *std::move(key);
}

// S3 insists that host and every x-amz-* header are covered.
std::optional<S3Error> check_signed_names(const HttpRequest& request, const Claim& claim) {
  std::string missing;
  for (const auto& [name, value] : request.headers) {
    if (name != "host" && name.rfind("x-amz-", 0) != 0) continue;
    const auto& names = claim.signed_names;
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    // In a presigned request the hash is a marker that need not be sent, nor signed.
    if (claim.presigned && name == "x-amz-content-sha256") continue;
    missing += missing.empty() ? name : ", " + name;
  }
  if (missing.empty()) return std::nullopt;
  S3Error error = access_denied("There were headers present in the request which were not signed");
  error.extra["HeadersNotSigned"] = missing;
  return error;
}

std::string bytes_in_hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!out.empty()) out += ' ';
    out += to_hex(std::string_view(&c, 1));
  }
  return out;
}

std::optional<S3Error> read_payload_kind(const std::string& value, AuthenticRequest& out) {
  if (value == "UNSIGNED-PAYLOAD") {
    out.payload = PayloadKind::kUnsigned;
  } else if (value == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") {
    out.payload = PayloadKind::kSignedChunks;
  } else if (value == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") {
    out.payload = PayloadKind::kSignedChunksTrailer;
  } else if (value == "STREAMING-UNSIGNED-PAYLOAD-TRAILER") {
    out.payload = PayloadKind::kUnsignedTrailer;
  } else if (value.size() == 64 &&
             value.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos) {
    out.payload = PayloadKind::kHashed;
    out.payload_sha256 = to_lower_ascii(value);
  } else {
    S3Error error{400, "InvalidArgument",
                  "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                  "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value."};
    error.extra["ArgumentName"] = "x-amz-content-sha256";
    error.extra["ArgumentValue"] = value;
    return error;
  }
  return std::nullopt;
}

// What stands for the body in the canonical request. A presigned request names it only where it
// was signed, as a header or as a parameter.
std::string claimed_payload(const HttpRequest& request, const QueryParameters& query,
                            const Claim& claim) {
  std::string value = request.header_or_empty("x-amz-content-sha256");
  if (!claim.presigned) return value;
  const auto& names = claim.signed_names;
  if (std::find(names.begin(), names.end(), "x-amz-content-sha256") != names.end()) return value;
  const std::string* parameter = find_parameter(query, "X-Amz-Content-Sha256");
  return parameter == nullptr ? "UNSIGNED-PAYLOAD" : *parameter;
}

bool same_signature(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

S3Result<AuthenticRequest> authenticate(const HttpRequest& request, const KeyRing& keys,
                                        std::string_view region, int64_t now_ms) {
  const S3Error bad_uri{400, "InvalidURI", "Couldn't parse the specified URI."};
  const auto query = parse_query(request.query);
  const auto path = canonical_path(request.path);
  const auto sorted_query = canonical_query(request.query, "X-Amz-Signature");
  if (!query || !path || !sorted_query) return bad_uri;
  VESTO_ASSIGN(const Claim claim, read_claim(request, *query));
  if (auto error = check_scope(claim, region)) return *std::move(error);
  VESTO_ASSIGN(const AccessKey key, check_key(claim, keys, now_ms));
  if (auto error = check_time(claim, now_ms)) return *std::move(error);
  if (auto error = check_signed_names(request, claim)) return *std::move(error);

  AuthenticRequest out;
  const std::string payload = claimed_payload(request, *query, claim);
  if (payload.empty()) {
    return S3Error{400, "InvalidRequest",
                   "Missing required header for this request: x-amz-content-sha256"};
  }
  if (auto error = read_payload_kind(payload, out)) return *std::move(error);

  const std::string canonical = request.method + "\n" + *path + "\n" + *sorted_query + "\n" +
                                canonical_headers(request.headers, claim.signed_names) + "\n" +
                                join(claim.signed_names, ";") + "\n" + payload;
  const std::string text = string_to_sign(claim.time, claim.scope, canonical);
  out.key = signing_key(key.secret, claim.scope);
  out.signature = sign_hex(out.key, text);
  if (!same_signature(out.signature, claim.signature)) {
    S3Error error{403, "SignatureDoesNotMatch",
                  "The request signature we calculated does not match the signature you provided. "
                  "Check your key and signing method."};
    error.extra = {
        {"AWSAccessKeyId", claim.key_id},       {"StringToSign", text},
        {"SignatureProvided", claim.signature}, {"StringToSignBytes", bytes_in_hex(text)},
        {"CanonicalRequest", canonical},        {"CanonicalRequestBytes", bytes_in_hex(canonical)}};
    return error;
  }
  out.access_key_id = claim.key_id;
  out.scope = claim.scope;
  out.time = claim.time;
  return out;
}

}  // namespace vesto::sandbox
