#include "net/ssh_connection.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/error_causes.h"
#include "base/strings.h"

namespace vesto {
namespace {

constexpr int kMaxOpenTries = 3;
constexpr int kChunksPerTurn = 4;  // then the other connections have their turn
// How long a local end may take to read its last bytes and close after the far end has closed.
constexpr int64_t kLingerMs = 2'000;

// What connect() and the resolver said on the SSH server.
std::string connect_hint(const std::string& words, const std::string& target) {
  const auto says = [&words](std::string_view part) {
    return words.find(part) != std::string::npos;
  };
  if (says("refused")) {
    return fmt::format(
        "Seen from the SSH server nobody listens on {}: check host and port, and that the server "
        "there is running.",
        target);
  }
  if (says("timed out")) {
    return fmt::format(
        "Let the security group of {} take the SSH server's private address on that port.", target);
  }
  if (says("not known") || says("name resolution") || says("no address") || says("unknown host") ||
      says("failure in name")) {
    return fmt::format(
        "The SSH server does not know the name in {}: check its spelling and the DNS of the SSH "
        "server; a private name is known inside its own network only.",
        target);
  }
  if (says("no route") || says("unreachable")) {
    return fmt::format(
        "The SSH server has no route to {}: check the route tables of its network and any peering.",
        target);
  }
  return fmt::format(
      "Try from the SSH server itself whether it reaches {}: security group, name and route.",
      target);
}

}  // namespace

std::string ssh_refusal_hint(std::string_view code, std::string_view words,
                             const std::string& target) {
  if (code == "1") {
    return fmt::format(
        "On the SSH server: the line in authorized_keys needs permitopen=\"{}\", just so, and "
        "sshd_config must not forbid it (AllowTcpForwarding, PermitOpen, DisableForwarding).",
        target);
  }
  if (code == "2") return connect_hint(to_lower_ascii(words), target);
  if (code == "3") {
    return "This SSH server cannot forward TCP at all: take another one, such as OpenSSH's sshd.";
  }
  if (code == "4") {
    return "The SSH server has no room: look at its memory, processes and open files, or let fewer "
           "tables run at a time.";
  }
  return "";
}

uint32_t SshAsked::add(const std::string& target) {
  targets_[next_ % kKept] = {next_, target};
  return next_++;
}

bool SshAsked::same_target(uint32_t number, const std::string& target) const {
  const auto& [known, whereto] = targets_[number % kKept];
  return known == number && whereto == target;
}

SshConnection::SshConnection(ssh_session session, std::string host, int port, SshAsked* asked)
    : session_(session), host_(std::move(host)), port_(port), asked_(asked) {}

SshConnection::~SshConnection() { close_channel(); }

bool SshConnection::new_channel() {
  channel_ = ssh_channel_new(session_);
  if (channel_ == nullptr) return false;
  ssh_channel_set_blocking(channel_, 0);
  callbacks_ = {};
  callbacks_.userdata = this;
  callbacks_.channel_data_function = &SshConnection::on_data;
  callbacks_.channel_eof_function = &SshConnection::on_eof;
  callbacks_.channel_close_function = &SshConnection::on_close;
  ssh_callbacks_init(&callbacks_);
  asked_->add(target());
  ++tries_;
  return ssh_set_channel_callbacks(channel_, &callbacks_) == SSH_OK;
}

SshConnection::Opening SshConnection::open() {
  if (opened_) return Opening::kOpen;
  if (channel_ == nullptr && !new_channel()) return Opening::kRefused;
  const int answer = ssh_channel_open_forward(channel_, host_.c_str(), port_, "127.0.0.1", 0);
  if (answer == SSH_AGAIN) return Opening::kWaits;
  if (answer == SSH_OK) {
    opened_ = true;
    return Opening::kOpen;
  }
  const bool told = take_refusal();
  close_channel();
  // Ask again for the reason; a tunnel's connections seldom have more targets than tries.
  if (!told && tries_ < kMaxOpenTries && ssh_is_connected(session_) != 0) return open();
  return Opening::kRefused;
}

std::string SshConnection::target() const { return fmt::format("{}:{}", host_, port_); }

// "Channel opening failure: channel 43 error (1) open failed": the session keeps the words of the
// last refusal only, and several may have come at once. Another channel's words are good for this
// one if it went to the same target. False: they are of another one.
bool SshConnection::take_refusal() {
  constexpr std::string_view kHead = "failure: channel ";
  const std::string words = ssh_get_error(session_);
  refusal_code_.clear();
  refusal_words_.clear();
  const size_t head = words.find(kHead);
  const size_t code = words.find(" error (");
  const size_t end = words.find(") ", code == std::string::npos ? 0 : code);
  if (head == std::string::npos || code == std::string::npos || end == std::string::npos) {
    refusal_words_ = ssh_words(words);
    return true;
  }
  const size_t number_at = head + kHead.size();
  const auto number =
      parse_int(std::string_view(words).substr(number_at, code < number_at ? 0 : code - number_at));
  if (!number || !asked_->same_target(static_cast<uint32_t>(*number), target())) return false;
  refusal_code_ = words.substr(code + 8, end - code - 8);
  refusal_words_ = ssh_words(std::string_view(words).substr(end + 2));
  return true;
}

Error SshConnection::refusal() const {
  // sshd's own words are often no more than "open failed": the reason is its code (RFC 4254,
  // section 5.1).
  struct Reason {
    const char* code;
    const char* name;
    const char* what;
  };
  constexpr Reason kReasons[] = {
      {"1", "administratively prohibited", "the SSH server forbids forwarding to"},
      {"2", "connect failed", "the SSH server cannot connect to"},
      {"3", "unknown channel type", "the SSH server knows no forwarding to"},
      {"4", "resource shortage", "the SSH server has no room for a connection to"}};
  Reason reason = {"", "", "the SSH server opens no way to"};
  for (const Reason& known : kReasons) {
    if (refusal_code_ == known.code) reason = known;
  }
  Error error(ErrorCode::kSshForward, fmt::format("{} {}:{}", reason.what, host_, port_));
  error.with_upstream(ssh_upstream(refusal_words_, reason.name));
  const std::string hint = ssh_refusal_hint(refusal_code_, refusal_words_, target());
  if (!hint.empty()) error.with_hint(hint);
  return error.because(recognise("ssh-forward", refusal_code_, refusal_words_));
}

void SshConnection::close_channel() {
  if (channel_ == nullptr) return;
  ssh_remove_channel_callbacks(channel_, &callbacks_);
  // One that was never opened has no number at the far end: a close would meet another channel.
  if (opened_ && ssh_is_connected(session_) != 0) ssh_channel_close(channel_);
  ssh_channel_free(channel_);
  channel_ = nullptr;
}

void SshConnection::session_lost() {
  cut();
  close_channel();
}

void SshConnection::give_up() {
  tries_ = kMaxOpenTries;
  if (!opened_) cut();
}

void SshConnection::cut() {
  broken_ = true;
  if (!local_.open()) return;
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(local_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  local_.reset();
}

void SshConnection::take_local(OwnedFd local) {
  local_ = std::move(local);
  const int on = 1;
  ::setsockopt(local_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // What the far end said before anybody listened lies in libssh's buffer.
  in_channel_ = true;
}

int SshConnection::on_data(ssh_session /*session*/, ssh_channel /*channel*/, void* data,
                           uint32_t size, int is_stderr, void* self) {
  auto& that = *static_cast<SshConnection*>(self);
  if (is_stderr != 0) return static_cast<int>(size);  // a forwarded connection has none
  if (that.broken_) return static_cast<int>(size);
  if (!that.local_.open() || that.in_channel_) return 0;
  const int taken = that.deliver(static_cast<const char*>(data), size);
  if (static_cast<uint32_t>(taken) < size) that.in_channel_ = true;
  return taken;
}

void SshConnection::on_eof(ssh_session /*session*/, ssh_channel /*channel*/, void* self) {
  static_cast<SshConnection*>(self)->remote_eof_ = true;
}

void SshConnection::on_close(ssh_session /*session*/, ssh_channel /*channel*/, void* self) {
  auto& that = *static_cast<SshConnection*>(self);
  that.remote_eof_ = true;
  that.remote_closed_ = true;
}

int SshConnection::deliver(const char* data, size_t size) {
  if (local_blocked_) return 0;
  size_t taken = 0;
  while (taken < size) {
    const ssize_t sent =
        ::send(local_.get(), data + taken, size - taken, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      local_blocked_ = errno == EAGAIN || errno == EWOULDBLOCK;
      broken_ = !local_blocked_;
      break;
    }
    taken += static_cast<size_t>(sent);
  }
  return static_cast<int>(broken_ ? size : taken);
}

bool SshConnection::flush_to_local() {
  if (to_local_.empty()) return true;
  to_local_.erase(0, static_cast<size_t>(deliver(to_local_.data(), to_local_.size())));
  return to_local_.empty();
}

// From libssh's buffer to the local socket, until it is empty or the socket is full.
void SshConnection::drain_channel(char* scratch) {
  if (!local_.open() || channel_ == nullptr || !flush_to_local()) return;
  while (in_channel_ && !local_blocked_ && !broken_) {
    const int got = ssh_channel_read_nonblocking(channel_, scratch, kChunkBytes, 0);
    if (got <= 0) {
      in_channel_ = false;
      return;
    }
    const auto taken = static_cast<size_t>(deliver(scratch, static_cast<size_t>(got)));
    to_local_.assign(scratch + taken, static_cast<size_t>(got) - taken);
  }
}

bool SshConnection::write_remote(const char* data, size_t size, size_t* written) {
  *written = 0;
  const size_t room = std::min<size_t>(size, ssh_channel_window_size(channel_));
  if (room == 0) return true;
  const int sent = ssh_channel_write(channel_, data, static_cast<uint32_t>(room));
  if (sent == SSH_AGAIN) return true;
  if (sent < 0) return false;
  *written = static_cast<size_t>(sent);
  return true;
}

void SshConnection::pump_to_remote(char* scratch, bool output_waits) {
  if (channel_ == nullptr || remote_closed_ || eof_sent_) return;
  size_t written = 0;
  if (!to_remote_.empty() && !output_waits) {
    if (!write_remote(to_remote_.data(), to_remote_.size(), &written)) remote_closed_ = true;
    to_remote_.erase(0, written);
  }
  for (int chunk = 0; chunk < kChunksPerTurn && local_readable_ && to_remote_.empty() &&
                      !output_waits && !remote_closed_ && !broken_;
       ++chunk) {
    const size_t room = std::min<size_t>(kChunkBytes, ssh_channel_window_size(channel_));
    if (room == 0) break;
    const ssize_t got = ::recv(local_.get(), scratch, room, MSG_DONTWAIT);
    if (got < 0) {
      local_readable_ = errno == EINTR;
      broken_ = !local_readable_ && errno != EAGAIN && errno != EWOULDBLOCK;
      continue;
    }
    if (got == 0) {
      local_eof_ = true;
      local_readable_ = false;
      break;
    }
    if (!write_remote(scratch, static_cast<size_t>(got), &written)) {
      remote_closed_ = true;
      break;
    }
    to_remote_.assign(scratch + written, static_cast<size_t>(got) - written);
    output_waits = (ssh_get_poll_flags(session_) & SSH_WRITE_PENDING) != 0;
  }
  if (local_eof_ && to_remote_.empty() && !remote_closed_) {
    // SSH_AGAIN: it is queued behind what is still to be written.
    eof_sent_ = ssh_channel_send_eof(channel_) != SSH_ERROR;
    remote_closed_ = remote_closed_ || !eof_sent_;
  }
}

// The far end has closed: what the local end still says is read and dropped, as closing a socket
// with unread bytes would take the last ones from its reader.
void SshConnection::discard_local(char* scratch, int64_t now_ms) {
  if (linger_until_ms_ == 0) linger_until_ms_ = now_ms + kLingerMs;
  if (now_ms >= linger_until_ms_) local_eof_ = true;
  for (int chunk = 0; chunk < kChunksPerTurn && local_readable_ && !local_eof_; ++chunk) {
    const ssize_t got = ::recv(local_.get(), scratch, kChunkBytes, MSG_DONTWAIT);
    if (got > 0) continue;
    local_readable_ = false;
    local_eof_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  }
}

void SshConnection::forward_ends(char* scratch, int64_t now_ms) {
  const bool delivered = !in_channel_ && to_local_.empty();
  if (remote_eof_ && delivered && !eof_given_) {
    ::shutdown(local_.get(), SHUT_WR);
    eof_given_ = true;
  }
  if (remote_closed_ && eof_given_ && !local_eof_) discard_local(scratch, now_ms);
}

bool SshConnection::pump(char* scratch, bool output_waits, int64_t now_ms) {
  if (!local_.open()) return !broken_;  // nobody has come for it yet
  if (!opened_) return !broken_;
  drain_channel(scratch);
  if (!broken_) pump_to_remote(scratch, output_waits);
  if (remote_closed_) remote_eof_ = true;
  if (!broken_) forward_ends(scratch, now_ms);
  if (broken_) {
    cut();
    return false;
  }
  return !(eof_given_ && local_eof_ && (eof_sent_ || remote_closed_));
}

std::optional<short> SshConnection::local_events(bool output_waits) const {
  if (!local_.open()) return std::nullopt;
  short events = 0;
  if (local_blocked_) events |= POLLOUT;
  const bool wants =
      opened_ && !local_eof_ &&
      (remote_closed_ ? eof_given_
                      : to_remote_.empty() && !output_waits &&
                            (channel_ != nullptr && ssh_channel_window_size(channel_) > 0));
  if (wants) events |= POLLIN;
  // After both ends of the socket were shut it would report a hang-up for ever.
  if (events == 0 && eof_given_) return std::nullopt;
  return events;
}

void SshConnection::local_ready(short revents) {
  if ((revents & POLLOUT) != 0) local_blocked_ = false;
  if ((revents & POLLIN) != 0) local_readable_ = true;
  if ((revents & (POLLERR | POLLNVAL)) != 0) broken_ = true;
  // Hung up: read to learn whether an end or a reset; while not reading, only a reset does that.
  if ((revents & POLLHUP) != 0) local_readable_ = true;
}

}  // namespace vesto
