// IAM's decision over all policies of a request, and the text of a refusal.
// Source: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic",
// "Troubleshoot access denied error messages"; S3 User Guide, "Troubleshoot access denied (403)".
//
// Pure; any thread.
#ifndef VESTO_SANDBOX_IAM_EVALUATE_H_
#define VESTO_SANDBOX_IAM_EVALUATE_H_

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/iam/policy.h"

namespace vesto::sandbox {

// The policies that take part. nullptr: there is none of this kind (nothing is narrowed by it).
struct PolicySet {
  std::vector<const IamPolicy*> identity = {};
  // Those handed over with the call: together they narrow, as one policy of all their statements.
  std::vector<const IamPolicy*> session = {};
  const IamPolicy* boundary = nullptr;
  // Of the bucket, the key or the role. A trust or key policy must allow; a bucket policy may.
  const IamPolicy* resource = nullptr;
};

struct AccessRequest {
  IamPrincipal principal;
  std::string action;    // "s3:GetObject"
  std::string resource;  // an ARN, or "*" for an action without resources
  // The account that owns the resource; "" = the caller's own.
  std::string resource_account;
  RequestContext context;
};

struct Decision {
  bool allowed = false;
  bool explicit_deny = false;               // refused by a Deny statement
  PolicyKind kind = PolicyKind::kIdentity;  // refused by this kind of policy, or for the lack of it
  bool other_account = false;               // the resource is another account's
};

// Root of an account needs no identity policy; a boundary or session policy narrows it still.
Decision evaluate(const PolicySet& policies, const AccessRequest& request);

enum class DenialStyle {
  kGeneric,  // Redshift, STS, KMS: the ARN without quotes
  kS3,       // the ARN in double quotes; another account's bucket: "Access Denied"
};
// "User: ARN is not authorized to perform: A on resource: R because no identity-based policy allows
// the A action", or "... with an explicit deny in an identity-based policy".
std::string denial_text(DenialStyle style, const AccessRequest& request, const Decision& decision);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_EVALUATE_H_
