// The Redshift endpoint: listens on loopback, a thread for each session.
// Thread rule: start and stop from one thread; the others from any.
#ifndef VESTO_SANDBOX_SESSION_SERVER_H_
#define VESTO_SANDBOX_SESSION_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "sandbox/session/session.h"
#include "sandbox/session/source_filter.h"

namespace vesto::sandbox {

class RedshiftServer {
 public:
  static constexpr size_t kMaxSessions = 200;

  explicit RedshiftServer(SessionShared* shared) : shared_(shared) {}
  ~RedshiftServer();  // stops it
  RedshiftServer(const RedshiftServer&) = delete;
  RedshiftServer& operator=(const RedshiftServer&) = delete;

  // port 0: any. The error is a text for the person who starts the sandbox.
  // `allowed`: whom it answers; `filter`: by a filter on the socket, if the system allows one.
  Result<Unit, std::string> start(uint16_t port, const AllowList& allowed, bool filter);
  // For connections from now on; those that are open go on.
  void set_allowed(const AllowList& allowed) VESTO_EXCLUDES(mutex_);
  // Waits until what SessionShared::state says is done at the door; a second at most.
  void settle() VESTO_EXCLUDES(mutex_);
  // Ends every session and waits for their threads. Idempotent.
  void stop();
  [[nodiscard]] uint16_t port() const { return port_; }
  // Sessions that are logged in.
  size_t session_count() VESTO_EXCLUDES(mutex_);

 private:
  void accept_loop();
  void accept_one() VESTO_EXCLUDES(mutex_);
  void open_session(int fd) VESTO_EXCLUDES(mutex_);
  void mind_door() VESTO_EXCLUDES(mutex_);
  void set_door(Door door) VESTO_EXCLUDES(mutex_);
  void filter_sources(const AllowList& allowed) VESTO_REQUIRES(mutex_);

  SessionShared* shared_;
  int listen_fd_ = -1;
  uint16_t port_ = 0;
  std::thread acceptor_;
  Mutex mutex_;
  CondVar session_ended_;
  std::map<uint64_t, Session*> sessions_ VESTO_GUARDED_BY(mutex_);
  uint64_t next_id_ VESTO_GUARDED_BY(mutex_) = 0;
  AllowList allowed_ VESTO_GUARDED_BY(mutex_);
  bool filter_ VESTO_GUARDED_BY(mutex_) = false;
  CondVar settled_;
  uint64_t settled_version_ VESTO_GUARDED_BY(mutex_) = 0;
  bool silent_ VESTO_GUARDED_BY(mutex_) = false;
  HeldConnections held_;   // the acceptor's
  bool listening_ = true;  // the acceptor's
  bool stopping_ VESTO_GUARDED_BY(mutex_) = false;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_SERVER_H_
