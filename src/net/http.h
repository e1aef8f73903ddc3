// HTTP client on libcurl: one request at a time, answers bounded in size, TLS always verified.
//
//   auto http = make_http_client({.tls_ca_file = "ca.pem"});
//   auto answer = http->send({.method = "GET", .url = "https://host/path"}, stop);
//   if (answer.ok() && answer->status == 200) use(answer->body);
//
// Any HTTP status is an answer, not an error. Redirects are never followed: a signature covers the
// host. The path travels as given (no "/../" is resolved). HTTP/1.1 only. Proxies of the
// environment (https_proxy, no_proxy) are used, but never for loopback addresses.
//
// Thread rule: a client belongs to one thread at a time; its connections are kept and used again.
#ifndef VESTO_NET_HTTP_H_
#define VESTO_NET_HTTP_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "address/http_origin.h"
#include "base/result.h"

namespace vesto {

struct HttpOptions {
  std::string tls_ca_file = {};  // PEM; trusted instead of the system's; empty: the system's
  // What names it for these servers, as a hint tells it: "tls_ca_file in the section staging";
  // empty: not told. The system's is libcurl's own, whatever SSL_CERT_FILE says.
  std::string ca_named_by = {};
  int64_t connect_timeout_ms = 10'000;
  int64_t request_timeout_ms = 300'000;  // the whole request, connecting included
  int64_t stall_timeout_ms = 60'000;     // less than one byte a second for so long
  bool no_proxy = false;  // never through a proxy: metadata services answer this machine alone
};

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};  // http:// or https://, already percent-encoded
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string_view body = {};  // not copied: must live until send() returns
  uint64_t max_answer_bytes = 1 << 20;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several, the last
  std::string body;
  bool too_large = false;  // the body was longer than max_answer_bytes and is cut

  // The header's value, or "". `name` in lower case.
  [[nodiscard]] std::string_view header(const std::string& name) const;
};

class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // Errors: NET-DNS, NET-TIMEOUT, NET-REFUSED, NET-RESET, NET-TLS-CA, NET-TLS-NAME, CFG-VALUE (the
  // URL or the CA file), RUN-INTERRUPTED (`stop`, noticed within about a second). Their texts name
  // scheme, host and port, never the path, query or headers.
  virtual Result<HttpResponse> send(const HttpRequest& request, const std::stop_token& stop) = 0;
};

std::unique_ptr<HttpTransport> make_http_client(HttpOptions options);

// Every byte but A-Z a-z 0-9 - _ . ~ as %XX in upper case; "/" stays if `keep_slash`. Once.
std::string percent_encode(std::string_view text, bool keep_slash);
// %XX back to bytes, and "+" to a blank if `plus_is_blank`. Nothing if a % is not followed by two
// hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);

}  // namespace vesto

#endif  // VESTO_NET_HTTP_H_
