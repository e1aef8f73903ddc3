// The credential endpoint of a container (ECS, EKS Pod Identity): GET /v1/credentials with the
// authorization token of the container. Loopback, plain HTTP, as the agents on the machine.
//
// Refusals: 401 without the header, 403 with another token (the agents' own statuses differ by
// version). Faults: container.credentials.
// Source: Amazon ECS developer guide, "task IAM role"; eks-pod-identity-webhook.
#ifndef VESTO_SANDBOX_OIDC_CONTAINER_CREDENTIALS_H_
#define VESTO_SANDBOX_OIDC_CONTAINER_CREDENTIALS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_server.h"
#include "sandbox/oidc/metadata_ec2.h"

namespace vesto::sandbox {

struct ContainerOptions {
  uint16_t port = 0;               // 0: any free one
  std::string role = {};           // handed to the giver
  std::string account_id = {};     // AccountId of the answer; "": left out
  std::string authorization = {};  // what the Authorization header must be; not empty
  Clock* clock = nullptr;          // nullptr: the system's
};

class ContainerCredentialServer {
 public:
  // The faults must outlive the server. The error is a text for the person who starts the sandbox.
  static Result<std::unique_ptr<ContainerCredentialServer>, std::string> start(
      const ContainerOptions& options, Ec2CredentialGiver giver, Faults& faults);
  ~ContainerCredentialServer();
  ContainerCredentialServer(const ContainerCredentialServer&) = delete;
  ContainerCredentialServer& operator=(const ContainerCredentialServer&) = delete;

  // Another token from now on, as when the kubelet renews the file. Any thread; "" is passed over.
  void set_authorization(const std::string& authorization);
  [[nodiscard]] uint16_t port() const;
  // "http://127.0.0.1:<port>/v1/credentials", for AWS_CONTAINER_CREDENTIALS_FULL_URI.
  [[nodiscard]] std::string url() const;
  void stop();  // cuts all connections and waits for their threads

 private:
  ContainerCredentialServer(const ContainerOptions& options, Ec2CredentialGiver giver,
                            Faults& faults);
  void handle(HttpExchange& exchange);
  WebAnswer credentials(const HttpRequest& request);

  const ContainerOptions options_;
  const Ec2CredentialGiver giver_;
  Faults& faults_;
  Clock& clock_;
  Mutex mutex_;
  std::string authorization_ VESTO_GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> http_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_CONTAINER_CREDENTIALS_H_
