#include "sandbox/aws/redshift_service.h"

#include <algorithm>

#include "base/clock.h"
#include "base/ids.h"
#include "base/strings.h"
#include "sandbox/aws/warehouse_parameters.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kMinDurationS = 900;
constexpr int64_t kMaxDurationS = 3600;
constexpr int64_t kRefreshBeforeMs = 60'000;
constexpr std::string_view kServerlessPrefix = "redshift-serverless-";

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
    return invalid_parameter(call, std::string(name) + " must be between 900 and 3600");
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

std::string redshift_arn(const ApiCall& call, std::string_view kind, const std::string& name) {
  return "arn:aws:redshift:" + call.region + ":" + call.key->principal.account + ":" +
         std::string(kind) + ":" + name;
}

const std::vector<RedshiftService::Entry>& RedshiftService::entries() {
  using S = RedshiftService;
  static const std::vector<Entry> kEntries = {
      {false, "GetClusterCredentials", &S::cluster_credentials,
       "ClusterIdentifier DbUser DbName AutoCreate DbGroups. DurationSeconds"},
      {false, "GetClusterCredentialsWithIAM", &S::cluster_credentials_with_iam,
       "ClusterIdentifier DbName DurationSeconds"},
      {false, "CreateCluster", &S::create_cluster,
       "ClusterIdentifier DBName ClusterType NodeType NumberOfNodes MasterUsername "
       "MasterUserPassword ManageMasterPassword VpcSecurityGroupIds. Port PubliclyAccessible "
       "Encrypted EnhancedVpcRouting IamRoles. DefaultIamRoleArn"},
      {false, "DescribeClusters", &S::describe_clusters, "ClusterIdentifier MaxRecords Marker"},
      {false, "ModifyCluster", &S::modify_cluster,
       "ClusterIdentifier PubliclyAccessible VpcSecurityGroupIds. MasterUserPassword "
       "EnhancedVpcRouting"},
      {false, "ModifyClusterIamRoles", &S::modify_cluster_roles,
       "ClusterIdentifier AddIamRoles. RemoveIamRoles. DefaultIamRoleArn"},
      {false, "DeleteCluster", &S::delete_cluster,
       "ClusterIdentifier SkipFinalClusterSnapshot FinalClusterSnapshotIdentifier"},
      {true, "GetCredentials", &S::workgroup_credentials, "workgroupName dbName durationSeconds"},
      {true, "CreateNamespace", &S::create_namespace,
       "namespaceName dbName adminUsername adminUserPassword manageAdminPassword iamRoles "
       "defaultIamRoleArn"},
      {true, "GetNamespace", &S::get_namespace, "namespaceName"},
      {true, "UpdateNamespace", &S::update_namespace,
       "namespaceName adminUsername adminUserPassword manageAdminPassword iamRoles "
       "defaultIamRoleArn"},
      {true, "DeleteNamespace", &S::delete_namespace, "namespaceName"},
      {true, "CreateWorkgroup", &S::create_workgroup,
       "workgroupName namespaceName baseCapacity port publiclyAccessible enhancedVpcRouting "
       "securityGroupIds"},
      {true, "GetWorkgroup", &S::get_workgroup, "workgroupName"},
      {true, "ListWorkgroups", &S::list_workgroups, "maxResults nextToken ownerAccount"},
      {true, "UpdateWorkgroup", &S::update_workgroup,
       "workgroupName baseCapacity publiclyAccessible enhancedVpcRouting securityGroupIds"},
      {true, "DeleteWorkgroup", &S::delete_workgroup, "workgroupName"},
  };
  return kEntries;
}

ApiResult<ApiAnswer> RedshiftService::serve(const ApiCall& call) {
  sweep(call.now_ms);
  for (const Entry& one : entries()) {
    if (one.serverless != call.is_json() || one.name != call.operation) continue;
    VESTO_TRY(check_parameters(call, one.parameters));
    return (this->*one.run)(call);
  }
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
  if (warehouse == address_.served->get()) return address_;
  constexpr int kUsualPort = 5439;
  return {.host = warehouse.name + "." + warehouse.account + "." + warehouse.region +
                  (warehouse.serverless ? ".redshift-serverless.invalid" : ".redshift.invalid"),
          .port = kUsualPort};
}

WarehouseState::View RedshiftService::state_of(const WarehouseName& warehouse,
                                               const WarehouseLife& life) const {
  if (warehouse == address_.served->get()) return address_.state->now();
  if (life.gone_ms != 0) return {.status = "deleting", .availability = "Unavailable"};
  if (clock_.wall_ms() < life.ready_ms) return {.status = "creating", .availability = "Modifying"};
  return {.status = "available", .availability = "Available"};
}

void RedshiftService::sweep(int64_t now_ms) {
  std::vector<WarehouseName> gone;
  const auto over = [now_ms](const auto& one) {
    return one.life.gone_ms != 0 && one.life.gone_ms <= now_ms;
  };
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    for (const WorldCluster& one : world.clusters) {
      if (over(one)) gone.push_back(name_of(one));
    }
    for (const WorldWorkgroup& one : world.workgroups) {
      if (over(one)) gone.push_back(name_of(one));
    }
    return WorldChange([over](World& changed) {
      std::erase_if(changed.clusters, over);
      std::erase_if(changed.workgroups, over);
      std::erase_if(changed.namespaces, over);
    });
  };
  (void)iam_.change_at_once(prepare);
  for (const WarehouseName& one : gone) {
    groups_.detach(one);
    if (!(one == address_.served->get())) continue;
    address_.state->be_absent();
    address_.served->forget();
  }
}

ApiResult<Unit> RedshiftService::open(const ApiCall& call, const WarehouseName& warehouse,
                                      const WarehouseLife& life,
                                      const std::vector<std::string>& groups,
                                      const std::string& password, const std::string& database) {
  const bool served = address_.served->take(warehouse);
  // Before anybody is let in.
  if (served) address_.state->be_creating(clock_, life.ready_ms);
  groups_.attach(warehouse, groups, life.publicly_accessible);
  return set_admin(call, warehouse, life.admin_user, password, database);
}

ApiResult<Unit> RedshiftService::set_admin(const ApiCall& call, const WarehouseName& warehouse,
                                           const std::string& user, const std::string& password,
                                           const std::string& database) {
  if (!(warehouse == address_.served->get()) || !address_.make_admin) return Unit{};
  if (user.empty() || password.empty()) return Unit{};
  if (address_.make_admin(to_lower_ascii(user), password, database)) return Unit{};
  return IamError{500, call.is_json() ? "InternalServerException" : "InternalFailure",
                  "An internal error has occurred. Retry your query, but if the problem persists, "
                  "contact us with details."};
}

ApiResult<Unit> RedshiftService::check_roles(const ApiCall& call,
                                             const std::vector<std::string>& roles) const {
  const World world = iam_.written();
  for (const std::string& role : roles) {
    VESTO_TRY(allow(call, "iam:PassRole", role, {}));
    if (world.role(role) != nullptr) continue;
    return invalid_parameter(call, "The IAM role " + role + " is not valid.");
  }
  return Unit{};
}

ApiResult<Unit> RedshiftService::check_groups(const ApiCall& call,
                                              const std::vector<std::string>& ids) const {
  const std::string& account = call.key->principal.account;
  const std::string missing = groups_.missing_of(account, call.region, ids);
  if (missing.empty()) return Unit{};
  return invalid_parameter(call, "VPC Security group " + missing + " does not exist in VPC " +
                                     SecurityGroups::vpc_of(account, call.region));
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
  if (cluster.empty())
    return invalid_parameter(call, "ClusterIdentifier or CustomDomainName is required");
  if (!is_user_name(user))
    return invalid_parameter(call, "The database user name is not valid: " + user);
  if (call.has("DbName") && !is_database_name(database)) {
    return invalid_parameter(call, "The database name is not valid: " + database);
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
  if (cluster.empty())
    return invalid_parameter(call, "ClusterIdentifier or CustomDomainName is required");
  if (call.has("DbName") && !is_database_name(database)) {
    return invalid_parameter(call, "The database name is not valid: " + database);
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

ApiResult<ApiAnswer> RedshiftService::workgroup_credentials(const ApiCall& call) {
  VESTO_ASSIGN(const int64_t duration_s, duration_of(call));
  const std::string database = call.parameter("dbName");
  if (call.has("dbName") && !is_database_name(database)) {
    return invalid_parameter(call, "The database name is not valid: " + database);
  }
  VESTO_ASSIGN(const WorldWorkgroup workgroup, find_workgroup(call));
  VESTO_TRY(allow_workgroup(call, workgroup));
  const TemporaryLogin login =
      give_out(mapped_login(call, database, duration_s, name_of(workgroup)));
  const double expires_s = static_cast<double>(login.expires_ms) / 1000.0;
  return json_answer(call, {{"dbUser", login.login},
                            {"dbPassword", login.password},
                            {"expiration", expires_s},
                            {"nextRefreshTime", expires_s - kRefreshBeforeMs / 1000.0}});
}

}  // namespace vesto::sandbox
