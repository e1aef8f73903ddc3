// What the host name of AWS's own endpoints of Redshift tells.
// Source: Amazon Redshift management guide, "Connecting to a cluster"; Redshift Serverless,
// "Connecting to Amazon Redshift Serverless". Pure; any thread.
#ifndef VESTO_ADDRESS_WAREHOUSE_HOST_H_
#define VESTO_ADDRESS_WAREHOUSE_HOST_H_

#include <string>
#include <string_view>

namespace vesto {

// Warehouse, region, kind, account (Serverless alone).
// "examplecluster.abc123.us-west-2.redshift.amazonaws.com",
// "wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com", also with other partitions'
// suffixes. All fields "" where the host is neither: an alias, an address, a tunnel.
struct WarehouseHost {
  std::string warehouse = {};
  std::string region = {};
  std::string account = {};
  bool serverless = false;
  [[nodiscard]] bool known() const { return !warehouse.empty(); }
};
WarehouseHost parse_warehouse_host(std::string_view host);

}  // namespace vesto

#endif  // VESTO_ADDRESS_WAREHOUSE_HOST_H_
