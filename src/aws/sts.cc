#include "aws/sts.h"

#include "address/arn.h"
#include "aws/json_answer.h"
#include "aws/query_api.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr const char* kVersion = "2011-06-15";
constexpr size_t kMaxSessionNameBytes = 64;
constexpr size_t kMaxArnBytes = 2048;
constexpr size_t kMaxKeyIdBytes = 128;
constexpr size_t kMaxSecretKeyBytes = 1024;
constexpr size_t kMaxSessionTokenBytes = 64 << 10;  // AWS promises no length
constexpr size_t kMaxWebTokenBytes = 20'000;
constexpr int64_t kShortestS = 900;
constexpr int64_t kLongestS = 43'200;

bool is_session_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_+=,.@-").find(c) != std::string_view::npos;
}

// 2 to 64 of [\w+=,.@-]; a character of several bytes becomes one "-".
std::string clean_session_name(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (continues) continue;
    out += is_session_name_char(c) ? c : '-';
  }
  out.resize(std::min(out.size(), kMaxSessionNameBytes));
  if (out.empty()) return "vesto";
  return out.size() < 2 ? "vesto-" + out : out;
}

Status check_request(const AssumeRoleRequest& request) {
  const bool plain = printable(request.role_arn, false) == request.role_arn;
  if (!request.role_arn.starts_with("arn:") || request.role_arn.size() > kMaxArnBytes || !plain) {
    return Error(ErrorCode::kCfgValue,
                 "\"" + outside_text(request.role_arn, 100) + "\" is not the ARN of a role")
        .with_hint("Give it as arn:aws:iam::ACCOUNT:role/NAME.");
  }
  if (request.duration_s < kShortestS || request.duration_s > kLongestS) {
    return Error(ErrorCode::kCfgValue, "a role cannot be assumed for " +
                                           std::to_string(request.duration_s) +
                                           " seconds: 900 to 43,200 are possible");
  }
  return ok_status();
}

Result<AssumedRole> read_role(const std::string& body, const std::string& action, int64_t now_ms) {
  VESTO_ASSIGN(const auto answer, parse_xml_answer(body, action + "Response"));
  const std::string result = action + "Result";
  const std::string keys = result + "/Credentials/";
  AssumedRole role;
  // The secrets first: from here on no text can show them.
  role.credentials.secret_access_key = answer->secret(keys + "SecretAccessKey");
  role.credentials.session_token = answer->secret(keys + "SessionToken");
  VESTO_TRY(
      check_secret(role.credentials.secret_access_key, "SecretAccessKey", kMaxSecretKeyBytes));
  VESTO_TRY(check_secret(role.credentials.session_token, "SessionToken", kMaxSessionTokenBytes));
  VESTO_ASSIGN(role.credentials.access_key_id, answer->text(keys + "AccessKeyId", kMaxKeyIdBytes));
  if (!is_access_key_id(role.credentials.access_key_id)) {
    return bad_aws_answer("AccessKeyId holds characters that it cannot have");
  }
  VESTO_ASSIGN(role.credentials.expires_at_ms, answer->expiry_ms(keys + "Expiration", now_ms));
  VESTO_ASSIGN(role.arn, answer->text(result + "/AssumedRoleUser/Arn", kMaxArnBytes));
  if (!is_session_arn(role.arn)) {
    return bad_aws_answer("AssumedRoleUser/Arn \"" + outside_text(role.arn, 200) +
                          "\" is not the ARN of a role's session");
  }
  VESTO_ASSIGN(role.subject, answer->optional_text(result + "/SubjectFromWebIdentityToken", 1024));
  VESTO_ASSIGN(role.audience, answer->optional_text(result + "/Audience", 1024));
  return role;
}

class StsClient final : public Sts {
 public:
  StsClient(StsOptions options, Clock& clock, std::unique_ptr<HttpTransport> http)
      : api_({.service = AwsService::kSts,
              .signing_name = "sts",
              .region = std::move(options.region),
              .endpoint = std::move(options.endpoint)},
             clock, std::move(http)) {}

  Result<AssumedRole> assume_role_with_web_identity(const AssumeRoleRequest& request,
                                                    const Secret& token,
                                                    const std::stop_token& stop) override {
    VESTO_TRY(check_request(request));
    const size_t size = token.reveal().size();
    if (size < 4 || size > kMaxWebTokenBytes) {
      return Error(ErrorCode::kAwsToken, "an identity token of " + std::to_string(size) +
                                             " bytes: AWS takes 4 to 20,000");
    }
    NameValues fields = role_fields("AssumeRoleWithWebIdentity", request);
    fields.emplace_back("WebIdentityToken", token.reveal());
    return assume("AssumeRoleWithWebIdentity", request, fields, nullptr, stop);
  }

  Result<AssumedRole> assume_role(const AssumeRoleRequest& request, const AwsCredentials& as,
                                  const std::stop_token& stop) override {
    VESTO_TRY(check_request(request));
    NameValues fields = role_fields("AssumeRole", request);
    if (!request.external_id.empty()) fields.emplace_back("ExternalId", request.external_id);
    return assume("AssumeRole", request, fields, &as, stop);
  }

  Result<CallerIdentity> get_caller_identity(const AwsCredentials& as,
                                             const std::stop_token& stop) override {
    CallerIdentity who;
    VESTO_TRY(api_.send(
        {.action = "sts:GetCallerIdentity", .who = as.access_key_id},
        {.content_type = kFormContentType,
         .body = form_body({{"Action", "GetCallerIdentity"}, {"Version", kVersion}}),
         .as = &as},
        stop, [&](const std::string& body) -> Status {
          VESTO_ASSIGN(const auto answer, parse_xml_answer(body, "GetCallerIdentityResponse"));
          const std::string result = "GetCallerIdentityResult/";
          VESTO_ASSIGN(who.arn, answer->text(result + "Arn", kMaxArnBytes));
          VESTO_ASSIGN(who.account, answer->text(result + "Account", 32));
          VESTO_ASSIGN(who.user_id, answer->text(result + "UserId", 256));
          return ok_status();
        }));
    return who;
  }

 private:
  static NameValues role_fields(const std::string& action, const AssumeRoleRequest& request) {
    NameValues fields = {{"Action", action},
                         {"Version", kVersion},
                         {"RoleArn", request.role_arn},
                         {"RoleSessionName", clean_session_name(request.session_name)},
                         {"DurationSeconds", std::to_string(request.duration_s)}};
    if (!request.session_policy.empty()) fields.emplace_back("Policy", request.session_policy);
    return fields;
  }

  Result<AssumedRole> assume(const std::string& action, const AssumeRoleRequest& request,
                             const NameValues& fields, const AwsCredentials* as,
                             const std::stop_token& stop) {
    AwsCall call{.action = "sts:" + action, .what = request.role_arn};
    if (as != nullptr) {
      call.who = as->access_key_id;
      call.external_id = request.external_id;
    }
    AssumedRole role;
    VESTO_TRY(api_.send(call,
                        {.content_type = kFormContentType, .body = form_body(fields), .as = as},
                        stop, [&](const std::string& body) -> Status {
                          VESTO_ASSIGN(role, read_role(body, action, api_.now_ms()));
                          return ok_status();
                        }));
    return role;
  }

  QueryApi api_;
};

}  // namespace

std::unique_ptr<Sts> make_sts(StsOptions options, Clock& clock,
                              std::unique_ptr<HttpTransport> http) {
  return std::make_unique<StsClient>(std::move(options), clock, std::move(http));
}

}  // namespace vesto
