// Workgroups of Redshift Serverless.
#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/aws/redshift_service.h"
#include "sandbox/aws/warehouse_parameters.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxGroups = 5;

IamError conflict(std::string text) { return {400, "ConflictException", std::move(text)}; }

IamError workgroup_not_found(const std::string& name) {
  return {400, "ResourceNotFoundException", "Serverless workgroup " + name + " not found. "};
}

// 4, then in steps of 8 up to 512, then in steps of 32 up to 1024.
ApiResult<int64_t> capacity_of(const ApiCall& call, int64_t otherwise) {
  VESTO_ASSIGN(const std::optional<int64_t> given, number_parameter(call, "baseCapacity"));
  const int64_t units = given.value_or(otherwise);
  if (units == 4 || (units >= 8 && units <= 512 && units % 8 == 0) ||
      (units > 512 && units <= 1024 && units % 32 == 0)) {
    return units;
  }
  return invalid_parameter(call, "The base capacity " + std::to_string(units) + " is not valid.");
}

WorldWorkgroup* find_in(World& world, const WorldWorkgroup& like) {
  return const_cast<WorldWorkgroup*>(world.workgroup(like.name, like.region, like.account));
}

}  // namespace

std::string workgroup_arn(const WorldWorkgroup& workgroup) {
  return "arn:aws:redshift-serverless:" + workgroup.region + ":" + workgroup.account +
         ":workgroup/" + workgroup.uuid;
}

ApiResult<Unit> RedshiftService::allow_workgroup(const ApiCall& call,
                                                 const WorldWorkgroup& group) const {
  return allow(call, "redshift-serverless:" + call.operation, workgroup_arn(group), {});
}

ApiResult<WorldWorkgroup> RedshiftService::find_workgroup(const ApiCall& call) const {
  VESTO_ASSIGN(const std::string name, serverless_name(call, "workgroupName"));
  auto found = iam_.workgroup(name, call.region, call.key->principal.account);
  if (!found) return workgroup_not_found(name);
  return *std::move(found);
}

ApiResult<ApiAnswer> RedshiftService::create_workgroup(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  WorldWorkgroup group;
  VESTO_ASSIGN(group.name, serverless_name(call, "workgroupName"));
  VESTO_ASSIGN(group.namespace_name, serverless_name(call, "namespaceName"));
  group.account = call.key->principal.account;
  group.region = call.region;
  group.uuid = "*";
  VESTO_TRY(allow_workgroup(call, group));
  group.uuid = uuid_from(random_bytes(16));
  VESTO_ASSIGN(group.base_capacity, capacity_of(call, group.base_capacity));
  VESTO_TRY(port_parameter(call, "port"));
  VESTO_ASSIGN(group.enhanced_vpc_routing, flag_parameter(call, "enhancedVpcRouting", false));
  VESTO_ASSIGN(group.life.publicly_accessible, flag_parameter(call, "publiclyAccessible", false));
  VESTO_ASSIGN(const std::vector<std::string> groups,
               list_parameter(call, "securityGroupIds", "", kMaxGroups));
  VESTO_TRY(check_groups(call, groups));
  WorldNamespace space;
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    const WorldNamespace* found =
        world.name_space(group.namespace_name, group.region, group.account);
    if (found == nullptr || found->life.gone_ms != 0) {
      return IamError{400, "ResourceNotFoundException",
                      "Serverless namespace " + group.namespace_name + " not found."};
    }
    space = *found;
    if (world.workgroup(group.name, group.region, group.account) != nullptr) {
      return conflict("Workgroup " + group.name + " already exists.");
    }
    for (const WorldWorkgroup& one : world.workgroups) {
      if (one.namespace_name != space.name || one.region != group.region ||
          one.account != group.account) {
        continue;
      }
      return conflict("The namespace " + space.name + " has a workgroup already.");
    }
    if (world.workgroups.size() >= kMaxOfWorld) {
      return IamError{400, "ServiceQuotaExceededException", "The quota of workgroups is exceeded."};
    }
    group.databases = {space.database};
    group.life.created_ms = call.now_ms;
    group.life.ready_ms = call.now_ms + world.creating_ms;
    return WorldChange([group](World& changed) { changed.workgroups.push_back(group); });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  WarehouseLife life = group.life;
  life.admin_user = space.life.admin_user;
  VESTO_TRY(open(call, name_of(group), life, groups, space.admin_password, space.database));
  return json_answer(call, {{"workgroup", workgroup_json(group)}});
}

nlohmann::json RedshiftService::workgroup_json(const WorldWorkgroup& group) const {
  const WarehouseName name = name_of(group);
  const WarehouseAddress address = address_of(name);
  const std::string status = to_upper_ascii(state_of(name, group.life).status);
  nlohmann::json out = {{"workgroupName", group.name},
                        {"workgroupId", group.uuid},
                        {"workgroupArn", workgroup_arn(group)},
                        {"namespaceName", group.namespace_name},
                        {"status", status},
                        {"baseCapacity", group.base_capacity},
                        {"publiclyAccessible", group.life.publicly_accessible},
                        {"enhancedVpcRouting", group.enhanced_vpc_routing},
                        {"port", address.port},
                        {"securityGroupIds", groups_.ids_of(name)}};
  if (group.life.created_ms != 0) {
    out["creationDate"] = format_utc_seconds(group.life.created_ms);
  }
  // There is no endpoint before there is a warehouse.
  if (status != "CREATING" || group.life.created_ms == 0) {
    out["endpoint"] = {{"address", address.host},
                       {"port", address.port},
                       {"vpcEndpoints", nlohmann::json::array()}};
  }
  return out;
}

ApiResult<ApiAnswer> RedshiftService::get_workgroup(const ApiCall& call) {
  VESTO_ASSIGN(const WorldWorkgroup group, find_workgroup(call));
  VESTO_TRY(allow_workgroup(call, group));
  return json_answer(call, {{"workgroup", workgroup_json(group)}});
}

ApiResult<ApiAnswer> RedshiftService::list_workgroups(const ApiCall& call) {
  constexpr int64_t kMost = 100;
  const std::string& account = call.key->principal.account;
  VESTO_TRY(allow(call, "redshift-serverless:ListWorkgroups", "*", {}));
  VESTO_ASSIGN(const std::optional<int64_t> results, number_parameter(call, "maxResults"));
  const int64_t most = results.value_or(kMost);
  if (most < 1 || most > kMost) {
    return invalid_parameter(call, constraint_text(std::to_string(most), "maxResults",
                                                   "Member must have value between 1 and 100"));
  }
  VESTO_ASSIGN(const std::string owner, text_parameter(call, "ownerAccount"));
  VESTO_ASSIGN(const std::string after, text_parameter(call, "nextToken"));
  nlohmann::json list = nlohmann::json::array();
  nlohmann::json out = nlohmann::json::object();
  bool begun = after.empty();
  std::string last;
  for (const WorldWorkgroup& one : iam_.world().workgroups) {
    const bool wanted =
        one.account == account && one.region == call.region && (owner.empty() || owner == account);
    if (!wanted) continue;
    if (begun && static_cast<int64_t>(list.size()) == most) {
      out["nextToken"] = last;
      break;
    }
    if (begun) list.push_back(workgroup_json(one));
    last = one.name;
    begun = begun || one.name == after;
  }
  out["workgroups"] = std::move(list);
  return json_answer(call, out);
}

ApiResult<ApiAnswer> RedshiftService::update_workgroup(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(WorldWorkgroup group, find_workgroup(call));
  VESTO_TRY(allow_workgroup(call, group));
  const WarehouseName name = name_of(group);
  if (state_of(name, group.life).status != "available") {
    return conflict("There is an operation running on the existing workgroup " + group.name + ".");
  }
  VESTO_ASSIGN(group.base_capacity, capacity_of(call, group.base_capacity));
  VESTO_ASSIGN(group.enhanced_vpc_routing,
               flag_parameter(call, "enhancedVpcRouting", group.enhanced_vpc_routing));
  VESTO_ASSIGN(group.life.publicly_accessible,
               flag_parameter(call, "publiclyAccessible", group.life.publicly_accessible));
  VESTO_ASSIGN(std::vector<std::string> groups,
               list_parameter(call, "securityGroupIds", "", kMaxGroups));
  VESTO_TRY(check_groups(call, groups));
  // All that was given but the name.
  if (call.document.size() > 2) {
    return invalid_parameter(
        call,
        "Can't update multiple configurations at the same time for workgroup " + group.name + ".");
  }
  if (groups.empty()) groups = groups_.ids_of(name);
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    return WorldChange([group](World& changed) {
      if (WorldWorkgroup* found = find_in(changed, group)) *found = group;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  groups_.attach(name, std::move(groups), group.life.publicly_accessible);
  return json_answer(call, {{"workgroup", workgroup_json(group)}});
}

ApiResult<ApiAnswer> RedshiftService::delete_workgroup(const ApiCall& call) {
  const Lock one_at_a_time(changing_);
  VESTO_ASSIGN(WorldWorkgroup group, find_workgroup(call));
  VESTO_TRY(allow_workgroup(call, group));
  const WarehouseName name = name_of(group);
  if (state_of(name, group.life).status != "available") {
    return conflict("There is an operation running on the existing workgroup " + group.name + ".");
  }
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    group.life.gone_ms = call.now_ms + std::max<int64_t>(world.creating_ms, 1);
    return WorldChange([group](World& changed) {
      if (WorldWorkgroup* found = find_in(changed, group)) *found = group;
    });
  };
  VESTO_TRY(iam_.change_at_once(prepare));
  if (name == address_.served->get()) address_.state->be_deleting();
  return json_answer(call, {{"workgroup", workgroup_json(group)}});
}

}  // namespace vesto::sandbox
