// The way to a server, asked step by step: SSH server, name, port, TLS. Each step says what it saw
// and how long it took; after the first failure the rest is not run.
// Thread rule: any thread; blocks for 20 s at most, a minute through a tunnel.
#ifndef VESTO_SYNC_REACH_CHECK_H_
#define VESTO_SYNC_REACH_CHECK_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/probe.h"
#include "net/ssh_tunnel.h"

namespace vesto {

struct CheckStep {
  enum class State { kPassed, kFailed, kNotRun };
  std::string id;     // "network.tls"
  std::string title;  // "Encrypted and verified"
  State state = State::kNotRun;
  std::string evidence;      // what was seen, on one line
  int64_t duration_ms = -1;  // -1: not known
  std::optional<Error> error;
};

struct ReachTarget {
  std::string host;
  int port = 0;
  bool tls = true;      // false: encryption is not verified, so it is not asked for
  std::string ca_file;  // "" = the system's
  ServerKind server = ServerKind::kWarehouse;
  SshTunnel* tunnel = nullptr;  // optional
  std::vector<std::string> public_egress;
  std::stop_token stop;
};

// network.dns and network.tcp, or network.ssh and network.tcp through a tunnel; then network.tls.
std::vector<CheckStep> check_reach(const ReachTarget& target);

// Whether all steps passed.
bool all_passed(const std::vector<CheckStep>& steps);

}  // namespace vesto

#endif  // VESTO_SYNC_REACH_CHECK_H_
