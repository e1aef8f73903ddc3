#include "sandbox/oidc/container_credentials.h"

#include <nlohmann/json.hpp>

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

WebAnswer refusal(int status, const std::string& code, const std::string& message) {
  return {status, "application/json",
          Json{{"code", code}, {"message", message}}.dump(-1, ' ', false,
                                                          Json::error_handler_t::replace)};
}

}  // namespace

ContainerCredentialServer::ContainerCredentialServer(const ContainerOptions& options,
                                                     Ec2CredentialGiver giver, Faults& faults)
    : options_(options),
      giver_(std::move(giver)),
      faults_(faults),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      authorization_(options.authorization) {}

Result<std::unique_ptr<ContainerCredentialServer>, std::string> ContainerCredentialServer::start(
    const ContainerOptions& options, Ec2CredentialGiver giver, Faults& faults) {
  if (options.authorization.empty()) {
    return std::string("the container's credential endpoint needs an authorization token");
  }
  std::unique_ptr<ContainerCredentialServer> server(
      new ContainerCredentialServer(options, std::move(giver), faults));
  VESTO_ASSIGN(server->http_, serve_plain(options.port, server->clock_,
                                          [raw = server.get()](HttpExchange& exchange) {
                                            raw->handle(exchange);
                                          }));
  return server;
}

ContainerCredentialServer::~ContainerCredentialServer() { stop(); }

void ContainerCredentialServer::stop() {
  if (http_) http_->stop();
}

void ContainerCredentialServer::set_authorization(const std::string& authorization) {
  if (authorization.empty()) return;
  Lock lock(mutex_);
  authorization_ = authorization;
}

uint16_t ContainerCredentialServer::port() const { return http_->port(); }
std::string ContainerCredentialServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port()) + "/v1/credentials";
}

void ContainerCredentialServer::handle(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  serve_with_faults(
      {exchange, faults_, clock_}, "container.credentials", request.path,
      [](const FaultAction& fault) {
        return refusal(fault.status, fault.code.empty() ? "InternalServerException" : fault.code,
                       "The sandbox was told to fail.");
      },
      [&] { return credentials(request); });
}

WebAnswer ContainerCredentialServer::credentials(const HttpRequest& request) {
  if (request.path != "/v1/credentials") return refusal(404, "NotFound", "There is no such path.");
  if (request.method != "GET") return refusal(405, "MethodNotAllowed", "Only GET is answered.");
  const std::string sent = request.header_or_empty("authorization");
  if (sent.empty() || count_headers(request, "authorization") != 1) {
    return refusal(401, "Unauthorized", "The Authorization header must be there once.");
  }
  {
    Lock lock(mutex_);
    if (sent != authorization_) {
      return refusal(403, "AccessDeniedException", "The authorization token is not valid.");
    }
  }
  const auto keys = giver_(options_.role);
  if (!keys) return refusal(403, "AccessDeniedException", "The role cannot be assumed.");
  Json json = {{"AccessKeyId", keys->access_key_id},
               {"SecretAccessKey", keys->secret_access_key},
               {"Token", keys->session_token},
               {"Expiration", format_utc_seconds(keys->expires_at_ms)}};
  if (!options_.account_id.empty()) json["AccountId"] = options_.account_id;
  return {200, "application/json", json.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace vesto::sandbox
