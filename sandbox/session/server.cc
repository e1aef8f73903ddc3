#include "sandbox/session/server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "base/clock.h"
#include "base/log.h"
#include "sandbox/http/net_stream.h"
#include "sandbox/session/closed_port.h"

namespace vesto::sandbox {

namespace {

constexpr int kBacklog = 128;
constexpr int kAcceptPollMs = 200;

void set_option(int fd, int level, int name) {
  const int on = 1;
  ::setsockopt(fd, level, name, &on, sizeof(on));
}

}  // namespace

RedshiftServer::~RedshiftServer() { stop(); }

Result<Unit, std::string> RedshiftServer::start(uint16_t port, const AllowList& allowed,
                                                bool filter) {
  VESTO_ASSIGN(listen_fd_, listen_loopback(port, kBacklog));
  port_ = local_port(listen_fd_);
  {
    Lock lock(mutex_);
    filter_ = filter;
  }
  set_allowed(allowed);
  acceptor_ = std::thread([this] { accept_loop(); });
  return Unit{};
}

void RedshiftServer::accept_loop() {
  while (true) {
    {
      Lock lock(mutex_);
      if (stopping_) return;
    }
    mind_door();
    // Negative: only waits.
    pollfd waiting = {listening_ ? listen_fd_ : -1, POLLIN, 0};
    held_.drop_old(system_clock().monotonic_ms());
    if (::poll(&waiting, 1, kAcceptPollMs) > 0) accept_one();
  }
}

void RedshiftServer::accept_one() {
  sockaddr_in source{};
  socklen_t size = sizeof(source);
  const int fd = ::accept4(listen_fd_, reinterpret_cast<sockaddr*>(&source), &size, SOCK_CLOEXEC);
  if (fd < 0) return;
  detach_source_filter(fd);
  bool allowed = false;
  {
    Lock lock(mutex_);
    allowed = !silent_ && is_allowed(allowed_, ntohl(source.sin_addr.s_addr));
  }
  if (!allowed) {
    held_.add(fd, system_clock().monotonic_ms());
    return;
  }
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
  open_session(fd);
}

void RedshiftServer::set_allowed(const AllowList& allowed) {
  Lock lock(mutex_);
  allowed_ = allowed;
  if (!silent_) filter_sources(allowed);
}

void RedshiftServer::filter_sources(const AllowList& allowed) {
  if (stopping_ || !filter_ || attach_source_filter(listen_fd_, allowed)) return;
  // An older list would drop whom this one allows.
  detach_source_filter(listen_fd_);
  log_warn("no filter on the socket: other addresses are accepted and never answered",
           {{"error", std::strerror(errno)}});
}

// Once in kAcceptPollMs: does at the door what the warehouse's state says.
void RedshiftServer::mind_door() {
  if (shared_->state == nullptr) return;
  const WarehouseState::View view = shared_->state->now();
  {
    Lock lock(mutex_);
    if (view.version == settled_version_) return;
  }
  set_door(view.door);
  Lock lock(mutex_);
  settled_version_ = view.version;
  settled_.notify_all();
}

void RedshiftServer::set_door(Door door) {
  if (door == Door::kRefuse && listening_) {
    listen_fd_ = close_port(listen_fd_, port_);
    listening_ = false;
  } else if (door != Door::kRefuse && !listening_) {
    listening_ = listen_fd_ >= 0 && ::listen(listen_fd_, kBacklog) == 0;
    if (!listening_) log_error("the port was lost while it was closed", {});
  }
  Lock lock(mutex_);
  silent_ = door == Door::kSilent;
  if (listening_) filter_sources(silent_ ? AllowList(std::vector<std::string>()) : allowed_);
  if (door == Door::kOpen) return;
  for (const auto& [id, session] : sessions_) session->interrupt();
}

void RedshiftServer::settle() {
  if (shared_->state == nullptr) return;
  const uint64_t wanted = shared_->state->now().version;
  Lock lock(mutex_);
  constexpr int kLooks = 10;
  for (int i = 0; i < kLooks && settled_version_ < wanted; ++i) {
    settled_.wait_for(mutex_, std::chrono::milliseconds(100));
  }
}

void RedshiftServer::open_session(int fd) {
  auto session = std::make_shared<Session>(fd, shared_);
  uint64_t id = 0;
  {
    Lock lock(mutex_);
    if (stopping_ || sessions_.size() >= kMaxSessions) return;
    id = ++next_id_;
    sessions_[id] = session.get();
  }
  try {
    std::thread([this, id, owned = session]() mutable {
      owned->run();
      Lock lock(mutex_);
      sessions_.erase(id);
      owned.reset();  // under the lock: stop() must not return before it is gone
      session_ended_.notify_all();
    }).detach();
  } catch (const std::system_error& error) {
    log_error("cannot start a thread for a session", {{"reason", error.what()}});
    Lock lock(mutex_);
    sessions_.erase(id);
  }
}

void RedshiftServer::stop() {
  {
    Lock lock(mutex_);
    stopping_ = true;
  }
  if (acceptor_.joinable()) acceptor_.join();
  if (listen_fd_ >= 0) ::close(listen_fd_);
  listen_fd_ = -1;
  shared_->stop.request_stop();
  Lock lock(mutex_);
  for (const auto& [id, session] : sessions_) session->interrupt();
  while (!sessions_.empty()) session_ended_.wait(mutex_);
}

size_t RedshiftServer::session_count() {
  Lock lock(mutex_);
  size_t count = 0;
  for (const auto& [id, session] : sessions_) count += session->logged_in() ? 1 : 0;
  return count;
}

}  // namespace vesto::sandbox
