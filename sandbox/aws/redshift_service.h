// The APIs of Redshift and Redshift Serverless, as far as programs that log in use them:
// GetClusterCredentials, GetClusterCredentialsWithIAM, DescribeClusters; GetCredentials,
// GetWorkgroup.
// Sources: Amazon Redshift API reference (2012-12-01), Redshift Serverless API reference
// (2021-04-21), service authorization reference of both.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_
#define VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_

#include <string>

#include "sandbox/aws/api_answers.h"
#include "sandbox/aws/api_call.h"
#include "sandbox/aws/security_groups.h"
#include "sandbox/aws/temporary_logins.h"
#include "sandbox/control/warehouse_state.h"

namespace vesto::sandbox {

// Where the one warehouse is reached that the sandbox's listener stands for. The others of the
// world can be described and give out passwords, but nobody listens at their addresses.
struct WarehouseAddress {
  std::string host;
  int port = 0;
  WarehouseName served = {};
  WarehouseState* state = nullptr;   // of the one that is served; nullptr: always available
  SecurityGroups* groups = nullptr;  // nullptr: none are told
};

class RedshiftService {
 public:
  RedshiftService(Iam& iam, TemporaryLogins& logins, WarehouseAddress address)
      : iam_(iam), logins_(logins), address_(std::move(address)) {}

  ApiResult<ApiAnswer> serve(const ApiCall& call);

 private:
  ApiResult<ApiAnswer> cluster_credentials(const ApiCall& call);
  ApiResult<ApiAnswer> cluster_credentials_with_iam(const ApiCall& call);
  ApiResult<ApiAnswer> describe_clusters(const ApiCall& call);
  ApiResult<ApiAnswer> workgroup_credentials(const ApiCall& call);
  ApiResult<ApiAnswer> get_workgroup(const ApiCall& call);
  // The id of its security group; "": none is told.
  [[nodiscard]] std::string group_of(const WarehouseName& warehouse) const;
  [[nodiscard]] nlohmann::json groups_of(const WarehouseName& warehouse) const;
  // Nothing said: allowed.
  ApiResult<Unit> allow(const ApiCall& call, std::string_view action, const std::string& resource,
                        const RequestContext& context) const;
  // A cluster, or a workgroup by the name that these calls know it by.
  ApiResult<WarehouseName> find_cluster(const ApiCall& call, const std::string& id) const;
  ApiResult<WorldWorkgroup> find_workgroup(const ApiCall& call) const;
  [[nodiscard]] WarehouseAddress address_of(const WarehouseName& warehouse) const;
  [[nodiscard]] WarehouseState::View state_of(const WarehouseName& warehouse) const;
  // Adds the password, and remembers the whole.
  TemporaryLogin give_out(TemporaryLogin login);

  Iam& iam_;
  TemporaryLogins& logins_;
  const WarehouseAddress address_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_
