#include "sandbox/aws/iam_gate.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto::sandbox {

std::optional<AccessKey> IamKeyRing::find(std::string_view id) const {
  const auto key = iam_.find_key(id);
  if (!key) return std::nullopt;
  return AccessKey{.id = key->id,
                   .secret = key->secret,
                   .session_token = key->session_token,
                   .expires_ms = key->expires_ms};
}

std::optional<S3Error> IamGate::refuse(const S3Access& access) const {
  const auto key = iam_.find_key(access.access_key_id);
  if (!key) {
    return S3Error{403, "InvalidAccessKeyId",
                   "The AWS Access Key Id you provided does not exist in our records."};
  }
  RequestContext context;
  for (const auto& [name, value] : access.context) context.set(name, value);
  std::string resource = "arn:aws:s3:::" + std::string(access.bucket);
  if (!access.key.empty()) resource += "/" + std::string(access.key);
  if (access.bucket.empty()) resource = "*";
  if (const auto denial = iam_.authorize(*key, access.action, resource, context)) {
    return S3Error{403, "AccessDenied", denial->s3_text};
  }
  return refuse_kms(*key, access);
}

// A bucket whose objects are encrypted with a key of its owner: writing needs a data key, reading
// needs to decrypt one.
std::optional<S3Error> IamGate::refuse_kms(const AccessKeyInfo& key, const S3Access& access) const {
  const bool writes = access.action == "s3:PutObject";
  if (!writes && access.action != "s3:GetObject") return std::nullopt;
  const auto bucket = iam_.bucket(access.bucket);
  if (!bucket || bucket->kms_key.empty()) return std::nullopt;
  const auto kms_key = iam_.kms_key(bucket->kms_key);
  if (!kms_key) {
    return S3Error{400, "KMS.NotFoundException", "Key '" + bucket->kms_key + "' does not exist"};
  }
  if (!kms_key->enabled) {
    return S3Error{400, "KMS.DisabledException", bucket->kms_key + " is disabled."};
  }
  const char* action = writes ? "kms:GenerateDataKey" : "kms:Decrypt";
  if (const auto denial = iam_.authorize(key, action, bucket->kms_key, {})) {
    return S3Error{403, "AccessDenied", denial->text};
  }
  return std::nullopt;
}

Result<AccessKey, std::string> IamCopyRoles::assume(const std::string& role_arn) const {
  constexpr size_t kMaxChain = 10;
  const std::vector<std::string> roles = copy_roles_of(iam_.world(), served_);
  const auto unauthorized = [this](const std::string& arn) {
    if (!served_.serverless) return std::string();
    return "exception name : UnauthorizedException, error type : 135, message: Not authorized to "
           "get credentials of role " +
           arn + ", should retry : 0";
  };
  std::vector<std::string> chain = split(role_arn, ',');
  if (role_arn == "default" && roles.empty()) return std::string("No default IAM role is set");
  if (role_arn == "default") chain = {roles.front()};
  const bool known = std::find(roles.begin(), roles.end(), chain.front()) != roles.end();
  if (!known || chain.size() > kMaxChain) return unauthorized(chain.front());
  std::optional<AccessKeyInfo> key;
  for (const std::string& arn : chain) {
    std::optional<IamError> denied;
    if (!key) {
      denied = iam_.may_service_assume("redshift.amazonaws.com", arn, {});
      if (denied && served_.serverless) {
        denied = iam_.may_service_assume("redshift-serverless.amazonaws.com", arn, {});
      }
    } else {
      denied = iam_.may_assume(*key, arn, {});
    }
    if (denied) return unauthorized(arn);
    const auto issued = iam_.issue({.role_arn = arn, .session_name = "RedshiftIamRoleSession"});
    if (!issued.ok()) return unauthorized(arn);
    key = iam_.find_key(issued->access_key_id);
    if (!key) return unauthorized(arn);
  }
  return AccessKey{.id = key->id,
                   .secret = key->secret,
                   .session_token = key->session_token,
                   .expires_ms = key->expires_ms};
}

}  // namespace vesto::sandbox
