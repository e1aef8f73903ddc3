// IAM policy documents: read strictly, and asked whether one of their statements speaks of a
// request.
// Source: IAM User Guide, "IAM JSON policy elements reference", "Grammar of the IAM JSON policy
// language", "IAM and AWS STS quotas"; S3 User Guide, "Bucket policies".
//
// Plain values and pure functions; any thread.
#ifndef VESTO_SANDBOX_IAM_POLICY_H_
#define VESTO_SANDBOX_IAM_POLICY_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/iam/condition.h"

namespace vesto::sandbox {

enum class PolicyKind {
  kIdentity,  // of a user or a role
  kSession,   // handed to STS with the call
  kBoundary,  // permissions boundary
  kResource,  // of a bucket
  kKey,       // of a KMS key
  kTrust,     // who may assume a role
};

// Who made a request.
struct IamPrincipal {
  enum class Kind { kAnonymous, kRoot, kUser, kRoleSession, kService, kFederated };
  Kind kind = Kind::kAnonymous;
  std::string account;  // 12 digits; "" for anonymous, services and web identities
  // As error texts show it: arn:aws:iam::A:user/N, arn:aws:sts::A:assumed-role/R/S, ...:root.
  // For kService its host ("redshift.amazonaws.com"); for kFederated the provider as a trust policy
  // names it ("accounts.google.com", or the ARN of an OIDC provider).
  std::string arn;
  std::string role_arn;      // kRoleSession: arn:aws:iam::A:role/R
  std::string user_id;       // AIDA..., AROA...:session, or the account for root
  std::string name;          // user name or role name
  std::string session_name;  // kRoleSession
};

// A Principal or NotPrincipal element.
struct PrincipalElement {
  bool anyone = false;           // "*" alone
  std::vector<std::string> aws;  // ARNs, account numbers, "*"
  std::vector<std::string> federated;
  std::vector<std::string> service;
};

struct PolicyStatement {
  std::string sid;
  bool allow = false;
  bool not_action = false;
  std::vector<std::string> actions;
  bool not_resource = false;
  std::vector<std::string> resources;  // empty in a trust policy
  bool not_principal = false;
  PrincipalElement principal;  // bucket, key and trust policies
  std::vector<ConditionTest> conditions;
};

struct IamPolicy {
  PolicyKind kind = PolicyKind::kIdentity;
  bool variables = false;  // Version 2012-10-17
  std::string id = {};
  std::vector<PolicyStatement> statements = {};
  std::string text = {};  // as given
};

struct PolicyError {
  std::string text;    // as IAM, STS or S3 words it
  std::string detail;  // where and what, for the person who wrote the document
};

constexpr size_t kMaxSessionPolicyChars = 2048;
constexpr size_t kMaxPolicyDepth = 16;
// Of a document of this kind; blanks do not count except in a session policy.
size_t max_policy_bytes(PolicyKind kind);

// Reads a document. Refused: what is no JSON, unknown or doubled members, a Sid twice, Action with
// NotAction, a bad Effect, an unknown operator, Principal where none may stand or where one must.
Result<IamPolicy, PolicyError> parse_policy(std::string_view json, PolicyKind kind);

// How a Principal element names the caller: what it grants depends on it.
enum class PrincipalMatch {
  kNone,
  kAccount,  // the caller's account (root): leaves it to the account's own policies
  kRole,     // the role of a session
  kDirect,   // the user, this session, the service, the provider, or everyone
};
PrincipalMatch match_principal(const PolicyStatement& statement, const IamPrincipal& caller);

// Action and resource and condition speak of this request (the principal is not looked at).
// `resource` is not looked at in a trust policy.
[[nodiscard]] bool applies(const IamPolicy& policy, const PolicyStatement& statement,
                           std::string_view action, std::string_view resource,
                           const RequestContext& context);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_POLICY_H_
