// One POST to a service of AWS that speaks the query protocol (form in, XML out) or JSON 1.1,
// signed or not, repeated where that can help. Internal to aws/sts.cc and aws/redshift_api.cc.
// Sources: AWS query protocol and AWS JSON 1.1 protocol; SigV4 for header authentication; AWS SDKs
// and tools reference guide, "Retry behavior" (standard mode: 3 attempts).
// Thread rule: one client belongs to one thread at a time.
#ifndef VESTO_AWS_QUERY_API_H_
#define VESTO_AWS_QUERY_API_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "aws/aws_answer.h"
#include "aws/aws_errors.h"
#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "net/http.h"

namespace vesto {

struct QueryApiOptions {
  AwsService service = AwsService::kSts;
  std::string signing_name = {};  // "sts"
  std::string region = {};
  std::string endpoint = {};  // empty: AWS's own for the region
};

struct QueryRequest {
  std::string content_type = {};
  NameValues headers = {};             // more, all signed
  std::string body = {};               // wiped when the request is done: it may hold a token
  const AwsCredentials* as = nullptr;  // nullptr: not signed
};

class QueryApi {
 public:
  QueryApi(QueryApiOptions options, Clock& clock, std::unique_ptr<HttpTransport> http);

  // Takes the body of a 2xx answer; an error of it that passes repeats the request.
  using Accept = std::function<Status(const std::string& body)>;
  // At most 3 attempts. `call` gets region and time of its own. Errors: those of aws_error() and
  // `accept`, NET-*, CFG-VALUE (region, endpoint), RUN-INTERRUPTED.
  Status send(AwsCall call, QueryRequest request, const std::stop_token& stop,
              const Accept& accept);

  [[nodiscard]] int64_t now_ms() { return clock_.wall_ms(); }

 private:
  Status set_up();
  Status attempt(const AwsCall& call, const QueryRequest& request, const std::stop_token& stop,
                 const Accept& accept);
  Result<HttpResponse> send_once(const QueryRequest& request, const std::stop_token& stop);

  const QueryApiOptions options_;
  Clock& clock_;
  const std::unique_ptr<HttpTransport> http_;
  HttpOrigin origin_;
  const Status setup_;
};

// "Action=GetCallerIdentity&Version=2011-06-15": in the order given, RFC 3986 encoded.
std::string form_body(const NameValues& fields);

inline constexpr const char* kFormContentType = "application/x-www-form-urlencoded; charset=utf-8";

}  // namespace vesto

#endif  // VESTO_AWS_QUERY_API_H_
