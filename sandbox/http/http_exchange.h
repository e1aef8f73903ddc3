// One request and its answer on a connection. A handler reads the body as far as it wants to, and
// answers once: send(), or begin() and then write() for exactly the announced length.
//
// Thread rule: an exchange belongs to the thread of its connection.
#ifndef VESTO_SANDBOX_HTTP_HTTP_EXCHANGE_H_
#define VESTO_SANDBOX_HTTP_HTTP_EXCHANGE_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/http/http_head.h"
#include "sandbox/http/net_stream.h"

namespace vesto::sandbox {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

enum class BodyError { kClosed, kTimeout, kMalformed };

// The input of a connection: what was read from the socket and is not used yet.
class HttpInput {
 public:
  explicit HttpInput(NetStream& stream) : stream_(stream) {}
  // Up to and including `end`, at most `max_bytes`. kMalformed: longer than that.
  // kClosed with an empty buffer: the other side ended between two requests.
  Result<std::string, BodyError> read_until(std::string_view end, size_t max_bytes);
  Result<size_t, BodyError> read(char* buffer, size_t size);

 private:
  Result<Unit, BodyError> fill();
  NetStream& stream_;
  std::string buffer_;
  size_t used_ = 0;
};

class HttpExchange {
 public:
  HttpExchange(NetStream& stream, HttpInput& input, HttpRequest request, BodyFraming framing,
               std::stop_token stop, std::string date);

  [[nodiscard]] const HttpRequest& request() const { return request_; }
  [[nodiscard]] const BodyFraming& framing() const { return framing_; }
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }
  // How the request came in.
  [[nodiscard]] bool is_tls() const { return stream_.is_tls(); }
  [[nodiscard]] std::string peer_address() const { return stream_.peer_address(); }

  // The body without its transfer coding: up to `size` bytes, 0 at its end. The first call sends
  // "100 Continue" where the client waits for it.
  Result<size_t, BodyError> read_body(char* buffer, size_t size);

  // The whole answer. False: the connection is gone, which a handler need not care about.
  bool send(int status, const HttpHeaders& headers, std::string_view body);
  // The head of an answer whose body of `length` bytes follows by write(). To a HEAD request the
  // length is told and no byte of the body goes out.
  bool begin(int status, const HttpHeaders& headers, uint64_t length);
  bool write(std::string_view bytes);

  // For faults. cut(): no further byte, reset. cut_answer_after(): the answer's body ends after so
  // many bytes and the connection with it. cut_answer_in_head(): half of the head goes out.
  void cut();
  void cut_answer_after(uint64_t body_bytes) { cut_after_ = body_bytes; }
  void cut_answer_in_head() { cut_in_head_ = true; }

  // Ends the exchange after the handler. True: the connection can carry another request.
  bool finish();

 private:
  Result<size_t, BodyError> read_chunked(char* buffer, size_t size);
  bool rest_is_small() const;
  bool drain_rest();

  NetStream& stream_;
  HttpInput& input_;
  HttpRequest request_;
  BodyFraming framing_;
  std::stop_token stop_;
  std::string date_;
  bool continue_wanted_ = false;
  bool body_done_ = false;
  uint64_t left_ = 0;  // of the body, or of the present chunk
  bool in_chunk_ = false;
  bool began_ = false;
  bool keep_alive_ = true;
  bool broken_ = false;  // the connection cannot be used further
  bool reset_ = false;
  uint64_t to_send_ = 0;  // of the announced body
  std::optional<uint64_t> cut_after_;
  bool cut_in_head_ = false;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_HTTP_HTTP_EXCHANGE_H_
