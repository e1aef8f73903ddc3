// An SSH tunnel on libssh: one session to a bastion, many connections through it.
//
//   SshTunnel tunnel(options);                       // nothing is dialled yet
//   auto route = tunnel.dial("wh.example", 5439, ...);  // session, then one direct-tcpip channel
//   connect to route->address, route->port           // 127.0.0.1, a port of its own
//
// One thread owns the session (libssh's rule: a session and its channels belong to one thread); it
// listens on a loopback port of its own for each route and carries bytes both ways. The session is
// made at the first dial, and anew at the next dial after it was lost; a statement that runs
// meanwhile is lost with it, and its connection says so.
// The host key is pinned: without a pin, or with another key, nothing is sent beyond the key
// exchange. Only keys are offered, never a password.
// Dead peers are noticed by keepalives: keepalive_ms * keepalive_count after the last answer.
// Thread rule: any thread.
#ifndef VESTO_NET_SSH_TUNNEL_H_
#define VESTO_NET_SSH_TUNNEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/redact.h"
#include "net/dialer.h"

namespace vesto {

struct SshOptions {
  std::string host;
  int port = 22;
  std::string user;
  std::string host_key;   // "SHA256:..."; "" = not approved yet: SSH-HOSTKEY-NEW names it
  Secret private_key;     // OpenSSH, PEM or PKCS#8
  Secret passphrase;      // of private_key; empty = none
  std::string authorize;  // shown in the hint of SSH-AUTH: the line for authorized_keys
  std::vector<std::string> public_egress;  // shown there too: what its from= has to take
  int64_t connect_timeout_ms = 20'000;     // TCP, key exchange and login
  int64_t keepalive_ms = 15'000;
  int keepalive_count = 4;
  int max_connections = 256;  // at one time through this session, cancels included
};

// The upstream code of SSH-AUTH where the server took our key and wants more than it (RFC 4252).
inline constexpr std::string_view kSshPartialSuccess = "partial success";

struct SshTunnelStats {
  int64_t sessions = 0;     // made so far; more than one: it was lost and made again
  int64_t connections = 0;  // carried so far
  int64_t sent_bytes = 0;   // towards the bastion
  int64_t received_bytes = 0;
};

class SshTunnel : public Dialer {
 public:
  explicit SshTunnel(SshOptions options);
  ~SshTunnel() override;  // closes every connection and joins the thread, within 5 s
  SshTunnel(const SshTunnel&) = delete;
  SshTunnel& operator=(const SshTunnel&) = delete;

  // Errors: NET-DNS; SSH-CONNECT (refused, no answer, no SSH server), SSH-HOSTKEY-NEW and
  // SSH-HOSTKEY-CHANGED (both name the fingerprint that was seen), SSH-AUTH, SSH-KEY, SSH-FORWARD
  // (the bastion's own words), SSH-LOST, SYS-MEMORY (no memory or no
  // open file is left), RUN-INTERRUPTED by `stop`.
  // After a fault of the thread the dials under way are told its reason, and the next one starts a
  // new thread and session.
  Result<Route> dial(const std::string& host, int port, int64_t timeout_ms,
                     const std::stop_token& stop) override;
  [[nodiscard]] std::string describe() const override;
  [[nodiscard]] SshTunnelStats stats() const;
  // The pinned key's fingerprint and type once a session was made: "SHA256:... (ssh-ed25519)".
  [[nodiscard]] std::string seen_host_key() const;
  // The line for authorized_keys that lets our key in; "" where none was given.
  [[nodiscard]] std::string authorize_line() const;
  [[nodiscard]] std::string login() const;  // "user@host"

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace vesto

#endif  // VESTO_NET_SSH_TUNNEL_H_
