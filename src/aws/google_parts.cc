#include "aws/google_parts.h"

#include <fmt/format.h>

#include "aws/json_answer.h"
#include "base/base64.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxKept = 64;                   // audiences
constexpr int64_t kLastSecond = 253'402'300'799;  // 9999-12-31: what can be written as a date

Error no_jwt(const std::string& why) {
  return {ErrorCode::kGcpToken, "the token is no JWT: " + why};
}

// "" if the claim is not there; an `aud` may be a list with one text in it.
Result<std::string> claim(const nlohmann::json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::string();
  const bool one = found->is_array() && found->size() == 1 && found->front().is_string();
  if (one) return found->front().get<std::string>();
  if (!found->is_string()) return no_jwt(std::string("its claim ") + name + " is no text");
  return found->get<std::string>();
}

int64_t life_ms(const TokenClaims& claims, int64_t now_ms) {
  return claims.expires_at_s * 1000 - now_ms;
}

}  // namespace

Result<TokenClaims> parse_token_claims(const Secret& token) {
  const std::string_view text = token.reveal();
  if (text.size() > kMaxTokenBytes) {
    return no_jwt("it has more than " + format_count(kMaxTokenBytes) + " bytes");
  }
  const std::vector<std::string> parts = split(text, '.');
  if (parts.size() != 3) {
    return no_jwt("it has " + format_count(static_cast<int64_t>(parts.size())) +
                  (parts.size() == 1 ? " part" : " parts") + " in place of three");
  }
  const auto header = base64url_decode(parts[0]);
  const auto payload = base64url_decode(parts[1]);
  const auto signature = base64url_decode(parts[2]);
  if (!header || !payload || !signature) return no_jwt("a part of it is no base64url");
  if (signature->empty()) return no_jwt("it has no signature");
  const auto body = parse_json_object(*payload);
  if (!parse_json_object(*header) || !body) return no_jwt("a part of it is no JSON object");

  TokenClaims claims;
  VESTO_ASSIGN(claims.issuer, claim(*body, "iss"));
  VESTO_ASSIGN(claims.subject, claim(*body, "sub"));
  VESTO_ASSIGN(claims.audience, claim(*body, "aud"));
  VESTO_ASSIGN(claims.authorized_party, claim(*body, "azp"));
  VESTO_ASSIGN(claims.email, claim(*body, "email"));
  const auto expires = json_int(*body, "exp");
  if (!expires || *expires <= 0 || *expires > kLastSecond) {
    return no_jwt("its claim exp is no time in whole seconds");
  }
  claims.expires_at_s = *expires;
  return claims;
}

std::string claims_text(const TokenClaims& claims) {
  const auto shown = [](const std::string& text) {
    return text.empty() ? std::string("(none)") : outside_text(text, 256);
  };
  return fmt::format("iss {}, aud {}, azp {}, sub {}, exp {}", shown(claims.issuer),
                     shown(claims.audience), shown(claims.authorized_party), shown(claims.subject),
                     format_utc_seconds(claims.expires_at_s * 1000));
}

Result<IdToken> accept_token(Secret jwt, const std::string& audience, const std::string& where,
                             int64_t now_ms) {
  Result<TokenClaims> claims = parse_token_claims(jwt);
  if (!claims.ok()) return std::move(claims).error().in(where);
  if (claims->audience != audience) {
    return Error(ErrorCode::kGcpToken,
                 fmt::format("{} gave a token for the audience \"{}\", asked for was \"{}\" ({})",
                             where, outside_text(claims->audience, 256),
                             outside_text(audience, 256), claims_text(*claims)))
        .with_hint("Have it made for the audience asked for; each destination has its own.");
  }
  const int64_t left_ms = life_ms(*claims, now_ms);
  if (left_ms >= kTokenMinLifeMs) return IdToken{std::move(jwt), std::move(claims).value()};
  const std::string end = format_utc_seconds(claims->expires_at_s * 1000);
  const std::string when =
      left_ms <= 0
          ? fmt::format("has expired: since {}, for {}", end, format_duration(-left_ms))
          : fmt::format("ends at {}, in {}: 5 minutes are needed", end, format_duration(left_ms));
  return Error(ErrorCode::kGcpToken,
               fmt::format("the token of {} {} ({})", where, when, claims_text(*claims)))
      .with_hint("Have what gives the tokens make a new one, and compare this machine's clock (" +
                 format_utc_seconds(now_ms) + ") with the true time.");
}

bool CachingTokens::forget(const IdToken& used) {
  const auto kept = kept_.find(used.claims.audience);
  if (kept != kept_.end() && kept->second.jwt.reveal() == used.jwt.reveal()) kept_.erase(kept);
  return true;
}

Result<IdToken> CachingTokens::get(const std::string& audience, const std::stop_token& stop) {
  if (audience.empty()) return Error(ErrorCode::kGcpToken, "a token was asked for no audience");
  const auto kept = kept_.find(audience);
  const auto lasts = [&](int64_t needed_ms) {
    return kept != kept_.end() && life_ms(kept->second.claims, clock_.wall_ms()) >= needed_ms;
  };
  if (lasts(kTokenReuseLifeMs)) return kept->second;
  Result<IdToken> fresh = fetch(audience, stop);
  if (!fresh.ok()) {
    const bool stopped = fresh.error().code() == ErrorCode::kRunInterrupted;
    if (!stopped && lasts(kTokenMinLifeMs)) return kept->second;
    return fresh;
  }
  if (kept_.size() >= kMaxKept) kept_.clear();
  kept_.insert_or_assign(audience, *fresh);
  return fresh;
}

}  // namespace vesto
