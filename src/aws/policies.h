// Policies of IAM that Vesto writes: the one that narrows the keys it hands to COPY, and the trust
// policies that people put on their role.
// Sources: IAM user guide, "Session policies", "IAM JSON policy elements" (variables and tags:
// ${*}, ${?}, ${$}), "The confused deputy problem". Pure; any thread.
#ifndef VESTO_AWS_POLICIES_H_
#define VESTO_AWS_POLICIES_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vesto {

// A text that means itself in a place where IAM knows wildcards and variables: a name with "*" in
// it allows nothing else.
std::string policy_literal(std::string_view text);

// On one line, for the Policy field of AssumeRole. Allows to read, and to list, what begins with
// `key_prefix` ("vesto/sync/run-7/") in the bucket, and kms:Decrypt with the key if one is given.
// `partition` as in ARNs ("aws-cn"). Errors: CFG-VALUE for an empty or ill-formed part, an alias in
// the place of a key, or a policy longer than STS takes: it counts 2,048 characters, and packs them
// into a space for about 1,076 (policies.cc).
Result<std::string> copy_session_policy(const std::string& partition, const std::string& bucket,
                                        const std::string& key_prefix,
                                        const std::string& kms_key_arn);

// For people to paste: indented by 2. `sub` is the Google identity's number, `oaud` the audience
// that its tokens are made for; both must match, or another customer's role could be named.
std::string trust_policy_google(const std::string& sub, const std::string& oaud);

// `external_id` "" leaves its condition out.
std::string trust_policy_account(const std::string& principal_arn, const std::string& external_id);

// For the pods of one service account of an EKS cluster (IRSA). `provider_arn`: the cluster's IAM
// identity provider; `issuer`: the same without its scheme; `subject`:
// "system:serviceaccount:NAMESPACE:NAME". Indented by 2.
std::string trust_policy_pods(const std::string& provider_arn, const std::string& issuer,
                              const std::string& subject);

// What a role needs for its work: objects below a prefix of the staging bucket, and a temporary
// login to the warehouse where there is one.
struct PermissionNeeds {
  std::string partition;  // as in ARNs: "aws"
  std::string bucket;
  std::string prefix = {};                        // "" = the whole bucket; else it ends with "/"
  std::string kms_key_arn = {};                   // "" = none of the customer's own
  std::string login_action = {};                  // "redshift:GetClusterCredentials"; "" = none
  std::vector<std::string> login_resources = {};  // ARNs, as they are
  // To see what state the warehouse is in; "" = nothing of it may be seen.
  std::string status_action = {};    // "redshift:DescribeClusters"
  std::string status_resource = {};  // ARN, as it is
  std::string own_role_arn = {};     // that it may look at itself, for its trust policy; "" = none
};
// Indented by 2, for people to paste.
std::string permission_policy(const PermissionNeeds& needs);
// What a role needs that is attached to the warehouse, for COPY ... IAM_ROLE: to read the staged
// files. Neither the login nor the status is looked at. Indented by 2.
std::string copy_role_policy(const PermissionNeeds& needs);
// What a user needs whose key is there for nothing but to assume this role. Indented by 2.
std::string assume_role_policy(const std::string& role_arn);

// For services of AWS: "redshift.amazonaws.com". Indented by 2.
std::string trust_policy_services(const std::vector<std::string>& services);

}  // namespace vesto

#endif  // VESTO_AWS_POLICIES_H_
