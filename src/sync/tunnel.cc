#include "sync/tunnel.h"

namespace vesto {

TunnelPlace tunnel_place(const DestinationConfig& destination) {
  return {.kind = "destination",
          .name = destination.name,
          .ssh = &destination.ssh,
          .target = {.host = destination.host, .port = destination.port}};
}

TunnelPlace tunnel_place(const SourceConfig& source) {
  return {.kind = "source",
          .name = source.name,
          .ssh = &source.ssh,
          .target = {.host = source.host, .port = source.port}};
}

std::string tunnel_authorize_line(const Config& config, const TunnelPlace& place,
                                  const SshPublicKey& key) {
  // With the kind: a source and a destination may have one name, and one key.
  return authorized_keys_line(key, {place.target}, config.public_egress,
                              "vesto-" + place.kind + "-" + place.name);
}

Result<std::shared_ptr<SshTunnel>> make_tunnel(const Config& config, const TunnelPlace& place,
                                               const SealedStore& secrets) {
  if (!place.ssh->given) return std::shared_ptr<SshTunnel>();
  SshOptions options;
  options.host = place.ssh->host;
  options.port = place.ssh->port;
  options.user = place.ssh->user;
  options.host_key = place.ssh->host_key;
  auto key = resolve_secret(place.ssh->key, secrets);
  if (!key.ok()) {
    Error error = std::move(key).error();
    if (place.ssh->own_key && error.code() == ErrorCode::kSecMissing) {
      error.with_hint("Make it: vesto ssh-key " + place.shown());
    }
    return error;
  }
  options.private_key = std::move(key).value();
  if (place.ssh->passphrase.given()) {
    VESTO_ASSIGN(options.passphrase, resolve_secret(place.ssh->passphrase, secrets));
  }
  VESTO_ASSIGN(const SshPublicKey shown, ssh_public_key(options.private_key, options.passphrase));
  options.authorize = tunnel_authorize_line(config, place, shown);
  options.public_egress = config.public_egress;
  return std::make_shared<SshTunnel>(std::move(options));
}

}  // namespace vesto
