#include "address/warehouse_host.h"

#include "address/arn.h"
#include "base/strings.h"

namespace vesto {

// <warehouse>.<random or account>.<region>.redshift[-serverless].<suffix of the partition>
WarehouseHost parse_warehouse_host(std::string_view host) {
  std::string lower = to_lower_ascii(trim(host));
  if (lower.ends_with('.')) lower.pop_back();  // a name may end in the root's dot
  const std::vector<std::string> labels = split(lower, '.');
  if (labels.size() < 6) return {};
  const bool serverless = labels[3] == "redshift-serverless";
  if (!serverless && labels[3] != "redshift") return {};
  const std::string suffix = join({labels.begin() + 4, labels.end()}, ".");
  const AwsPartition& partition = partition_of_region(labels[2]);
  if (labels[0].empty() || labels[1].empty() || !is_region_name(labels[2])) return {};
  if (suffix != partition.dns_suffix && suffix != partition.dual_stack_suffix) return {};
  if (serverless && !is_account_id(labels[1])) return {};
  return {.warehouse = labels[0],
          .region = labels[2],
          .account = serverless ? labels[1] : "",
          .serverless = serverless};
}

}  // namespace vesto
