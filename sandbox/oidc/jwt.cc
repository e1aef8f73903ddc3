#include "sandbox/oidc/jwt.h"

#include <openssl/err.h>

#include <array>
#include <nlohmann/json.hpp>

#include "sandbox/oidc/openssl_parts.h"
#include "sandbox/oidc/strict_json.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct Token {
  std::string_view signed_part;
  std::string signature;
  std::string algorithm;
  std::string kid;
  JwtClaims claims;
};

JwtProblem malformed(std::string detail) { return {JwtFault::kMalformed, std::move(detail)}; }

// Absent is well; another type is not.
bool take_text(const Json& json, const char* name, std::string& out) {
  const auto it = json.find(name);
  if (it == json.end()) return true;
  if (!it->is_string()) return false;
  out = it->get<std::string>();
  return true;
}

bool take_seconds(const Json& json, const char* name, int64_t& out, bool& there) {
  const auto it = json.find(name);
  there = it != json.end();
  if (!there) return true;
  // A number beyond 64 bits is read as a float, so it is refused with those.
  if (!it->is_number_unsigned() || it->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
    return false;
  }
  out = it->get<int64_t>();
  return true;
}

bool take_audience(const Json& json, JwtClaims& claims) {
  const auto it = json.find("aud");
  if (it == json.end()) return true;
  const Json& one = it->is_array() && it->size() == 1 ? it->front() : *it;
  if (!one.is_string()) return false;
  claims.audience = one.get<std::string>();
  claims.has_audience = true;
  return true;
}

Result<JwtClaims, JwtProblem> read_claims(const Json& json) {
  JwtClaims claims;
  const std::array<std::pair<const char*, std::string*>, 5> texts = {
      {{"iss", &claims.issuer},
       {"sub", &claims.subject},
       {"azp", &claims.authorized_party},
       {"email", &claims.email},
       {"target_audience", &claims.target_audience}}};
  for (const auto& [name, out] : texts) {
    if (!take_text(json, name, *out)) return malformed(std::string(name) + " is no text");
  }
  if (!take_audience(json, claims)) return malformed("aud is not one text");
  bool has_not_before = false;
  if (!take_seconds(json, "iat", claims.issued_s, claims.has_issued) ||
      !take_seconds(json, "exp", claims.expires_s, claims.has_expiry) ||
      !take_seconds(json, "nbf", claims.not_before_s, has_not_before)) {
    return malformed("a time is no whole number");
  }
  return claims;
}

Result<Unit, JwtProblem> read_header(const Json& json, Token& token) {
  std::string type;
  if (!take_text(json, "alg", token.algorithm) || !take_text(json, "kid", token.kid) ||
      !take_text(json, "typ", type)) {
    return malformed("the header's alg, kid or typ is no text");
  }
  // An extension that must be understood, and we understand none (RFC 7515, 4.1.11).
  if (json.contains("crit")) return malformed("the header demands an extension");
  return Unit{};
}

Result<Token, JwtProblem> read_token(std::string_view text) {
  if (text.size() > kMaxJwtBytes) return malformed("longer than 20,000 bytes");
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return malformed("not three parts");
  }
  const auto header = read_base64url(text.substr(0, first));
  const auto claims = read_base64url(text.substr(first + 1, second - first - 1));
  auto signature = read_base64url(text.substr(second + 1));
  if (!header || !claims || !signature) return malformed("a part is no base64url");
  const auto header_json = read_strict_object(*header);
  if (!header_json) return malformed("the header is no JSON object with distinct names");
  const auto claims_json = read_strict_object(*claims);
  if (!claims_json) return malformed("the claims are no JSON object with distinct names");
  Token token;
  token.signed_part = text.substr(0, second);
  token.signature = *std::move(signature);
  VESTO_TRY(read_header(*header_json, token));
  VESTO_ASSIGN(token.claims, read_claims(*claims_json));
  return token;
}

const EVP_MD* digest_of(const std::string& algorithm) {
  if (algorithm == "RS256") return EVP_sha256();
  if (algorithm == "RS384") return EVP_sha384();
  if (algorithm == "RS512") return EVP_sha512();
  return nullptr;
}

bool signature_holds(EVP_PKEY* key, const EVP_MD* digest, const Token& token) {
  if (token.signature.size() != static_cast<size_t>(EVP_PKEY_get_size(key))) return false;
  const OpenSslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const bool holds =
      context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
      EVP_DigestVerify(
          context.get(), reinterpret_cast<const unsigned char*>(token.signature.data()),
          token.signature.size(), reinterpret_cast<const unsigned char*>(token.signed_part.data()),
          token.signed_part.size()) == 1;
  ERR_clear_error();
  return holds;
}

}  // namespace

std::string base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) {
      text += kAlphabet[(bits >> static_cast<unsigned>(count - 6)) & 0x3fU];
    }
    bits &= (1U << static_cast<unsigned>(count)) - 1;
  }
  if (count > 0) text += kAlphabet[(bits << static_cast<unsigned>(6 - count)) & 0x3fU];
  return text;
}

std::optional<std::string> read_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU);
    bits &= (1U << static_cast<unsigned>(count)) - 1;
  }
  if (bits != 0) return std::nullopt;  // the last character carries bits of no byte
  return bytes;
}

Result<JwtClaims, JwtProblem> check_signature(std::string_view token, const JwkSet& keys) {
  VESTO_ASSIGN(Token read, read_token(token));
  const EVP_MD* digest = digest_of(read.algorithm);
  if (digest == nullptr) return JwtProblem{JwtFault::kBadSignature, "the algorithm is not RS256"};
  for (const auto& key : keys.keys_) {
    if (key->kid != read.kid) continue;
    if ((key->algorithm.empty() || key->algorithm == read.algorithm) &&
        signature_holds(key->key.get(), digest, read)) {
      return std::move(read.claims);
    }
    return JwtProblem{JwtFault::kBadSignature, "the signature is not of this key"};
  }
  return JwtProblem{JwtFault::kNoKey, "no key of the token's kid"};
}

Result<JwtClaims, JwtProblem> verify_jwt(std::string_view token, const JwkSet& keys) {
  VESTO_ASSIGN(JwtClaims claims, check_signature(token, keys));
  const char* missing = claims.issuer.empty()    ? "iss"
                        : claims.subject.empty() ? "sub"
                        : !claims.has_audience   ? "aud"
                        : !claims.has_expiry     ? "exp"
                                                 : nullptr;
  if (missing != nullptr) return JwtProblem{JwtFault::kMissingClaim, missing};
  return claims;
}

std::optional<JwtClaims> read_jwt(std::string_view token) {
  auto read = read_token(token);
  if (!read.ok()) return std::nullopt;
  return std::move(read->claims);
}

}  // namespace vesto::sandbox
