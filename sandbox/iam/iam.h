// The sandbox's IAM at work: who a key belongs to, what they may do, who may become a role, the
// temporary keys that were given out, and policy changes that take a while to work.
// Sources: IAM User Guide (policy evaluation, roles), STS API reference; the texts of refusals as
// AWS words them.
//
// Thread rule: every function of Iam may be called from any thread.
#ifndef VESTO_SANDBOX_IAM_IAM_H_
#define VESTO_SANDBOX_IAM_IAM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/iam/evaluate.h"
#include "sandbox/iam/world.h"

namespace vesto::sandbox {

constexpr size_t kMaxIamSessions = 100'000;
constexpr size_t kMaxPendingChanges = 10'000;

struct AccessKeyInfo {
  std::string id;
  std::string secret;
  std::string session_token;  // "" for a user's key
  int64_t expires_ms = 0;     // wall time; 0: never. A key that has expired is still found
  IamPrincipal principal;
};

// A refused call of STS or IAM as the services answer it. For a JSON service the caller changes the
// code ("AccessDenied" is "AccessDeniedException" there).
struct IamError {
  int status = 403;
  std::string code;  // AccessDenied, ValidationError, MalformedPolicyDocument, NoSuchEntity, ...
  std::string message;
};

using WorldChange = std::function<void(World&)>;

struct Denial {
  Decision decision;
  std::string text;     // the general form
  std::string s3_text;  // S3's form
};

struct SessionRequest {
  std::string role_arn;
  std::string session_name;
  int64_t duration_s = 3600;
  std::string session_policy = {};            // JSON; "" = none
  std::vector<std::string> policy_arns = {};  // managed session policies, ten at most
  std::string source_identity = {};
  bool chained = false;         // the caller is itself a role session: one hour at most
  bool by_service = false;      // for a machine: the role's maximum does not count
  RequestContext context = {};  // keys that stay with the session (accounts.google.com:sub)
  std::map<std::string, std::string> tags = {};   // of the session; over those of the role
  std::vector<std::string> transitive_keys = {};  // tags that role chaining hands on
  std::string caller_key_id = {};                 // chained: whose transitive tags come along
};

struct TemporaryCredentials {
  std::string access_key_id;      // "ASIA" and 16 characters
  std::string secret_access_key;  // 40 characters
  std::string session_token;      // some 400 characters, with "/", "+" and "="
  int64_t expires_ms = 0;         // wall time
  IamPrincipal principal;         // arn: assumed-role ARN, user_id: AROA...:session
  int packed_policy_percent = 0;  // PackedPolicySize; 0 without a session policy
};

// "1 validation error detected: Value 'v' at 'field' failed to satisfy constraint: rule"; `value`
// "" is shown as null.
std::string constraint_text(std::string_view value, std::string_view field, std::string_view rule);

// What a request with session tags is judged by: aws:RequestTag/KEY, aws:TagKeys. Nothing without
// tags.
void add_request_tags(const std::map<std::string, std::string>& tags, RequestContext& context);

// Context keys of a Google ID token: :oaud is the claim aud, :aud the claim azp where there is one
// (else aud), :sub the claim sub. `azp` may be "".
RequestContext google_context(const std::string& aud, const std::string& azp,
                              const std::string& sub);
// The same for an OIDC provider of the account: "<host/path>:aud", ":sub".
RequestContext oidc_context(std::string_view issuer_url, const std::string& aud,
                            const std::string& sub);
// "arn:aws:iam::ACCOUNT:oidc-provider/host/path".
std::string oidc_provider_arn(std::string_view account, std::string_view issuer_url);

class Iam {
 public:
  // `clock` must outlive it. Keys' expiry and the delay of changes go by clock.wall_ms().
  Iam(World world, Clock& clock);
  ~Iam();
  Iam(const Iam&) = delete;
  Iam& operator=(const Iam&) = delete;

  // Keys of users and temporary ones. Nothing: no such key (or an expired one long dropped).
  [[nodiscard]] std::optional<AccessKeyInfo> find_key(std::string_view id) const;

  // Nothing: allowed. `context` needs only the request's own keys (origin_context of
  // condition_keys.h, s3:prefix, redshift:DbUser); what follows from the principal, the resource
  // and the clock (aws:PrincipalArn, aws:PrincipalAccount, aws:username, aws:userid,
  // aws:CurrentTime, aws:PrincipalTag/..., aws:TokenIssueTime, aws:ResourceAccount) is added. A
  // bucket's or key's own policy and owner are found by the ARN. `key`: as find_key gave it; its id
  // brings the session policy of a temporary key.
  [[nodiscard]] std::optional<Denial> authorize(const AccessKeyInfo& key, std::string_view action,
                                                std::string_view resource,
                                                const RequestContext& context = {}) const;
  // The same for someone without a key.
  [[nodiscard]] std::optional<Denial> authorize_anonymous(std::string_view action,
                                                          std::string_view resource,
                                                          const RequestContext& context = {}) const;

  // AssumeRole by the owner of `key`. `context` carries sts:ExternalId, sts:SourceIdentity,
  // sts:RoleSessionName as far as they were sent; with aws:TagKeys (as in the two functions below)
  // the right sts:TagSession is needed too. Errors: AccessDenied (no difference between a
  // role that does not exist and a trust policy that says no), ValidationError "Request ARN is
  // invalid".
  [[nodiscard]] std::optional<IamError> may_assume(const AccessKeyInfo& key,
                                                   std::string_view role_arn,
                                                   const RequestContext& context) const;
  // AssumeRoleWithWebIdentity. `provider` as trust policies name it: "accounts.google.com" or the
  // ARN of an OIDC provider. `context`: google_context(...) or oidc_context(...).
  [[nodiscard]] std::optional<IamError> may_assume_with_web_identity(
      std::string_view provider, std::string_view role_arn, const RequestContext& context) const;
  // A service ("redshift.amazonaws.com") becomes an attached role. `context`: origin_context, and
  // the tags it sets. The error's text is STS's; COPY has words of its own.
  [[nodiscard]] std::optional<IamError> may_service_assume(std::string_view service,
                                                           std::string_view role_arn,
                                                           const RequestContext& context) const;

  // New temporary keys of a role; call may_assume... first. Errors: ValidationError (session name,
  // duration below 900 s or over 43,200 s, over the role's maximum, over one hour when chained, a
  // policy and ARNs longer than 2,048 characters, a managed policy that is not there or another
  // account's), MalformedPolicyDocument, PackedPolicyTooLarge,
  // AccessDenied when the role is gone. At most kMaxIamSessions: then expired ones go first, the
  // longest expired first; are there none, code "Throttling".
  Result<TemporaryCredentials, IamError> issue(const SessionRequest& request);

  // The OIDC provider object of an account for this issuer ("https://..." or without), if there is
  // one. For accounts.google.com there should be none.
  [[nodiscard]] std::optional<WorldOidcProvider> find_oidc_provider(std::string_view account,
                                                                    std::string_view issuer) const;

  // Things of the world by name; copies. For bucket() the policy that works now.
  [[nodiscard]] std::optional<WorldBucket> bucket(std::string_view name) const;
  [[nodiscard]] std::optional<WorldKmsKey> kms_key(std::string_view arn) const;
  [[nodiscard]] std::optional<WorldCluster> cluster(std::string_view id, std::string_view region,
                                                    std::string_view account) const;
  [[nodiscard]] std::optional<WorldWorkgroup> workgroup(std::string_view name,
                                                        std::string_view region,
                                                        std::string_view account) const;
  [[nodiscard]] World world() const;    // a copy, as it works now
  [[nodiscard]] World written() const;  // a copy with the changes that are still on their way

  // The text of IAM's refusal of a policy that names what is not there; nothing: all are there.
  [[nodiscard]] std::optional<IamError> check_principals(const IamPolicy& policy) const;

  // A bucket that was made at run time; replaces the owner and region of one with that name. False:
  // too many.
  bool put_bucket(const std::string& name, const std::string& account, const std::string& region);
  // It and its policy are gone at once.
  void remove_bucket(const std::string& name);
  void set_kms_key_enabled(std::string_view arn, bool enabled);

  // One write. `prepare` sees written() and says what is to be done to a world, or why not; what it
  // says is done to written() at once and works after the propagation delay. A later change of the
  // same `target` that works no later takes its place. It runs under the lock: no calls of Iam in
  // it. Errors: those of `prepare`, LimitExceeded (409).
  Result<Unit, IamError> change(
      const std::string& target,
      const std::function<Result<WorldChange, IamError>(const World&)>& prepare);

  // The same for what IAM has no hand in: it works at once.
  Result<Unit, IamError> change_at_once(
      const std::function<Result<WorldChange, IamError>(const World&)>& prepare);

  // Policy changes: checked at once, working after the propagation delay. A condition on a key that
  // the sandbox never supplies is malformed (condition_keys.h), and so is a principal that is not
  // there. Errors: NoSuchEntity
  // (404), MalformedPolicyDocument (400; S3: MalformedPolicy), LimitExceeded (409).
  Result<Unit, IamError> put_role_trust(std::string_view role_arn, std::string_view json);
  Result<Unit, IamError> put_role_policy(std::string_view role_arn, const std::string& name,
                                         std::string_view json);
  Result<Unit, IamError> delete_role_policy(std::string_view role_arn, const std::string& name);
  // Policies that name the role go on naming the one that is gone, not a later one of its name.
  Result<Unit, IamError> delete_role(std::string_view role_arn);
  Result<Unit, IamError> put_user_policy(std::string_view user_arn, const std::string& name,
                                         std::string_view json);
  Result<Unit, IamError> delete_user_policy(std::string_view user_arn, const std::string& name);
  // A new key of a user, which works after the propagation delay. Errors: NoSuchEntity,
  // LimitExceeded (two keys each).
  Result<WorldKey, IamError> create_access_key(const std::string& account, const std::string& user);
  // A key stops at once (no delay is promised for it, none is made).
  Result<Unit, IamError> delete_access_key(std::string_view key_id);
  Result<Unit, IamError> put_bucket_policy(std::string_view bucket, std::string_view json);
  Result<Unit, IamError> delete_bucket_policy(std::string_view bucket);
  // For changes made from now on; 0 to kMaxPropagationMs.
  void set_propagation_ms(int64_t propagation_ms);

  [[nodiscard]] size_t session_count() const;
  // Secret keys and session tokens that are in use or were given out, expired or not.
  [[nodiscard]] std::vector<std::string> secrets() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_IAM_H_
