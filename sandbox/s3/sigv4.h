// AWS Signature Version 4, the calculation alone: canonical request, string to sign, signature.
// Source: AWS "Signature Version 4 signing process"; S3 "Authenticating Requests"; vectors in
// tests/unit/sandbox_s3. Pure; any thread.
#ifndef VESTO_SANDBOX_S3_SIGV4_H_
#define VESTO_SANDBOX_S3_SIGV4_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vesto::sandbox {

struct SigningScope {
  std::string date;  // YYYYMMDD
  std::string region;
  std::string service;
  [[nodiscard]] std::string text() const;  // date/region/service/aws4_request
};

// The path decoded and encoded once, not normalised (S3's rule). Nothing if it cannot be decoded.
std::optional<std::string> canonical_path(std::string_view raw_path);
// Sorted by encoded name and value. Parameters named `leave_out` are left out.
std::optional<std::string> canonical_query(std::string_view raw_query, std::string_view leave_out);
// Lines "name:value\n" for the signed (lower-case) names; several values of a name are joined.
std::string canonical_headers(const std::vector<std::pair<std::string, std::string>>& headers,
                              const std::vector<std::string>& signed_names);

std::string signing_key(std::string_view secret, const SigningScope& scope);

// "AWS4-HMAC-SHA256\n<time>\n<scope>\n<hash of the canonical request>"
std::string string_to_sign(std::string_view time, const SigningScope& scope,
                           std::string_view canonical_request);
std::string sign_hex(std::string_view key, std::string_view text);  // 64 lower-case digits

// The links of the chain of an aws-chunked body; `previous` is the signature before.
std::string chunk_string_to_sign(std::string_view time, const SigningScope& scope,
                                 std::string_view previous, std::string_view data_sha256_hex);
std::string trailer_string_to_sign(std::string_view time, const SigningScope& scope,
                                   std::string_view previous, std::string_view trailer_sha256_hex);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_SIGV4_H_
