// IAM's API as far as a set-up uses it: roles, users, their policies and access keys, managed
// policies; writes, reads and deletes. What is written is read back at once and works after the
// propagation delay of the world.
// Source: IAM API reference (2010-05-08), service authorization reference of IAM, "IAM and AWS STS
// quotas"; texts as seen in answers of AWS.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_IAM_SERVICE_H_
#define VESTO_SANDBOX_AWS_IAM_SERVICE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/aws/api_answers.h"
#include "sandbox/aws/api_call.h"

namespace vesto::sandbox {

class IamService {
 public:
  // Both must outlive it.
  IamService(Iam& iam, Clock& clock) : iam_(iam), clock_(clock) {}

  ApiResult<ApiAnswer> serve(const ApiCall& call);

 private:
  // A role or a user, whose policies are handled alike.
  struct Owner {
    bool is_role = false;
    std::string name;
    std::string arn;
    std::vector<NamedPolicy> policies;
    std::vector<std::string> attached;
  };
  using Operation = ApiResult<ApiAnswer> (IamService::*)(const ApiCall&);
  struct Entry {
    std::string_view name;
    Operation run;
    // Its parameters, with blanks between; "Tags." stands for all that begin so.
    std::string_view parameters;
  };
  static const std::vector<Entry>& entries();

  // iam_service.cc
  ApiResult<Unit> allow(const ApiCall& call, const std::string& resource,
                        const RequestContext& context = {}) const;
  [[nodiscard]] static std::string account(const ApiCall& call) {
    return call.key->principal.account;
  }
  // The role (RoleName) or user (UserName; its absence is the caller) that the call names.
  [[nodiscard]] ApiResult<WorldRole> role_of(const ApiCall& call) const;
  [[nodiscard]] ApiResult<WorldUser> user_of(const ApiCall& call) const;
  // The operation's own right on it included.
  [[nodiscard]] ApiResult<Owner> owner_of(const ApiCall& call,
                                          const RequestContext& context = {}) const;
  // <Tag><member>...</member></Tag>, IsTruncated and Marker, by MaxItems and Marker.
  static ApiResult<ApiAnswer> page(const ApiCall& call, std::string_view tag, size_t count,
                                   const std::function<void(size_t, XmlWriter&)>& write);

  // iam_roles.cc
  ApiResult<ApiAnswer> create_role(const ApiCall& call);
  ApiResult<ApiAnswer> get_role(const ApiCall& call);
  ApiResult<ApiAnswer> list_roles(const ApiCall& call);
  ApiResult<ApiAnswer> delete_role(const ApiCall& call);
  ApiResult<ApiAnswer> update_trust(const ApiCall& call);
  ApiResult<ApiAnswer> update_role(const ApiCall& call);
  // iam_users.cc
  ApiResult<ApiAnswer> create_user(const ApiCall& call);
  ApiResult<ApiAnswer> get_user(const ApiCall& call);
  ApiResult<ApiAnswer> list_users(const ApiCall& call);
  ApiResult<ApiAnswer> delete_user(const ApiCall& call);
  ApiResult<ApiAnswer> create_access_key(const ApiCall& call);
  ApiResult<ApiAnswer> list_access_keys(const ApiCall& call);
  ApiResult<ApiAnswer> delete_access_key(const ApiCall& call);
  // iam_policies.cc
  ApiResult<ApiAnswer> create_policy(const ApiCall& call);
  ApiResult<ApiAnswer> get_policy(const ApiCall& call);
  ApiResult<ApiAnswer> list_policies(const ApiCall& call);
  ApiResult<ApiAnswer> delete_policy(const ApiCall& call);
  ApiResult<ApiAnswer> create_policy_version(const ApiCall& call);
  ApiResult<ApiAnswer> get_policy_version(const ApiCall& call);
  ApiResult<ApiAnswer> list_policy_versions(const ApiCall& call);
  ApiResult<ApiAnswer> set_default_policy_version(const ApiCall& call);
  ApiResult<ApiAnswer> delete_policy_version(const ApiCall& call);
  // The policy (PolicyArn) of the caller's account or AWS's; the operation's right included.
  [[nodiscard]] ApiResult<WorldPolicy> policy_of(const ApiCall& call) const;
  // A change of an own policy; NoSuchEntity where it is not there.
  ApiResult<Unit> change_policy(
      const ApiCall& call, const std::string& target,
      const std::function<Result<std::function<void(WorldPolicy&)>, IamError>(const WorldPolicy&)>&
          prepare);
  // iam_grants.cc: policies of roles and users
  ApiResult<ApiAnswer> put_inline(const ApiCall& call);
  ApiResult<ApiAnswer> get_inline(const ApiCall& call);
  ApiResult<ApiAnswer> list_inline(const ApiCall& call);
  ApiResult<ApiAnswer> delete_inline(const ApiCall& call);
  ApiResult<ApiAnswer> attach(const ApiCall& call);
  ApiResult<ApiAnswer> detach(const ApiCall& call);
  ApiResult<ApiAnswer> list_attached(const ApiCall& call);

  Iam& iam_;
  Clock& clock_;
};

// What the calls share: parameters as IAM checks them. iam_parameters.cc.

// A required name of at most `most` characters; `parameter` as "RoleName".
ApiResult<std::string> iam_name(const ApiCall& call, std::string_view parameter, size_t most = 64);
// Path; "/" if it is not given.
ApiResult<std::string> iam_path(const ApiCall& call);
// A whole number between the two; `otherwise` if it is not given.
ApiResult<int64_t> iam_number(const ApiCall& call, std::string_view parameter, int64_t otherwise,
                              int64_t least, int64_t most);
// The policy in `parameter`; `limit` characters without blanks, `too_long` is LimitExceeded's text.
ApiResult<IamPolicy> iam_document(const ApiCall& call, std::string_view parameter, PolicyKind kind,
                                  size_t limit, const std::string& too_long);
// Tags.member.N.Key and .Value; at most 50.
ApiResult<std::map<std::string, std::string>> iam_tags(const ApiCall& call);
// <Tags>, where there are any.
void write_iam_tags(const std::map<std::string, std::string>& tags, XmlWriter& xml);
// A policy's text as IAM shows it: percent-encoded.
std::string iam_document_text(const IamPolicy& policy);

IamError no_such_entity(std::string text);       // 404
IamError already_exists(std::string text);       // 409
IamError delete_conflict(std::string_view why);  // 409 "Cannot delete entity, must ... first."
IamError over_quota(std::string text);           // 409 LimitExceeded

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_IAM_SERVICE_H_
