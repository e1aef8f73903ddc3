// The SSH tunnel of a destination or source, from its configuration.
// Thread rule: any thread.
#ifndef VESTO_SYNC_TUNNEL_H_
#define VESTO_SYNC_TUNNEL_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "net/ssh_key.h"
#include "net/ssh_tunnel.h"

namespace vesto {

// What of the configuration a tunnel hangs on.
struct TunnelPlace {
  std::string kind;  // "destination", "source"
  std::string name;
  const SshConfig* ssh = nullptr;
  SshTarget target;  // where it leads
  [[nodiscard]] std::string shown() const { return kind + "." + name; }
};
TunnelPlace tunnel_place(const DestinationConfig& destination);
TunnelPlace tunnel_place(const SourceConfig& source);

// Nothing where the section ssh is not given. Nothing is dialled yet.
// Errors: those of resolve_secret(), SEC-MISSING with the command that makes the key; SSH-KEY.
Result<std::shared_ptr<SshTunnel>> make_tunnel(const Config& config, const TunnelPlace& place,
                                               const SealedStore& secrets);

// The line for authorized_keys that lets this key forward to the target and do nothing else.
std::string tunnel_authorize_line(const Config& config, const TunnelPlace& place,
                                  const SshPublicKey& key);

}  // namespace vesto

#endif  // VESTO_SYNC_TUNNEL_H_
