#include "aws/imds.h"

#include <fmt/format.h>

#include "aws/env_number.h"
#include "aws/json_answer.h"
#include "aws/keys_json.h"
#include "base/retry.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr std::string_view kRolePath = "/latest/meta-data/iam/security-credentials/";
constexpr std::string_view kWho = "the instance's metadata service";
constexpr std::string_view kEndpoint = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
constexpr uint64_t kMaxAnswerBytes = 256 << 10;
constexpr size_t kMaxTokenBytes = 1024;
constexpr size_t kMaxRoleBytes = 64;
constexpr std::string_view kHopHint =
    "In a container on an EC2 instance, set the instance's HttpPutResponseHopLimit to 2; elsewhere "
    "give Vesto credentials of its own, or set AWS_EC2_METADATA_DISABLED=true.";

Result<int64_t> timeout_s(const Environment& environment) {
  return env_number(environment, "AWS_METADATA_SERVICE_TIMEOUT", 1, 1, 60);
}

Result<std::string> base_url(const Environment& environment) {
  const std::string given = env_text(environment, kEndpoint);
  if (!given.empty()) {
    const Result<HttpOrigin> origin = parse_origin(given);
    if (origin.ok()) return origin->url();
    return Error(ErrorCode::kCfgValue, fmt::format("{} is \"{}\", no URL of a host", kEndpoint,
                                                   outside_text(given, 200)));
  }
  const std::string mode =
      to_lower_ascii(env_text(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"));
  return std::string(mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254");
}

bool is_network(const Error& error) { return error.name().starts_with("NET-"); }

Error other_answer(const std::string& what) {
  return {ErrorCode::kAwsAnswer, fmt::format("{} answered {}", kWho, what)};
}

Error bad_status(const HttpResponse& answer, std::string_view asked) {
  const bool theirs = answer.status >= 500 || answer.status == 429;
  return Error(theirs ? ErrorCode::kAwsServer : ErrorCode::kAwsNoCredentials,
               fmt::format("{} answered {} to the question for {}", kWho, answer.status, asked))
      .with_upstream(
          {.system = "aws", .code = std::to_string(answer.status), .text = "", .request_id = ""});
}

class InstanceMetadata {
 public:
  InstanceMetadata(std::string url, const Environment& environment, Clock& clock,
                   HttpTransport& http, const std::stop_token& stop)
      : url_(std::move(url)), environment_(environment), clock_(clock), http_(http), stop_(stop) {}

  Result<AwsCredentials> keys() {
    VESTO_ASSIGN(const Secret token, session_token());
    VESTO_ASSIGN(const std::string role, role_name(token));
    VESTO_ASSIGN(HttpResponse answer, get(std::string(kRolePath) + role, token));
    if (answer.status != 200) return bad_status(answer, "the keys of the role " + role);
    auto body = answer.too_large ? std::nullopt : parse_json_object(answer.body);
    if (!body) return other_answer("without JSON to the question for keys");
    const std::string code = json_text(*body, "Code").value_or("Success");
    if (code != "Success") return refused(role, code, json_text(*body, "Message").value_or(""));
    return keys_from_json(*body, "Token", std::string(kWho), ErrorCode::kAwsAnswer,
                          clock_.wall_ms());
  }

 private:
  // Empty: version 1 is spoken.
  Result<Secret> session_token() {
    VESTO_ASSIGN(const HttpResponse answer,
                 http_.send({.method = "PUT",
                             .url = url_ + "/latest/api/token",
                             .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}},
                             .max_answer_bytes = kMaxAnswerBytes},
                            stop_));
    if (answer.status == 403 || answer.status == 404 || answer.status == 405) {
      if (!env_is_true(environment_, "AWS_EC2_METADATA_V1_DISABLED")) return Secret();
      return bad_status(answer, "a session token (version 1 is switched off)");
    }
    if (answer.status != 200) return bad_status(answer, "a session token");
    const std::string_view text = trim(answer.body);
    for (const char c : text) {
      if (c <= ' ' || c >= '\x7f' || c == '<')
        return other_answer("with something else than a token");
    }
    if (text.empty() || text.size() > kMaxTokenBytes) {
      return other_answer("with something else than a token");
    }
    return Secret(std::string(text));
  }

  Result<std::string> role_name(const Secret& token) {
    VESTO_ASSIGN(const HttpResponse answer, get(std::string(kRolePath), token));
    if (answer.status == 404) {
      return Error(ErrorCode::kAwsNoCredentials, "the EC2 instance has no role")
          .with_hint("Attach an instance profile to it, or give Vesto credentials of its own.");
    }
    if (answer.status != 200) return bad_status(answer, "the instance's role");
    const std::string_view lines = trim(answer.body);
    const std::string role(trim(lines.substr(0, lines.find('\n'))));
    const bool plain = role.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789_+=,.@-") == std::string::npos;
    if (role.empty() || !plain || role.size() > kMaxRoleBytes || role == "." || role == "..") {
      return other_answer("with something else than a role's name");
    }
    return role;
  }

  Result<HttpResponse> get(const std::string& path, const Secret& token) {
    HttpRequest request{.url = url_ + path, .max_answer_bytes = kMaxAnswerBytes};
    if (!token.empty()) request.headers.emplace_back("x-aws-ec2-metadata-token", token.reveal());
    return http_.send(request, stop_);
  }

  static Error refused(const std::string& role, const std::string& code,
                       const std::string& message) {
    const std::string text = outside_text(code, 200) + ": " + outside_text(message, 1000);
    return Error(ErrorCode::kAwsNoCredentials,
                 fmt::format("{} has no keys for the role {}: {}", kWho, role, text))
        .with_hint(
            "Look at the instance profile's role: its trust policy must allow "
            "ec2.amazonaws.com.")
        .with_upstream({.system = "aws", .code = "200", .text = text, .request_id = ""});
  }

  const std::string url_;
  const Environment& environment_;
  Clock& clock_;
  HttpTransport& http_;
  const std::stop_token& stop_;
};

}  // namespace

HttpOptions imds_http_options(const Environment& environment) {
  const Result<int64_t> seconds = timeout_s(environment);
  const int64_t timeout_ms = 1000 * (seconds.ok() ? *seconds : 1);
  return {.connect_timeout_ms = timeout_ms, .request_timeout_ms = timeout_ms, .no_proxy = true};
}

Result<AwsCredentials> get_instance_credentials(const Environment& environment, Clock& clock,
                                                HttpTransport& http, const std::stop_token& stop) {
  if (env_is_true(environment, "AWS_EC2_METADATA_DISABLED")) {
    return Error(ErrorCode::kAwsNoCredentials,
                 std::string(kWho) + " is switched off (AWS_EC2_METADATA_DISABLED)");
  }
  VESTO_TRY(timeout_s(environment));
  VESTO_ASSIGN(const int64_t attempts,
               env_number(environment, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", 1, 1, 10));
  VESTO_ASSIGN(const std::string url, base_url(environment));
  InstanceMetadata metadata(url, environment, clock, http, stop);
  Backoff backoff({.attempts = static_cast<int>(attempts), .first_wait_ms = 200});
  while (true) {
    Result<AwsCredentials> keys = metadata.keys();
    if (keys.ok()) return keys;
    Error& error = keys.error();
    const bool passing = is_network(error) || error.code() == ErrorCode::kAwsServer ||
                         error.code() == ErrorCode::kAwsAnswer;
    if (passing && backoff.next(clock, stop)) continue;
    if (stop.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, std::string(kWho) + " was not asked again: stopped");
    }
    if (!is_network(error)) return std::move(error);
    return Error(ErrorCode::kAwsNoCredentials,
                 fmt::format("{} ({}) does not answer: {}", kWho, url, error.message()))
        .with_hint(std::string(kHopHint))
        .with_upstream(error.upstream());
  }
}

}  // namespace vesto
