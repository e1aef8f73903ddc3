// Which of the world's clusters and workgroups the sandbox's one Redshift listener stands for.
// Pure; any thread.
#ifndef VESTO_SANDBOX_IAM_WAREHOUSE_H_
#define VESTO_SANDBOX_IAM_WAREHOUSE_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/iam/world.h"

namespace vesto::sandbox {

struct WarehouseName {
  bool serverless = false;  // a workgroup
  std::string account = {};
  std::string region = {};
  std::string name = {};  // "": none of the world's
  bool operator==(const WarehouseName&) const = default;
};

WarehouseName name_of(const WorldCluster& cluster);
WarehouseName name_of(const WorldWorkgroup& workgroup);

// `wanted`: NAME, ACCOUNT/NAME or ACCOUNT/REGION/NAME; "" takes the only one of the kind, or none
// where the world has none. The error is a text for the person who starts the sandbox: no such
// warehouse, or several that fit.
Result<WarehouseName, std::string> choose_warehouse(const World& world, bool serverless,
                                                    std::string_view wanted);

// ARNs of roles for COPY.
struct AttachedRoles {
  std::vector<std::string> all = {};
  std::string by_default = {};  // one of them, or ""
};
// Those of the warehouse (of its namespace); none for a warehouse that is not there.
AttachedRoles attached_roles_of(const World& world, const WarehouseName& warehouse);
// Its security group.
AllowList allow_from_of(const World& world, const WarehouseName& warehouse);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_WAREHOUSE_H_
