// The policies of one destination.
#include "aws/policies.h"

#include <fmt/format.h>

#include "address/arn.h"
#include "kit/parts.h"

namespace vesto {

using kit::placeholder;
using kit::Places;
using kit::places_of;

namespace {

void add_login(const DestinationConfig& to, const Places& places, PermissionNeeds* needs) {
  if (to.serverless) {
    needs->login_action = "redshift-serverless:GetCredentials";
    std::string arn = policy_literal(places.workgroup_arn);
    if (arn.empty()) {
      arn = fmt::format("arn:{}:redshift-serverless:{}:{}:workgroup/{}", places.partition,
                        places.region, places.account, placeholder("WORKGROUP_ID"));
    }
    needs->status_action = "redshift-serverless:GetWorkgroup";
    needs->status_resource = arn;
    needs->login_resources.push_back(std::move(arn));
    return;
  }
  const std::string base =
      fmt::format("arn:{}:redshift:{}:{}:", places.partition, places.region, places.account);
  const std::string& user = to.auth.db_user;
  needs->status_action = "redshift:DescribeClusters";
  // Names come from the configuration: one with "*" in it is still that name alone.
  const std::string warehouse = policy_literal(places.warehouse);
  needs->status_resource = base + "cluster:" + warehouse;
  needs->login_action =
      user.empty() ? "redshift:GetClusterCredentialsWithIAM" : "redshift:GetClusterCredentials";
  if (!user.empty()) {
    needs->login_resources.push_back(
        fmt::format("{}dbuser:{}/{}", base, warehouse, policy_literal(user)));
  }
  needs->login_resources.push_back(
      fmt::format("{}dbname:{}/{}", base, warehouse, policy_literal(to.database)));
}

PermissionNeeds needs_of(const DestinationConfig& to, const Places& places) {
  return {.partition = places.partition,
          .bucket = to.bucket,
          .prefix = to.prefix,
          .kms_key_arn = to.kms_key_arn};
}

}  // namespace

std::string trust_policy_for(const DestinationConfig& destination, const KitFacts& facts) {
  const AuthConfig& auth = destination.auth;
  if (auth.identity == "google") {
    return trust_policy_google(kit::or_placeholder(facts.google_sub, "GOOGLE_SUB"),
                               kit::or_placeholder(auth.audience, "AUDIENCE"));
  }
  const std::string principal = places_of(destination, facts).principal;
  return trust_policy_account(kit::or_placeholder(principal, "PRINCIPAL_ARN"), auth.external_id);
}

std::string permission_policy_for(const DestinationConfig& destination, const KitFacts& facts) {
  const Places places = places_of(destination, facts);
  PermissionNeeds needs = needs_of(destination, places);
  if (destination.auth.method == "iam_role") add_login(destination, places, &needs);
  // Whose Google identity it takes can only be read: ours is the only one that can be tried.
  if (destination.auth.identity == "google") needs.own_role_arn = places.role_arn;
  return permission_policy(needs);
}

namespace kit {

PermissionNeeds login_needs(const DestinationConfig& destination, const Places& places) {
  PermissionNeeds needs = needs_of(destination, places);
  add_login(destination, places, &needs);
  return needs;
}

namespace {

// IAM takes a token of an identity provider of the role's own account alone, and the role is that
// of the pods: where they assume role_arn, which may be a customer's, it is another one, of whoever
// runs them. Source: IAM user guide, "Create a role for OpenID Connect federation".
std::string account_of_pods(const DestinationConfig& to, const Places& places) {
  if (!places.pod_role_arn.empty()) return account_of_arn(places.pod_role_arn);
  if (const std::string known = account_of_arn(places.principal_arn); !known.empty()) return known;
  return to.auth.role_arn.empty() ? places.account : placeholder("POD_ACCOUNT");
}

}  // namespace

std::string copy_policy_for(const DestinationConfig& destination, const KitFacts& facts) {
  return copy_role_policy(needs_of(destination, places_of(destination, facts)));
}

std::string pod_trust_for(const DestinationConfig& destination, const KitFacts& facts) {
  const Places places = places_of(destination, facts);
  const std::string issuer = or_placeholder(facts.pod_issuer, "OIDC_ISSUER");
  const std::string subject =
      facts.pod_subject.empty()
          ? fmt::format("system:serviceaccount:{}:{}", placeholder("POD_NAMESPACE"),
                        placeholder("SERVICE_ACCOUNT"))
          : facts.pod_subject;
  const std::string provider = fmt::format("arn:{}:iam::{}:oidc-provider/{}", places.partition,
                                           account_of_pods(destination, places), issuer);
  return trust_policy_pods(provider, issuer, subject);
}

std::vector<std::string> copy_services(const DestinationConfig& destination) {
  std::vector<std::string> services = {"redshift.amazonaws.com"};
  if (destination.serverless) services.emplace_back("redshift-serverless.amazonaws.com");
  return services;
}

std::string copy_trust_for(const DestinationConfig& destination) {
  return trust_policy_services(copy_services(destination));
}

std::string key_policy_for(const DestinationConfig& destination, const KitFacts& facts) {
  if (destination.auth.role_arn.empty()) return permission_policy_for(destination, facts);
  return assume_role_policy(destination.auth.role_arn);
}

}  // namespace kit

}  // namespace vesto
