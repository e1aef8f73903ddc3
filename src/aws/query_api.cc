#include "aws/query_api.h"

#include <algorithm>

#include "aws/json_answer.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/retry.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr int kAttempts = 3;
constexpr uint64_t kMaxAnswerBytes = 256 << 10;  // one cluster's description has about 10 KiB

// With an endpoint of its own any name will do, as some servers have regions like "r1".
bool can_be_signed_for(std::string_view region) {
  return !region.empty() && region.size() <= 40 &&
         std::all_of(region.begin(), region.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

}  // namespace

QueryApi::QueryApi(QueryApiOptions options, Clock& clock, std::unique_ptr<HttpTransport> http)
    : options_(std::move(options)), clock_(clock), http_(std::move(http)), setup_(set_up()) {}

Status QueryApi::set_up() {
  if (!can_be_signed_for(options_.region) ||
      (options_.endpoint.empty() && !is_region_name(options_.region))) {
    return Error(ErrorCode::kCfgValue,
                 "\"" + outside_text(options_.region, 100) + "\" is no AWS region");
  }
  const std::string endpoint = options_.endpoint.empty()
                                   ? aws_endpoint(options_.service, options_.region, {})
                                   : options_.endpoint;
  VESTO_ASSIGN(origin_, parse_origin(endpoint));
  return ok_status();
}

Status QueryApi::send(AwsCall call, QueryRequest request, const std::stop_token& stop,
                      const Accept& accept) {
  VESTO_TRY(setup_);
  call.service = options_.service;
  call.region = options_.region;
  Backoff backoff({.attempts = kAttempts, .first_wait_ms = 400, .max_wait_ms = 20'000});
  while (true) {
    call.now_ms = clock_.wall_ms();
    Status status = attempt(call, request, stop, accept);
    const bool again = !status.ok() && is_passing_fault(status.error());
    if (!again || !backoff.next(clock_, stop)) {
      wipe(&request.body);
      if (!again || !stop.stop_requested()) return status;
      return Error(ErrorCode::kRunInterrupted, "a request to AWS was stopped");
    }
    log_debug("aws request repeated", {{"action", call.action},
                                       {"attempt", std::to_string(backoff.attempt())},
                                       {"reason", std::string(status.error().name())}});
  }
}

Status QueryApi::attempt(const AwsCall& call, const QueryRequest& request,
                         const std::stop_token& stop, const Accept& accept) {
  VESTO_ASSIGN(HttpResponse response, send_once(request, stop));
  const auto judged = [&]() -> Status {
    if (response.too_large) return bad_aws_answer("it has more than 256 KiB");
    if (response.status < 200 || response.status > 299) return aws_error(call, response);
    return accept(response.body);
  };
  Status status = judged();
  wipe(&response.body);
  return status;
}

Result<HttpResponse> QueryApi::send_once(const QueryRequest& request, const std::stop_token& stop) {
  NameValues headers = request.headers;
  headers.emplace_back("content-type", request.content_type);
  if (request.as != nullptr) {
    headers.emplace_back("x-amz-date", amz_date(clock_.wall_ms()));
    if (!request.as->session_token.empty()) {
      headers.emplace_back("x-amz-security-token", request.as->session_token.reveal());
    }
    SigV4Request to_sign{.method = "POST",
                         .path = "/",
                         .headers = headers,
                         .payload_hash = sha256_hex(request.body)};
    to_sign.headers.emplace_back("host", origin_.host_header());  // libcurl sends it itself
    headers.emplace_back(
        "authorization",
        sigv4_authorization(to_sign, {.access_key_id = request.as->access_key_id,
                                      .secret_access_key = request.as->secret_access_key,
                                      .region = options_.region,
                                      .service = options_.signing_name}));
  }
  return http_->send({.method = "POST",
                      .url = origin_.url() + "/",
                      .headers = std::move(headers),
                      .body = request.body,
                      .max_answer_bytes = kMaxAnswerBytes},
                     stop);
}

std::string form_body(const NameValues& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += percent_encode(name, false) + "=" + percent_encode(value, false);
  }
  return out;
}

}  // namespace vesto
