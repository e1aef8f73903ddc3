// The part of the tunnel's thread that opens channels, listens and carries.
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/error_causes.h"
#include "base/strings.h"
#include "net/ssh_loop.h"

namespace vesto {
namespace {

constexpr int kAcceptsPerTurn = 8;
constexpr int kListenBacklog = 16;
// Without an open file a connection is tried for again so often, and given up after so long.
constexpr int64_t kAcceptPauseMs = 100;
constexpr int64_t kAcceptPatienceMs = 2'000;

void reset_at_once(OwnedFd fd) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

// A limit of this machine, not of the SSH server.
Error no_open_file(std::string what, int error_number) {
  const bool files = error_number == EMFILE || error_number == ENFILE;
  return Error(files ? ErrorCode::kSysFiles : ErrorCode::kSysMemory, std::move(what))
      .because(files ? cause_named("too-many-open-files") : nullptr)
      .with_hint(
          "If the answer speaks of files, raise the limit of open files (ulimit -n, LimitNOFILE= "
          "of "
          "the service) or let fewer tables run at a time.")
      .with_upstream({.system = "os",
                      .code = std::to_string(error_number),
                      .text = std::strerror(error_number),
                      .request_id = ""});
}

}  // namespace

void SshLoop::start_opening(std::shared_ptr<SshDial> dial) {
  if (dial->is_given_up()) return;
  const auto unanswered = static_cast<int>(abandoned_.size());
  if (carried_count() >= options_.max_connections || unanswered >= options_.max_connections) {
    dial->answer_with(
        Error(ErrorCode::kSshForward,
              unanswered >= options_.max_connections
                  ? fmt::format("{} connections that were asked for are not answered", unanswered)
                  : fmt::format("the tunnel carries {} connections, its limit",
                                options_.max_connections))
            .with_hint("Let fewer tables run at a time: each takes connections of its own."));
    return;
  }
  auto connection =
      std::make_unique<SshConnection>(session_->handle(), dial->host, dial->port, &asked_);
  openings_.push_back({.dial = std::move(dial), .connection = std::move(connection)});
}

void SshLoop::abandon(std::unique_ptr<SshConnection> connection) {
  connection->give_up();
  if (connection->asked()) abandoned_.push_back(std::move(connection));
}

void SshLoop::step_openings(int64_t now_ms) {
  for (auto at = openings_.begin(); at != openings_.end();) {
    const SshConnection::Opening state = at->connection->open();
    if (state == SshConnection::Opening::kOpen) {
      finish_dial(&*at);
    } else if (state == SshConnection::Opening::kRefused) {
      at->dial->answer_with(at->connection->refusal());
    } else if (at->dial->is_given_up()) {
      abandon(std::move(at->connection));
    } else if (now_ms >= at->dial->deadline_ms) {
      at->dial->answer_with(
          Error(ErrorCode::kSshForward,
                fmt::format("{}:{} has not said within {} whether it reaches {}:{}", options_.host,
                            options_.port, format_duration(at->dial->timeout_ms), at->dial->host,
                            at->dial->port))
              .because(cause_named("ssh-target-silent"))
              .with_hint(
                  "Nothing answers the SSH server there: let the security group take the SSH "
                  "server's private address on that port."));
      abandon(std::move(at->connection));
    } else {
      ++at;
      continue;
    }
    at = openings_.erase(at);
  }
}

Result<OwnedFd> SshLoop::listen_on_loopback(int* port) const {
  OwnedFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* general = reinterpret_cast<sockaddr*>(&address);
  if (!listener.open() || ::bind(listener.get(), general, size) != 0 ||
      ::listen(listener.get(), kListenBacklog) != 0 ||
      ::getsockname(listener.get(), general, &size) != 0) {
    return no_open_file("no port of 127.0.0.1 could be listened on", errno);
  }
  *port = ntohs(address.sin_port);
  return listener;
}

void SshLoop::finish_dial(Opening* opening) {
  int port = 0;
  auto listener = listen_on_loopback(&port);
  if (!listener.ok()) {
    opening->dial->answer_with(std::move(listener).error());
    return;
  }
  auto state = std::make_shared<SshRouteState>();
  Route route;
  route.address = "127.0.0.1";
  route.port = port;
  route.keep = std::shared_ptr<void>(state.get(), [state, mail = mail_](void*) {
    state->released = true;
    mail->wake();
  });
  route.failure = [state]() -> std::optional<Error> {
    Lock lock(state->mutex);
    return state->failure;
  };
  // Given up in this moment: the route goes with the connection.
  if (!opening->dial->answer_with(std::move(route))) return;
  ++mail_->connections;
  routes_.push_back({.host = opening->dial->host,
                     .port = opening->dial->port,
                     .listener = std::move(*listener),
                     .state = std::move(state),
                     .first = std::move(opening->connection)});
}

void SshLoop::step_routes(int64_t now_ms) {
  if (now_ms < accepts_again_ms_) return;
  accepts_again_ms_ = 0;
  for (auto at = routes_.begin(); at != routes_.end();) {
    if (at->state->released) {
      // What it carries goes on until it ends: its owner may still be saying good-bye.
      at = routes_.erase(at);
      continue;
    }
    accept_on(&*at, now_ms);
    ++at;
  }
}

void SshLoop::accept_failed(RouteEntry* route, int error_number, int64_t now_ms) {
  if (error_number != EMFILE && error_number != ENFILE && error_number != ENOBUFS &&
      error_number != ENOMEM) {
    return;
  }
  // The kernel says so before it looks whether anybody is there.
  pollfd waiting = {.fd = route->listener.get(), .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) <= 0) {
    route->no_file_since_ms = 0;
    return;
  }
  accepts_again_ms_ = now_ms + kAcceptPauseMs;
  if (route->no_file_since_ms == 0) route->no_file_since_ms = now_ms;
  if (now_ms - route->no_file_since_ms < kAcceptPatienceMs) return;
  // Whoever waits in the listener's queue is reset, and asks the route for the reason.
  route->state->fail(no_open_file("nothing can connect to the tunnel's local port", error_number));
  route->listener.reset();
  if (route->first) abandon(std::move(route->first));
}

void SshLoop::accept_on(RouteEntry* route, int64_t now_ms) {
  for (int turn = 0; turn < kAcceptsPerTurn && route->listener.open(); ++turn) {
    OwnedFd local(::accept4(route->listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!local.open()) return accept_failed(route, errno, now_ms);
    route->no_file_since_ms = 0;
    if (route->first) {
      route->first->take_local(std::move(local));
      carried_.push_back({.connection = std::move(route->first), .open_deadline_ms = 0});
      continue;
    }
    if (carried_count() >= options_.max_connections) {
      reset_at_once(std::move(local));
      continue;
    }
    auto connection =
        std::make_unique<SshConnection>(session_->handle(), route->host, route->port, &asked_);
    connection->take_local(std::move(local));
    ++mail_->connections;
    carried_.push_back({.connection = std::move(connection),
                        .open_deadline_ms = ssh_now_ms() + options_.connect_timeout_ms});
  }
}

void SshLoop::pump_connections(int64_t now_ms) {
  for (auto at = carried_.begin(); at != carried_.end();) {
    SshConnection& connection = *at->connection;
    bool stands = true;
    if (!connection.opened()) {
      const SshConnection::Opening state = connection.open();
      stands = state == SshConnection::Opening::kOpen ||
               (state == SshConnection::Opening::kWaits && now_ms < at->open_deadline_ms);
      if (!stands) connection.cut();
    }
    if (stands) stands = connection.pump(scratch_.data(), session_->output_waits(), now_ms);
    if (stands) {
      ++at;
      continue;
    }
    abandon(std::move(at->connection));
    at = carried_.erase(at);
  }
}

void SshLoop::step_abandoned() {
  abandoned_.remove_if([](const std::unique_ptr<SshConnection>& connection) {
    return connection->open() != SshConnection::Opening::kWaits;
  });
}

}  // namespace vesto
