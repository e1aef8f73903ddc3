// ID tokens by a service account's key: a JWT signed with it is exchanged for the token.
// Sources: Google, "Using OAuth 2.0 for server to server applications"; RFC 7515, 7523.
#include <fmt/format.h>

#include <algorithm>

#include "aws/google_parts.h"
#include "aws/json_answer.h"
#include "aws/rs256.h"
#include "base/base64.h"
#include "base/error_causes.h"
#include "base/json_text.h"
#include "base/redact.h"
#include "base/retry.h"
#include "base/strings.h"
#include "base/time_text.h"

namespace vesto {

namespace {

constexpr std::string_view kGoogleTokenUri = "https://oauth2.googleapis.com/token";
// What stands before the assertion in the form that Google is sent.
constexpr std::string_view kGrantForm =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
constexpr size_t kMaxKeyFileBytes = 64 << 10;
constexpr uint64_t kMaxAnswerBytes = 64 << 10;
constexpr int64_t kAssertionLifeS = 3600;
constexpr int64_t kSkewMs = 300'000;

struct ServiceAccountKey {
  std::string email;
  std::string key_id;
  std::string token_uri;
  Rs256Key key;
};

Error bad_file(const std::string& why) {
  return Error(ErrorCode::kGcpToken, "the service account's key file " + why)
      .with_hint("Use the JSON file that Google made with the key, as it is.");
}

// https, or http on this machine; what follows the host has no blanks and no control characters.
bool is_token_uri(std::string_view uri) {
  const size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos || uri.size() > 2000) return false;
  const size_t path = uri.find('/', scheme + 3);
  const Result<HttpOrigin> origin = parse_origin(uri.substr(0, path));
  if (!origin.ok() || (!origin->tls && !is_loopback_host(origin->host))) return false;
  for (const char c : uri) {
    if (c <= ' ' || c == '\x7f' || c == '#') return false;
  }
  return true;
}

// "authorized_user", "external_account": what Google writes there.
bool is_type_word(std::string_view text) {
  return !text.empty() && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
  });
}

Result<ServiceAccountKey> read_key(const Secret& key_json, std::string token_uri) {
  if (key_json.reveal().size() > kMaxKeyFileBytes) return bad_file("has more than 64 KiB");
  auto file = parse_json_object(key_json.reveal());
  if (!file) return bad_file("is no JSON object");
  const std::string type = json_text(*file, "type").value_or("");
  if (type != "service_account") {
    // Shown only where it looks like a type: a file that was put together wrongly may hold a line
    // of its key there.
    const std::string shown = is_type_word(type) ? " \"" + type + "\"" : "";
    return bad_file("is of another type" + shown + " than \"service_account\"");
  }
  const std::string email = json_text(*file, "client_email").value_or("");
  const std::string key_id = json_text(*file, "private_key_id").value_or("");
  const Secret pem{take_json_text(*file, "private_key").value_or("")};
  if (email.empty()) return bad_file("has no client_email");
  if (key_id.empty()) return bad_file("has no private_key_id");
  if (pem.empty()) return bad_file("has no private_key");
  auto key = Rs256Key::from_pem(pem);
  if (!key) return bad_file("has a private_key that is no RSA key in PEM (2,048 bits or more)");
  if (token_uri.empty()) token_uri = json_text(*file, "token_uri").value_or("");
  if (token_uri.empty()) token_uri = kGoogleTokenUri;
  if (!is_token_uri(token_uri)) {
    const bool is_url = token_uri.starts_with("http://") || token_uri.starts_with("https://");
    return bad_file("has a token_uri that is no https URL" +
                    (is_url ? ": " + outside_text(token_uri, 200) : std::string()));
  }
  return ServiceAccountKey{email, key_id, std::move(token_uri), *std::move(key)};
}

// What Google's invalid_grant is about, as far as its text tells.
std::string grant_hint(const std::string& description) {
  const std::string text = to_lower_ascii(description);
  if (text.find("signature") != std::string::npos) {
    return "The key was deleted at Google or belongs to another account: make a new one.";
  }
  if (text.find("timeframe") != std::string::npos || text.find("iat") != std::string::npos ||
      text.find("expir") != std::string::npos) {
    return "Compare this machine's clock with the true time.";
  }
  if (text.find("disabled") != std::string::npos || text.find("not found") != std::string::npos) {
    return "The service account was deleted or is disabled: look it up in Google's console.";
  }
  return "The usual reasons: this machine's clock is wrong, the key was deleted, the service "
         "account is disabled.";
}

class KeyFileTokens final : public CachingTokens {
 public:
  KeyFileTokens(ServiceAccountKey key, Clock& clock, std::unique_ptr<HttpTransport> http)
      : CachingTokens(clock), key_(std::move(key)), http_(std::move(http)) {}

  [[nodiscard]] std::string describe() const override {
    return "the key of the service account " + outside_text(key_.email, 254);
  }

 private:
  // The aud is Google's own address whatever token_uri is: so Google's libraries do it.
  Result<Secret> assertion(const std::string& audience) {
    const int64_t now_s = clock().wall_ms() / 1000;
    const std::string header =
        fmt::format(R"({{"alg":"RS256","typ":"JWT","kid":{}}})", json_quote(key_.key_id));
    const std::string claims = fmt::format(
        R"({{"iss":{},"aud":{},"iat":{},"exp":{},"target_audience":{}}})", json_quote(key_.email),
        json_quote(kGoogleTokenUri), now_s, now_s + kAssertionLifeS, json_quote(audience));
    std::string text = base64url_encode(header) + "." + base64url_encode(claims);
    auto signature = key_.key.sign(text);
    if (!signature) return Error(ErrorCode::kInternal, "OpenSSL cannot sign with the RSA key");
    const WipedString raw(*std::move(signature));
    const WipedString encoded(base64url_encode(raw.text));
    // All the room first: a text that grows leaves its bytes behind.
    text.reserve(text.size() + 1 + encoded.text.size());
    text += '.';
    text += encoded.text;
    return Secret(std::move(text));
  }

  Result<IdToken> fetch(const std::string& audience, const std::stop_token& stop) override {
    Backoff backoff({.attempts = 3, .first_wait_ms = 300, .max_wait_ms = 3'000});
    while (true) {
      VESTO_ASSIGN(const Secret proof, assertion(audience));  // anew: its iat is the present
      WipedString body;
      body.text.reserve(kGrantForm.size() + proof.reveal().size());
      body.text += kGrantForm;
      body.text += proof.reveal();
      Result<HttpResponse> answer =
          http_->send({.method = "POST",
                       .url = key_.token_uri,
                       .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                   {"Accept", "application/json"}},
                       .body = body.text,
                       .max_answer_bytes = kMaxAnswerBytes},
                      stop);
      const bool passing = answer.ok() ? answer->status >= 500 || answer->status == 429
                                       : answer.error().code() == ErrorCode::kNetTimeout ||
                                             answer.error().code() == ErrorCode::kNetReset;
      if (passing && backoff.next(clock(), stop)) continue;
      if (stop.stop_requested()) {
        return Error(ErrorCode::kRunInterrupted, "Google was not asked again: stopped");
      }
      if (!answer.ok()) return Error(answer.error()).in("asking for a Google ID token");
      Result<IdToken> token = read(*answer, audience);
      wipe(&answer->body);
      return token;
    }
  }

  Result<IdToken> read(const HttpResponse& answer, const std::string& audience) {
    auto body = answer.too_large ? std::nullopt : parse_json_object(answer.body);
    if (answer.status != 200) return refused(answer, body);
    auto jwt = body ? take_json_text(*body, "id_token") : std::nullopt;
    if (!jwt) {
      return Error(ErrorCode::kGcpToken,
                   "the answer of " + outside_text(key_.token_uri, 200) + " has no id_token")
          .with_hint("Check token_uri, and that nothing answers in Google's place.");
    }
    return accept_token(Secret(*std::move(jwt)), audience, describe(), clock().wall_ms());
  }

  Error refused(const HttpResponse& answer, const std::optional<nlohmann::json>& body) {
    std::string code;
    std::string text;
    if (body) {
      code = outside_text(json_text(*body, "error").value_or(""), 100);
      text = outside_text(json_text(*body, "error_description").value_or(""), 1000);
    }
    Error error(ErrorCode::kGcpToken,
                fmt::format("{} gave no token for {}: {} {}{}{}", outside_text(key_.token_uri, 200),
                            outside_text(key_.email, 254), answer.status,
                            code.empty() ? "(no reason)" : code, text.empty() ? "" : ": ", text));
    error.with_upstream({.system = "google",
                         .code = std::to_string(answer.status) + (code.empty() ? "" : " " + code),
                         .text = text,
                         .request_id = ""});
    error.because(recognise("google", error.upstream().code, text));
    const auto their_ms = parse_http_date(answer.header("date"));
    const int64_t skew_ms = their_ms ? clock().wall_ms() - *their_ms : 0;
    if (skew_ms > kSkewMs || skew_ms < -kSkewMs) {
      return error.with_hint(fmt::format("This machine's clock is {} {} of Google's: correct it.",
                                         format_duration(skew_ms < 0 ? -skew_ms : skew_ms),
                                         skew_ms > 0 ? "ahead" : "behind"));
    }
    if (code == "invalid_grant") return error.with_hint(grant_hint(text));
    return error;
  }

  const ServiceAccountKey key_;
  const std::unique_ptr<HttpTransport> http_;
};

}  // namespace

Result<std::unique_ptr<IdTokenSource>> make_key_file_tokens(const Secret& key_json,
                                                            std::string token_uri, Clock& clock,
                                                            std::unique_ptr<HttpTransport> http) {
  VESTO_ASSIGN(ServiceAccountKey key, read_key(key_json, std::move(token_uri)));
  return std::unique_ptr<IdTokenSource>(
      std::make_unique<KeyFileTokens>(std::move(key), clock, std::move(http)));
}

}  // namespace vesto
