#include "aws/iam.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "aws/json_answer.h"
#include "aws/query_api.h"
#include "base/strings.h"

namespace vesto {

namespace {

using Json = nlohmann::json;

constexpr const char* kVersion = "2010-05-08";
// A trust policy has 4,096 characters at most, and each may become three.
constexpr size_t kMaxEncodedBytes = 64 << 10;
constexpr std::string_view kGoogle = "accounts.google.com";
constexpr std::string_view kGoogleSub = "accounts.google.com:sub";
// The token's azp: the application or the account that it was given to, which is one of theirs.
constexpr std::string_view kGoogleAud = "accounts.google.com:aud";
constexpr std::string_view kForAnyValue = "foranyvalue:";

// What IAM's requests are signed for: the region in which the partition keeps it.
std::string signing_region(std::string_view region) {
  const AwsPartition& partition = partition_of_region(region);
  if (partition.name == "aws-cn") return "cn-north-1";
  return std::string(partition.default_region);
}

// One or a list of them: policies allow both.
std::vector<std::string> texts(const Json& value) {
  std::vector<std::string> out;
  if (value.is_string()) out.push_back(value.get<std::string>());
  if (!value.is_array()) return out;
  for (const Json& one : value) {
    if (one.is_string()) out.push_back(one.get<std::string>());
  }
  return out;
}

bool any_of_texts(const Json& value, const std::function<bool(const std::string&)>& is) {
  const std::vector<std::string> all = texts(value);
  return std::any_of(all.begin(), all.end(), is);
}

bool lets_google_in(const Json& statement) {
  if (statement.value("Effect", Json()) != "Allow") return false;
  const Json action = statement.value("Action", Json());
  const bool assumes = any_of_texts(action, [](const std::string& one) {
    const std::string name = to_lower_ascii(one);
    return name == "*" || name == "sts:*" || name.starts_with("sts:assumerole");
  });
  if (!assumes) return false;
  const Json principal = statement.value("Principal", Json());
  if (principal == "*") return true;
  if (!principal.is_object()) return false;
  return any_of_texts(principal.value("Federated", Json()),
                      [](const std::string& one) { return one == kGoogle || one == "*"; });
}

// "StringEquals", with "IfExists" behind it or not: Google's tokens always have a sub. The same of
// StringLike where no pattern stands in it.
bool binds(std::string_view test, const Json& values) {
  std::string name = to_lower_ascii(test);
  // The keys have one value each, so that any of them is that one.
  if (name.starts_with(kForAnyValue)) name.erase(0, kForAnyValue.size());
  if (name.ends_with("ifexists")) name.resize(name.size() - 8);
  if (texts(values).empty()) return false;
  if (name == "stringequals" || name == "stringequalsignorecase") return true;
  return name == "stringlike" && !any_of_texts(values, [](const std::string& one) {
           return one.find_first_of("*?") != std::string::npos;
         });
}

bool names_whose(const Json& statement) {
  const Json conditions = statement.value("Condition", Json());
  if (!conditions.is_object()) return false;
  for (const auto& test : conditions.items()) {
    if (!test.value().is_object()) continue;
    for (const auto& key : test.value().items()) {
      const std::string name = to_lower_ascii(key.key());
      if ((name == kGoogleSub || name == kGoogleAud) && binds(test.key(), key.value())) return true;
    }
  }
  return false;
}

}  // namespace

Result<std::string> read_role_trust(const IamOptions& options, const std::string& role_name,
                                    const AwsCredentials& as, Clock& clock,
                                    std::unique_ptr<HttpTransport> http,
                                    const std::stop_token& stop) {
  const std::string endpoint = options.endpoint.empty()
                                   ? aws_endpoint(AwsService::kIam, options.region, {})
                                   : options.endpoint;
  QueryApi api({.service = AwsService::kIam,
                .signing_name = "iam",
                .region = signing_region(options.region),
                .endpoint = endpoint},
               clock, std::move(http));
  std::string encoded;
  VESTO_TRY(api.send(
      {.action = "iam:GetRole", .who = as.access_key_id, .what = role_name},
      {.content_type = kFormContentType,
       .body = form_body({{"Action", "GetRole"}, {"Version", kVersion}, {"RoleName", role_name}}),
       .as = &as},
      stop, [&](const std::string& body) -> Status {
        VESTO_ASSIGN(const auto answer, parse_xml_answer(body, "GetRoleResponse"));
        VESTO_ASSIGN(encoded,
                     answer->text("GetRoleResult/Role/AssumeRolePolicyDocument", kMaxEncodedBytes));
        return ok_status();
      }));
  std::optional<std::string> policy = percent_decode(encoded, /*plus_is_blank=*/false);
  if (!policy) return bad_aws_answer("AssumeRolePolicyDocument is not URL-encoded");
  return *std::move(policy);
}

GoogleTrust google_trust(std::string_view policy) {
  const std::optional<Json> json = parse_json_object(policy);
  if (!json) return GoogleTrust::kUnclear;
  Json statements = json->value("Statement", Json());
  if (statements.is_object()) statements = Json::array({statements});
  if (!statements.is_array()) return GoogleTrust::kUnclear;
  bool any = false;
  for (const Json& statement : statements) {
    if (!statement.is_object() || !lets_google_in(statement)) continue;
    if (!names_whose(statement)) return GoogleTrust::kAnybody;
    any = true;
  }
  return any ? GoogleTrust::kOurs : GoogleTrust::kUnclear;
}

}  // namespace vesto
