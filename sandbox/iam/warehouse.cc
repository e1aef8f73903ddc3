#include "sandbox/iam/warehouse.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

std::vector<WarehouseName> names_of(const World& world, bool serverless) {
  std::vector<WarehouseName> out;
  if (serverless) {
    for (const WorldWorkgroup& one : world.workgroups) out.push_back(name_of(one));
  } else {
    for (const WorldCluster& one : world.clusters) out.push_back(name_of(one));
  }
  return out;
}

std::string full_name(const WarehouseName& one) {
  return one.account + "/" + one.region + "/" + one.name;
}

bool fits(const WarehouseName& one, std::string_view wanted) {
  return wanted == one.name || wanted == one.account + "/" + one.name || wanted == full_name(one);
}

// What `part` takes from the cluster or workgroup of that name; an empty one if there is none.
template <typename T, typename Part>
T part_of(const World& world, const WarehouseName& name, const Part& part) {
  if (name.serverless) {
    const WorldWorkgroup* found = world.workgroup(name.name, name.region, name.account);
    return found == nullptr ? T() : part(*found);
  }
  const WorldCluster* found = world.cluster(name.name, name.region, name.account);
  return found == nullptr ? T() : part(*found);
}

}  // namespace

WarehouseName name_of(const WorldCluster& cluster) {
  return {.account = cluster.account, .region = cluster.region, .name = cluster.id};
}

WarehouseName name_of(const WorldWorkgroup& workgroup) {
  return {.serverless = true,
          .account = workgroup.account,
          .region = workgroup.region,
          .name = workgroup.name};
}

Result<WarehouseName, std::string> choose_warehouse(const World& world, bool serverless,
                                                    std::string_view wanted) {
  const std::vector<WarehouseName> all = names_of(world, serverless);
  const std::string_view what = serverless ? "workgroup" : "cluster";
  std::vector<WarehouseName> found;
  std::vector<std::string> shown;
  for (const WarehouseName& one : all) {
    if (!wanted.empty() && !fits(one, wanted)) continue;
    found.push_back(one);
    shown.push_back(full_name(one));
  }
  if (found.size() > 1) {
    return fmt::format("--warehouse must say which {} of the world this one is: {}", what,
                       join(shown, ", "));
  }
  if (found.size() == 1) return found.front();
  if (wanted.empty()) return WarehouseName{.serverless = serverless};
  return fmt::format("--warehouse {}: the world has no such {}", wanted, what);
}

AttachedRoles attached_roles_of(const World& world, const WarehouseName& warehouse) {
  if (!warehouse.serverless) {
    const WorldCluster* found = world.cluster(warehouse.name, warehouse.region, warehouse.account);
    if (found == nullptr) return {};
    return {.all = found->copy_roles, .by_default = found->default_role};
  }
  const WorldWorkgroup* group =
      world.workgroup(warehouse.name, warehouse.region, warehouse.account);
  if (group == nullptr) return {};
  const WorldNamespace* space =
      world.name_space(group->namespace_name, group->region, group->account);
  if (space == nullptr) return {};
  return {.all = space->copy_roles, .by_default = space->default_role};
}

AllowList allow_from_of(const World& world, const WarehouseName& warehouse) {
  return part_of<AllowList>(world, warehouse, [](const auto& one) { return one.allow_from; });
}

}  // namespace vesto::sandbox
