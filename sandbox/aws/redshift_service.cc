#include "sandbox/aws/redshift_service.h"

#include <algorithm>

#include "base/clock.h"
#include "base/ids.h"
#include "base/strings.h"
#include "sandbox/sql/keywords.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kMinDurationS = 900;
constexpr int64_t kMaxDurationS = 3600;
constexpr size_t kMaxNameBytes = 64;
constexpr int64_t kRefreshBeforeMs = 60'000;
constexpr std::string_view kServerlessPrefix = "redshift-serverless-";

// The ARN is of the caller's account and the call's region, whoever owns the cluster.
std::string redshift_arn(const ApiCall& call, std::string_view kind, const std::string& name) {
  return "arn:aws:redshift:" + call.region + ":" + call.key->principal.account + ":" +
         std::string(kind) + ":" + name;
}

std::string workgroup_arn(const WorldWorkgroup& workgroup) {
  return "arn:aws:redshift-serverless:" + workgroup.region + ":" + workgroup.account +
         ":workgroup/" + workgroup.uuid;
}

// Letters, digits and _ + . @ -, a letter first.
bool is_plain_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= kMaxNameBytes && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') ||
                  std::string_view("_+.@-").find(c) != std::string_view::npos;
         });
}

bool is_database_name(std::string_view name) {
  return is_plain_name(name) && !is_reserved(to_lower_ascii(name));
}

// PUBLIC is everybody, and no user.
bool is_user_name(std::string_view name) {
  return is_database_name(name) && to_lower_ascii(name) != "public";
}

IamError invalid(const ApiCall& call, std::string text) {
  return {400, call.is_json() ? "ValidationException" : "InvalidParameterValue", std::move(text)};
}

ApiResult<int64_t> duration_of(const ApiCall& call) {
  const std::string_view name = call.is_json() ? "durationSeconds" : "DurationSeconds";
  if (!call.has(name)) return kMinDurationS;
  std::optional<int64_t> seconds;
  if (call.is_json()) {
    const auto& value = call.document.at(std::string(name));
    if (value.is_number_integer()) seconds = value.get<int64_t>();
  } else {
    seconds = parse_int(call.parameter(name));
  }
  if (!seconds || *seconds < kMinDurationS || *seconds > kMaxDurationS) {
    return invalid(call, std::string(name) + " must be between 900 and 3600");
  }
  return *seconds;
}

bool flag_of(const ApiCall& call, std::string_view name) {
  return to_lower_ascii(call.parameter(name)) == "true";
}

// 32 characters of what Redshift's own temporary passwords are made of.
std::string make_password() { return random_alphanumeric(24) + "+/==" + random_alphanumeric(4); }

// The caller as a database user: IAMR:role or IAM:user. Made at the first login.
TemporaryLogin mapped_login(const ApiCall& call, const std::string& database, int64_t duration_s,
                            const WarehouseName& warehouse) {
  const IamPrincipal& who = call.key->principal;
  const std::string name =
      (who.kind == IamPrincipal::Kind::kRoleSession ? "IAMR:" : "IAM:") + who.name;
  return {.login = name,
          .database_user = name,
          .create_user = true,
          .database = database,
          .expires_ms = call.now_ms + duration_s * 1000,
          .warehouse = warehouse};
}

IamError cluster_not_found(const std::string& id) {
  return {404, "ClusterNotFound", "Cluster " + id + " not found."};
}

// What both calls of clusters answer. `refresh_before_ms`: 0 leaves NextRefreshTime out.
ApiAnswer login_answer(const ApiCall& call, const TemporaryLogin& login,
                       int64_t refresh_before_ms = 0) {
  XmlWriter xml = begin_result(call);
  xml.text("DbUser", login.login)
      .text("DbPassword", login.password)
      .text("Expiration", format_utc(login.expires_ms));
  if (refresh_before_ms > 0) {
    xml.text("NextRefreshTime", format_utc(login.expires_ms - refresh_before_ms));
  }
  return end_result(call, &xml);
}

}  // namespace

ApiResult<ApiAnswer> RedshiftService::serve(const ApiCall& call) {
  if (call.operation == "GetClusterCredentials") return cluster_credentials(call);
  if (call.operation == "GetClusterCredentialsWithIAM") return cluster_credentials_with_iam(call);
  if (call.operation == "DescribeClusters") return describe_clusters(call);
  if (call.operation == "GetCredentials") return workgroup_credentials(call);
  if (call.operation == "GetWorkgroup") return get_workgroup(call);
  if (call.is_json()) return IamError{400, "UnknownOperationException", ""};
  return IamError{400, "InvalidAction",
                  "Could not find operation " + call.operation + " for version 2012-12-01"};
}

ApiResult<Unit> RedshiftService::allow(const ApiCall& call, std::string_view action,
                                       const std::string& resource,
                                       const RequestContext& context) const {
  RequestContext full = origin_context(call.origin);
  full.add_missing(context);
  const auto denial = iam_.authorize(*call.key, action, resource, full);
  if (!denial) return Unit{};
  return IamError{403, call.is_json() ? "AccessDeniedException" : "AccessDenied", denial->text};
}

ApiResult<WarehouseName> RedshiftService::find_cluster(const ApiCall& call,
                                                       const std::string& id) const {
  const std::string& account = call.key->principal.account;
  if (const auto cluster = iam_.cluster(id, call.region, account)) return name_of(*cluster);
  if (id.starts_with(kServerlessPrefix)) {
    const std::string name = id.substr(kServerlessPrefix.size());
    if (const auto found = iam_.workgroup(name, call.region, account)) return name_of(*found);
  }
  return cluster_not_found(id);
}

WarehouseAddress RedshiftService::address_of(const WarehouseName& warehouse) const {
  if (warehouse == address_.served) return address_;
  constexpr int kUsualPort = 5439;
  return {.host = warehouse.name + "." + warehouse.account + "." + warehouse.region +
                  (warehouse.serverless ? ".redshift-serverless.invalid" : ".redshift.invalid"),
          .port = kUsualPort};
}

WarehouseState::View RedshiftService::state_of(const WarehouseName& warehouse) const {
  if (warehouse == address_.served && address_.state != nullptr) return address_.state->now();
  return {.status = "available", .availability = "Available"};
}

std::string RedshiftService::group_of(const WarehouseName& warehouse) const {
  return address_.groups == nullptr ? "" : address_.groups->id_of(warehouse);
}

nlohmann::json RedshiftService::groups_of(const WarehouseName& warehouse) const {
  const std::string group = group_of(warehouse);
  return group.empty() ? nlohmann::json::array() : nlohmann::json::array({group});
}

TemporaryLogin RedshiftService::give_out(TemporaryLogin login) {
  login.password = make_password();
  logins_.add(login);
  return login;
}

ApiResult<ApiAnswer> RedshiftService::cluster_credentials(const ApiCall& call) {
  const std::string cluster = call.parameter("ClusterIdentifier");
  const std::string user = call.parameter("DbUser");
  const std::string database = call.parameter("DbName");
  if (cluster.empty()) return invalid(call, "ClusterIdentifier or CustomDomainName is required");
  if (!is_user_name(user)) return invalid(call, "The database user name is not valid: " + user);
  if (call.has("DbName") && !is_database_name(database)) {
    return invalid(call, "The database name is not valid: " + database);
  }
  VESTO_ASSIGN(const int64_t duration_s, duration_of(call));
  const bool create = flag_of(call, "AutoCreate");
  RequestContext context;
  context.set("redshift:DbUser", user);
  context.set("redshift:DurationSeconds", std::to_string(duration_s));
  if (!database.empty()) context.set("redshift:DbName", database);
  const std::string user_arn = redshift_arn(call, "dbuser", cluster + "/" + user);
  VESTO_TRY(allow(call, "redshift:GetClusterCredentials", user_arn, context));
  if (!database.empty()) {
    VESTO_TRY(allow(call, "redshift:GetClusterCredentials",
                    redshift_arn(call, "dbname", cluster + "/" + database), context));
  }
  if (create) VESTO_TRY(allow(call, "redshift:CreateClusterUser", user_arn, context));
  std::string groups;
  constexpr int kMaxGroups = 20;
  for (int i = 1; i <= kMaxGroups; ++i) {
    const std::string group = call.parameter("DbGroups.DbGroup." + std::to_string(i));
    if (group.empty()) break;
    VESTO_TRY(allow(call, "redshift:JoinGroup",
                    redshift_arn(call, "dbgroup", cluster + "/" + group), context));
    groups += ":" + group;
  }
  VESTO_ASSIGN(const WarehouseName warehouse, find_cluster(call, cluster));
  // A user that is not there is found out at the login, not here.
  return login_answer(call, give_out({.login = (create ? "IAMA:" : "IAM:") + user + groups,
                                      .database_user = to_lower_ascii(user),
                                      .create_user = create,
                                      .database = database,
                                      .expires_ms = call.now_ms + duration_s * 1000,
                                      .warehouse = warehouse}));
}

ApiResult<ApiAnswer> RedshiftService::cluster_credentials_with_iam(const ApiCall& call) {
  const std::string cluster = call.parameter("ClusterIdentifier");
  const std::string database = call.parameter("DbName");
  if (cluster.empty()) return invalid(call, "ClusterIdentifier or CustomDomainName is required");
  if (call.has("DbName") && !is_database_name(database)) {
    return invalid(call, "The database name is not valid: " + database);
  }
  VESTO_ASSIGN(const int64_t duration_s, duration_of(call));
  RequestContext context;
  context.set("redshift:DurationSeconds", std::to_string(duration_s));
  if (!database.empty()) context.set("redshift:DbName", database);
  VESTO_TRY(allow(call, "redshift:GetClusterCredentialsWithIAM",
                  redshift_arn(call, "dbname", cluster + "/" + (database.empty() ? "*" : database)),
                  context));
  VESTO_ASSIGN(const WarehouseName warehouse, find_cluster(call, cluster));
  return login_answer(call, give_out(mapped_login(call, database, duration_s, warehouse)),
                      kRefreshBeforeMs);
}

ApiResult<ApiAnswer> RedshiftService::describe_clusters(const ApiCall& call) {
  const std::string id = call.parameter("ClusterIdentifier");
  const std::string& account = call.key->principal.account;
  VESTO_TRY(allow(call, "redshift:DescribeClusters",
                  redshift_arn(call, "cluster", id.empty() ? "*" : id), {}));
  if (!id.empty() && !iam_.cluster(id, call.region, account)) return cluster_not_found(id);
  XmlWriter xml = begin_result(call);
  xml.open("Clusters");
  for (const WorldCluster& cluster : iam_.world().clusters) {
    const bool shown = cluster.account == account && cluster.region == call.region &&
                       (id.empty() || cluster.id == id);
    if (!shown) continue;
    const WarehouseState::View state = state_of(name_of(cluster));
    xml.open("Cluster")
        .text("ClusterIdentifier", cluster.id)
        .text("ClusterStatus", state.status)
        .text("ClusterAvailabilityStatus", state.availability)
        .text("DBName", cluster.databases.empty() ? "dev" : cluster.databases.front())
        .text("PubliclyAccessible", "true")
        .text("EnhancedVpcRouting", "false");
    const WarehouseAddress address = address_of(name_of(cluster));
    xml.open("Endpoint").text("Address", address.host).number("Port", address.port).close();
    const std::string group = group_of(name_of(cluster));
    xml.open("VpcSecurityGroups");
    if (!group.empty()) {
      xml.open("VpcSecurityGroup")
          .text("VpcSecurityGroupId", group)
          .text("Status", "active")
          .close();
    }
    xml.close().open("IamRoles");
    for (const std::string& role : cluster.copy_roles) {
      xml.open("ClusterIamRole").text("IamRoleArn", role).text("ApplyStatus", "in-sync").close();
    }
    xml.close().close();
  }
  xml.close();
  return end_result(call, &xml);
}

ApiResult<WorldWorkgroup> RedshiftService::find_workgroup(const ApiCall& call) const {
  const std::string name = call.parameter("workgroupName");
  const bool fits =
      name.size() >= 3 && name.size() <= kMaxNameBytes &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!fits) {
    return invalid(call, constraint_text(name, "workgroupName",
                                         "Member must satisfy regular expression pattern: "
                                         "^[a-z0-9-]+$"));
  }
  auto found = iam_.workgroup(name, call.region, call.key->principal.account);
  if (!found) {
    return IamError{400, "ResourceNotFoundException",
                    "Serverless workgroup " + name + " not found. "};
  }
  return *std::move(found);
}

ApiResult<ApiAnswer> RedshiftService::workgroup_credentials(const ApiCall& call) {
  VESTO_ASSIGN(const int64_t duration_s, duration_of(call));
  const std::string database = call.parameter("dbName");
  if (call.has("dbName") && !is_database_name(database)) {
    return invalid(call, "The database name is not valid: " + database);
  }
  VESTO_ASSIGN(const WorldWorkgroup workgroup, find_workgroup(call));
  VESTO_TRY(allow(call, "redshift-serverless:GetCredentials", workgroup_arn(workgroup), {}));
  const TemporaryLogin login =
      give_out(mapped_login(call, database, duration_s, name_of(workgroup)));
  const double expires_s = static_cast<double>(login.expires_ms) / 1000.0;
  return json_answer(call, {{"dbUser", login.login},
                            {"dbPassword", login.password},
                            {"expiration", expires_s},
                            {"nextRefreshTime", expires_s - kRefreshBeforeMs / 1000.0}});
}

ApiResult<ApiAnswer> RedshiftService::get_workgroup(const ApiCall& call) {
  VESTO_ASSIGN(const WorldWorkgroup workgroup, find_workgroup(call));
  VESTO_TRY(allow(call, "redshift-serverless:GetWorkgroup", workgroup_arn(workgroup), {}));
  const WarehouseAddress address = address_of(name_of(workgroup));
  return json_answer(call, {{"workgroup",
                             {{"workgroupName", workgroup.name},
                              {"workgroupId", workgroup.uuid},
                              {"workgroupArn", workgroup_arn(workgroup)},
                              {"namespaceName", workgroup.name},
                              {"status", to_upper_ascii(state_of(name_of(workgroup)).status)},
                              {"publiclyAccessible", true},
                              {"enhancedVpcRouting", false},
                              {"port", address.port},
                              {"securityGroupIds", groups_of(name_of(workgroup))},
                              {"endpoint",
                               {{"address", address.host},
                                {"port", address.port},
                                {"vpcEndpoints", nlohmann::json::array()}}}}}});
}

}  // namespace vesto::sandbox
