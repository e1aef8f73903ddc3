#include "sandbox/aws/iam_gate.h"

#include <algorithm>

#include "base/strings.h"
#include "sandbox/iam/public_policy.h"

namespace vesto::sandbox {

RequestContext service_context(const std::string& region) {
  return origin_context({.source_ip = kServiceAddress, .secure_transport = true, .region = region});
}

std::optional<AccessKey> IamKeyRing::find(std::string_view id) const {
  const auto key = iam_.find_key(id);
  if (!key) return std::nullopt;
  return AccessKey{.id = key->id,
                   .secret = key->secret,
                   .session_token = key->session_token,
                   .expires_ms = key->expires_ms};
}

std::optional<S3Error> IamGate::refuse(const S3Access& access) const {
  const bool anonymous = access.access_key_id.empty();
  const auto key = iam_.find_key(access.access_key_id);
  if (!key && !anonymous) {
    return S3Error{403, "InvalidAccessKeyId",
                   "The AWS Access Key Id you provided does not exist in our records."};
  }
  const S3Sender& sender = access.sender;
  RequestContext context = origin_context({.source_ip = sender.source_ip,
                                           .secure_transport = sender.secure_transport,
                                           .region = sender.region,
                                           .user_agent = sender.user_agent});
  add_s3_request(sender.presigned, sender.parameters, sender.headers, context);
  std::string resource = "arn:aws:s3:::" + std::string(access.bucket);
  if (!access.key.empty()) resource += "/" + std::string(access.key);
  if (access.bucket.empty()) resource = "*";
  const auto denial = anonymous ? iam_.authorize_anonymous(access.action, resource, context)
                                : iam_.authorize(*key, access.action, resource, context);
  if (denial) {
    return S3Error{403, "AccessDenied", denial->s3_text};
  }
  return refuse_kms(access);
}

std::string IamGate::account_of(std::string_view access_key_id) const {
  const auto key = iam_.find_key(access_key_id);
  return key ? key->principal.account : "";
}

std::string IamGate::owner_of(std::string_view bucket) const {
  const auto found = iam_.bucket(bucket);
  return found ? found->account : "";
}

// The store has as many buckets as the world at most.
void IamGate::bucket_made(const std::string& name, const std::string& account,
                          const std::string& region) const {
  static_cast<void>(iam_.put_bucket(name, account, region));
}

void IamGate::bucket_removed(const std::string& name) const { iam_.remove_bucket(name); }

std::optional<std::string> IamGate::policy_of(std::string_view bucket) const {
  const World world = iam_.written();
  const WorldBucket* found = world.bucket(bucket);
  if (found == nullptr || !found->policy) return std::nullopt;
  return found->policy->text;
}

std::optional<bool> IamGate::policy_is_public(std::string_view bucket) const {
  const World world = iam_.written();
  const WorldBucket* found = world.bucket(bucket);
  if (found == nullptr || !found->policy) return std::nullopt;
  return is_public_policy(*found->policy);
}

S3Result<Unit> IamGate::put_policy(std::string_view bucket, std::string_view json,
                                   bool block_public) const {
  if (block_public) {
    const auto parsed = parse_policy(json, PolicyKind::kResource);
    if (parsed.ok() && is_public_policy(*parsed)) {
      return S3Error{403, "AccessDenied",
                     "Access Denied because public policies are blocked by the BlockPublicPolicy "
                     "block public access setting."};
    }
  }
  const auto put = iam_.put_bucket_policy(bucket, json);
  if (!put.ok()) return S3Error{put.error().status, put.error().code, put.error().message};
  return Unit{};
}

S3Result<Unit> IamGate::delete_policy(std::string_view bucket) const {
  const auto gone = iam_.delete_bucket_policy(bucket);
  if (!gone.ok()) return S3Error{gone.error().status, gone.error().code, gone.error().message};
  return Unit{};
}

// A bucket whose objects are encrypted with a key of its owner: writing needs a data key, reading
// needs to decrypt one.
std::optional<S3Error> IamGate::refuse_kms(const S3Access& access) const {
  const bool writes = access.action == "s3:PutObject";
  const bool reads = access.action == "s3:GetObject" || access.action == "s3:GetObjectVersion";
  if (!writes && !reads) return std::nullopt;
  const auto bucket = iam_.bucket(access.bucket);
  if (!bucket || bucket->kms_key.empty()) return std::nullopt;
  const char* action = writes ? "kms:GenerateDataKey" : "kms:Decrypt";
  const auto used = use_kms_key(access.access_key_id, action, bucket->kms_key, bucket->region);
  if (used.ok()) return std::nullopt;
  return used.error();
}

S3Result<std::string> IamGate::use_kms_key(std::string_view access_key_id, std::string_view action,
                                           std::string_view key, std::string_view region) const {
  if (access_key_id.empty()) {
    return S3Error{400, "InvalidArgument",
                   "Requests specifying Server Side Encryption with AWS KMS managed keys require "
                   "AWS Signature Version 4."};
  }
  const auto caller = iam_.find_key(access_key_id);
  if (!caller) {
    return S3Error{403, "InvalidAccessKeyId",
                   "The AWS Access Key Id you provided does not exist in our records."};
  }
  std::string arn(key);
  if (!key.starts_with("arn:")) {
    arn = "arn:aws:kms:" + std::string(region) + ":" + caller->principal.account + ":key/" + arn;
  }
  const std::vector<std::string> parts = split(arn, ':');
  if (parts.size() < 6 || parts[3] != region) {
    return S3Error{403, "AccessDenied",
                   "User: " + caller->principal.arn +
                       " is not authorized to perform: " + std::string(action) +
                       " on this resource because the resource does not exist in this Region, no "
                       "resource-based policies allow access, or a resource-based policy "
                       "explicitly denies access"};
  }
  const auto found = iam_.kms_key(arn);
  if (!found) return S3Error{400, "KMS.NotFoundException", "Key '" + arn + "' does not exist"};
  if (!found->enabled) return S3Error{400, "KMS.DisabledException", arn + " is disabled."};
  // S3 passes the call on: KMS sees S3's address, and whom S3 speaks for.
  RequestContext context = service_context(std::string(region));
  context.set("aws:ViaAWSService", "true");
  context.set("kms:ViaService", "s3." + std::string(region) + ".amazonaws.com");
  context.set("kms:CallerAccount", caller->principal.account);
  if (const auto denial = iam_.authorize(*caller, action, arn, context)) {
    return S3Error{403, "AccessDenied", denial->text};
  }
  return arn;
}

Result<AccessKey, std::string> IamCopyRoles::assume(const std::string& role_arn) const {
  constexpr size_t kMaxChain = 10;
  const WarehouseName served = served_.get();
  const AttachedRoles attached = attached_roles_of(iam_.world(), served);
  const std::vector<std::string>& roles = attached.all;
  const auto unauthorized = [&served](const std::string& arn) {
    if (!served.serverless) return std::string();
    return "exception name : UnauthorizedException, error type : 135, message: Not authorized to "
           "get credentials of role " +
           arn + ", should retry : 0";
  };
  std::vector<std::string> chain = split(role_arn, ',');
  if (role_arn == "default" && attached.by_default.empty())
    return std::string("No default IAM role is set");
  if (role_arn == "default") chain = {attached.by_default};
  const bool known = std::find(roles.begin(), roles.end(), chain.front()) != roles.end();
  if (!known || chain.size() > kMaxChain) return unauthorized(chain.front());
  const RequestContext context = origin_context({.source_ip = kWarehouseAddress,
                                                 .secure_transport = true,
                                                 .region = served.region,
                                                 .user_agent = "Redshift"});
  std::optional<AccessKeyInfo> key;
  for (const std::string& arn : chain) {
    std::optional<IamError> denied;
    if (!key) {
      denied = iam_.may_service_assume("redshift.amazonaws.com", arn, context);
      if (denied && served.serverless) {
        denied = iam_.may_service_assume("redshift-serverless.amazonaws.com", arn, context);
      }
    } else {
      denied = iam_.may_assume(*key, arn, context);
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
