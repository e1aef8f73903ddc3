// The thread of a tunnel: owns the session, the listeners and every connection, and waits for all
// of them in one poll(). Nothing in it blocks.
// Thread rule: all of it in the one thread that calls run().
#ifndef VESTO_NET_SSH_LOOP_H_
#define VESTO_NET_SSH_LOOP_H_

#include <poll.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "net/ssh_connection.h"
#include "net/ssh_mail.h"
#include "net/ssh_session.h"
#include "net/ssh_tunnel.h"

namespace vesto {

class SshLoop {
 public:
  // All outlive the loop.
  SshLoop(const SshOptions& options, ssh_key key, std::shared_ptr<SshMail> mail);
  // Until mail->stopping; then closes what is left.
  void run();
  // After run() ended by a fault: every route and waiting dial is told.
  void give_up(const Error& error);

 private:
  struct RouteEntry {
    std::string host;
    int port = 0;
    OwnedFd listener;
    std::shared_ptr<SshRouteState> state;
    std::unique_ptr<SshConnection> first;  // opened by dial(), until somebody connects
    int64_t no_file_since_ms = 0;  // accepting fails for want of an open file; 0: it does not
  };
  struct Carried {
    std::unique_ptr<SshConnection> connection;
    int64_t open_deadline_ms = 0;
  };
  struct Opening {
    std::shared_ptr<SshDial> dial;
    std::unique_ptr<SshConnection> connection;
  };

  void wait_for_events();
  void add_events();
  void dispatch_events();
  [[nodiscard]] int timeout_ms() const;

  void take_dials();
  void step_session();
  [[nodiscard]] Error not_ready(const SshDial& dial) const;
  void session_up();
  void serve_session(int64_t now_ms);
  void keep_alive(int64_t now_ms);
  void lose_session(const std::string& reason, const std::string& words);
  void drop_session(bool polite);

  void start_opening(std::shared_ptr<SshDial> dial);
  void step_openings(int64_t now_ms);
  void finish_dial(Opening* opening);
  Result<OwnedFd> listen_on_loopback(int* port) const;
  void step_routes(int64_t now_ms);
  void accept_on(RouteEntry* route, int64_t now_ms);
  void accept_failed(RouteEntry* route, int error_number, int64_t now_ms);
  [[nodiscard]] bool accepts_paused() const { return accepts_again_ms_ > 0; }
  void pump_connections(int64_t now_ms);
  void step_abandoned();
  void abandon(std::unique_ptr<SshConnection> connection);
  [[nodiscard]] int carried_count() const;
  [[nodiscard]] bool up() const { return session_ != nullptr && session_up_; }

  const SshOptions& options_;
  ssh_key key_;
  std::shared_ptr<SshMail> mail_;
  std::unique_ptr<SshSession> session_;
  bool session_up_ = false;
  std::string host_key_types_;
  SshAsked asked_;
  int64_t last_heard_ms_ = 0;
  int64_t last_keepalive_ms_ = 0;
  uint64_t heard_bytes_ = 0;
  uint64_t counted_in_ = 0;
  uint64_t counted_out_ = 0;
  std::list<std::shared_ptr<SshDial>> waiting_;  // for the session
  std::list<Opening> openings_;
  std::list<RouteEntry> routes_;
  std::list<Carried> carried_;
  std::list<std::unique_ptr<SshConnection>> abandoned_;  // asked for, nobody waits any more
  std::vector<pollfd> polled_;
  std::vector<SshConnection*> polled_connections_;  // of polled_, from first_connection_ on
  size_t first_connection_ = 0;
  // No open file was left: the listeners rest until then, as poll() would report them at once.
  int64_t accepts_again_ms_ = 0;
  std::vector<char> scratch_;
};

}  // namespace vesto

#endif  // VESTO_NET_SSH_LOOP_H_
