#include "net/ssh_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace vesto {
namespace {

constexpr int kMakingTickMs = 50;    // libssh's steps also depend on time
constexpr int kOpeningTickMs = 100;  // dials have deadlines
constexpr int kIdleTickMs = 1'000;
constexpr int kReadsPerTurn = 64;

}  // namespace

SshLoop::SshLoop(const SshOptions& options, ssh_key key, std::shared_ptr<SshMail> mail)
    : options_(options), key_(key), mail_(std::move(mail)), scratch_(SshConnection::kChunkBytes) {}

void SshLoop::run() {
  while (!mail_->stopping) {
    wait_for_events();
    take_dials();
    step_session();
    const int64_t now_ms = ssh_now_ms();
    if (up()) serve_session(now_ms);
    step_openings(now_ms);
    step_routes(now_ms);
    pump_connections(now_ms);
    step_abandoned();
  }
  give_up(Error(ErrorCode::kSshLost, "the tunnel was closed"));
}

int SshLoop::timeout_ms() const {
  // Bytes that a connection's own turn took in may concern another one that had its turn before.
  // One that libssh has found to be cut has no socket left to wake us.
  if (up() && (session_->received_bytes() != heard_bytes_ || session_->fd() < 0)) return 0;
  if (session_ != nullptr && !session_up_) return kMakingTickMs;
  if (!openings_.empty() || !waiting_.empty() || accepts_paused()) return kOpeningTickMs;
  if (!up()) return kIdleTickMs;
  return static_cast<int>(std::clamp<int64_t>(options_.keepalive_ms / 4, 10, kIdleTickMs));
}

void SshLoop::add_events() {
  polled_.clear();
  polled_connections_.clear();
  polled_.push_back({.fd = mail_->wake_fd(), .events = POLLIN, .revents = 0});
  if (session_ != nullptr && session_->fd() >= 0) {
    polled_.push_back({.fd = session_->fd(), .events = session_->events(), .revents = 0});
  }
  for (const RouteEntry& route : routes_) {
    if (route.listener.open() && !accepts_paused()) {
      polled_.push_back({.fd = route.listener.get(), .events = POLLIN, .revents = 0});
    }
  }
  first_connection_ = polled_.size();
  const bool output_waits = up() && session_->output_waits();
  for (const Carried& carried : carried_) {
    const auto events = carried.connection->local_events(output_waits);
    if (!events) continue;
    polled_.push_back({.fd = carried.connection->local_fd(), .events = *events, .revents = 0});
    polled_connections_.push_back(carried.connection.get());
  }
}

void SshLoop::wait_for_events() {
  add_events();
  const int ready = ::poll(polled_.data(), polled_.size(), timeout_ms());
  if (ready > 0) dispatch_events();
}

void SshLoop::dispatch_events() {
  if (polled_.front().revents != 0) mail_->clear_wake();
  for (size_t i = 0; i < polled_connections_.size(); ++i) {
    const short revents = polled_[first_connection_ + i].revents;
    if (revents != 0) polled_connections_[i]->local_ready(revents);
  }
}

void SshLoop::take_dials() {
  for (std::shared_ptr<SshDial>& dial : mail_->take_dials()) {
    if (up()) {
      start_opening(std::move(dial));
      continue;
    }
    if (session_ == nullptr) {
      if (dial->addresses.empty()) {
        Lock lock(dial->mutex);
        dial->needs_addresses = true;
        dial->done.notify_all();
        continue;
      }
      asked_ = {};
      session_up_ = false;
      session_ = std::make_unique<SshSession>(options_, key_, dial->addresses, host_key_types_);
    }
    waiting_.push_back(std::move(dial));
  }
}

Error SshLoop::not_ready(const SshDial& dial) const {
  const std::string doing = session_ == nullptr
                                ? fmt::format("{}:{} was not dialled", options_.host, options_.port)
                                : session_->doing();
  return {ErrorCode::kSshConnect,
          fmt::format("not ready within {}: {}", format_duration(dial.timeout_ms), doing)};
}

void SshLoop::step_session() {
  waiting_.remove_if([this](const std::shared_ptr<SshDial>& dial) {
    if (dial->is_given_up()) return true;
    if (ssh_now_ms() < dial->deadline_ms) return false;
    dial->answer_with(not_ready(*dial));
    return true;
  });
  if (session_ == nullptr || session_up_) return;
  const SshSession::State state = session_->step();
  if (state == SshSession::State::kUp) return session_up();
  if (state == SshSession::State::kFailed) {
    const Error error = session_->error();
    for (const auto& dial : waiting_) dial->answer_with(error);
    waiting_.clear();
    drop_session(false);
  }
}

void SshLoop::session_up() {
  session_up_ = true;
  counted_in_ = counted_out_ = 0;
  last_heard_ms_ = last_keepalive_ms_ = ssh_now_ms();
  heard_bytes_ = session_->received_bytes();
  host_key_types_ = session_->host_key_types();
  mail_->set_host_key(session_->seen_host_key());
  mail_->has_session = true;
  ++mail_->sessions;
  for (auto& dial : std::exchange(waiting_, {})) start_opening(std::move(dial));
}

void SshLoop::serve_session(int64_t now_ms) {
  const bool stands = session_->take_in(kReadsPerTurn);
  const uint64_t received = session_->received_bytes();
  const uint64_t sent = session_->sent_bytes();
  mail_->received_bytes += static_cast<int64_t>(received - counted_in_);
  mail_->sent_bytes += static_cast<int64_t>(sent - counted_out_);
  counted_in_ = received;
  counted_out_ = sent;
  if (!stands) return lose_session("the SSH connection was cut", session_->last_words());
  if (received != heard_bytes_) {
    heard_bytes_ = received;
    last_heard_ms_ = now_ms;
  }
  keep_alive(now_ms);
}

void SshLoop::keep_alive(int64_t now_ms) {
  if (options_.keepalive_ms <= 0) return;
  const int64_t silent_ms = now_ms - last_heard_ms_;
  if (silent_ms >= options_.keepalive_ms * options_.keepalive_count) {
    return lose_session(
        fmt::format("the SSH server has not answered for {}", format_duration(silent_ms)), "");
  }
  if (silent_ms < options_.keepalive_ms || now_ms - last_keepalive_ms_ < options_.keepalive_ms) {
    return;
  }
  last_keepalive_ms_ = now_ms;
  session_->send_keepalive();
}

void SshLoop::lose_session(const std::string& reason, const std::string& words) {
  Error error(ErrorCode::kSshLost, fmt::format("{} ({}:{})", reason, options_.host, options_.port));
  if (!words.empty()) error.with_upstream(ssh_upstream(words));
  error.with_hint(
      "The next connection makes it again by itself; where this one ended a run, the next run "
      "does. "
      "If it happens often, see the SSH server's log and the firewalls in between.");
  for (Opening& opening : openings_) {
    opening.dial->answer_with(error);
    opening.connection->session_lost();
  }
  openings_.clear();
  for (RouteEntry& route : routes_) {
    route.state->fail(error);
    if (route.first) route.first->session_lost();
  }
  routes_.clear();
  for (Carried& carried : carried_) carried.connection->session_lost();
  carried_.clear();
  for (auto& connection : abandoned_) connection->session_lost();
  abandoned_.clear();
  drop_session(false);
}

void SshLoop::drop_session(bool polite) {
  mail_->has_session = false;
  session_up_ = false;
  if (session_ == nullptr) return;
  session_->close(polite);
  session_.reset();
}

void SshLoop::give_up(const Error& error) {
  for (const auto& dial : waiting_) dial->answer_with(error);
  waiting_.clear();
  for (const auto& dial : mail_->close(error)) dial->answer_with(error);
  for (Opening& opening : openings_) opening.dial->answer_with(error);
  for (RouteEntry& route : routes_) route.state->fail(error);
  // A stream that ends here is no whole one.
  for (Carried& carried : carried_) carried.connection->cut();
  openings_.clear();
  routes_.clear();
  carried_.clear();
  abandoned_.clear();
  drop_session(true);
}

int SshLoop::carried_count() const {
  const auto untaken = std::count_if(routes_.begin(), routes_.end(), [](const RouteEntry& route) {
    return route.first != nullptr;
  });
  return static_cast<int>(carried_.size() + openings_.size()) + static_cast<int>(untaken);
}

}  // namespace vesto
