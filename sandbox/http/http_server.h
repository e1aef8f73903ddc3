// A small HTTP/1.1 server for the sandbox's own ports: loopback only, one thread a connection,
// plain or TLS. Everything is bounded: connections, heads, idle time, what is read after an answer.
//
// Why not cpp-httplib: it keeps every connection on a small fixed pool, decodes the target before a
// handler sees it, shares ports (SO_REUSEPORT), and cannot cut an answer at a given byte.
#ifndef VESTO_SANDBOX_HTTP_HTTP_SERVER_H_
#define VESTO_SANDBOX_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/http/http_exchange.h"
#include "sandbox/http/tls_material.h"

namespace vesto::sandbox {

struct HttpServerOptions {
  uint16_t port = 0;                           // 0: any free one
  std::shared_ptr<const TlsContext> tls = {};  // empty: plain
  size_t max_connections = 256;                // one more is answered 503 and closed
  int64_t idle_timeout_ms = 60'000;            // between requests, and for each read or write
  Clock* clock = nullptr;                      // for the Date header; nullptr: the system's
};

// Called on the connection's thread; several at the same time.
using HttpHandler = std::function<void(HttpExchange&)>;

class HttpServer {
 public:
  // Listens and serves from here on. The error is a text for the person who starts the sandbox.
  static Result<std::unique_ptr<HttpServer>, std::string> start(HttpServerOptions options,
                                                                HttpHandler handler);
  ~HttpServer();  // stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  // Cuts all connections, waits for their threads. The exchanges' stop token is requested first, so
  // a handler that waits returns. May be called twice; not from a handler.
  void stop();

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// "Sun, 22 Nov 2026 01:26:56 GMT", for Date and Last-Modified.
std::string format_http_date(int64_t wall_ms);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_HTTP_HTTP_SERVER_H_
