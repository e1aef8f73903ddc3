#include "kit/places.h"

#include <fmt/format.h>

#include <array>

#include "address/arn.h"
#include "base/hash.h"
#include "base/strings.h"
#include "kit/quote.h"

namespace vesto::kit {

namespace {

struct Placeholder {
  std::string_view name;
  std::string_view how;
};

constexpr std::array<Placeholder, 19> kPlaceholders = {{
    {"POD_ACCOUNT",
     "The AWS account's 12 digits of the role that Vesto's pods on EKS run as, where the cluster's "
     "IAM identity provider has to be. Known where the kit is made in the pod."},
    {"OIDC_ISSUER",
     "The EKS cluster's issuer without https://: aws eks describe-cluster --name CLUSTER --query "
     "cluster.identity.oidc.issuer --output text. Known where the kit is made in the pod."},
    {"POD_NAMESPACE",
     "The namespace of Vesto's pods on EKS. Known where the kit is made in the pod."},
    {"SERVICE_ACCOUNT",
     "The service account of Vesto's pods on EKS. Known where the kit is made in the pod."},
    {"GOOGLE_SUB",
     "The number of Vesto's Google identity: vesto identity show prints it where that identity "
     "is."},
    {"AUDIENCE", "auth.audience of the destination: any text that no other destination has."},
    {"PRINCIPAL_ARN",
     "The ARN of who assumes the role: vesto identity show DESTINATION prints it as \"asking\"; of "
     "a session (assumed-role/NAME/...) that of its role, path and all."},
    {"PRINCIPAL_PATH",
     "The path of the role that Vesto runs as: what stands between \"role\" and its name in its "
     "ARN. Most roles have none: then it is a single /. Else it is all from the first slash to "
     "the last, such as /team/data/. In that role's account: aws iam get-role --role-name NAME "
     "--query Role.Path --output text. Of a role of IAM Identity Center (AWSReservedSSO_...) it is "
     "/aws-reserved/sso.amazonaws.com/REGION/, without REGION/ where that is us-east-1."},
    {"ROLE_NAME", "The name of the role that Vesto runs as: vesto identity show DESTINATION."},
    {"ACCOUNT_ID", "The AWS account's 12 digits: aws sts get-caller-identity --query Account."},
    {"REGION", "The AWS region, such as eu-west-1: auth.region or staging.region."},
    {"WAREHOUSE", "The cluster's identifier or the workgroup's name: auth.warehouse."},
    {"WORKGROUP_ID",
     "The workgroup's UUID, not its name: aws redshift-serverless get-workgroup --region "
     "REGION --workgroup-name NAME --query workgroup.workgroupId --output text, or Workgroup ID on "
     "its page in the console."},
    {"DATABASE_USER",
     "Who logs in to the database: vesto identity show DESTINATION, or auth.user's value."},
    {"PASSWORD", "A password of the database user; the same goes into auth.password."},
    {"SECURITY_GROUP",
     "The warehouse's security group (sg-...), on its page in the console under Network and "
     "security."},
    {"EGRESS_ADDRESS",
     "The address that Vesto dials from; public_egress of the configuration puts it everywhere."},
    {"BASTION_SECURITY_GROUP", "The security group (sg-...) of the SSH server."},
    {"SSH_PUBLIC_KEY_LINE", "vesto ssh-key destination.NAME makes the key and prints the line."},
}};

constexpr size_t kMaxIamName = 64;

// "vesto-acme-role". Names of IAM end at 64 characters, those of destinations too.
std::string iam_name(const std::string& destination, std::string_view tail) {
  std::string name = fmt::format("vesto-{}{}", destination, tail);
  if (name.size() <= kMaxIamName) return name;
  const std::string mark = sha256_hex(destination).substr(0, 8);
  const size_t room = kMaxIamName - tail.size() - mark.size() - 1;
  return fmt::format("{}-{}{}", cut_utf8("vesto-" + destination, room), mark, tail);
}

// "/team/" of ".../role/team/acme-sync"; "/" without a path.
std::string path_of_role(const std::string& role_arn) {
  const std::optional<Arn> arn = parse_arn(role_arn);
  if (!arn) return "/";
  const size_t first = arn->resource.find('/');
  const size_t last = arn->resource.rfind('/');
  if (first == std::string::npos || first == last) return "/";
  return arn->resource.substr(first, last - first + 1);
}

// "loader" of ".../user/team/loader"; "" if it is no IAM user's.
std::string user_name_of(const std::string& arn_text) {
  const std::optional<Arn> arn = parse_arn(arn_text);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("user/")) return "";
  return arn->resource.substr(arn->resource.rfind('/') + 1);
}

Actor actor_of(const AuthConfig& auth, const std::string& principal_arn) {
  if (!auth.role_arn.empty() || auth.identity == "google") return Actor::kRole;
  if (auth.identity == "access_key") return Actor::kKeyUser;
  return user_name_of(principal_arn).empty() ? Actor::kOwn : Actor::kOwnUser;
}

// The region is where all of it is made: an ARN counts only where no region is known.
std::string partition_for(const AuthConfig& auth, const KitFacts& facts,
                          const std::string& region) {
  if (!region.empty()) return std::string(partition_of_region(region).name);
  for (const std::string& arn : {auth.role_arn, facts.principal_arn}) {
    if (!arn.empty()) return std::string(partition_of_arn(arn).name);
  }
  return std::string(partition_of_region(region).name);
}

// Accounts of one partition know nothing of those of another: an ARN from there is of no use.
std::string of_partition(const std::string& arn, const std::string& partition) {
  return partition_of_arn(arn).name == partition ? arn : "";
}

// "arn:aws:iam::123456789012:role<<PRINCIPAL_PATH>>acme" where the path is not known.
std::string with_open_path(const std::string& arn, bool path_unknown) {
  const std::string role = role_name_of_arn(arn);
  if (!path_unknown || role.empty()) return arn;
  return arn.substr(0, arn.rfind('/')) + placeholder("PRINCIPAL_PATH") + role;
}

std::string account_for(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  if (!facts.account.empty()) return facts.account;
  for (const std::string& known :
       {account_of_arn(to.auth.role_arn), to.endpoint.account, account_of_arn(to.kms_key_arn),
        account_of_arn(places.workgroup_arn)}) {
    if (!known.empty()) return known;
  }
  return placeholder("ACCOUNT_ID");
}

void name_role(const DestinationConfig& to, Places* places) {
  const AuthConfig& auth = to.auth;
  if (!auth.role_arn.empty()) {
    places->role = role_name_of_arn(auth.role_arn);
    places->role_path = path_of_role(auth.role_arn);
  } else if (places->actor == Actor::kOwn) {
    places->role = or_placeholder(role_name_of_arn(places->principal_arn), "ROLE_NAME");
  } else {
    places->role = iam_name(to.name, "-role");
  }
  places->role_arn = !auth.role_arn.empty()
                         ? auth.role_arn
                         : fmt::format("arn:{}:iam::{}:role{}{}", places->partition,
                                       places->account, places->role_path, places->role);
}

// The user whose key it is, and its ARN as the one who assumes the role: the one that is known,
// else the one that the kit makes in the role's account.
void name_user(const DestinationConfig& to, Places* places) {
  places->user = user_name_of(places->principal_arn);
  const bool known = !places->user.empty();
  if (!known) places->user = iam_name(to.name, "");
  if (to.auth.identity != "access_key") return;
  if (!known) {
    places->principal_arn =
        fmt::format("arn:{}:iam::{}:user/{}", places->partition, places->account, places->user);
  }
  places->user_elsewhere =
      known && !to.auth.role_arn.empty() &&
      account_of_arn(places->principal_arn) != account_of_arn(to.auth.role_arn);
}

std::string user_for(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  if (!facts.database_user.empty()) return facts.database_user;
  const AuthConfig& auth = to.auth;
  if (auth.method == "password") {
    const bool plain = auth.user.kind == ValueRef::Kind::kText;
    return or_placeholder(plain ? auth.user.name : "", "DATABASE_USER");
  }
  if (!auth.db_user.empty()) return auth.db_user;
  if (places.actor == Actor::kKeyUser) return "IAM:" + places.user;
  if (places.actor == Actor::kOwn || places.actor == Actor::kOwnUser) {
    return or_placeholder(login_user(to, places.principal_arn), "DATABASE_USER");
  }
  return "IAMR:" + places.role;
}

}  // namespace

std::string placeholder(std::string_view name) { return fmt::format("<<{}>>", name); }

std::string or_placeholder(const std::string& value, std::string_view name) {
  return value.empty() ? placeholder(name) : value;
}

std::string with_bits(const std::string& address) {
  if (address.find('/') != std::string::npos) return address;
  return address + (address.find(':') == std::string::npos ? "/32" : "/128");
}

std::vector<std::string> missing_in(std::string_view text) {
  std::vector<std::string> out;
  for (const Placeholder& one : kPlaceholders) {
    if (text.find(placeholder(one.name)) != std::string_view::npos) out.emplace_back(one.name);
  }
  return out;
}

Places places_of(const DestinationConfig& destination, const KitFacts& facts) {
  const AuthConfig& auth = destination.auth;
  const std::string region = !auth.region.empty()                   ? auth.region
                             : !destination.endpoint.region.empty() ? destination.endpoint.region
                                                                    : destination.region;
  Places places;
  places.partition = partition_for(auth, facts, region);
  places.principal_arn = of_partition(facts.principal_arn, places.partition);
  places.pod_role_arn = of_partition(facts.pod_role_arn, places.partition);
  places.workgroup_arn = of_partition(facts.workgroup_arn, places.partition);
  places.actor = actor_of(auth, places.principal_arn);
  places.region = or_placeholder(region, "REGION");
  places.bucket_region = destination.region.empty() ? places.region : destination.region;
  places.account = account_for(destination, facts, places);
  const std::string& named = destination.endpoint.name;
  places.warehouse = or_placeholder(auth.warehouse.empty() ? named : auth.warehouse, "WAREHOUSE");
  places.role_path = "/";
  name_role(destination, &places);
  places.policy = iam_name(destination.name, "-policy");
  places.copy_policy = iam_name(destination.name, "-copy-policy");
  name_user(destination, &places);
  places.principal = with_open_path(places.principal_arn, facts.principal_path_unknown);
  places.own_elsewhere = auth.identity == "aws" && !auth.role_arn.empty() &&
                         account_of_arn(places.principal_arn) != account_of_arn(auth.role_arn);
  places.copy_role = role_name_of_arn(auth.copy_role_arn);
  places.copy_role_path = path_of_role(auth.copy_role_arn);
  if (places.copy_role.empty()) places.copy_role = iam_name(destination.name, "-copy-role");
  places.database_user = user_for(destination, facts, places);
  return places;
}

}  // namespace vesto::kit

namespace vesto {

std::string_view missing_help(std::string_view name) {
  for (const auto& one : kit::kPlaceholders) {
    if (one.name == name) return one.how;
  }
  return "";
}

std::string missing_help(std::string_view name, const DestinationConfig& destination) {
  if (name == "SECURITY_GROUP" && destination.endpoint.vpc_endpoint) {
    return fmt::format(
        "The security group (sg-...) of the VPC endpoint that {} leads to, not that of the "
        "warehouse. The endpoint's page in the console shows it; for one that Redshift manages, "
        "aws "
        "{} does too.",
        destination.host,
        destination.serverless ? "redshift-serverless list-endpoint-access"
                               : "redshift describe-endpoint-access");
  }
  const kit::Places places = kit::places_of(destination, {});
  const bool known = places.region != kit::placeholder("REGION") &&
                     places.warehouse != kit::placeholder("WAREHOUSE");
  if (name != "WORKGROUP_ID" || !known) return std::string(missing_help(name));
  return fmt::format(
      "The workgroup's UUID, not its name: aws redshift-serverless get-workgroup{}{} --query "
      "workgroup.workgroupId --output text, or Workgroup ID on its page in the console.",
      kit::sh_flag("--region", places.region), kit::sh_flag("--workgroup-name", places.warehouse));
}

std::string role_in_text(const std::string& text, const std::string& session_arn) {
  for (size_t at = text.find("arn:"); at != std::string::npos; at = text.find("arn:", at + 1)) {
    std::string arn = text.substr(at, text.find(' ', at) - at);
    while (arn.ends_with(',') || arn.ends_with(')')) arn.pop_back();
    if (is_role_arn(arn) && principal_of_arn(session_arn, arn) == arn) return arn;
  }
  return "";
}

std::string asker_principal(const std::string& source, const std::string& asker_arn) {
  return principal_of_arn(asker_arn, role_in_text(source, asker_arn));
}

void add_asker(const std::string& source, const std::string& asker_arn, KitFacts* facts) {
  facts->principal_arn = asker_principal(source, asker_arn);
  facts->principal_path_unknown =
      is_session_arn(asker_arn) && role_in_text(source, asker_arn).empty();
}

std::string login_user(const DestinationConfig& destination, std::string_view own_arn) {
  if (!destination.auth.db_user.empty()) return destination.auth.db_user;
  if (const std::string role = role_name_of_arn(own_arn); !role.empty()) return "IAMR:" + role;
  if (!parse_arn(own_arn)) return "";
  const size_t slash = own_arn.rfind('/');
  return slash == std::string_view::npos ? "" : "IAM:" + std::string(own_arn.substr(slash + 1));
}

}  // namespace vesto
