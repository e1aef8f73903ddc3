// JSON Web Tokens and JSON Web Keys (RFC 7515, 7517, 7519), RSA only: what the sandbox's issuers
// sign and what its STS checks.
//
//   auto keys = JwkSet::parse(issuer_jwks);
//   auto claims = verify_jwt(token, *keys);      // then compare expires_s with the own clock
//
// Strict on purpose: whatever this accepts, a real issuer could have sent. Refused are padding or
// stray bits in base64url, doubled names in header or claims, times that are no whole numbers, an
// audience that is not one text (or a list of exactly one), "crit" (all kMalformed), and every
// algorithm but RS256/384/512 ("none" and HS256 among them: kBadSignature, as Google says it).
//
// Thread rule: verify_jwt, read_jwt and the const functions may be called from any thread.
#ifndef VESTO_SANDBOX_OIDC_JWT_H_
#define VESTO_SANDBOX_OIDC_JWT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vesto::sandbox {

constexpr size_t kMaxJwtBytes = 20000;  // as STS: WebIdentityToken is 4 to 20,000 characters
constexpr size_t kMaxJwksBytes = 262'144;
constexpr size_t kMaxJwks = 100;

struct JwtClaims {
  std::string issuer = {};
  std::string subject = {};
  std::string audience = {};          // aud
  std::string authorized_party = {};  // azp; "" if there is none
  std::string email = {};
  std::string target_audience = {};  // Google's token endpoint reads it from an assertion
  bool has_audience = false;         // aud is there (it may be an empty text)
  bool has_issued = false;
  bool has_expiry = false;
  int64_t issued_s = 0;      // iat, Unix seconds; 0 if there is none
  int64_t expires_s = 0;     // exp
  int64_t not_before_s = 0;  // nbf
};

enum class JwtFault { kMalformed, kNoKey, kBadSignature, kMissingClaim };

struct JwtProblem {
  JwtFault fault = JwtFault::kMalformed;
  std::string detail;  // kMissingClaim: the claim's name ("aud"); else a text, never of the token
};

// Public keys by key id.
class JwkSet {
 public:
  JwkSet();
  // {"keys": [...]}, at most kMaxJwksBytes and kMaxJwks. Only RSA keys for signatures of 2,048 to
  // 8,192 bits with a kid are taken; other kinds are passed over (RFC 7517, 5). The error is a text
  // about the first RSA key that is wrong, a doubled kid, or JSON that is none.
  static Result<JwkSet, std::string> parse(std::string_view json);
  // One key more; the public key as PEM ("BEGIN PUBLIC KEY"). False: no such key, or kid is taken.
  bool add_pem(const std::string& kid, const std::string& public_pem);

  [[nodiscard]] size_t size() const;
  [[nodiscard]] bool contains(const std::string& kid) const;

 private:
  friend Result<JwtClaims, JwtProblem> check_signature(std::string_view token, const JwkSet& keys);
  struct Key;
  bool add(std::shared_ptr<const Key> key);
  // Shared and never changed after adding, so that copies of a set are cheap.
  std::vector<std::shared_ptr<const Key>> keys_;
};

// Form and signature are checked; times are not (the caller has the clock).
//   kMalformed     no JWT as described above
//   kNoKey         the header has no kid, or one that `keys` lacks
//   kBadSignature
//   kMissingClaim  iss, sub, aud or exp is absent (in this order), told after the signature
Result<JwtClaims, JwtProblem> verify_jwt(std::string_view token, const JwkSet& keys);

// The same without kMissingClaim: for assertions, which need other claims.
Result<JwtClaims, JwtProblem> check_signature(std::string_view token, const JwkSet& keys);

// The claims without checking a signature or that any is there; for learning the issuer. Nothing
// where verify_jwt would say kMalformed.
std::optional<JwtClaims> read_jwt(std::string_view token);

// An RSA key pair of 2,048 bits. An empty kid: the first 40 hexadecimal digits of the SHA-256 of
// the public key, so the same key has the same id after a restart.
class SigningKey {
 public:
  // The error is a text for the person who starts the sandbox.
  static Result<SigningKey, std::string> make(std::string kid);
  // Reads `file` (PKCS#8 PEM), or makes a key and writes it there, mode 0600, by temporary file and
  // rename: tokens then outlive a restart. A file that holds something else is left and is an
  // error. One caller a file.
  static Result<SigningKey, std::string> load_or_make(const std::string& file, std::string kid);

  // A JWT, RS256, with kid; `claims_json` goes in as it is (tests sign wrong ones too).
  // with_type: "typ":"JWT" in the header, as Google has it and Kubernetes has not.
  [[nodiscard]] std::string sign(const std::string& claims_json, bool with_type = true) const;
  [[nodiscard]] std::string jwks() const;         // {"keys": [this one]}
  [[nodiscard]] std::string private_pem() const;  // PKCS#8
  [[nodiscard]] std::string public_pem() const;   // SubjectPublicKeyInfo
  [[nodiscard]] const std::string& kid() const { return kid_; }

 private:
  struct Pair;
  SigningKey(std::string kid, std::shared_ptr<const Pair> pair);
  std::string kid_;
  std::shared_ptr<const Pair> pair_;
};

// Without padding. Reading is strict: no padding, no other character, no stray bits.
std::string base64url(std::string_view bytes);
std::optional<std::string> read_base64url(std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_JWT_H_
