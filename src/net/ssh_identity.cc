// The part of a session's making that decides whether the server is the right one and lets us in.
#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/strings.h"
#include "net/socket.h"
#include "net/ssh_session.h"

namespace vesto {
namespace {

// The order in which a host key is asked for; the last resort is one type at a time.
constexpr std::array<const char*, 5> kTypes = {"ssh-ed25519", "ecdsa-sha2-nistp256",
                                               "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                                               "rsa-sha2-512,rsa-sha2-256"};
// For one type of host key: a server that closes at once may take its own answer with it.
constexpr int kTriesOfType = 2;

// libssh's words for a line that broke, not for an answer that it could not take.
bool was_cut(std::string_view words) {
  return words.find("Socket error") != std::string_view::npos ||
         words.find("SSH_MSG_DISCONNECT") != std::string_view::npos;
}

}  // namespace

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
  const bool partial = answer == SSH_AUTH_PARTIAL;
  error.with_upstream(ssh_upstream(ssh_get_error(session_),
                                   std::string(partial ? kSshPartialSuccess : std::string_view())));
  if (partial) {
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

}  // namespace vesto
