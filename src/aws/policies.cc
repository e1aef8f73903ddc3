#include "aws/policies.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "address/arn.h"
#include "base/strings.h"

namespace vesto {

namespace {

using Json = nlohmann::ordered_json;  // keys as they are written here

// Characters of a session policy, as STS counts them before it packs the policy.
constexpr int64_t kMaxCharacters = 2048;
// Packed, a policy may fill 100 % of a space whose size AWS does not tell. One policy was measured:
// 1,690 characters, 157 % (with session tags, so that a policy alone may have some more).
// UNCONFIRMED as a rule for others; it is kept to, since a load must not fail at its COPY.
constexpr int64_t kMaxPackedCharacters = 1690 * 100 / 157;
static_assert(kMaxPackedCharacters < kMaxCharacters);
constexpr const char* kPolicyVersion = "2012-10-17";  // the one with variables

// In a StringEquals there are variables, but no wildcards.
std::string literal_equals(std::string_view text) { return replace_all(text, "$", "${$}"); }

// "\\u00e9" of JSON at `at`: the character, if it is one of U+00A0 to U+00FF; else 0.
unsigned latin1_escape(std::string_view json, size_t at) {
  constexpr size_t kLength = 6;
  unsigned code = 0;
  if (json.substr(at, 4) != "\\u00" || json.size() < at + kLength) return 0;
  for (const char c : json.substr(at + 4, 2)) {
    const size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) return 0;
    code = code * 16 + static_cast<unsigned>(digit);
  }
  return code >= 0xA0 ? code : 0;
}

// STS takes U+0020 to U+00FF as they are, and no other character: U+00A0 to U+00FF are written so,
// and the rest that is not ASCII as \uXXXX, which JSON means the same by (that IAM reads it so is
// UNCONFIRMED).
std::string dumped(const Json& policy, int indent) {
  const std::string ascii =
      policy.dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  std::string out;
  out.reserve(ascii.size());
  for (size_t i = 0; i < ascii.size(); ++i) {
    if (const unsigned code = latin1_escape(ascii, i); code != 0) {
      out += static_cast<char>(0xC0U | (code >> 6U));
      out += static_cast<char>(0x80U | (code & 0x3FU));
      i += 5;
      continue;
    }
    out += ascii[i];
    if (ascii[i] == '\\') out += ascii[++i];  // what it escapes begins no other
  }
  return out;
}

int64_t count_characters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

bool is_utf8(const std::string& text) {
  const Json json = text;
  return json.dump(-1, ' ', false, Json::error_handler_t::ignore) ==
         json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Error bad_part(const std::string& what) {
  return {ErrorCode::kCfgValue, "a session policy cannot be written: " + what};
}

Status check_key_arn(const std::string& text) {
  const std::string_view fault = kms_key_fault(text);
  if (fault.empty()) return ok_status();
  return Error(bad_part("\"" + printable(cut_utf8(text, 200), false) + "\" " + std::string(fault)))
      .with_hint("Give the key's own ARN (arn:aws:kms:REGION:ACCOUNT:key/ID), not an alias.");
}

Json policy_of(Json statements) {
  return {{"Version", kPolicyVersion}, {"Statement", std::move(statements)}};
}

std::string bucket_arn_of(const PermissionNeeds& needs) {
  return "arn:" + needs.partition + ":s3:::" + policy_literal(needs.bucket);
}

// ListBucket is a right to the bucket; what it lists is narrowed by its condition.
Json list_statement(const PermissionNeeds& needs) {
  Json list = {
      {"Effect", "Allow"}, {"Action", "s3:ListBucket"}, {"Resource", bucket_arn_of(needs)}};
  if (!needs.prefix.empty()) {
    list["Condition"] = {{"StringLike", {{"s3:prefix", policy_literal(needs.prefix) + "*"}}}};
  }
  return list;
}

}  // namespace

std::string policy_literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '$') {
      out += std::string("${") + c + "}";
    } else {
      out += c;
    }
  }
  return out;
}

Result<std::string> copy_session_policy(const std::string& partition, const std::string& bucket,
                                        const std::string& key_prefix,
                                        const std::string& kms_key_arn) {
  if (find_partition(partition) == nullptr) return bad_part("no such partition: " + partition);
  if (bucket.empty() || key_prefix.empty()) return bad_part("no bucket, or no prefix");
  if (!is_utf8(bucket) || !is_utf8(key_prefix)) return bad_part("the prefix is no UTF-8");
  const std::string bucket_arn = "arn:" + partition + ":s3:::" + policy_literal(bucket);
  const std::string keys = policy_literal(key_prefix) + "*";
  Json statements = Json::array();
  statements.push_back(
      {{"Effect", "Allow"}, {"Action", "s3:GetObject"}, {"Resource", bucket_arn + "/" + keys}});
  statements.push_back({{"Effect", "Allow"},
                        {"Action", "s3:ListBucket"},
                        {"Resource", bucket_arn},
                        {"Condition", {{"StringLike", {{"s3:prefix", keys}}}}}});
  if (!kms_key_arn.empty()) {
    VESTO_TRY(check_key_arn(kms_key_arn));
    statements.push_back(
        {{"Effect", "Allow"}, {"Action", "kms:Decrypt"}, {"Resource", kms_key_arn}});
  }
  std::string policy = dumped(policy_of(std::move(statements)), -1);
  const int64_t characters = count_characters(policy);
  if (characters <= kMaxPackedCharacters) return policy;
  return bad_part("it has " + format_count(characters) + " characters, AWS takes " +
                  (characters > kMaxCharacters
                       ? format_count(kMaxCharacters)
                       : "about " + format_count(kMaxPackedCharacters) + " in packed form"));
}

std::string trust_policy_google(const std::string& sub, const std::string& oaud) {
  Json statement = {{"Effect", "Allow"},
                    {"Principal", {{"Federated", "accounts.google.com"}}},
                    {"Action", "sts:AssumeRoleWithWebIdentity"},
                    {"Condition",
                     {{"StringEquals",
                       {{"accounts.google.com:sub", literal_equals(sub)},
                        {"accounts.google.com:oaud", literal_equals(oaud)}}}}}};
  return dumped(policy_of(Json::array({std::move(statement)})), 2);
}

std::string trust_policy_account(const std::string& principal_arn, const std::string& external_id) {
  Json statement = {
      {"Effect", "Allow"}, {"Principal", {{"AWS", principal_arn}}}, {"Action", "sts:AssumeRole"}};
  if (!external_id.empty()) {
    statement["Condition"] = {{"StringEquals", {{"sts:ExternalId", literal_equals(external_id)}}}};
  }
  return dumped(policy_of(Json::array({std::move(statement)})), 2);
}

std::string trust_policy_pods(const std::string& provider_arn, const std::string& issuer,
                              const std::string& subject) {
  Json statement = {
      {"Effect", "Allow"},
      {"Principal", {{"Federated", provider_arn}}},
      {"Action", "sts:AssumeRoleWithWebIdentity"},
      {"Condition",
       {{"StringEquals",
         {{issuer + ":sub", literal_equals(subject)}, {issuer + ":aud", "sts.amazonaws.com"}}}}}};
  return dumped(policy_of(Json::array({std::move(statement)})), 2);
}

std::string permission_policy(const PermissionNeeds& needs) {
  Json statements = Json::array({list_statement(needs)});
  statements.push_back(
      {{"Effect", "Allow"},
       {"Action", Json::array({"s3:PutObject", "s3:GetObject", "s3:DeleteObject"})},
       {"Resource", bucket_arn_of(needs) + "/" + policy_literal(needs.prefix) + "*"}});
  if (!needs.own_role_arn.empty()) {
    statements.push_back({{"Effect", "Allow"},
                          {"Action", "iam:GetRole"},
                          {"Resource", policy_literal(needs.own_role_arn)}});
  }
  if (!needs.kms_key_arn.empty()) {
    statements.push_back({{"Effect", "Allow"},
                          {"Action", Json::array({"kms:GenerateDataKey", "kms:Decrypt"})},
                          {"Resource", needs.kms_key_arn}});
  }
  if (!needs.status_action.empty()) {
    statements.push_back({{"Effect", "Allow"},
                          {"Action", needs.status_action},
                          {"Resource", needs.status_resource}});
  }
  if (!needs.login_action.empty()) {
    statements.push_back(
        {{"Effect", "Allow"}, {"Action", needs.login_action}, {"Resource", needs.login_resources}});
  }
  return dumped(policy_of(std::move(statements)), 2);
}

std::string copy_role_policy(const PermissionNeeds& needs) {
  Json statements = Json::array({list_statement(needs)});
  statements.push_back(
      {{"Effect", "Allow"},
       {"Action", "s3:GetObject"},
       {"Resource", bucket_arn_of(needs) + "/" + policy_literal(needs.prefix) + "*"}});
  if (!needs.kms_key_arn.empty()) {
    statements.push_back(
        {{"Effect", "Allow"}, {"Action", "kms:Decrypt"}, {"Resource", needs.kms_key_arn}});
  }
  return dumped(policy_of(std::move(statements)), 2);
}

std::string assume_role_policy(const std::string& role_arn) {
  Json statement = {
      {"Effect", "Allow"}, {"Action", "sts:AssumeRole"}, {"Resource", policy_literal(role_arn)}};
  return dumped(policy_of(Json::array({std::move(statement)})), 2);
}

std::string trust_policy_services(const std::vector<std::string>& services) {
  Json statement = {
      {"Effect", "Allow"}, {"Principal", {{"Service", services}}}, {"Action", "sts:AssumeRole"}};
  return dumped(policy_of(Json::array({std::move(statement)})), 2);
}

}  // namespace vesto
