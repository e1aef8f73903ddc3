// The one address of STS, IAM, EC2, Secrets Manager, Redshift and Redshift Serverless: POST / with
// a form or a JSON document. S3's own server hands such requests here, so that AWS_ENDPOINT_URL can
// name one address for all. Thread rule: handle() may be called from any thread, several times at
// once.
#ifndef VESTO_SANDBOX_AWS_AWS_API_H_
#define VESTO_SANDBOX_AWS_AWS_API_H_

#include "base/clock.h"
#include "sandbox/aws/ec2_service.h"
#include "sandbox/aws/iam_service.h"
#include "sandbox/aws/redshift_service.h"
#include "sandbox/aws/sts_service.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_exchange.h"

namespace vesto::sandbox {

class AwsApi {
 public:
  // All of it must outlive this object.
  AwsApi(Iam& iam, TemporaryLogins& logins, SecurityGroups& groups, AdminSecrets& secrets,
         IssuerKeys issuer_keys, WarehouseAddress address, Faults& faults, Clock& clock);
  void handle(HttpExchange& exchange);

 private:
  ApiResult<ApiAnswer> serve(ApiCall* call);
  bool apply_fault(const ApiCall& call, HttpExchange& exchange, bool* drop_answer);

  Iam& iam_;
  AdminSecrets& secrets_;
  StsService sts_;
  IamService iam_service_;
  Ec2Service ec2_;
  RedshiftService redshift_;
  Faults& faults_;
  Clock& clock_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_AWS_API_H_
