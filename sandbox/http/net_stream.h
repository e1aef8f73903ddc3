// A connected socket, plain or under TLS, with time limits. Blocking.
//
// Thread rule: one thread at a time, except interrupt(), which any thread may call to make the
// others' calls return.
#ifndef VESTO_SANDBOX_HTTP_NET_STREAM_H_
#define VESTO_SANDBOX_HTTP_NET_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandbox/http/tls_material.h"

struct ssl_st;  // OpenSSL's SSL

namespace vesto::sandbox {

enum class IoError { kClosed, kTimeout, kFailed };

class NetStream {
 public:
  explicit NetStream(int fd);  // takes the descriptor
  ~NetStream();                // closes it
  NetStream(const NetStream&) = delete;
  NetStream& operator=(const NetStream&) = delete;

  // Bounds every later read and write; 0: no bound.
  void set_timeout_ms(int64_t timeout_ms);
  // Server's side of the handshake on the plain connection; false: it failed, close the stream.
  bool start_tls(const TlsContext& context);
  [[nodiscard]] bool is_tls() const { return ssl_ != nullptr; }

  // At least one byte, at most `size`. kClosed: the other side ended in order.
  Result<size_t, IoError> read(char* buffer, size_t size);
  bool write(std::string_view bytes);  // all of them, or false

  // Ends the connection. send_close: TLS close_notify as well (false: as if it had been cut).
  void close_after_sending(bool send_close);
  // Ends it at once with a reset; what was not sent yet is lost.
  void reset();
  void interrupt();  // any thread
  [[nodiscard]] int fd() const { return fd_; }
  // Of the other side, without its port; "" where the system does not say.
  [[nodiscard]] std::string peer_address() const;

 private:
  int fd_;
  ssl_st* ssl_ = nullptr;
};

// Listens on 127.0.0.1; port 0 takes a free one. The descriptor, or a text.
Result<int, std::string> listen_loopback(uint16_t port, int backlog);
uint16_t local_port(int fd);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_HTTP_NET_STREAM_H_
