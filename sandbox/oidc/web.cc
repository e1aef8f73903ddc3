#include "sandbox/oidc/web.h"

#include <algorithm>

namespace vesto::sandbox {

std::optional<std::string> read_body(HttpExchange& exchange, size_t max_bytes) {
  std::string body;
  char buffer[4096];
  for (;;) {
    const auto got = exchange.read_body(buffer, sizeof(buffer));
    if (!got.ok()) return std::nullopt;
    if (*got == 0) return body;
    if (body.size() + *got > max_bytes) return std::nullopt;
    body.append(buffer, *got);
  }
}

size_t count_headers(const HttpRequest& request, std::string_view name) {
  return static_cast<size_t>(
      std::count_if(request.headers.begin(), request.headers.end(),
                    [name](const auto& header) { return header.first == name; }));
}

void serve_with_faults(const WebCall& call, std::string_view kind, std::string_view subject,
                       const std::function<WebAnswer(const FaultAction&)>& refuse,
                       const std::function<WebAnswer()>& serve) {
  const auto fault = call.faults.hit(kind, subject);
  if (!fault) {
    send_answer(call.exchange, serve());
    return;
  }
  if (fault->delay_ms > 0) call.clock.sleep_ms(fault->delay_ms, call.exchange.stop());
  if (fault->drop == "before") {
    call.exchange.cut();
    return;
  }
  const bool refused = fault->status != 0 || !fault->error.empty();
  const WebAnswer answer = refused ? refuse(*fault) : serve();
  if (fault->drop == "after") {
    call.exchange.cut();
    return;
  }
  if (fault->drop == "during") call.exchange.cut_answer_in_head();
  if (fault->cut_after_bytes) call.exchange.cut_answer_after(*fault->cut_after_bytes);
  send_answer(call.exchange, answer);
}

Result<std::unique_ptr<HttpServer>, std::string> serve_plain(uint16_t port, Clock& clock,
                                                             HttpHandler handler) {
  HttpServerOptions options;
  options.port = port;
  options.clock = &clock;
  return HttpServer::start(std::move(options), std::move(handler));
}

void send_answer(HttpExchange& exchange, const WebAnswer& answer) {
  HttpHeaders headers = answer.headers;
  headers.emplace_back("Content-Type", answer.type);
  exchange.send(answer.status, headers, answer.body);
}

}  // namespace vesto::sandbox
