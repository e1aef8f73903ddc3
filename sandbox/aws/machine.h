// The machine that Vesto runs on, as AWS would give it a role: EC2's metadata server, the
// credential endpoint of an ECS task, and that of an EKS pod (Pod Identity). Each is started where
// the world names a role for it. Sources: EC2 user guide (instance metadata), ECS developer guide
// (task IAM role), EKS user guide (Pod Identity: session tags, pods.eks.amazonaws.com). Thread
// rule: start and stop from one thread; the others from any.
#ifndef VESTO_SANDBOX_AWS_MACHINE_H_
#define VESTO_SANDBOX_AWS_MACHINE_H_

#include <memory>
#include <string>
#include <vector>

#include "sandbox/iam/iam.h"
#include "sandbox/oidc/container_credentials.h"
#include "sandbox/oidc/metadata_ec2.h"

namespace vesto::sandbox {

class Machine {
 public:
  // All three must outlive it. `dir` gets the pod's token file. The error is a text for the person
  // who starts the sandbox.
  static Result<std::unique_ptr<Machine>, std::string> start(const std::string& dir, Iam& iam,
                                                             Faults& faults, Clock& clock);
  ~Machine() { stop(); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // ",\n  \"ec2\": {...}" and the like for endpoints.json; "" where no role is named.
  [[nodiscard]] std::string endpoints_json() const;
  // The authorization tokens of the container and the pod.
  [[nodiscard]] std::vector<std::string> secrets() const;
  void stop();

 private:
  explicit Machine(std::string dir);

  const std::string pod_token_file_;
  const std::string container_token_;
  const std::string pod_token_;
  std::unique_ptr<Ec2MetadataServer> ec2_;
  std::unique_ptr<ContainerCredentialServer> container_;
  std::unique_ptr<ContainerCredentialServer> pod_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_MACHINE_H_
