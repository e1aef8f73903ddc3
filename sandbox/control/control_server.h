// The control API of the sandbox: plain HTTP on loopback, every request with
// "Authorization: Bearer <token>".
//
//   POST   /v1/faults   one fault (fault_parser.h) -> 204; 400 with {"error": "..."}
//   DELETE /v1/faults   removes all -> 204
//   GET    /v1/left     {"objects": n, "uploads": n, "tables": n, "sessions": n}
//   GET    /v1/calls    {"s3.put": n, ...}
//   GET    /v1/...      what the sandbox's parts show (ControlViews): JSON
//   POST   /v1/...      what the sandbox's parts add (ControlCalls) -> 204; 400 as above
#ifndef VESTO_SANDBOX_CONTROL_CONTROL_SERVER_H_
#define VESTO_SANDBOX_CONTROL_CONTROL_SERVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_server.h"

namespace vesto::sandbox {

// What a run could have left behind.
struct LeftCounts {
  uint64_t objects = 0;
  uint64_t uploads = 0;
  uint64_t tables = 0;
  uint64_t sessions = 0;
};

// By path ("/v1/clock"): takes the body, a JSON object, and says what is wrong with it.
using ControlCall = std::function<Result<Unit, std::string>(const std::string& body)>;
using ControlCalls = std::map<std::string, ControlCall>;

// By path ("/v1/secrets"): a JSON text. Called on the server's threads.
using ControlViews = std::map<std::string, std::function<std::string()>>;

// A text where the counts cannot be had; the request is then answered 500.
using CountLeft = std::function<Result<LeftCounts, std::string>()>;

class ControlServer {
 public:
  // `faults` must outlive the server; `count_left` is called on the server's threads. The error is
  // a text for the person who starts the sandbox.
  static Result<std::unique_ptr<ControlServer>, std::string> start(uint16_t port, std::string token,
                                                                   Faults& faults,
                                                                   CountLeft count_left,
                                                                   ControlCalls calls = {},
                                                                   ControlViews views = {});
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  void stop();

 private:
  ControlServer(std::string token, Faults& faults, CountLeft count_left, ControlCalls calls,
                ControlViews views);
  void handle(HttpExchange& exchange);
  static void answer_call(HttpExchange& exchange, const ControlCall& call);
  void show_left(HttpExchange& exchange);
  void show_calls(HttpExchange& exchange);

  const std::string token_;
  Faults& faults_;
  const CountLeft count_left_;
  ControlCalls calls_;
  const ControlViews views_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CONTROL_CONTROL_SERVER_H_
