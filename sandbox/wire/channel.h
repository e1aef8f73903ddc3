// A connection that carries protocol messages: buffered both ways, plain or under TLS. Blocking.
//
// Buffers are bounded: a message may not be longer than the caller's bound, and what is to be sent
// is flushed when it exceeds kFlushBytes (flush_if_large, to be called after each message).
// Thread rule: one thread at a time, except interrupt(), which any thread may call.
#ifndef VESTO_SANDBOX_WIRE_CHANNEL_H_
#define VESTO_SANDBOX_WIRE_CHANNEL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/http/tls_material.h"

struct ssl_st;  // OpenSSL's SSL

namespace vesto::sandbox {

class Channel {
 public:
  static constexpr size_t kFlushBytes = 64 * 1024;
  static constexpr size_t kMaxMessageBytes = 128 * 1024 * 1024;

  enum class Read { kOk, kClosed, kTooLarge, kTimedOut };

  explicit Channel(int fd);  // takes the descriptor
  ~Channel();                // closes it
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // The server's side of the handshake. Refused when bytes already wait in the clear (they could
  // have been slipped in by somebody on the way).
  bool start_tls(const TlsContext& context);
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }

  // Bounds each read from now on; 0: no bound.
  void set_read_timeout_ms(int64_t timeout_ms);

  // A packet without type: its body, after the length. The view holds until the next read.
  Read read_packet(std::string_view* body, size_t max_bytes);
  // A message. The view holds until the next read.
  Read read_message(char* type, std::string_view* body, size_t max_bytes = kMaxMessageBytes);
  // Bytes were received and not yet given out: do not poll for them.
  [[nodiscard]] bool has_buffered() const;

  // What is to be sent; append messages to it.
  std::string& out() { return out_; }
  bool flush();  // false: the connection is broken
  bool flush_if_large() { return out_.size() < kFlushBytes || flush(); }
  [[nodiscard]] bool broken() const { return broken_; }

  void interrupt();  // any thread: reads and writes end at once
  [[nodiscard]] int fd() const { return fd_; }

  // Waits until one of them has something to read (or has ended). False: timed out.
  static bool wait_either(const Channel& a, const Channel& b, bool* a_ready, bool* b_ready,
                          int timeout_ms);
  [[nodiscard]] bool readable_now() const;

 private:
  Read fill(size_t needed);  // until `needed` bytes stand in the input buffer
  int64_t receive(char* buffer, size_t size);

  int fd_;
  ssl_st* ssl_ = nullptr;
  std::string in_;
  size_t in_at_ = 0;
  std::string out_;
  bool broken_ = false;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_WIRE_CHANNEL_H_
