// What stands behind Iam; for its own files only.
#ifndef VESTO_SANDBOX_IAM_IAM_STATE_H_
#define VESTO_SANDBOX_IAM_IAM_STATE_H_

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "sandbox/iam/iam.h"

namespace vesto::sandbox {

struct IamSession {
  AccessKeyInfo key;
  std::optional<IamPolicy> policy;
  std::vector<std::string> policy_arns;  // managed session policies
  RequestContext context;
  std::map<std::string, std::string> tags;
  std::set<std::string> transitive_keys;  // lower case
  std::string source_identity;
  int64_t issued_ms = 0;
};

// A change that does not work yet.
// A change that does not work yet.
struct PendingChange {
  int64_t at_ms = 0;
  std::string target;  // a later change of the same thing takes its place
  WorldChange apply;
};

struct Iam::State {
  State(World given, Clock& given_clock)
      : clock(given_clock), world(std::move(given)), written(world) {}

  Clock& clock;
  Mutex mutex;
  World world VESTO_GUARDED_BY(mutex);    // what works
  World written VESTO_GUARDED_BY(mutex);  // what was asked for: ahead by the changes on their way
  std::list<PendingChange> pending VESTO_GUARDED_BY(mutex);  // by time
  // Keys of users: account and name.
  std::map<std::string, std::pair<std::string, std::string>, std::less<>> user_keys
      VESTO_GUARDED_BY(mutex);
  // Secrets of keys that were made here; the oldest goes first.
  std::deque<std::string> made_secrets VESTO_GUARDED_BY(mutex);
  std::map<std::string, IamSession, std::less<>> sessions VESTO_GUARDED_BY(mutex);
  std::set<std::pair<int64_t, std::string>> by_expiry VESTO_GUARDED_BY(mutex);

  // Brings the world up to the present; the first thing after each lock.
  void settle() VESTO_REQUIRES(mutex);
  WorldRole* role(std::string_view arn) VESTO_REQUIRES(mutex);
  WorldUser* user(std::string_view arn) VESTO_REQUIRES(mutex);
  std::optional<AccessKeyInfo> find_key(std::string_view id) VESTO_REQUIRES(mutex);
  // Policies of the caller, and what their key and the clock say about the request.
  PolicySet policies_of(const AccessKeyInfo& key) VESTO_REQUIRES(mutex);
  std::vector<const IamPolicy*> session_policies(const IamSession& session) VESTO_REQUIRES(mutex);
  void add_caller(const AccessKeyInfo& key, RequestContext& context) VESTO_REQUIRES(mutex);
  // aws:ResourceAccount, s3:ResourceAccount; resource_account is known by then.
  static void add_owner(AccessRequest& request);
  std::optional<Denial> authorize(PolicySet policies, AccessRequest& request) VESTO_REQUIRES(mutex);
  // Someone without keys of the world (a service, a web identity) asks to become a role.
  bool trusts(IamPrincipal who, std::string_view action, std::string_view role_arn,
              const RequestContext& context) VESTO_REQUIRES(mutex);
  // The caller's transitive tags into the request. The error: the request names one of them.
  std::optional<IamError> inherit_tags(SessionRequest& request) VESTO_REQUIRES(mutex);
  // Of a role, or else of a user.
  Result<Unit, IamError> put_policy(bool role_owner, std::string_view arn, const std::string& name,
                                    std::string_view json) VESTO_EXCLUDES(mutex);
  Result<Unit, IamError> delete_policy(bool role_owner, std::string_view arn,
                                       const std::string& name) VESTO_EXCLUDES(mutex);
  // LimitExceeded, or the change is on its way.
  Result<Unit, IamError> change(std::string target, WorldChange apply) VESTO_REQUIRES(mutex);
};

// arn:aws:iam::ACCOUNT:user/NAME
std::string iam_user_arn(std::string_view account, std::string_view name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_IAM_STATE_H_
