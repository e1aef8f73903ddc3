// What the small endpoints of this room share: bodies, answers, faults.
// Thread rule: as HttpExchange's, the connection's thread.
#ifndef VESTO_SANDBOX_OIDC_WEB_H_
#define VESTO_SANDBOX_OIDC_WEB_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_server.h"

namespace vesto::sandbox {

struct WebAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body = {};
  HttpHeaders headers = {};
};

// The whole body; nothing where it is longer than that, or cannot be read.
std::optional<std::string> read_body(HttpExchange& exchange, size_t max_bytes);

// How many headers of that (lower-case) name were sent.
size_t count_headers(const HttpRequest& request, std::string_view name);

// Serves one call of `kind`: offers the fault, then asks `serve` for the answer and sends it. A
// fault's status is answered by `refuse` in the endpoint's own form.
struct WebCall {
  HttpExchange& exchange;
  Faults& faults;
  Clock& clock;
};
void serve_with_faults(const WebCall& call, std::string_view kind, std::string_view subject,
                       const std::function<WebAnswer(const FaultAction&)>& refuse,
                       const std::function<WebAnswer()>& serve);

// A plain server whose requests go to `handler`, on any free port where `port` is 0.
Result<std::unique_ptr<HttpServer>, std::string> serve_plain(uint16_t port, Clock& clock,
                                                             HttpHandler handler);

void send_answer(HttpExchange& exchange, const WebAnswer& answer);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_WEB_H_
