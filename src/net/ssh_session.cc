#include "net/ssh_session.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libssh/callbacks.h>
#include <libssh/server.h>  // ssh_send_keepalive
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "net/socket.h"

namespace vesto {
namespace {

constexpr const char* kAllTypes =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
    "rsa-sha2-256";
// GCM first: it is the fastest with the processor's AES.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,"
    "aes192-ctr,aes128-ctr";
constexpr int kMinHostRsaBits = 2048;

void set_number(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

// A dead peer is noticed by the kernel too, also while data is under way.
void tune_socket(int fd, const SshOptions& options) {
  const auto limit_ms = static_cast<int>(
      std::clamp<int64_t>(options.keepalive_ms * options.keepalive_count, 1'000, 600'000));
  const int idle_s = std::clamp<int>(static_cast<int>(options.keepalive_ms / 1'000), 1, 3'600);
  set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
  set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, idle_s);
  set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, std::clamp(options.keepalive_count, 1, 20));
  set_number(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, limit_ms);
}

// 0 if it is none. No two open sockets have the same.
ino_t socket_inode(int fd) {
  struct stat found = {};
  return ::fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode) ? found.st_ino : 0;
}

void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

// Everything said here; nothing of ~/.ssh or /etc/ssh counts.
bool set_options(ssh_session session, const SshOptions& options, const char* types, int fd) {
  const int off = 0;
  const int min_bits = kMinHostRsaBits;
  const auto set = [session](ssh_options_e name, const void* value) {
    return ssh_options_set(session, name, value) == SSH_OK;
  };
  return set(SSH_OPTIONS_PROCESS_CONFIG, &off) && set(SSH_OPTIONS_SSH_DIR, "/nonexistent") &&
         set(SSH_OPTIONS_KNOWNHOSTS, "/dev/null") &&
         set(SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null") && set(SSH_OPTIONS_HOST, "bastion") &&
         set(SSH_OPTIONS_USER, options.user.c_str()) && set(SSH_OPTIONS_HOSTKEYS, types) &&
         set(SSH_OPTIONS_CIPHERS_C_S, kCiphers) && set(SSH_OPTIONS_CIPHERS_S_C, kCiphers) &&
         set(SSH_OPTIONS_COMPRESSION, "none") && set(SSH_OPTIONS_RSA_MIN_SIZE, &min_bits) &&
         set(SSH_OPTIONS_FD, &fd);
}

}  // namespace

SshSession::SshSession(const SshOptions& options, ssh_key key, std::vector<std::string> addresses,
                       std::string key_types)
    : options_(options),
      key_(key),
      addresses_(std::move(addresses)),
      deadline_ms_(ssh_now_ms() + options.connect_timeout_ms),
      types_(key_types.empty() ? kAllTypes : std::move(key_types)) {
  start_tcp();
}

SshSession::~SshSession() { close(false); }

std::string SshSession::where() const { return fmt::format("{}:{}", options_.host, options_.port); }

void SshSession::fail(Error error) {
  error_ = std::move(error);
  stage_ = Stage::kFailed;
  close(false);
}

void SshSession::close(bool polite) {
  if (event_ != nullptr) {
    if (session_ != nullptr) ssh_event_remove_session(event_, session_);
    ssh_event_free(event_);
    event_ = nullptr;
  }
  if (session_ != nullptr) {
    if (polite && stage_ == Stage::kUp && ssh_is_connected(session_) != 0) {
      ssh_disconnect(session_);
    } else {
      ssh_silent_disconnect(session_);
    }
    ssh_free(session_);
    session_ = nullptr;
    // libssh closes a socket that was handed to it on some of its ways and not on others. The inode
    // tells whether the number is still that socket's, or another thread's file by now.
    if (given_fd_ >= 0 && socket_inode(given_fd_) == given_inode_) ::close(given_fd_);
    given_fd_ = -1;
  }
  received_before_ += counter_.in_bytes;
  sent_before_ += counter_.out_bytes;
  counter_ = {};
  tcp_.reset();
}

int SshSession::fd() const { return session_ != nullptr ? ssh_get_fd(session_) : tcp_.get(); }

short SshSession::events() const {
  if (session_ == nullptr) return POLLOUT;
  return static_cast<short>(output_waits() ? POLLIN | POLLOUT : POLLIN);
}

bool SshSession::output_waits() const {
  return session_ != nullptr && (ssh_get_poll_flags(session_) & SSH_WRITE_PENDING) != 0;
}

SshSession::State SshSession::step() {
  if (stage_ != Stage::kUp && stage_ != Stage::kFailed && ssh_now_ms() >= deadline_ms_) {
    timed_out();
  }
  if (stage_ == Stage::kTcp) step_tcp();
  if (stage_ == Stage::kKeyExchange) step_key_exchange();
  if (stage_ == Stage::kLogin) step_login();
  if (stage_ == Stage::kUp) return State::kUp;
  return stage_ == Stage::kFailed ? State::kFailed : State::kMaking;
}

void SshSession::start_tcp() {
  stage_ = Stage::kTcp;
  while (address_ < addresses_.size()) {
    // Each address gets its share of the time: a dead first one leaves some to the next.
    const int64_t now_ms = ssh_now_ms();
    const auto left = static_cast<int64_t>(addresses_.size() - address_);
    address_deadline_ms_ = now_ms + std::max<int64_t>(deadline_ms_ - now_ms, 0) / left;
    auto started = start_dial(addresses_[address_], options_.port);
    if (started.ok()) {
      tcp_ = std::move(started).value();
      tune_socket(tcp_.get(), options_);
      return;
    }
    last_errno_ = started.error().number;
    ++address_;
  }
  tcp_failed(last_errno_);
}

void SshSession::step_tcp() {
  pollfd waiting = {.fd = tcp_.get(), .events = POLLOUT, .revents = 0};
  int fault = 0;
  if (::poll(&waiting, 1, 0) <= 0) {
    if (ssh_now_ms() < address_deadline_ms_) return;
    fault = ETIMEDOUT;
  } else {
    fault = dial_outcome(tcp_.get());
  }
  if (fault == 0) {
    if (!start_ssh()) fail(Error(ErrorCode::kSysMemory, "libssh could not make a session"));
    return;
  }
  last_errno_ = fault;
  ++address_;
  start_tcp();
}

void SshSession::tcp_failed(int error_number) {
  if (one_by_one_) return host_keys_unclear(std::strerror(error_number));
  const std::string what = error_number == ECONNREFUSED ? "refuses the connection"
                           : error_number == ETIMEDOUT  ? "does not answer"
                                                        : "cannot be reached";
  fail(Error(ErrorCode::kSshConnect, fmt::format("{} {}", where(), what))
           .with_upstream({.system = "os",
                           .code = std::to_string(error_number),
                           .text = std::strerror(error_number),
                           .request_id = ""}));
}

bool SshSession::start_ssh() {
  session_ = ssh_new();
  if (session_ == nullptr) return false;
  if (!set_options(session_, options_, types_.c_str(), tcp_.get())) return false;
  ssh_set_counters(session_, &counter_, nullptr);
  ssh_set_blocking(session_, 0);
  given_fd_ = tcp_.release();
  given_inode_ = socket_inode(given_fd_);
  stage_ = Stage::kKeyExchange;
  ssh_connect(session_);  // the first call only finds out that TCP stands
  return true;
}

void SshSession::step_key_exchange() {
  const int answer = ssh_connect(session_);
  // libssh makes the socket blocking once TCP stands. It writes only after POLLOUT, but one write
  // may be larger than the room that POLLOUT stands for.
  if (ssh_get_fd(session_) >= 0) set_nonblocking(ssh_get_fd(session_));
  if (answer == SSH_AGAIN) return;
  if (answer == SSH_OK) {
    check_host_key();
  } else {
    key_exchange_failed();
  }
}

// An earlier session said of which type the pinned key is; the server may hold others by now.
bool SshSession::ask_for_all_types() {
  if (types_ == kAllTypes) return false;
  types_ = kAllTypes;
  close(false);
  start_tcp();
  return true;
}

std::string SshSession::doing() const {
  if (stage_ == Stage::kTcp) return fmt::format("{} does not answer (TCP)", where());
  const bool silent =
      session_ != nullptr && ssh_get_serverbanner(session_) == nullptr && counter_.in_bytes == 0;
  if (silent)
    return fmt::format("{} takes connections, but what answers there says nothing", where());
  const char* at = stage_ == Stage::kLogin ? "has not finished the login"
                   : one_by_one_           ? "has not shown all its host keys"
                                           : "has not finished the key exchange";
  return fmt::format("{} answers, but it {}", where(), at);
}

void SshSession::timed_out() {
  if (one_by_one_ && stage_ != Stage::kLogin) return host_keys_unclear(doing());
  if (stage_ == Stage::kTcp) return tcp_failed(ETIMEDOUT);
  fail(Error(ErrorCode::kSshConnect,
             fmt::format("not ready within {}: {}", format_duration(options_.connect_timeout_ms),
                         doing())));
}

void SshSession::become_up() {
  event_ = ssh_event_new();
  if (event_ == nullptr || ssh_event_add_session(event_, session_) != SSH_OK) {
    return fail(Error(ErrorCode::kSysMemory, "libssh could not make a poll object"));
  }
  set_nonblocking(ssh_get_fd(session_));
  stage_ = Stage::kUp;
}

std::string SshSession::seen_host_key() const {
  if (seen_fingerprint_.empty()) return "";
  return fmt::format("{} ({})", seen_fingerprint_, seen_type_);
}

bool SshSession::take_in(int rounds) {
  // libssh reads little at a time: it is asked again while bytes keep coming.
  for (int round = 0; round < rounds; ++round) {
    const uint64_t before = counter_.in_bytes;
    ssh_event_dopoll(event_, 0);
    if (ssh_is_connected(session_) == 0) return false;
    if (counter_.in_bytes == before) break;
  }
  return (ssh_get_status(session_) & (SSH_CLOSED | SSH_CLOSED_ERROR)) == 0;
}

// libssh keeps the state of one request: the first call may only take in the last answer, the
// second sends; when the first has sent, the second does nothing.
void SshSession::send_keepalive() {
  ssh_send_keepalive(session_);
  ssh_send_keepalive(session_);
}

std::string SshSession::last_words() const {
  return session_ == nullptr ? "" : ssh_words(ssh_get_error(session_));
}

}  // namespace vesto
