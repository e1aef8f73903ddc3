// Debian's own sshd on a loopback port, as the user who runs the tests, with host keys and an
// authorized_keys of its own. The folder is under /tmp and goes with it.
//
//   SshServer server;                            // or SshServer server({"AllowTcpForwarding no"});
//   server.authorize(authorized_keys_line(...));
//   ... connect to 127.0.0.1:server.port() as server.user() ...
#ifndef VESTO_TESTS_SUPPORT_SSH_SERVER_H_
#define VESTO_TESTS_SUPPORT_SSH_SERVER_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace vesto::testing_support {

class SshServer {
 public:
  static bool installed();  // /usr/sbin/sshd and ssh-keygen are there

  // `settings`: lines of sshd_config before the usual ones. `host_key_types`: ssh-keygen's -t.
  explicit SshServer(std::vector<std::string> settings = {},
                     std::vector<std::string> host_key_types = {"ed25519"});
  ~SshServer();
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] static std::string user();
  // "SHA256:..." as ssh-keygen -l says it.
  [[nodiscard]] std::string fingerprint(const std::string& type = "ed25519") const;
  void authorize(const std::string& line) const;  // the only line of authorized_keys
  [[nodiscard]] std::string log() const;

  void stop();                                        // the listener and all connections
  void start();                                       // on the same port
  void new_host_keys();                               // and start() anew
  void kill_connections() const;                      // SIGKILL to the children
  void signal_all(int signal) const;                  // to the listener and the children
  [[nodiscard]] std::vector<pid_t> children() const;  // the processes of the connections

  // Makes a key with ssh-keygen; the private file's text. `options`: {"-t", "rsa", "-N", "x", ...}.
  static std::string keygen(const std::vector<std::string>& options);
  // "SHA256:..." of a key text by ssh-keygen -l, after ssh-keygen -y.
  static std::string keygen_public(const std::string& private_key, const std::string& passphrase);

 private:
  void write_config() const;

  std::vector<std::string> settings_;
  std::vector<std::string> types_;
  std::string folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_SSH_SERVER_H_
