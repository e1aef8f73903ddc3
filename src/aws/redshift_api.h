// Redshift's and Redshift Serverless' own APIs, as far as a login needs them: temporary database
// credentials, and what a warehouse is (status, address) where the role may ask.
// Source: Amazon Redshift API reference (2012-12-01, query protocol, XML), Amazon Redshift
// Serverless API reference (2021-04-21, JSON 1.1).
// Repeats and errors as sts.h, and RS-CRED-DENIED (with the ARN that the policy must name),
// RS-CRED-KIND (the call was for the other kind of Redshift), RS-CLUSTER-NOT-FOUND.
// Thread rule: one client belongs to one thread at a time.
#ifndef VESTO_AWS_REDSHIFT_API_H_
#define VESTO_AWS_REDSHIFT_API_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "address/warehouse_host.h"
#include "aws/credentials.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace vesto {

struct RedshiftApiOptions {
  std::string region;
  bool serverless = false;
  std::string endpoint = {};  // "https://host:port"; empty: AWS's own for the region
};

struct LoginRequest {
  std::string warehouse = {};  // cluster identifier, or name of the workgroup
  std::string db_user = {};    // provisioned: GetClusterCredentials with it; "": ...WithIAM
  std::string database = {};
  int64_t duration_s = 3600;  // 900 to 3,600
  // Where they are known, errors tell more: a wrong kind, a role of another account.
  std::string host = {};     // of the endpoint
  std::string account = {};  // the warehouse's, 12 digits
};

struct WarehouseLogin {
  std::string user = {};  // as returned, to be used as it stands: "IAM:etl", "IAMR:role"
  Secret password = {};
  int64_t expires_at_ms = 0;  // for new logins; an open session stays
};

struct WarehouseInfo {
  std::string status = {};  // "available", "paused"; "AVAILABLE" for a workgroup
  // Of a cluster: "Available", "Unavailable", "Maintenance", "Modifying", "Failed"; may be "".
  std::string availability = {};
  std::string address = {};
  int port = 0;
  std::string resource_arn = {};  // of the workgroup, with its UUID; "" for a cluster
  std::string workgroup_id = {};
  bool publicly_accessible = false;
};

class RedshiftApi {
 public:
  virtual ~RedshiftApi() = default;
  virtual Result<WarehouseLogin> get_login(const LoginRequest& request, const AwsCredentials& as,
                                           const std::stop_token& stop) = 0;
  // DescribeClusters or GetWorkgroup. RS-CRED-DENIED where the role may not ask: no fault.
  virtual Result<WarehouseInfo> describe(const std::string& warehouse, const AwsCredentials& as,
                                         const std::stop_token& stop) = 0;
};

std::unique_ptr<RedshiftApi> make_redshift_api(RedshiftApiOptions options, Clock& clock,
                                               std::unique_ptr<HttpTransport> http);

}  // namespace vesto

#endif  // VESTO_AWS_REDSHIFT_API_H_
