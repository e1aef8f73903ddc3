// An HttpTransport that answers from a script and keeps what it was asked, and a clock whose sleeps
// take no time.
#ifndef VESTO_TESTS_SUPPORT_SCRIPTED_HTTP_H_
#define VESTO_TESTS_SUPPORT_SCRIPTED_HTTP_H_

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "net/http.h"

namespace vesto::testing_support {

class InstantClock final : public Clock {
 public:
  explicit InstantClock(int64_t wall_ms = 1'795'310'816'000) : now_ms_(wall_ms) {}
  int64_t wall_ms() override { return now_ms_; }
  int64_t monotonic_ms() override { return now_ms_; }
  int64_t boottime_ms() override { return now_ms_; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    now_ms_ += duration_ms;
    slept_.push_back(duration_ms);
    return !stop.stop_requested();
  }
  [[nodiscard]] const std::vector<int64_t>& slept() const { return slept_; }

 private:
  int64_t now_ms_;
  std::vector<int64_t> slept_;
};

// What was asked, with the body copied.
struct SentRequest {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
};

struct HttpScript {
  std::deque<Result<HttpResponse>> answers;
  std::vector<SentRequest> sent;

  void answer(int status, std::string body = "", std::map<std::string, std::string> headers = {}) {
    HttpResponse response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = std::move(body);
    answers.emplace_back(std::move(response));
  }
  void fail(ErrorCode code) { answers.emplace_back(Error(code, "scripted")); }
};

// The script outlives the transport.
class ScriptedHttp final : public HttpTransport {
 public:
  explicit ScriptedHttp(HttpScript& script) : script_(script) {}
  Result<HttpResponse> send(const HttpRequest& request, const std::stop_token&) override {
    SentRequest sent{.method = request.method,
                     .url = request.url,
                     .headers = {},
                     .body = std::string(request.body)};
    for (const auto& [name, value] : request.headers) sent.headers[name] = value;
    script_.sent.push_back(std::move(sent));
    if (script_.answers.empty()) return Error(ErrorCode::kInternal, "the script is over");
    Result<HttpResponse> next = std::move(script_.answers.front());
    script_.answers.pop_front();
    return next;
  }

 private:
  HttpScript& script_;
};

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_SCRIPTED_HTTP_H_
