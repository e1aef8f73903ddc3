// EC2 as far as a warehouse's network needs it: DescribeSecurityGroups,
// AuthorizeSecurityGroupIngress, RevokeSecurityGroupIngress.
// Source: Amazon EC2 API reference (2016-11-15), its error codes, service authorization reference.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_EC2_SERVICE_H_
#define VESTO_SANDBOX_AWS_EC2_SERVICE_H_

#include <string>
#include <vector>

#include "sandbox/aws/api_answers.h"
#include "sandbox/aws/api_call.h"
#include "sandbox/aws/security_groups.h"

namespace vesto::sandbox {

class Ec2Service {
 public:
  // Both must outlive it.
  Ec2Service(Iam& iam, SecurityGroups& groups) : iam_(iam), groups_(groups) {}

  ApiResult<ApiAnswer> serve(const ApiCall& call);

 private:
  ApiResult<ApiAnswer> describe(const ApiCall& call);
  ApiResult<ApiAnswer> authorize(const ApiCall& call);
  ApiResult<ApiAnswer> revoke(const ApiCall& call);
  ApiResult<Unit> allow(const ApiCall& call, const std::string& resource) const;
  // The group that the call names, by its id alone; the operation's right included.
  [[nodiscard]] ApiResult<std::string> group_of(const ApiCall& call) const;

  Iam& iam_;
  SecurityGroups& groups_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_EC2_SERVICE_H_
