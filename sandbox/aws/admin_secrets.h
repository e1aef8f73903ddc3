// Secrets Manager as far as warehouses use it: it makes the admin's password and keeps it, where a
// call asked for that; GetSecretValue gives it out.
// Sources: AWS Secrets Manager API reference (2017-10-17: GetSecretValue), Amazon Redshift
// management guide ("Managing Amazon Redshift admin passwords using AWS Secrets Manager").
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_ADMIN_SECRETS_H_
#define VESTO_SANDBOX_AWS_ADMIN_SECRETS_H_

#include <map>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "sandbox/aws/api_answers.h"

namespace vesto::sandbox {

class AdminSecrets {
 public:
  // `iam` must outlive it.
  explicit AdminSecrets(Iam& iam) : iam_(iam) {}

  // Keeps a new password of `user`; `name` as "redshift!shop-awsuser". The error: the caller may
  // not.
  ApiResult<std::string> make(const ApiCall& call, const std::string& name, const std::string& user)
      VESTO_EXCLUDES(mutex_);
  // "": there is none.
  std::string password_of(const std::string& arn) VESTO_EXCLUDES(mutex_);
  void forget(const std::string& arn) VESTO_EXCLUDES(mutex_);
  // All that are kept.
  std::vector<std::string> passwords() VESTO_EXCLUDES(mutex_);

  // A call of Secrets Manager.
  ApiResult<ApiAnswer> serve(const ApiCall& call) VESTO_EXCLUDES(mutex_);

 private:
  struct Kept {
    std::string name;
    std::string user;
    std::string password;
    int64_t created_ms = 0;
  };
  Iam& iam_;
  Mutex mutex_;
  std::map<std::string, Kept> kept_ VESTO_GUARDED_BY(mutex_);  // by ARN; one for each warehouse
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_ADMIN_SECRETS_H_
