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
#include "sandbox/aws/temporary_logins.h"

namespace vesto::sandbox {

// Where every cluster and workgroup of the world is reached: the one database of the sandbox.
struct WarehouseAddress {
  std::string host;
  int port = 0;
};

class RedshiftService {
 public:
  RedshiftService(Iam& iam, TemporaryLogins& logins, WarehouseAddress address)
      : iam_(iam), logins_(logins), address_(std::move(address)) {}

  ApiResult<ApiAnswer> serve(const ApiCall& call);

 private:
  struct Login;
  ApiResult<ApiAnswer> cluster_credentials(const ApiCall& call);
  ApiResult<ApiAnswer> cluster_credentials_with_iam(const ApiCall& call);
  ApiResult<ApiAnswer> describe_clusters(const ApiCall& call);
  ApiResult<ApiAnswer> workgroup_credentials(const ApiCall& call);
  ApiResult<ApiAnswer> get_workgroup(const ApiCall& call);
  // Nothing said: allowed.
  ApiResult<Unit> allow(const ApiCall& call, std::string_view action, const std::string& resource,
                        const RequestContext& context) const;
  ApiResult<Unit> check_cluster(const ApiCall& call, const std::string& id) const;
  ApiResult<WorldWorkgroup> find_workgroup(const ApiCall& call) const;
  Login give_out(const std::string& login, const std::string& database_user, bool create,
                 const std::string& database, int64_t expires_ms);

  Iam& iam_;
  TemporaryLogins& logins_;
  const WarehouseAddress address_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_REDSHIFT_SERVICE_H_
