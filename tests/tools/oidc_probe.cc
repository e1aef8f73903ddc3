// oidc_probe DIRECTORY: the sandbox's issuers and metadata servers as a process, for the tests that
// judge them with other people's programs. Prints one line of JSON and ends when stdin ends.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "sandbox/oidc/container_credentials.h"
#include "sandbox/oidc/eks_issuer.h"
#include "sandbox/oidc/google_server.h"

namespace vesto::sandbox {
namespace {

constexpr const char* kEmail = "vesto@data-prod.iam.gserviceaccount.com";

std::optional<Ec2Credentials> give(const std::string& role) {
  if (role != "loader") return std::nullopt;
  return Ec2Credentials{"ASIAPROBE", "probe-secret", "probe-token",
                        system_clock().wall_ms() + 3'600'000};
}

Result<Unit, std::string> serve(const std::string& dir) {
  const auto faults = make_faults();
  VESTO_ASSIGN(const TlsMaterial material, make_tls_material(dir));
  VESTO_ASSIGN(const auto issuer, GoogleIssuer::open(dir, system_clock()));
  VESTO_ASSIGN(const ServiceAccount account, issuer->add_account(kEmail));
  GoogleServerOptions google;
  VESTO_ASSIGN(google.tls, TlsContext::make(material));
  google.linked_account = kEmail;
  VESTO_ASSIGN(const auto server, GoogleServer::start(google, *issuer, *faults));
  VESTO_TRY(issuer->write_key_file(kEmail, server->token_uri(), dir + "/sa.json"));
  VESTO_ASSIGN(const EksIssuer eks, EksIssuer::open(dir, system_clock()));
  Ec2MetadataOptions ec2;
  ec2.role = "loader";
  VESTO_ASSIGN(const auto metadata, Ec2MetadataServer::start(ec2, give, *faults));
  ContainerOptions container;
  container.role = "loader";
  container.authorization = "probe-authorization";
  VESTO_ASSIGN(const auto credentials, ContainerCredentialServer::start(container, give, *faults));
  const nlohmann::json told = {{"ca_file", material.ca_file},
                               {"email", kEmail},
                               {"unique_id", account.unique_id},
                               {"key_file", dir + "/sa.json"},
                               {"metadata_host", server->metadata_host()},
                               {"token_uri", server->token_uri()},
                               {"eks_issuer", eks.url()},
                               {"eks_token", eks.token("loading", "vesto")},
                               {"eks_jwks", eks.jwks()},
                               {"ec2_url", metadata->url()},
                               {"container_url", credentials->url()}};
  std::cout << told.dump() << std::endl;
  while (std::cin.get() != EOF) {
  }
  return Unit{};
}

}  // namespace
}  // namespace vesto::sandbox

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: oidc_probe DIRECTORY\n", stderr);
    return 2;
  }
  const auto served = vesto::sandbox::serve(argv[1]);
  if (served.ok()) return 0;
  std::fprintf(stderr, "oidc_probe: %s\n", served.error().c_str());
  return 1;
}
