#include "net/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/error_causes.h"
#include "base/redact.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxHeaderBytes = 256 << 10;  // of one answer

// libcurl wants one global initialisation before the first handle; never undone.
bool curl_ready() {
  static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kReady;
}

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

// What the callbacks of one request write to.
struct Exchange {
  HttpResponse response;
  uint64_t max_answer_bytes = 0;
  size_t header_bytes = 0;
  std::stop_token stop;
};

size_t on_body(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const size_t arrived = size * count;
  std::string& body = exchange.response.body;
  const size_t room =
      exchange.max_answer_bytes - std::min<uint64_t>(exchange.max_answer_bytes, body.size());
  body.append(data, std::min(arrived, room));
  if (arrived <= room) return arrived;
  exchange.response.too_large = true;
  return 0;  // ends the transfer
}

size_t on_header(char* data, size_t size, size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const size_t arrived = size * count;
  exchange.header_bytes += arrived;
  if (exchange.header_bytes > kMaxHeaderBytes) {
    exchange.response.too_large = true;
    return 0;
  }
  const std::string_view line = trim(std::string_view(data, arrived));
  if (line.starts_with("HTTP/")) {
    exchange.response.headers.clear();  // an interim answer (100 Continue) came before
    return arrived;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    exchange.response.headers[to_lower_ascii(line.substr(0, colon))] =
        std::string(trim(line.substr(colon + 1)));
  }
  return arrived;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(user)->stop.stop_requested() ? 1 : 0;
}

// "https://host:port" of a URL, for texts: the rest may hold what is nobody's business.
std::string where_of(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t from = scheme == std::string_view::npos ? 0 : scheme + 3;
  return std::string(cut_utf8(url.substr(0, url.find_first_of("/?#", from)), 300));
}

Error connect_error(CURL* handle, const std::string& where) {
  long os_error = 0;
  curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
  if (os_error == ETIMEDOUT || os_error == EHOSTUNREACH || os_error == ENETUNREACH) {
    return Error(ErrorCode::kNetTimeout,
                 "no way to " + where + ": " + std::strerror(static_cast<int>(os_error)))
        .because(cause_named("curl-silent"));
  }
  if (os_error == EMFILE || os_error == ENFILE) {
    return Error(ErrorCode::kSysFiles, "no connection to " + where + " can be opened")
        .because(cause_named("too-many-open-files"));
  }
  return Error(ErrorCode::kNetRefused, where + " refuses the connection")
      .because(cause_named("curl-refused"));
}

// User and password of a proxy are secrets that came by the environment, as written and decoded.
std::vector<Secret> proxy_secrets() {
  std::vector<Secret> out;
  for (const char* name :
       {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "HTTP_PROXY"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read only
    if (value == nullptr) continue;
    std::string_view rest = value;
    if (const size_t scheme = rest.find("://"); scheme != std::string_view::npos) {
      rest.remove_prefix(scheme + 3);
    }
    const size_t at = rest.rfind('@');
    if (at == std::string_view::npos) continue;
    const std::string_view user_and_password = rest.substr(0, at);
    const size_t colon = user_and_password.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string password(user_and_password.substr(colon + 1));
    if (password.empty()) continue;
    int size = 0;
    char* decoded = curl_easy_unescape(nullptr, password.c_str(), 0, &size);
    if (decoded != nullptr && size > 0)
      out.emplace_back(std::string(decoded, static_cast<size_t>(size)));
    curl_free(decoded);
    out.emplace_back(password);
  }
  return out;
}

void hide_proxy_passwords() { static const std::vector<Secret> kHidden = proxy_secrets(); }

// What the error's code comes to in words.
std::string transport_text(ErrorCode code, CURLcode number, const std::string& where) {
  switch (code) {
    case ErrorCode::kNetDns:
      return number == CURLE_COULDNT_RESOLVE_PROXY ? "the host name of the proxy is unknown"
                                                   : "the host name of " + where + " is unknown";
    case ErrorCode::kNetRefused:
      return where + " refuses the connection";
    case ErrorCode::kNetTimeout:
      return "no answer from " + where + " in time";
    case ErrorCode::kNetTlsName:
      return "the certificate of " + where + " is for another name";
    case ErrorCode::kNetTlsCa:
      return "the certificate of " + where + " cannot be verified";
    case ErrorCode::kNetWrongPort:
      return number == CURLE_SSL_CONNECT_ERROR ? where + " does not speak TLS"
                                               : where + " does not speak HTTP";
    case ErrorCode::kNetReset:
      return number == CURLE_SSL_CONNECT_ERROR ? "the TLS handshake with " + where + " failed"
                                               : "the connection to " + where + " was cut";
    case ErrorCode::kCfgValue:
      if (number == CURLE_COULDNT_RESOLVE_PROXY) {
        return "the proxy of the environment cannot be understood";
      }
      return number == CURLE_SSL_CACERT_BADFILE ? "the CA file for " + where + " cannot be used"
                                                : "the URL of " + where + " cannot be used";
    default:
      return "the HTTP library cannot send the request";
  }
}

// Of an answer that the table of causes does not know.
ErrorCode transport_code(CURLcode number) {
  switch (number) {
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_NOT_BUILT_IN:
      return ErrorCode::kInternal;
    default:  // send and receive errors, cut or garbled answers
      return ErrorCode::kNetReset;
  }
}

// Another bundle may help: the certificate is trusted by nobody here, or the bundle is no such
// file.
bool is_matter_of_ca(ErrorCode known, CURLcode code) {
  return known == ErrorCode::kNetTlsCa || code == CURLE_SSL_CACERT_BADFILE;
}

Error transport_error(CURL* handle, CURLcode code, const std::string& url, const char* text,
                      const std::string& ca_named_by) {
  const std::string where = where_of(url);
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    // Whoever stopped it because its time was up can tell that it was still without an answer.
    return Error(ErrorCode::kRunInterrupted, "the request to " + where + " was stopped")
        .with_upstream({.system = "curl", .code = "42", .text = "", .request_id = ""});
  }
  // Redacted before it is cut: half a secret would not be known any more.
  const std::string whole = redact(*text != '\0' ? text : curl_easy_strerror(code));
  Upstream upstream{.system = "curl",
                    .code = std::to_string(static_cast<int>(code)),
                    .text = std::string(cut_utf8(whole, 500)),
                    .request_id = ""};
  if (code == CURLE_COULDNT_CONNECT) {
    return connect_error(handle, where).with_upstream(std::move(upstream));
  }
  const ErrorCause* cause = recognise("curl", upstream.code + ".", upstream.text);
  const ErrorCode known = cause != nullptr ? cause->code : transport_code(code);
  Error error(known, transport_text(known, code, where));
  error.because(cause);
  if (!ca_named_by.empty() && is_matter_of_ca(known, code)) {
    error.with_hint("Name the right CA bundle (a readable PEM file) by " + ca_named_by + ".");
  }
  // curl's text repeats the variable of a proxy, with the password that may stand in it.
  if (code == CURLE_COULDNT_RESOLVE_PROXY && known == ErrorCode::kCfgValue) return error;
  return std::move(error).with_upstream(std::move(upstream));
}

class CurlClient final : public HttpTransport {
 public:
  explicit CurlClient(HttpOptions options) : options_(std::move(options)) {
    if (curl_ready()) handle_.reset(curl_easy_init());
  }

  Result<HttpResponse> send(const HttpRequest& request, const std::stop_token& stop) override {
    if (!handle_) return Error(ErrorCode::kInternal, "the HTTP library did not start");
    if (stop.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, "the request was stopped before it was sent");
    }
    const Result<HttpOrigin> origin = parse_origin(where_of(request.url));
    if (!origin.ok()) return origin.error();

    for (const auto& [name, value] : request.headers) {
      if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return Error(ErrorCode::kCfgValue, "the value of header " + name + " holds a line break");
      }
    }

    curl_easy_reset(handle_.get());  // options only: connections and TLS sessions are kept
    Exchange exchange;
    exchange.max_answer_bytes = request.max_answer_bytes;
    exchange.stop = stop;
    std::array<char, CURL_ERROR_SIZE> text{};
    const HeaderList headers = header_list(request);
    set_transport(*origin);
    set_request(request, headers.get(), exchange);
    curl_easy_setopt(handle_.get(), CURLOPT_ERRORBUFFER, text.data());

    const CURLcode code = curl_easy_perform(handle_.get());
    curl_easy_setopt(handle_.get(), CURLOPT_ERRORBUFFER, nullptr);
    if (code != CURLE_OK && !exchange.response.too_large) {
      return transport_error(handle_.get(), code, request.url, text.data(), options_.ca_named_by);
    }
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    return std::move(exchange.response);
  }

 private:
  static HeaderList header_list(const HttpRequest& request) {
    curl_slist* list = nullptr;
    const auto add = [&list](const std::string& line) {
      curl_slist* longer = curl_slist_append(list, line.c_str());
      if (longer != nullptr) list = longer;
    };
    bool has_type = false;
    for (const auto& [name, value] : request.headers) {
      has_type = has_type || to_lower_ascii(name) == "content-type";
      // "name;" is how curl is told to send a header without a value.
      add(value.empty() ? name + ";" : name + ": " + value);
    }
    add("Expect:");  // no waiting for 100 Continue
    if (!has_type) add("Content-Type:");
    return HeaderList(list);
  }

  // What holds for every request of this client.
  void set_transport(const HttpOrigin& origin) {
    CURL* h = handle_.get();
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
    curl_easy_setopt(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options_.tls_ca_file.empty()) {
      curl_easy_setopt(h, CURLOPT_CAINFO, options_.tls_ca_file.c_str());
      curl_easy_setopt(h, CURLOPT_CAPATH, nullptr);  // the named CA in place of the system's
    }
    if (options_.no_proxy || is_loopback_host(origin.host)) curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect_timeout_ms));
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.request_timeout_ms));
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
    const int64_t stall_seconds = std::max<int64_t>(1, options_.stall_timeout_ms / 1000);
    curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_seconds));
  }

  void set_request(const HttpRequest& request, curl_slist* headers, Exchange& exchange) {
    CURL* h = handle_.get();
    curl_easy_setopt(h, CURLOPT_URL, request.url.c_str());
    if (request.method == "HEAD") {
      curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
      // A body in memory: curl sends Content-Length and can rewind it by itself. DELETE has none.
      if (request.method != "DELETE") {
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.data());
      }
      curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, &exchange);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, &exchange);
  }

  const HttpOptions options_;
  EasyHandle handle_;
};

}  // namespace

std::string_view HttpResponse::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::unique_ptr<HttpTransport> make_http_client(HttpOptions options) {
  hide_proxy_passwords();
  return std::make_unique<CurlClient>(std::move(options));
}

}  // namespace vesto
