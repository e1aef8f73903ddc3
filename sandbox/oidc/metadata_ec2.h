// EC2's instance metadata (IMDSv2), on loopback and plain HTTP as on a virtual machine.
//
//   PUT /latest/api/token   x-aws-ec2-metadata-token-ttl-seconds: 1..21600 -> a token
//   GET /latest/meta-data/iam/security-credentials/[<role>]   placement/availability-zone|region
//
// A GET without a token is answered 401 while version 1 is off; one with a wrong or old token
// always. Who sends X-Forwarded-For gets no token (403). Faults: ec2.token, ec2.metadata.
// Source: Amazon EC2 user guide, "Use the Instance Metadata Service"; botocore reads it.
#ifndef VESTO_SANDBOX_OIDC_METADATA_EC2_H_
#define VESTO_SANDBOX_OIDC_METADATA_EC2_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_server.h"
#include "sandbox/oidc/web.h"

namespace vesto::sandbox {

struct Ec2Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  int64_t expires_at_ms = 0;  // Unix
};

// Keys for the role of that name; nothing: it cannot be assumed. Called on the servers' threads,
// several at the same time.
using Ec2CredentialGiver = std::function<std::optional<Ec2Credentials>(const std::string& role)>;

struct Ec2MetadataOptions {
  uint16_t port = 0;       // 0: any free one
  std::string role = {};   // the instance profile's; "": the instance has none
  bool version_1 = false;  // GET without a token is answered
  std::string availability_zone = "eu-west-1a";
  Clock* clock = nullptr;  // nullptr: the system's
};

class Ec2MetadataServer {
 public:
  // The faults must outlive the server. The error is a text for the person who starts the sandbox.
  static Result<std::unique_ptr<Ec2MetadataServer>, std::string> start(
      const Ec2MetadataOptions& options, Ec2CredentialGiver giver, Faults& faults);
  ~Ec2MetadataServer();
  Ec2MetadataServer(const Ec2MetadataServer&) = delete;
  Ec2MetadataServer& operator=(const Ec2MetadataServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  // "http://127.0.0.1:<port>", for AWS_EC2_METADATA_SERVICE_ENDPOINT.
  [[nodiscard]] std::string url() const;
  void stop();  // cuts all connections and waits for their threads

 private:
  struct Session {
    std::string token;
    int64_t ends_ms;  // monotonic
  };
  Ec2MetadataServer(const Ec2MetadataOptions& options, Ec2CredentialGiver giver, Faults& faults);
  void handle(HttpExchange& exchange);
  WebAnswer open_session(const HttpRequest& request);
  WebAnswer metadata(const HttpRequest& request, const std::string& failure);
  WebAnswer role_document(const std::string& failure);
  bool is_session(const std::string& token);

  const Ec2MetadataOptions options_;
  const Ec2CredentialGiver giver_;
  Faults& faults_;
  Clock& clock_;
  Mutex mutex_;
  std::deque<Session> sessions_ VESTO_GUARDED_BY(mutex_);  // oldest first; bounded
  std::unique_ptr<HttpServer> http_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_METADATA_EC2_H_
