// AWS and Google around the sandbox's Redshift and S3, as one part: IAM's world, STS and Redshift's
// APIs, Google's metadata server and token endpoint, an EKS-like token file, the machine
// (machine.h).
//
// What there is stands in sandbox.toml (iam/world.h); without one there is one account with one
// user. The Google service account is the same everywhere: kGoogleEmail, kGoogleSubject;
// so is the EKS issuer.
// Thread rule: start, then any thread.
#ifndef VESTO_SANDBOX_AWS_CLOUD_H_
#define VESTO_SANDBOX_AWS_CLOUD_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "sandbox/aws/aws_api.h"
#include "sandbox/aws/iam_gate.h"
#include "sandbox/aws/machine.h"
#include "sandbox/control/control_server.h"
#include "sandbox/control/movable_clock.h"
#include "sandbox/control/warehouse_state.h"
#include "sandbox/oidc/eks_issuer.h"
#include "sandbox/oidc/google_issuer.h"
#include "sandbox/oidc/google_server.h"

namespace vesto::sandbox {

constexpr const char* kGoogleEmail = "vesto@vesto-demo.iam.gserviceaccount.com";
constexpr const char* kGoogleSubject = "112233445566778899001";
constexpr const char* kEksIssuerUrl =
    "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

struct CloudOptions {
  std::string dir;
  std::string world_file = {};  // "": default_world() with `key`
  AccessKey key = {};
  bool serverless = false;
  std::string warehouse = {};  // as choose_warehouse takes it
  std::shared_ptr<const TlsContext> tls = {};
};

class Cloud {
 public:
  // Reads the world and starts the listeners. `faults` must outlive it. The error is a text for the
  // person who starts the sandbox.
  static Result<std::unique_ptr<Cloud>, std::string> start(const CloudOptions& options,
                                                           Faults& faults);
  ~Cloud();
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;

  // POST / of the S3 address. `address`: where Redshift listens, and who makes its admin.
  HttpHandler open_api(WarehouseAddress address);

  [[nodiscard]] const KeyRing& keys() const { return key_ring_; }
  [[nodiscard]] const S3Gate& gate() const { return gate_; }
  [[nodiscard]] const CopyRoles& roles() const { return roles_; }
  [[nodiscard]] TemporaryLogins& logins() { return logins_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] World world() const { return iam_->world(); }
  // What it is doing at this moment.
  [[nodiscard]] WarehouseState& state() { return state_; }
  // Which warehouse the listener stands for.
  [[nodiscard]] const ServedWarehouse& served() const { return served_; }
  // Whom the listener answers at the start.
  [[nodiscard]] AllowList allow_from() const;
  // The first key of the world's users; for endpoints.json.
  [[nodiscard]] AccessKey first_key() const;
  // ",\n  \"google\": {...}" for endpoints.json.
  [[nodiscard]] std::string endpoints_json() const;
  // "/v1/clock" {"offset_ms": n}, "/v1/iam" {"put_role_trust": {"role": ARN, "policy": {...}}},
  // "/v1/security-group" {"allow_from": [...] or null}, which `set_allowed` gets; "/v1/warehouse"
  // (control/warehouse_state.h), after which `settle` is called. `set_allowed` gets what EC2's
  // calls change, too. After open_api().
  ControlCalls control_calls(std::function<void(const AllowList&)> set_allowed,
                             std::function<void()> settle);
  // "/v1/secrets": {"secrets": [...]}, all that is known or was given out: secret keys, session
  // tokens, database passwords, identity tokens. Tests look for them where they must not be.
  // "/v1/warehouse": its state.
  ControlViews control_views();
  void stop();

 private:
  Cloud(const CloudOptions& options, World world, WarehouseName served, Faults& faults);
  Result<Unit, std::string> start_google(const CloudOptions& options);
  [[nodiscard]] std::string secrets_json();
  [[nodiscard]] std::optional<JwkSet> issuer_keys(const std::string& issuer_url) const;
  Result<Unit, std::string> change_policy(const std::string& body);

  const std::string dir_;
  ServedWarehouse served_;
  Faults& faults_;
  MovableClock clock_;
  WarehouseState state_;
  std::unique_ptr<Iam> iam_;
  IamKeyRing key_ring_;
  IamGate gate_;
  IamCopyRoles roles_;
  TemporaryLogins logins_;
  std::unique_ptr<GoogleIssuer> google_;
  std::optional<EksIssuer> eks_;
  std::unique_ptr<GoogleServer> google_server_;
  std::unique_ptr<Machine> machine_;
  std::unique_ptr<SecurityGroups> groups_;
  AdminSecrets secrets_;
  std::unique_ptr<AwsApi> api_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_CLOUD_H_
