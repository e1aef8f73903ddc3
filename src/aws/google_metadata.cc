// ID tokens from Google's metadata server (Compute Engine, GKE, Cloud Run).
#include <fmt/format.h>

#include "aws/env_number.h"
#include "aws/google_parts.h"
#include "aws/json_answer.h"
#include "base/error_causes.h"
#include "base/retry.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr uint64_t kMaxAnswerBytes = 64 << 10;
constexpr size_t kMaxShownBytes = 1000;
constexpr int64_t kDefaultTimeoutS = 3;

Result<int64_t> timeout_s(const Environment& environment) {
  return env_number(environment, "GCE_METADATA_TIMEOUT", kDefaultTimeoutS, 1, 60);
}

// What goes into the path as it is: no blank, slash or dots alone.
bool is_service_account(std::string_view text) {
  if (text == "default") return true;
  if (text.size() > 254 || text.find('@') == std::string_view::npos) return false;
  return text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._+-") ==
         std::string_view::npos;
}

std::string hint_for(int status, std::string_view text) {
  if (text.find("not annotated") != std::string_view::npos) {
    return "Link the pod's Kubernetes service account to a Google one: annotate it with "
           "iam.gke.io/gcp-service-account=ACCOUNT@PROJECT.iam.gserviceaccount.com and give it the "
           "role roles/iam.workloadIdentityUser there.";
  }
  if (status == 404) return "Attach a service account to the instance, service or pod.";
  return "";
}

bool is_passing(int status) { return status >= 500 || status == 408 || status == 429; }

// A name that is unknown will be unknown a second later too; a server of GKE refuses connections
// while it starts.
bool is_passing(const Error& error) {
  return error.code() == ErrorCode::kNetTimeout || error.code() == ErrorCode::kNetReset ||
         error.code() == ErrorCode::kNetRefused;
}

class MetadataTokens final : public CachingTokens {
 public:
  MetadataTokens(std::string service_account, Clock& clock, std::unique_ptr<HttpTransport> http,
                 Environment environment)
      : CachingTokens(clock),
        service_account_(std::move(service_account)),
        http_(std::move(http)),
        environment_(std::move(environment)) {}

  [[nodiscard]] std::string describe() const override { return "the metadata server"; }

 private:
  Result<std::string> url_for(const std::string& audience) const {
    std::string host = env_text(environment_, "GCE_METADATA_HOST");
    if (host.empty()) host = "metadata.google.internal";
    const Result<HttpOrigin> origin = parse_origin("http://" + host);
    if (!origin.ok()) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("GCE_METADATA_HOST is \"{}\", no host or host:port",
                               outside_text(host, 100)));
    }
    if (!is_service_account(service_account_)) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("the service account \"{}\" is neither \"default\" nor an e-mail",
                               outside_text(service_account_, 100)));
    }
    return fmt::format(
        "{}/computeMetadata/v1/instance/service-accounts/{}/identity?audience={}&format=full",
        origin->url(), service_account_, percent_encode(audience, false));
  }

  Result<IdToken> fetch(const std::string& audience, const std::stop_token& stop) override {
    VESTO_TRY(timeout_s(environment_));
    VESTO_ASSIGN(const std::string url, url_for(audience));
    const HttpRequest request{.url = url,
                              .headers = {{"Metadata-Flavor", "Google"}},
                              .max_answer_bytes = kMaxAnswerBytes};
    Backoff backoff({.attempts = 5, .first_wait_ms = 200, .max_wait_ms = 3'000});
    while (true) {
      const Result<HttpResponse> answer = http_->send(request, stop);
      const bool passing = answer.ok() ? is_passing(answer->status) : is_passing(answer.error());
      if (passing && backoff.next(clock(), stop)) continue;
      if (stop.stop_requested()) {
        return Error(ErrorCode::kRunInterrupted,
                     "the metadata server was not asked again: stopped");
      }
      if (!answer.ok()) return no_answer(answer.error(), backoff.attempt());
      return read(*answer, audience, backoff.attempt());
    }
  }

  static Error no_answer(const Error& error, int attempts) {
    const bool network = is_passing(error) || error.code() == ErrorCode::kNetDns;
    if (!network) return error;
    return Error(ErrorCode::kGcpToken, fmt::format("no metadata server of Google: {} (attempt {})",
                                                   error.message(), attempts))
        .because(cause_named("no-metadata-server"))
        .with_upstream(error.upstream());
  }

  Result<IdToken> read(const HttpResponse& answer, const std::string& audience, int attempts) {
    if (answer.status != 200) {
      const std::string text = outside_text(answer.body, kMaxShownBytes);
      Error error(ErrorCode::kGcpToken,
                  fmt::format("the metadata server answered {} (attempt {}): {}", answer.status,
                              attempts, text.empty() ? "(no text)" : text));
      error.with_upstream({.system = "google",
                           .code = std::to_string(answer.status),
                           .text = text,
                           .request_id = ""});
      error.because(recognise("google", error.upstream().code, text));
      if (std::string hint = hint_for(answer.status, text); !hint.empty()) {
        error.with_hint(std::move(hint));
      }
      return error;
    }
    if (answer.header("metadata-flavor") != "Google" || answer.too_large) {
      return Error(ErrorCode::kGcpToken,
                   "something else answered in the metadata server's place: no Metadata-Flavor")
          .with_hint(
              "Check GCE_METADATA_HOST and what stands between Vesto and "
              "metadata.google.internal.");
    }
    return accept_token(Secret(std::string(trim(answer.body))), audience, describe(),
                        clock().wall_ms());
  }

  const std::string service_account_;
  const std::unique_ptr<HttpTransport> http_;
  const Environment environment_;
};

}  // namespace

HttpOptions metadata_http_options(const Environment& environment) {
  const Result<int64_t> seconds = timeout_s(environment);
  const int64_t timeout_ms = 1000 * (seconds.ok() ? *seconds : kDefaultTimeoutS);
  return {.connect_timeout_ms = timeout_ms, .request_timeout_ms = timeout_ms, .no_proxy = true};
}

std::unique_ptr<IdTokenSource> make_metadata_tokens(std::string service_account, Clock& clock,
                                                    std::unique_ptr<HttpTransport> http,
                                                    Environment environment) {
  return std::make_unique<MetadataTokens>(std::move(service_account), clock, std::move(http),
                                          std::move(environment));
}

}  // namespace vesto
