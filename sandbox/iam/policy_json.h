// JSON as policies are written in it: bounded, and no member twice. Pure; any thread.
#ifndef VESTO_SANDBOX_IAM_POLICY_JSON_H_
#define VESTO_SANDBOX_IAM_POLICY_JSON_H_

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"
#include "sandbox/iam/policy.h"

namespace vesto::sandbox {

size_t count_non_blank(std::string_view text);   // bytes but for blanks, tabs and line ends
size_t count_characters(std::string_view text);  // of UTF-8

// An object. At most 64 KiB with its blanks, kMaxPolicyDepth levels.
Result<nlohmann::json, PolicyError> parse_policy_json(std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_POLICY_JSON_H_
