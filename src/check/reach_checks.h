// The way to a server as checks: name, SSH server, port, TLS. One probe (net/probe.h) answers all
// of them; the first check makes it.
// Thread rule: as run_checks(). Blocks for the limit of the first check: 10 s, 30 s through a
// tunnel.
#ifndef VESTO_CHECK_REACH_CHECKS_H_
#define VESTO_CHECK_REACH_CHECKS_H_

#include <functional>
#include <string>
#include <vector>

#include "check/check.h"
#include "net/probe.h"
#include "net/ssh_tunnel.h"

namespace vesto {

struct ReachTarget {
  std::string host;
  int port = 0;
  bool tls = true;      // false: encryption is not verified, so it is not asked for
  std::string ca_file;  // "" = the system's
  ServerKind server = ServerKind::kWarehouse;
  // Not empty: the way leads through what it gives, which outlives the checks. Asked by the first
  // check, since a tunnel hangs on secrets.
  std::function<SshTunnel*()> tunnel = {};
  std::vector<std::string> public_egress;
  // The setting that names host and port, "destination.rs.endpoint (vesto.toml:12)", and that of
  // the SSH server: each failure says which one it is about. "" = not said.
  std::string setting = {};
  std::string ssh_setting = {};
  // Adds to a failure of the way what is known from elsewhere. May be empty.
  std::function<Error(Error)> explain = {};
};

// Direct: net.dns, net.tcp, net.tls. Through a tunnel: ssh.connect, ssh.host_key, ssh.login,
// ssh.forward, net.tls. Without TLS the last one is left out. `needs`: of the first.
std::vector<Check> reach_checks(const ReachTarget& target, const std::vector<std::string>& needs);

// Id of the check that stands for the whole way: the last of them.
std::string reach_end(const ReachTarget& target);

}  // namespace vesto

#endif  // VESTO_CHECK_REACH_CHECKS_H_
