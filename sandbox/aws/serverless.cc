// Namespaces of Redshift Serverless: database, admin and roles of a workgroup.
#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/aws/redshift_service.h"
#include "sandbox/aws/warehouse_parameters.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxRoles = 50;

IamError conflict(std::string text) { return {400, "ConflictException", std::move(text)}; }

std::string namespace_arn(const ApiCall& call, const std::string& uuid) {
  return "arn:aws:redshift-serverless:" + call.region + ":" + call.key->principal.account +
         ":namespace/" + uuid;
}

WorldNamespace* find_in(World& world, const WorldNamespace& like) {
  return const_cast<WorldNamespace*>(world.name_space(like.name, like.region, like.account));
}

// Roles are told with their state in one text, as AWS does it.
nlohmann::json namespace_json(const ApiCall& call, const WorldNamespace& space) {
  nlohmann::json roles = nlohmann::json::array();
  for (const std::string& role : space.copy_roles) {
    roles.push_back("IamRole(applyStatus=in-sync, iamRoleArn=" + role + ")");
  }
  nlohmann::json out = {{"namespaceName", space.name},
                        {"namespaceId", space.uuid},
                        {"namespaceArn", namespace_arn(call, space.uuid)},
                        {"status", space.life.gone_ms == 0 ? "AVAILABLE" : "DELETING"},
                        {"dbName", space.database},
                        {"iamRoles", std::move(roles)},
                        {"kmsKeyId", "AWS_OWNED_KMS_KEY"},
                        {"logExports", nlohmann::json::array()}};
  if (!space.default_role.empty()) out["defaultIamRoleArn"] = space.default_role;
  if (!space.life.admin_user.empty()) out["adminUsername"] = space.life.admin_user;
  if (!space.life.secret_arn.empty()) out["adminPasswordSecretArn"] = space.life.secret_arn;
  if (space.life.created_ms != 0) {
    out["creationDate"] = format_utc_seconds(space.life.created_ms);
  }
  return {{"namespace", std::move(out)}};
}

}  // namespace

ApiResult<WorldNamespace> RedshiftService::namespace_of(const ApiCall& call) const {
  VESTO_ASSIGN(const std::string name, serverless_name(call, "namespaceName"));
  const World world = iam_.world();
  const WorldNamespace* found = world.name_space(name, call.region, call.key->principal.account);
  VESTO_TRY(allow(call, "redshift-serverless:" + call.operation,
                  namespace_arn(call, found == nullptr ? "*" : found->uuid), {}));
  if (found != nullptr) return *found;
  return IamError{400, "ResourceNotFoundException", "Serverless namespace " + name + " not found."};
}

std::optional<WorldWorkgroup> RedshiftService::workgroup_in(const WorldNamespace& space) const {
  for (const WorldWorkgroup& one : iam_.world().workgroups) {
    if (one.namespace_name == space.name && one.region == space.region &&
        one.account == space.account) {
      return one;
    }
  }
  return std::nullopt;
}

ApiResult<Unit> RedshiftService::take_roles(const ApiCall& call, WorldNamespace* space) const {
  if (call.has("iamRoles")) {
    VESTO_ASSIGN(space->copy_roles, list_parameter(call, "iamRoles", "", kMaxRoles));
    VESTO_TRY(check_roles(call, space->copy_roles));
  }
  const auto& roles = space->copy_roles;
  const auto attached = [&roles](const std::string& role) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
  };
  if (call.has("defaultIamRoleArn")) {
    VESTO_ASSIGN(space->default_role, text_parameter(call, "defaultIamRoleArn"));
    if (space->default_role.empty() || attached(space->default_role)) return Unit{};
    return invalid_parameter(call, "The default IAM role " + space->default_role +
                                       " is not associated with the namespace.");
  }
  if (!attached(space->default_role)) space->default_role.clear();
  return Unit{};
}

// A password of one's own needs the user's name with it; AWS's does not.
ApiResult<Unit> RedshiftService::take_admin(const ApiCall& call, WorldNamespace* space) {
  VESTO_ASSIGN(const std::string user, text_parameter(call, "adminUsername"));
  VESTO_ASSIGN(const std::string password, text_parameter(call, "adminUserPassword"));
  VESTO_ASSIGN(const bool managed, flag_parameter(call, "manageAdminPassword", false));
  if (managed && call.has("adminUserPassword")) {
    return invalid_parameter(call, "adminUserPassword must not be given with manageAdminPassword.");
  }
  if (call.has("adminUserPassword") != call.has("adminUsername") && !managed) {
    return invalid_parameter(call, "adminUsername and adminUserPassword must be given together.");
  }
  const std::string before = space->life.admin_user;
  if (call.has("adminUsername")) {
    if (!is_user_name(user)) {
      return invalid_parameter(call,
                               "The parameter adminUsername is not a valid user name: " + user);
    }
    space->life.admin_user = user;
  }
  if (managed) {
    if (space->life.admin_user.empty()) space->life.admin_user = "admin";
    // Managed already: the secret stays. One of another user's name is in its way.
    if (!space->life.secret_arn.empty() && space->life.admin_user == before) return Unit{};
    const std::string old_secret = space->life.secret_arn;
    VESTO_ASSIGN(space->life.secret_arn,
                 secrets_.make(call, "redshift!" + space->name + "-" + space->life.admin_user,
                               to_lower_ascii(space->life.admin_user)));
    space->admin_password = secrets_.password_of(space->life.secret_arn);
    secrets_.forget(old_secret);
    return Unit{};
  }
  if (!call.has("adminUserPassword")) return Unit{};
  VESTO_TRY(check_admin_password(call, "adminUserPassword", password));
  secrets_.forget(space->life.secret_arn);
  space->life.secret_arn.clear();
  space->admin_password = password;
  return Unit{};
}

ApiResult<ApiAnswer> RedshiftService::create_namespace(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  WorldNamespace space;
  VESTO_ASSIGN(space.name, serverless_name(call, "namespaceName"));
  space.account = call.key->principal.account;
  space.region = call.region;
  VESTO_TRY(allow(call, "redshift-serverless:CreateNamespace", namespace_arn(call, "*"), {}));
  VESTO_ASSIGN(const std::string database, text_parameter(call, "dbName"));
  if (call.has("dbName") && !is_database_name(database)) {
    return invalid_parameter(call, "The database name is not valid: " + database);
  }
  if (!database.empty()) space.database = to_lower_ascii(database);
  VESTO_TRY(take_roles(call, &space));
  const auto taken = [&] { return conflict("Namespace " + space.name + " already exists."); };
  if (iam_.world().name_space(space.name, space.region, space.account) != nullptr) return taken();
  VESTO_TRY(take_admin(call, &space));
  space.uuid = uuid_from(random_bytes(16));
  space.life.created_ms = call.now_ms;
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    if (world.name_space(space.name, space.region, space.account) != nullptr) return taken();
    if (world.namespaces.size() >= kMaxOfWorld) {
      return IamError{400, "ServiceQuotaExceededException", "The quota of namespaces is exceeded."};
    }
    return WorldChange([space](World& changed) { changed.namespaces.push_back(space); });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  return json_answer(call, namespace_json(call, space));
}

ApiResult<ApiAnswer> RedshiftService::get_namespace(const ApiCall& call) {
  VESTO_ASSIGN(const WorldNamespace space, namespace_of(call));
  return json_answer(call, namespace_json(call, space));
}

ApiResult<ApiAnswer> RedshiftService::update_namespace(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(WorldNamespace space, namespace_of(call));
  if (space.life.gone_ms != 0) {
    return conflict("There is an operation running on the namespace. Try again later.");
  }
  VESTO_TRY(take_roles(call, &space));
  VESTO_TRY(take_admin(call, &space));
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    return WorldChange([space](World& changed) {
      if (WorldNamespace* found = find_in(changed, space)) *found = space;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  const auto group = workgroup_in(space);
  if (group && (call.has("adminUserPassword") || call.has("manageAdminPassword"))) {
    VESTO_TRY(set_admin(call, name_of(*group), space.life.admin_user, space.admin_password, ""));
  }
  return json_answer(call, namespace_json(call, space));
}

ApiResult<ApiAnswer> RedshiftService::delete_namespace(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(WorldNamespace space, namespace_of(call));
  if (workgroup_in(space)) {
    return conflict("There is a workgroup associated with the namespace " + space.name +
                    ". Delete it first.");
  }
  if (space.life.gone_ms != 0) {
    return conflict("There is an operation running on the namespace. Try again later.");
  }
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    space.life.gone_ms = call.now_ms + std::max<int64_t>(world.creating_ms, 1);
    return WorldChange([space](World& changed) {
      if (WorldNamespace* found = find_in(changed, space)) *found = space;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  secrets_.forget(space.life.secret_arn);
  return json_answer(call, namespace_json(call, space));
}

}  // namespace vesto::sandbox
