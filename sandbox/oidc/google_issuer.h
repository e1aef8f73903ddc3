// The part of Google that knows service accounts and signs ID tokens (issuer
// https://accounts.google.com), with a key of the sandbox's own.
//
// Sources: Google's "Using OAuth 2.0 for server to server applications" and "Verifying the identity
// of instances"; what azp holds by source of the token: tests and notes of google-auth.
//
// Thread rule: every function may be called from any thread.
#ifndef VESTO_SANDBOX_OIDC_GOOGLE_ISSUER_H_
#define VESTO_SANDBOX_OIDC_GOOGLE_ISSUER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "sandbox/oidc/jwt.h"

namespace vesto::sandbox {

constexpr std::string_view kGoogleIssuerUrl = "https://accounts.google.com";
constexpr int64_t kIdTokenLifeS = 3600;
constexpr size_t kMaxSeenTokens = 10'000;
constexpr size_t kMaxServiceAccounts = 100;
constexpr size_t kMaxAccountKeys = 10;  // as Google's

struct AccountKey {
  std::string private_key_id;  // 40 hexadecimal digits
  std::string public_pem;
  bool disabled = false;
};

struct ServiceAccount {
  std::string email;
  std::string unique_id;  // 21 digits; sub of its tokens
  std::string project;    // from the e-mail, name@project.iam.gserviceaccount.com
  bool disabled = false;
  std::vector<AccountKey> keys = {};
};

struct AccountKeyFile {
  std::string private_key_id;
  std::string json;  // holds the private key
};

// What a token's azp holds, which depends on where it came from.
enum class TokenForm {
  kMetadata,      // azp = unique id, e-mail told only where instance details are (format=full)
  kMetadataFull,  // the same with e-mail and instance details
  kKeyFile,       // azp = e-mail: token endpoint, and generateIdToken with useEmailAzp
  kWithoutAzp,    // no azp: AWS then reads :aud from aud
};

class GoogleIssuer {
 public:
  // Keeps its keys in `dir` (which must exist), so tokens and key files outlive a restart; accounts
  // are added again at each start, and their keys in the same order. `clock` must outlive it. The
  // error is a text for the person who starts the sandbox.
  static Result<std::unique_ptr<GoogleIssuer>, std::string> open(std::string dir, Clock& clock);

  // unique_id "": one that always belongs to this e-mail. Refused: what is no address or id, an
  // account that is there, more than kMaxServiceAccounts.
  Result<ServiceAccount, std::string> add_account(const std::string& email,
                                                  const std::string& unique_id = "");
  // A new key of the account, with its key file's text, JSON as Google's.
  Result<AccountKeyFile, std::string> make_key_file(const std::string& email,
                                                    const std::string& token_uri);
  // The same into a file, mode 0600.
  Result<Unit, std::string> write_key_file(const std::string& email, const std::string& token_uri,
                                           const std::string& file);
  // False: there is none.
  bool set_account_disabled(const std::string& email, bool disabled);
  bool set_key_disabled(const std::string& private_key_id, bool disabled);

  [[nodiscard]] std::optional<ServiceAccount> account(const std::string& email) const;
  // The account's keys that are not disabled.
  [[nodiscard]] JwkSet account_keys(const std::string& email) const;

  // Nothing where there is no such account, or it is disabled. Lives kIdTokenLifeS from now.
  [[nodiscard]] std::optional<std::string> id_token(const std::string& email,
                                                    const std::string& audience,
                                                    TokenForm form) const;
  // For tests that look for secrets: ID tokens given out, assertions received; the newest
  // kMaxSeenTokens.
  [[nodiscard]] std::vector<std::string> seen_tokens() const;
  void remember(const std::string& token) const;
  [[nodiscard]] std::string jwks() const;
  // The key that signs tokens, for tests that need wrong ones.
  [[nodiscard]] const SigningKey& signing_key() const { return key_; }

 private:
  GoogleIssuer(std::string dir, SigningKey key, Clock& clock);

  const std::string dir_;
  const SigningKey key_;
  Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, ServiceAccount> accounts_ VESTO_GUARDED_BY(mutex_);
  mutable std::deque<std::string> seen_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_GOOGLE_ISSUER_H_
