#include "sandbox/aws/machine.h"

#include <cerrno>
#include <cstring>

#include "base/ids.h"
#include "base/json_text.h"
#include "sandbox/aws/iam_gate.h"
#include "sandbox/s3/small_file.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kTokenChars = 64;
constexpr const char* kMachineRegion = "eu-west-1";
// What AWS gives to machines lives about so long, whatever the role's own maximum is.
constexpr int64_t kMachineKeysS = 21'600;

// A service that becomes the role for the machine.
struct Service {
  const char* name;
  const char* session;
  std::map<std::string, std::string> tags = {};
};

Ec2CredentialGiver giver_of(Iam& iam, const std::string& role_arn, Service service) {
  return [&iam, role_arn, service](const std::string&) -> std::optional<Ec2Credentials> {
    RequestContext context = service_context(kMachineRegion);
    add_request_tags(service.tags, context);
    if (iam.may_service_assume(service.name, role_arn, context)) return std::nullopt;
    SessionRequest request;
    request.role_arn = role_arn;
    request.session_name = service.session;
    request.duration_s = kMachineKeysS;
    request.by_service = true;
    request.tags = service.tags;
    const auto keys = iam.issue(request);
    if (!keys.ok()) return std::nullopt;
    return Ec2Credentials{.access_key_id = keys->access_key_id,
                          .secret_access_key = keys->secret_access_key,
                          .session_token = keys->session_token,
                          .expires_at_ms = keys->expires_ms};
  };
}

std::string last_part(const std::string& arn) { return arn.substr(arn.rfind('/') + 1); }

}  // namespace

Machine::Machine(std::string dir)
    : pod_token_file_(std::move(dir) + "/pod-token"),
      container_token_(random_alphanumeric(kTokenChars)),
      pod_token_(random_alphanumeric(kTokenChars)) {}

Result<std::unique_ptr<Machine>, std::string> Machine::start(const std::string& dir, Iam& iam,
                                                             Faults& faults, Clock& clock) {
  std::unique_ptr<Machine> machine(new Machine(dir));
  const World world = iam.world();
  if (!world.instance_role.empty()) {
    Ec2MetadataOptions ec2;
    ec2.role = last_part(world.instance_role);
    ec2.clock = &clock;
    VESTO_ASSIGN(machine->ec2_,
                 Ec2MetadataServer::start(
                     ec2,
                     giver_of(iam, world.instance_role,
                              {.name = "ec2.amazonaws.com", .session = "i-0123456789abcdef0"}),
                     faults));
  }
  ContainerOptions options;
  options.clock = &clock;
  if (!world.container_role.empty()) {
    options.authorization = machine->container_token_;
    const Service service{.name = "ecs-tasks.amazonaws.com",
                          .session = "0123456789abcdef0123456789abcdef"};
    VESTO_ASSIGN(machine->container_,
                 ContainerCredentialServer::start(
                     options, giver_of(iam, world.container_role, service), faults));
  }
  if (world.pod_role.empty()) return machine;
  options.authorization = machine->pod_token_;
  const Service service{.name = "pods.eks.amazonaws.com",
                        .session = "eks-sandbox-vesto-0123456789ab",
                        .tags = {{"eks-cluster-name", "sandbox"},
                                 {"kubernetes-namespace", "default"},
                                 {"kubernetes-service-account", "vesto"},
                                 {"kubernetes-pod-name", "vesto-0"}}};
  VESTO_ASSIGN(machine->pod_, ContainerCredentialServer::start(
                                  options, giver_of(iam, world.pod_role, service), faults));
  if (!write_small_file(machine->pod_token_file_, machine->pod_token_)) {
    return "cannot write " + machine->pod_token_file_ + ": " + std::strerror(errno);
  }
  return machine;
}

std::string Machine::endpoints_json() const {
  std::string json;
  if (ec2_) json += ",\n  \"ec2\": {\"metadata\": " + json_quote(ec2_->url()) + "}";
  if (container_) {
    json += ",\n  \"container\": {\"credentials\": " + json_quote(container_->url()) +
            ", \"authorization\": " + json_quote(container_token_) + "}";
  }
  if (pod_) {
    json += ",\n  \"pod\": {\"credentials\": " + json_quote(pod_->url()) +
            ", \"token_file\": " + json_quote(pod_token_file_) + "}";
  }
  return json;
}

std::vector<std::string> Machine::secrets() const {
  std::vector<std::string> out;
  if (container_) out.push_back(container_token_);
  if (pod_) out.push_back(pod_token_);
  return out;
}

void Machine::stop() {
  if (ec2_) ec2_->stop();
  if (container_) container_->stop();
  if (pod_) pod_->stop();
}

}  // namespace vesto::sandbox
