// One connection that a tunnel carries: a local socket and a channel to the target, bytes both
// ways, never more than a few hundred KB of them here.
// Towards the target: what the bastion's window does not take yet waits in one buffer, and the
// local socket is not read meanwhile. Towards us: what the local socket does not take stays in
// libssh's buffer, which the channel's window bounds (1.3 MB).
// Source: RFC 4254 sections 5 and 7.2.
// Thread rule: the thread that owns the session.
#ifndef VESTO_NET_SSH_CONNECTION_H_
#define VESTO_NET_SSH_CONNECTION_H_

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "net/ssh_parts.h"

namespace vesto {

// The channels that one session asked for: libssh's number of each, and whereto, for the last 256.
class SshAsked {
 public:
  uint32_t add(const std::string& target);
  // Whether the channel with this number was asked for to the same target.
  [[nodiscard]] bool same_target(uint32_t number, const std::string& target) const;

 private:
  static constexpr size_t kKept = 256;
  uint32_t next_ = 43;  // libssh counts from here
  std::array<std::pair<uint32_t, std::string>, kKept> targets_;
};

// What to do about a refused forwarding to "host:port": `code` of RFC 4254 section 5.1 ("1" to
// "4"), `words` of the server, those of connect() or of the resolver there. "": nothing better than
// the catalogue's hint is known. Pure.
std::string ssh_refusal_hint(std::string_view code, std::string_view words,
                             const std::string& target);

class SshConnection {
 public:
  enum class Opening { kWaits, kOpen, kRefused };

  // `asked` belongs to the session and outlives this.
  SshConnection(ssh_session session, std::string host, int port, SshAsked* asked);
  ~SshConnection();
  SshConnection(const SshConnection&) = delete;
  SshConnection& operator=(const SshConnection&) = delete;

  // Asks the bastion for the target, without waiting; call again until it is not kWaits.
  Opening open();
  // Of kRefused: SSH-FORWARD with the bastion's own words.
  [[nodiscard]] Error refusal() const;
  [[nodiscard]] bool opened() const { return opened_; }
  // Asked for and not answered: it must be kept until the answer, which would otherwise be for a
  // channel that nobody knows, and stay open at the far end.
  [[nodiscard]] bool asked() const { return channel_ != nullptr && !opened_; }

  // The local end.
  void take_local(OwnedFd local);
  [[nodiscard]] bool has_local() const { return local_.open(); }
  [[nodiscard]] int local_fd() const { return local_.get(); }
  // What to poll the local socket for; nothing: not at all.
  [[nodiscard]] std::optional<short> local_events(bool output_waits) const;
  void local_ready(short revents);

  // Moves what can be moved. False: it has ended and may go. `scratch` holds kChunkBytes.
  bool pump(char* scratch, bool output_waits, int64_t now_ms);
  // Ends both sides at once: the local one sees a reset, as half a stream is no whole one.
  void cut();
  // Nobody waits for it: the local end is cut, and a refusal is not asked about again.
  void give_up();
  // The session is no more: the channel with it.
  void session_lost();

  static constexpr size_t kChunkBytes = 256 * 1024;

 private:
  static int on_data(ssh_session session, ssh_channel channel, void* data, uint32_t size,
                     int is_stderr, void* self);
  static void on_eof(ssh_session session, ssh_channel channel, void* self);
  static void on_close(ssh_session session, ssh_channel channel, void* self);

  [[nodiscard]] std::string target() const;
  bool new_channel();
  bool take_refusal();
  int deliver(const char* data, size_t size);  // bytes that the local socket took
  void drain_channel(char* scratch);
  bool flush_to_local();
  void pump_to_remote(char* scratch, bool output_waits);
  bool write_remote(const char* data, size_t size, size_t* written);
  void forward_ends(char* scratch, int64_t now_ms);
  void close_channel();
  void discard_local(char* scratch, int64_t now_ms);

  ssh_session session_;
  ssh_channel channel_ = nullptr;
  ssh_channel_callbacks_struct callbacks_ = {};
  std::string host_;
  int port_;
  SshAsked* asked_;
  int tries_ = 0;
  std::string refusal_code_;
  std::string refusal_words_;
  OwnedFd local_;
  std::string to_local_;   // read from the channel, not taken by the local socket; one chunk
  std::string to_remote_;  // read from the local socket, not taken by the channel; one chunk
  bool opened_ = false;
  bool in_channel_ = false;  // libssh's buffer holds bytes: newer ones must wait behind them
  bool local_blocked_ = false;
  bool local_readable_ = false;
  bool local_eof_ = false;
  bool eof_sent_ = false;
  bool remote_eof_ = false;
  bool remote_closed_ = false;
  bool eof_given_ = false;
  bool broken_ = false;
  int64_t linger_until_ms_ = 0;
};

}  // namespace vesto

#endif  // VESTO_NET_SSH_CONNECTION_H_
