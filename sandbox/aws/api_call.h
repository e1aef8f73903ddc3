// One call of a query service (STS, IAM, EC2, Redshift: form in, XML out) or of a JSON 1.1 service
// (Redshift Serverless, Secrets Manager), with what its operation needs to know.
#ifndef VESTO_SANDBOX_AWS_API_CALL_H_
#define VESTO_SANDBOX_AWS_API_CALL_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/http/http_head.h"
#include "sandbox/iam/condition_keys.h"
#include "sandbox/iam/iam.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

enum class ApiService { kSts, kIam, kEc2, kRedshift, kRedshiftServerless, kSecretsManager };

struct ApiCall {
  const HttpRequest* request = nullptr;
  ApiService service = ApiService::kSts;
  std::string operation;         // "AssumeRole", "GetWorkgroup"
  QueryParameters form = {};     // query services
  nlohmann::json document = {};  // JSON services; an object
  std::string body = {};
  std::string request_id = {};
  int64_t now_ms = 0;
  CallOrigin origin = {};  // its region is that of the signature, or the host's
  // Of a signed call, once it has been checked:
  std::optional<AccessKeyInfo> key = {};
  std::string region = {};

  [[nodiscard]] bool is_json() const {
    return service == ApiService::kRedshiftServerless || service == ApiService::kSecretsManager;
  }
  // A parameter of the form, or a text of the document; "" if it is not there.
  [[nodiscard]] std::string parameter(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
};

template <typename T>
using ApiResult = Result<T, IamError>;

// "sts", "iam", "ec2", "redshift", "redshift-serverless", "secretsmanager": what is signed for.
std::string_view signing_name(ApiService service);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_API_CALL_H_
