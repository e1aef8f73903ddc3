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
#include <array>
#include <cerrno>
#include <cstring>

#include "base/strings.h"
#include "net/socket.h"

namespace vesto {
namespace {

// The order in which a host key is asked for; the last resort is one type at a time.
constexpr std::array<const char*, 5> kTypes = {"ssh-ed25519", "ecdsa-sha2-nistp256",
                                               "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                                               "rsa-sha2-512,rsa-sha2-256"};
constexpr const char* kAllTypes =
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
    "rsa-sha2-256";
// GCM first: it is the fastest with the processor's AES.
constexpr const char* kCiphers =
    "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,"
    "aes192-ctr,aes128-ctr";
constexpr int kMinHostRsaBits = 2048;
// For one type of host key: a server that closes at once may take its own answer with it.
constexpr int kTriesOfType = 2;

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

// The numeric address of our end; "" if the kernel cannot tell.
std::string local_address(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  std::array<char, NI_MAXHOST> text = {};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, text.data(), text.size(), nullptr,
                    0, NI_NUMERICHOST) != 0) {
    return "";
  }
  return text.data();
}

// libssh's words for a line that broke, not for an answer that it could not take.
bool was_cut(std::string_view words) {
  return words.find("Socket error") != std::string_view::npos ||
         words.find("SSH_MSG_DISCONNECT") != std::string_view::npos;
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

void SshSession::key_exchange_failed() {
  if (one_by_one_) return type_not_shown();
  if (ask_for_all_types()) return;
  const std::string words = ssh_words(ssh_get_error(session_));
  const bool named = ssh_get_serverbanner(session_) != nullptr;
  std::string what = fmt::format("what answers at {} is no SSH server", where());
  if (!named && was_cut(words)) {
    what +=
        ", or takes no more logins at this moment (MaxStartups): it hangs up before its greeting";
  }
  if (named) {
    what = where() + (was_cut(words) ? " cut the connection during the key exchange"
                                     : " does not come to an agreement with us");
  }
  fail(Error(ErrorCode::kSshConnect, std::move(what)).with_upstream(ssh_upstream(words)));
}

// One type was asked for and no key came. A server without a key of this type says so by its own
// list of types. All else leaves open whether it has the pinned one.
void SshSession::type_not_shown() {
  const std::string words = ssh_get_error(session_);
  if (words.find("host key algo") != std::string::npos) return try_next_type();
  if (++tries_of_type_ < kTriesOfType) {
    close(false);
    return start_tcp();
  }
  unclear_ = true;
  unclear_words_ = words;
  try_next_type();
}

void SshSession::check_host_key() {
  ssh_key key = nullptr;
  if (ssh_get_server_publickey(session_, &key) != SSH_OK || key == nullptr) {
    return fail(Error(ErrorCode::kSshConnect, fmt::format("{} showed no host key", where())));
  }
  const SshKeyPtr owned(key);
  seen_fingerprint_ = ssh_fingerprint(key);
  const char* type = ssh_key_type_to_char(ssh_key_type(key));
  seen_type_ = type == nullptr ? "unknown" : type;
  if (!options_.host_key.empty() && seen_fingerprint_ == options_.host_key) {
    stage_ = Stage::kLogin;
    return;
  }
  if (!one_by_one_ && !options_.host_key.empty() && ask_for_all_types()) return;
  if (first_seen_.empty()) {
    first_seen_ = seen_fingerprint_;
    first_type_ = seen_type_;
  }
  if (options_.host_key.empty()) {
    return fail(Error(ErrorCode::kSshHostKeyNew, fmt::format("{} shows the key {} ({})", where(),
                                                             seen_fingerprint_, seen_type_)));
  }
  try_next_type();
}

// An earlier session said of which type the pinned key is; the server may hold others by now.
bool SshSession::ask_for_all_types() {
  if (types_ == kAllTypes) return false;
  types_ = kAllTypes;
  close(false);
  start_tcp();
  return true;
}

// The pin may be of a type that the server holds as well: it is asked for each other one.
void SshSession::try_next_type() {
  one_by_one_ = true;
  tries_of_type_ = 0;
  while (next_type_ < kTypes.size() && first_type_ == kTypes[next_type_]) ++next_type_;
  if (next_type_ >= kTypes.size()) {
    return unclear_ ? host_keys_unclear(unclear_words_) : host_key_changed();
  }
  types_ = kTypes[next_type_++];
  close(false);
  start_tcp();
}

void SshSession::host_key_changed() {
  fail(Error(ErrorCode::kSshHostKeyChanged,
             fmt::format("{} shows the key {} ({}); host_key says {}", where(), first_seen_,
                         first_type_, options_.host_key)));
}

// The pinned key was not seen, but not every type was answered for: that it has changed is not
// known. Nothing was sent to the server either way.
void SshSession::host_keys_unclear(const std::string& words) {
  fail(Error(ErrorCode::kSshConnect,
             fmt::format("{} has not shown all its host keys, so far {} ({}); host_key says {}",
                         where(), first_seen_, first_type_, options_.host_key))
           .with_upstream(ssh_upstream(words)));
}

void SshSession::step_login() {
  const int answer = ssh_userauth_publickey(session_, nullptr, key_);
  if (answer == SSH_AUTH_AGAIN) return;
  if (answer == SSH_AUTH_SUCCESS) return become_up();
  if (answer == SSH_AUTH_ERROR) return login_lost();
  login_denied(answer);
}

void SshSession::login_denied(int answer) {
  Error error(
      ErrorCode::kSshAuth,
      answer == SSH_AUTH_PARTIAL
          ? fmt::format("{} asks for more than a key of {}", where(), options_.user)
          : fmt::format("{} does not take the key for the user {}", where(), options_.user));
  error.with_upstream(ssh_upstream(ssh_get_error(session_)));
  if (answer == SSH_AUTH_PARTIAL) {
    error.with_hint(
        fmt::format("Let the SSH server take a key alone for {} (AuthenticationMethods publickey).",
                    options_.user));
  } else if (!options_.authorize.empty()) {
    error.with_hint(authorize_hint());
  }
  fail(std::move(error));
}

// A from= that names another address refuses the right key with the same words as a wrong one.
std::string SshSession::authorize_hint() const {
  std::string from;
  if (!options_.public_egress.empty()) {
    from = fmt::format(
        "A from= there has to name the address that the SSH server sees us come from; by "
        "public_egress that is {}.",
        join(options_.public_egress, ", "));
  } else {
    const std::string ours = local_address(ssh_get_fd(session_));
    from = fmt::format(
        "If a from= stands there, it has to name the address that the SSH server sees us come "
        "from: {}.",
        ours.empty() ? "its log says which"
                     : ours + ", or another one if there is NAT in between; its log says which");
  }
  return fmt::format(
      "{} Put this line into ~/.ssh/authorized_keys of {} (folder 700, file 600): {}", from,
      options_.user, options_.authorize);
}

// The line broke while the key was offered. sshd does so with its reason when it has seen enough.
void SshSession::login_lost() {
  const char* goodbye = ssh_get_disconnect_message(session_);
  const bool told = goodbye != nullptr && *goodbye != '\0';
  fail(Error(told ? ErrorCode::kSshAuth : ErrorCode::kSshConnect,
             fmt::format("{} ended the connection during the login", where()))
           .with_upstream(ssh_upstream(ssh_get_error(session_))));
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
