// Temporary keys as JSON: what credential_process prints, and what the container's and the
// instance's credential services answer. Pure; any thread.
#ifndef VESTO_AWS_KEYS_JSON_H_
#define VESTO_AWS_KEYS_JSON_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/result.h"

namespace vesto {

// "2026-11-22T01:26:56Z", with a fraction or with "+01:00" in the place of Z, as milliseconds.
std::optional<int64_t> parse_expiration(std::string_view text);

// AccessKeyId, SecretAccessKey, `token_field`, Expiration; moves the secrets out of `object`.
// Errors: `code`, beginning with `where`, for what is missing, misshaped or has expired.
Result<AwsCredentials> keys_from_json(nlohmann::json& object, const char* token_field,
                                      const std::string& where, ErrorCode code, int64_t now_ms);

// Whether the keys can travel in a header and stand in a statement: an id as is_access_key_id() has
// it, and secrets without blanks or control characters, of a length that AWS gives out at most
// (16 KiB).
bool are_usable(const AwsCredentials& keys);

}  // namespace vesto

#endif  // VESTO_AWS_KEYS_JSON_H_
