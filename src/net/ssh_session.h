// One SSH session to a bastion, from TCP to login, as steps that never block.
//
//   SshSession session(options, key, addresses, "");
//   while (session.step() == SshSession::State::kMaking) poll(session.fd(), session.events());
//
// The host key is compared before anything but the key exchange is sent. A server may have several
// host keys and the pin is of one of them: with another one at hand first, the server is asked for
// each other type, in a connection of its own, before its key counts as changed. It does so only
// when the server has answered for every type; where a connection broke it is SSH-CONNECT. Source:
// RFC 4253, RFC 4252 section 7; libssh's documentation of the non-blocking calls. Thread rule: the
// thread that owns the tunnel.
#ifndef VESTO_NET_SSH_SESSION_H_
#define VESTO_NET_SSH_SESSION_H_

#include <libssh/libssh.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/ssh_parts.h"
#include "net/ssh_tunnel.h"

namespace vesto {

class SshSession {
 public:
  enum class State { kMaking, kUp, kFailed };

  // `key_types`: what host_key_types() said of a session before this one, or "". `options` and
  // `key` outlive it. `addresses`: numeric, tried one after the other, each with its share.
  SshSession(const SshOptions& options, ssh_key key, std::vector<std::string> addresses,
             std::string key_types);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  State step();
  // While it is made or up: what to wait for. step() also wants to be called every 50 ms while
  // making.
  [[nodiscard]] int fd() const;
  [[nodiscard]] short events() const;
  [[nodiscard]] const Error& error() const { return *error_; }  // of kFailed
  // What a session that is being made is at, for messages: "bastion.acme.example:22 does not answer
  // (TCP)". Names the server.
  [[nodiscard]] std::string doing() const;

  [[nodiscard]] std::string seen_host_key() const;  // "SHA256:... (ssh-ed25519)"
  [[nodiscard]] const std::string& host_key_types() const { return types_; }

  // Of a session that is up.
  [[nodiscard]] ssh_session handle() const { return session_; }
  // Takes in what has arrived and sends what waits; at most `rounds` reads. False: it is lost.
  bool take_in(int rounds);
  [[nodiscard]] bool output_waits() const;
  // Asks for a sign of life.
  void send_keepalive();
  // Why it was lost, in the server's or libssh's words.
  [[nodiscard]] std::string last_words() const;
  [[nodiscard]] uint64_t received_bytes() const { return received_before_ + counter_.in_bytes; }
  [[nodiscard]] uint64_t sent_bytes() const { return sent_before_ + counter_.out_bytes; }
  // Ends it; says good-bye to the server when it is up and `polite`.
  void close(bool polite);

 private:
  enum class Stage { kTcp, kKeyExchange, kLogin, kUp, kFailed };

  void start_tcp();
  void step_tcp();
  void tcp_failed(int error_number);
  bool start_ssh();
  void step_key_exchange();
  void key_exchange_failed();
  void check_host_key();
  bool ask_for_all_types();
  void try_next_type();
  void type_not_shown();
  void host_key_changed();
  void host_keys_unclear(const std::string& words);
  void step_login();
  void login_denied(int answer);
  [[nodiscard]] std::string authorize_hint() const;
  void login_lost();
  void timed_out();
  void fail(Error error);
  void become_up();
  [[nodiscard]] std::string where() const;  // "bastion.acme.example:22"

  const SshOptions& options_;
  ssh_key key_;
  std::vector<std::string> addresses_;
  size_t address_ = 0;
  int64_t deadline_ms_;
  int64_t address_deadline_ms_ = 0;
  int last_errno_ = 0;
  Stage stage_ = Stage::kTcp;
  OwnedFd tcp_;  // until libssh has it
  int given_fd_ = -1;
  ino_t given_inode_ = 0;
  ssh_session session_ = nullptr;
  ssh_event event_ = nullptr;
  ssh_counter_struct counter_ = {};
  uint64_t received_before_ = 0;
  uint64_t sent_before_ = 0;
  std::string types_;     // host key algorithms to ask for
  size_t next_type_ = 0;  // of those asked for one by one
  int tries_of_type_ = 0;
  bool one_by_one_ = false;
  bool unclear_ = false;       // a type was asked for and the line broke
  std::string unclear_words_;  // why
  std::string seen_fingerprint_;
  std::string seen_type_;
  std::string first_seen_;  // of the first try, for the error
  std::string first_type_;
  std::optional<Error> error_;
};

}  // namespace vesto

#endif  // VESTO_NET_SSH_SESSION_H_
