// What the sandbox's AWS holds: accounts with roles, users and OIDC providers; buckets, keys,
// clusters, workgroups. Described by a file, sandbox.toml:
//
//   propagation_ms = 0                      # how long a policy change takes to work
//   instance_role  = "arn:aws:iam::..."     # what the EC2 metadata server gives keys of
//   container_role = "arn:aws:iam::..."     # the same of an ECS task
//   pod_role       = "arn:aws:iam::..."     # the same of a pod with EKS Pod Identity
//
//   [[account]]
//   id = "123456789012"
//   name = "customer"
//
//     [[account.role]]
//     name = "vesto"
//     path = "/"                                                    # or "/team/data/"
//     max_session_duration_s = 3600
//     tags = { team = "data" }
//     trust = '''{"Version": "2012-10-17", "Statement": [...]}'''   # or a TOML table
//     policies = ['''{...}''']                                      # or { name = "", document =
//     ... } boundary = '''{...}'''
//     attached_policies = ["arn:aws:iam::123456789012:policy/load"]
//
//     [[account.user]]
//     name = "loader"
//     policies = ['''{...}''']
//     access_keys = [{ id = "AKIA...", secret = "..." }, {}]        # {} : made at the start
//     attached_policies = ["arn:aws:iam::aws:policy/AdministratorAccess"]
//
//     [[account.policy]]                                            # a managed policy
//     name = "load"
//     path = "/"
//     document = '''{...}'''
//
//     [[account.oidc_provider]]
//     issuer_url = "https://issuer.example"
//     client_ids = ["sts.amazonaws.com"]
//     jwks_file = "jwks.json"                                       # or jwks = '''{...}'''
//
//   [[bucket]]      # name, account, region, policy, kms_key, expire_days (of a lifecycle rule)
//   [[kms_key]]     # arn, enabled, policy
//   [[cluster]]     # id, account, region, databases, copy_roles, allow_from
//   [[workgroup]]   # name, uuid, account, region, databases, copy_roles, allow_from
//   [[instance]]    # account, region, private_address: an EC2 instance in its VPC's default group
//   serve_first_created = true              # at the head: the listener is nobody's until
//   CreateCluster
//                                           # or CreateWorkgroup makes a warehouse
//   creating_ms = 60000                     # at the head: how long a warehouse is "creating"
//
// allow_from = ["127.0.0.1/32"] is the security group: whom the warehouse answers. Without it
// everybody, with [] nobody.
//
// A principal of a trust, bucket or key policy that names an account, a role or a user must exist
// here, as IAM demands. Of AWS's own managed policies a few are known (aws_policies.cc).
//
// The issuer accounts.google.com is built in: a provider of that name breaks it, as in AWS.
// Plain values; any thread.
#ifndef VESTO_SANDBOX_IAM_WORLD_H_
#define VESTO_SANDBOX_IAM_WORLD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/iam/policy.h"

namespace vesto::sandbox {

struct NamedPolicy {
  std::string name;
  IamPolicy policy;
};

struct WorldPolicyVersion {
  int number = 1;  // shown as "v1"
  IamPolicy policy;
  int64_t created_ms = 0;
};

// A managed policy.
struct WorldPolicy {
  std::string name;  // without its path
  std::string path = "/";
  std::string id = {};  // "ANPA" and 17 characters
  std::string description = {};
  std::vector<WorldPolicyVersion> versions = {};  // one or more
  int default_version = 1;
  int next_version = 2;
  int64_t created_ms = 0;
  int64_t updated_ms = 0;

  [[nodiscard]] std::string full_name() const { return path.substr(1) + name; }
  // The one that works.
  [[nodiscard]] const IamPolicy& document() const;
};

struct WorldRole {
  std::string name;  // without its path
  IamPolicy trust;
  std::vector<NamedPolicy> policies = {};
  std::optional<IamPolicy> boundary = {};
  int64_t max_session_duration_s = 3600;
  std::map<std::string, std::string> tags = {};
  std::string id = {};  // "AROA" and 17 characters; made when the world is read
  std::string path = "/";
  std::vector<std::string> attached = {};  // ARNs of managed policies
  std::string description = {};
  int64_t created_ms = 0;

  // "team/data/vesto", as ARNs name it.
  [[nodiscard]] std::string full_name() const { return path.substr(1) + name; }
};

struct WorldKey {
  std::string id;
  std::string secret;
  int64_t created_ms = 0;
};

struct WorldUser {
  std::string name;
  std::vector<NamedPolicy> policies = {};
  std::optional<IamPolicy> boundary = {};
  std::vector<WorldKey> access_keys = {};
  std::map<std::string, std::string> tags = {};
  std::string id = {};                     // "AIDA" and 17 characters
  std::vector<std::string> attached = {};  // ARNs of managed policies
  int64_t created_ms = 0;
};

struct WorldOidcProvider {
  std::string issuer_url;  // https://host[/path]
  std::vector<std::string> client_ids = {};
  std::string jwks_file = {};  // one of the two, or none: keys are fetched from the issuer
  std::string jwks = {};
};

struct WorldAccount {
  std::string id;
  std::string name = {};
  std::vector<WorldRole> roles = {};
  std::vector<WorldUser> users = {};
  std::vector<WorldOidcProvider> oidc_providers = {};
  std::vector<WorldPolicy> policies = {};
};

struct WorldBucket {
  std::string name;
  std::string account;
  std::string region = "us-east-1";
  std::optional<IamPolicy> policy = {};
  std::string kms_key = {};  // ARN; "" = SSE-S3
  int64_t expire_days = 0;   // a lifecycle rule for all of it; 0: none
};

struct WorldKmsKey {
  std::string arn;  // arn:aws:kms:REGION:ACCOUNT:key/UUID
  bool enabled = true;
  std::optional<IamPolicy> policy = {};  // none: the account's own policies decide
};

// IPv4 addresses and CIDR blocks; nothing: everybody.
using AllowList = std::optional<std::vector<std::string>>;

// What a call has made of a warehouse; of those in the file all is as it stands here.
struct WarehouseLife {
  bool publicly_accessible = true;
  std::string admin_user = {};  // "": not known
  std::string secret_arn = {};  // where AWS keeps the admin's password, if it does
  int64_t created_ms = 0;
  int64_t ready_ms = 0;  // "creating" until then
  int64_t gone_ms = 0;   // "deleting" until then; 0: stays
};

struct WorldCluster {
  std::string id;
  std::string account;
  std::string region = "us-east-1";
  std::vector<std::string> databases = {};
  std::vector<std::string> copy_roles = {};  // ARNs of roles attached for COPY ... IAM_ROLE
  AllowList allow_from = {};
  std::string default_role = {};  // of COPY ... IAM_ROLE default; of the file's, the first
  std::string node_type = "ra3.large";
  int64_t nodes = 2;
  bool enhanced_vpc_routing = false;
  WarehouseLife life = {};
};

// Database, admin and roles of a workgroup. One of the file has a namespace of its own name.
struct WorldNamespace {
  std::string name;
  std::string uuid;
  std::string account;
  std::string region = "us-east-1";
  std::string database = "dev";
  std::vector<std::string> copy_roles = {};
  std::string default_role = {};
  std::string admin_password = {};  // for the workgroup that comes; "": none was given
  WarehouseLife life = {};
};

struct WorldWorkgroup {
  std::string name;
  std::string uuid;
  std::string account;
  std::string region = "us-east-1";
  std::vector<std::string> databases = {};
  AllowList allow_from = {};
  std::string namespace_name = {};  // its roles are the namespace's
  int64_t base_capacity = 128;
  bool enhanced_vpc_routing = false;
  WarehouseLife life = {};
};

// A machine of the customer's within the VPC.
struct WorldInstance {
  std::string account;
  std::string region = "us-east-1";
  std::string private_address;  // IPv4
};

struct World {
  int64_t propagation_ms = 0;
  std::vector<WorldAccount> accounts = {};
  std::vector<WorldBucket> buckets = {};
  std::vector<WorldKmsKey> kms_keys = {};
  std::vector<WorldCluster> clusters = {};
  std::vector<WorldWorkgroup> workgroups = {};
  std::vector<WorldNamespace> namespaces = {};
  std::vector<WorldInstance> instances = {};
  bool serve_first_created = false;
  int64_t creating_ms = 60'000;
  // ARNs; "": there is no such machine.
  std::string instance_role = {};
  std::string container_role = {};
  std::string pod_role = {};

  [[nodiscard]] const WorldAccount* account(std::string_view id) const;
  [[nodiscard]] const WorldRole* role(std::string_view arn) const;  // arn:aws:iam::A:role/N
  [[nodiscard]] const WorldUser* user(std::string_view arn) const;  // arn:aws:iam::A:user/N
  // arn:aws:iam::A:policy/N, or one of AWS's own that the sandbox knows.
  [[nodiscard]] const WorldPolicy* policy(std::string_view arn) const;
  [[nodiscard]] const WorldBucket* bucket(std::string_view name) const;
  [[nodiscard]] const WorldKmsKey* kms_key(std::string_view arn) const;
  [[nodiscard]] const WorldCluster* cluster(std::string_view id, std::string_view region,
                                            std::string_view account) const;
  [[nodiscard]] const WorldWorkgroup* workgroup(std::string_view name, std::string_view region,
                                                std::string_view account) const;
  [[nodiscard]] const WorldNamespace* name_space(std::string_view name, std::string_view region,
                                                 std::string_view account) const;
};

constexpr size_t kMaxWorldBytes = size_t{4} << 20;
constexpr size_t kMaxAccounts = 100;
constexpr size_t kMaxOfAccount = 1000;   // roles, users, providers of one account
constexpr size_t kMaxOfWorld = 1000;     // buckets, keys, clusters, workgroups, instances each
constexpr size_t kMaxPoliciesEach = 20;  // of a user or a role
constexpr size_t kMaxAttached = 10;      // managed policies of a user or a role, as IAM
constexpr size_t kMaxKeysOfUser = 2;     // as IAM
constexpr size_t kMaxAllowed = 60;       // blocks, as rules of a security group
constexpr int64_t kMaxPropagationMs = 3'600'000;
constexpr int64_t kMaxCreatingMs = 3'600'000;

// The error is for the person who wrote the file: "sandbox.toml:12: ...". Unknown keys, doubled
// names, references to what is not there are refused. `jwks_file` is kept as it stands.
Result<World, std::string> parse_world(std::string_view text, const std::string& file);

// One account, 123456789012, whose user "demo" may do all on the bucket vesto-demo. An empty key is
// made.
World default_world(const WorldKey& key = {});

// Nothing: good. Else what is wrong with it.
std::optional<std::string> check_allow_list(const std::vector<std::string>& list);

// "AKIA" or "ASIA" and 16 characters; 40 characters.
std::string make_key_id(std::string_view prefix);
std::string make_secret_key();
// "AROA", "AIDA" or "ANPA" and 17 characters.
std::string make_entity_id(std::string_view prefix);

// 8-4-4-4-12, the same for the same text.
std::string uuid_from(std::string_view text);

// The account in an ARN; "" if it names none.
std::string account_in_arn(std::string_view arn);

struct RoleName {
  std::string account;
  std::string name;  // with its path, if it has one
};
// Of arn:aws:iam::ACCOUNT:role/NAME (any partition); nothing for anything else.
std::optional<RoleName> parse_role_arn(std::string_view arn);

// What is right of "arn:aws:iam::ACCOUNT:KIND/", KIND being "role", "user" or "policy"; any
// partition.
std::optional<RoleName> parse_iam_arn(std::string_view arn, std::string_view kind);

// The first principal of a policy that names what the world does not hold, as errors show it:
// "AWS":"arn:aws:iam::123456789012:role/gone". IAM, S3 and KMS refuse such a policy.
std::optional<std::string> unknown_principal(const World& world, const IamPolicy& policy);

// A role or user is gone: policies that named it name its id from now on, which nobody has again.
void forget_principal(World& world, const std::string& arn, const std::string& id);

// arn:aws:iam::aws:policy/NAME for the few of AWS's own policies that the sandbox knows.
const WorldPolicy* aws_managed_policy(std::string_view arn);

// S3 takes a bucket policy only if all its resources are the bucket and its objects.
[[nodiscard]] bool is_policy_of_bucket(const IamPolicy& policy, std::string_view bucket);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_WORLD_H_
