#include "sandbox/control/control_server.h"

#include <openssl/crypto.h>

#include "base/json_text.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxBodyBytes = 65536;

void answer_json(HttpExchange& exchange, int status, const std::string& json) {
  exchange.send(status, {{"Content-Type", "application/json"}}, json + "\n");
}

void answer_error(HttpExchange& exchange, int status, const std::string& text) {
  answer_json(exchange, status, "{\"error\": " + json_quote(text) + "}");
}

Result<std::string, HttpProblem> read_body(HttpExchange& exchange) {
  std::string body;
  char buffer[4096];
  for (;;) {
    const auto got = exchange.read_body(buffer, sizeof(buffer));
    if (!got.ok()) return HttpProblem{400, "the body could not be read"};
    if (*got == 0) return body;
    if (body.size() + *got > kMaxBodyBytes) return HttpProblem{413, "the body is too long"};
    body.append(buffer, *got);
  }
}

}  // namespace

ControlServer::ControlServer(std::string token, Faults& faults, CountLeft count_left,
                             ControlCalls calls, ControlViews views)
    : token_(std::move(token)),
      faults_(faults),
      count_left_(std::move(count_left)),
      calls_(std::move(calls)),
      views_(std::move(views)) {
  calls_["/v1/faults"] = [&faults](const std::string& body) { return faults.add(body); };
}
ControlServer::~ControlServer() { stop(); }

Result<std::unique_ptr<ControlServer>, std::string> ControlServer::start(
    uint16_t port, std::string token, Faults& faults, CountLeft count_left, ControlCalls calls,
    ControlViews views) {
  std::unique_ptr<ControlServer> server(new ControlServer(
      std::move(token), faults, std::move(count_left), std::move(calls), std::move(views)));
  ControlServer* raw = server.get();
  HttpServerOptions options;
  options.port = port;
  options.max_connections = 32;
  VESTO_ASSIGN(server->http_, HttpServer::start(std::move(options), [raw](HttpExchange& exchange) {
                 raw->handle(exchange);
               }));
  return server;
}

uint16_t ControlServer::port() const { return http_->port(); }

void ControlServer::stop() {
  if (http_) http_->stop();
}

void ControlServer::handle(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const std::string expected = "Bearer " + token_;
  const std::string given = request.header_or_empty("authorization");
  if (given.size() != expected.size() ||
      CRYPTO_memcmp(given.data(), expected.data(), given.size()) != 0) {
    answer_error(exchange, 401, "the token is missing or wrong");
    return;
  }
  const std::string call = request.method + " " + request.path;
  const auto known = calls_.find(request.path);
  const auto view = views_.find(request.path);
  if (request.method == "POST" && known != calls_.end()) {
    answer_call(exchange, known->second);
  } else if (request.method == "GET" && view != views_.end()) {
    answer_json(exchange, 200, view->second());
  } else if (call == "DELETE /v1/faults") {
    faults_.clear();
    exchange.send(204, {}, "");
  } else if (call == "GET /v1/left") {
    show_left(exchange);
  } else if (call == "GET /v1/calls") {
    show_calls(exchange);
  } else {
    answer_error(exchange, 404, "no such call: " + call);
  }
}

void ControlServer::answer_call(HttpExchange& exchange, const ControlCall& call) {
  const auto body = read_body(exchange);
  if (!body.ok()) {
    answer_error(exchange, body.error().status, body.error().text);
    return;
  }
  const auto done = call(*body);
  if (done.ok()) {
    exchange.send(204, {}, "");
  } else {
    answer_error(exchange, 400, done.error());
  }
}

void ControlServer::show_left(HttpExchange& exchange) {
  const auto left = count_left_();
  if (!left.ok()) {
    answer_error(exchange, 500, left.error());
    return;
  }
  answer_json(exchange, 200,
              "{\"objects\": " + std::to_string(left->objects) + ", \"uploads\": " +
                  std::to_string(left->uploads) + ", \"tables\": " + std::to_string(left->tables) +
                  ", \"sessions\": " + std::to_string(left->sessions) + "}");
}

void ControlServer::show_calls(HttpExchange& exchange) {
  std::string json = "{";
  for (const auto& [name, count] : faults_.counts()) {
    if (json.size() > 1) json += ", ";
    json += json_quote(name) + ": " + std::to_string(count);
  }
  answer_json(exchange, 200, json + "}");
}

}  // namespace vesto::sandbox
