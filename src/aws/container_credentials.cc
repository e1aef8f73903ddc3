#include "aws/container_credentials.h"

#include <fmt/format.h>

#include "aws/env_number.h"
#include "aws/json_answer.h"
#include "aws/keys_json.h"
#include "aws/small_file.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr std::string_view kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr std::string_view kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr std::string_view kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr std::string_view kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr std::string_view kWho = "the container's credential service";
constexpr int kTries = 3;
constexpr int64_t kWaitMs = 1000;
constexpr int64_t kTimeoutMs = 2000;
constexpr uint64_t kMaxAnswerBytes = 256 << 10;
constexpr size_t kMaxTokenBytes = 20'000;

// Over plain http the token may go to this machine and to the agents' own addresses alone.
bool may_be_plain(const HttpOrigin& origin) {
  const std::string& host = origin.host;
  if (host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]") return true;
  return is_loopback_host(host) && !host.ends_with(".localhost");
}

Error bad_uri(std::string_view name, const std::string& uri, const std::string& why) {
  // What stands before an @ may be a password.
  if (uri.find('@') != std::string::npos) {
    return {ErrorCode::kCfgValue, fmt::format("{} holds a user or password: {}", name, why)};
  }
  return {ErrorCode::kCfgValue, fmt::format("{} is \"{}\": {}", name, outside_text(uri, 200), why)};
}

bool has_bad_letters(std::string_view uri) {
  for (const char c : uri) {
    if (c <= ' ' || c == '\x7f') return true;
  }
  return false;
}

Result<std::string> url_of(const Environment& environment) {
  const std::string relative = env_text(environment, kRelative);
  if (!relative.empty()) {
    if (relative[0] != '/' || has_bad_letters(relative)) {
      return bad_uri(kRelative, relative, "a path that begins with / is needed");
    }
    return "http://169.254.170.2" + relative;
  }
  const std::string full = env_text(environment, kFull);
  const size_t scheme = full.find("://");
  if (scheme == std::string::npos || has_bad_letters(full)) {
    return bad_uri(kFull, full, "it is no URL");
  }
  const Result<HttpOrigin> origin =
      parse_origin(std::string_view(full).substr(0, full.find_first_of("/?#", scheme + 3)));
  if (!origin.ok()) return bad_uri(kFull, full, "it is no URL");
  if (!origin->tls && !may_be_plain(*origin)) {
    return bad_uri(kFull, full,
                   "http is allowed for this machine, 169.254.170.2, 169.254.170.23 and "
                   "[fd00:ec2::23] alone; use https");
  }
  return full;
}

Result<Secret> authorization(const Environment& environment) {
  const std::string path = env_text(environment, kTokenFile);
  if (path.empty()) {
    Secret token{env_text(environment, kToken)};
    if (token.reveal().find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos) {
      return token;
    }
    return Error(ErrorCode::kCfgValue, fmt::format("{} holds a line break", kToken));
  }
  VESTO_ASSIGN(SmallFile file, read_small_file(path, kMaxTokenBytes, ErrorCode::kCfgSecretMissing));
  const std::string shown = outside_text(path, 300);
  if (!file.there) {
    return Error(ErrorCode::kCfgSecretMissing,
                 fmt::format("there is no file {} ({})", shown, kTokenFile));
  }
  // One line end at the end is a habit of editors, any other is an attempt at a header of its own.
  Secret token{file.text.ends_with('\n') ? file.text.substr(0, file.text.size() - 1)
                                         : std::move(file.text)};
  if (token.empty() ||
      token.reveal().find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Error(ErrorCode::kCfgValue,
                 fmt::format("the file {} ({}) is empty or holds a line break", shown, kTokenFile));
  }
  return token;
}

Error refused(const HttpResponse& answer) {
  std::string text;
  if (auto body = parse_json_object(answer.body)) {
    for (const char* name : {"code", "Code", "message", "Message"}) {
      const std::string part = outside_text(json_text(*body, name).value_or(""), 500);
      if (!part.empty()) text += (text.empty() ? "" : ": ") + part;
    }
  }
  const bool theirs = answer.status >= 500 || answer.status == 429;
  return Error(
             theirs ? ErrorCode::kAwsServer : ErrorCode::kAwsNoCredentials,
             fmt::format("{} answered {}{}{}", kWho, answer.status, text.empty() ? "" : ": ", text))
      .with_upstream(
          {.system = "aws", .code = std::to_string(answer.status), .text = text, .request_id = ""});
}

Result<AwsCredentials> ask(const std::string& url, const Environment& environment, Clock& clock,
                           HttpTransport& http, const std::stop_token& stop) {
  VESTO_ASSIGN(const Secret token, authorization(environment));
  HttpRequest request{
      .url = url, .headers = {{"Accept", "application/json"}}, .max_answer_bytes = kMaxAnswerBytes};
  if (!token.empty()) request.headers.emplace_back("Authorization", token.reveal());
  VESTO_ASSIGN(HttpResponse answer, http.send(request, stop));
  if (answer.status != 200) return refused(answer);
  auto keys = answer.too_large ? std::nullopt : parse_json_object(answer.body);
  if (!keys) return Error(ErrorCode::kAwsAnswer, std::string(kWho) + " answered without JSON");
  return keys_from_json(*keys, "Token", std::string(kWho), ErrorCode::kAwsAnswer, clock.wall_ms());
}

}  // namespace

bool has_container_credentials(const Environment& environment) {
  return !env_text(environment, kRelative).empty() || !env_text(environment, kFull).empty();
}

HttpOptions container_http_options() {
  return {.connect_timeout_ms = kTimeoutMs, .request_timeout_ms = kTimeoutMs, .no_proxy = true};
}

Result<AwsCredentials> get_container_credentials(const Environment& environment, Clock& clock,
                                                 HttpTransport& http, const std::stop_token& stop) {
  VESTO_ASSIGN(const std::string url, url_of(environment));
  for (int tried = 1;; ++tried) {
    Result<AwsCredentials> keys = ask(url, environment, clock, http, stop);
    if (keys.ok()) return keys;
    const ErrorCode code = keys.error().code();
    const bool ours = code == ErrorCode::kCfgValue || code == ErrorCode::kCfgSecretMissing ||
                      code == ErrorCode::kRunInterrupted;
    if (ours || tried == kTries) return std::move(keys).error().in(std::string(kWho));
    if (!clock.sleep_ms(kWaitMs, stop)) {
      return Error(ErrorCode::kRunInterrupted, std::string(kWho) + " was not asked again: stopped");
    }
  }
}

}  // namespace vesto
