#include "sandbox/oidc/google_issuer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/s3/small_file.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr size_t kUniqueIdDigits = 21;
constexpr size_t kMaxEmailBytes = 254;
constexpr std::string_view kAccountDomain = ".iam.gserviceaccount.com";

// The same digits for the same e-mail, so that a trust policy holds after a restart.
std::string unique_id_of(const std::string& email) {
  std::string digits = "1";
  for (const char c : sha256(email)) {
    if (digits.size() == kUniqueIdDigits) break;
    digits += static_cast<char>('0' + static_cast<unsigned char>(c) % 10);
  }
  return digits;
}

bool is_unique_id(const std::string& text) {
  return text.size() == kUniqueIdDigits &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_email(const std::string& text) {
  const size_t at = text.find('@');
  return text.size() <= kMaxEmailBytes && at != std::string::npos && at > 0 &&
         at + 1 < text.size() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-@") == std::string::npos &&
         text.find('@', at + 1) == std::string::npos;
}

std::string project_of(const std::string& email) {
  const std::string host = email.substr(email.find('@') + 1);
  const size_t at = host.find(kAccountDomain);
  return at == std::string::npos ? "vesto-sandbox" : host.substr(0, at);
}

Json instance_details(const ServiceAccount& account, int64_t now_s) {
  return {{"compute_engine",
           {{"instance_creation_timestamp", now_s - kIdTokenLifeS},
            {"instance_id", "1234567890123456789"},
            {"instance_name", "vesto-sandbox"},
            {"project_id", account.project},
            {"project_number", 123456789012},
            {"zone", "europe-west1-b"}}}};
}

}  // namespace

GoogleIssuer::GoogleIssuer(std::string dir, SigningKey key, Clock& clock)
    : dir_(std::move(dir)), key_(std::move(key)), clock_(clock) {}

Result<std::unique_ptr<GoogleIssuer>, std::string> GoogleIssuer::open(std::string dir,
                                                                      Clock& clock) {
  VESTO_ASSIGN(SigningKey key, SigningKey::load_or_make(dir + "/google-issuer.pem", ""));
  return std::unique_ptr<GoogleIssuer>(new GoogleIssuer(std::move(dir), std::move(key), clock));
}

Result<ServiceAccount, std::string> GoogleIssuer::add_account(const std::string& email,
                                                              const std::string& unique_id) {
  if (!is_email(email)) return std::string("a service account needs an e-mail address");
  if (!unique_id.empty() && !is_unique_id(unique_id)) {
    return std::string("a service account's unique id has 21 digits");
  }
  ServiceAccount account;
  account.email = email;
  account.unique_id = unique_id.empty() ? unique_id_of(email) : unique_id;
  account.project = project_of(email);
  Lock lock(mutex_);
  if (accounts_.size() >= kMaxServiceAccounts) return std::string("too many service accounts");
  if (!accounts_.emplace(email, account).second) return "the account " + email + " is there";
  return account;
}

Result<AccountKeyFile, std::string> GoogleIssuer::make_key_file(const std::string& email,
                                                                const std::string& token_uri) {
  // Held while the key is made: a second caller must not take the same file.
  Lock lock(mutex_);
  const auto it = accounts_.find(email);
  if (it == accounts_.end()) return "no account " + email;
  ServiceAccount& account = it->second;
  if (account.keys.size() >= kMaxAccountKeys) return std::string("the account has ten keys");
  const std::string file = dir_ + "/google-key-" + sha256_hex(email).substr(0, 16) + "-" +
                           std::to_string(account.keys.size()) + ".pem";
  VESTO_ASSIGN(const SigningKey key, SigningKey::load_or_make(file, ""));
  account.keys.push_back(AccountKey{key.kid(), key.public_pem(), false});
  const Json json = {{"type", "service_account"},
                     {"project_id", account.project},
                     {"private_key_id", key.kid()},
                     {"private_key", key.private_pem()},
                     {"client_email", email},
                     {"client_id", account.unique_id},
                     {"auth_uri", "https://accounts.google.com/o/oauth2/auth"},
                     {"token_uri", token_uri},
                     {"auth_provider_x509_cert_url", "https://www.googleapis.com/oauth2/v1/certs"},
                     {"client_x509_cert_url", "https://www.googleapis.com/robot/v1/metadata/x509/" +
                                                  percent_encode(email, false)},
                     {"universe_domain", "googleapis.com"}};
  return AccountKeyFile{key.kid(), json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Result<Unit, std::string> GoogleIssuer::write_key_file(const std::string& email,
                                                       const std::string& token_uri,
                                                       const std::string& file) {
  VESTO_ASSIGN(const AccountKeyFile made, make_key_file(email, token_uri));
  if (!write_small_file(file, made.json)) return "cannot write the key file " + file;
  return Unit{};
}

bool GoogleIssuer::set_account_disabled(const std::string& email, bool disabled) {
  Lock lock(mutex_);
  const auto it = accounts_.find(email);
  if (it == accounts_.end()) return false;
  it->second.disabled = disabled;
  return true;
}

bool GoogleIssuer::set_key_disabled(const std::string& private_key_id, bool disabled) {
  Lock lock(mutex_);
  for (auto& entry : accounts_) {
    for (AccountKey& key : entry.second.keys) {
      if (key.private_key_id != private_key_id) continue;
      key.disabled = disabled;
      return true;
    }
  }
  return false;
}

std::optional<ServiceAccount> GoogleIssuer::account(const std::string& email) const {
  Lock lock(mutex_);
  const auto it = accounts_.find(email);
  if (it == accounts_.end()) return std::nullopt;
  return it->second;
}

JwkSet GoogleIssuer::account_keys(const std::string& email) const {
  JwkSet set;
  const auto found = account(email);
  if (!found) return set;
  for (const AccountKey& key : found->keys) {
    if (!key.disabled) set.add_pem(key.private_key_id, key.public_pem);
  }
  return set;
}

std::optional<std::string> GoogleIssuer::id_token(const std::string& email,
                                                  const std::string& audience,
                                                  TokenForm form) const {
  const auto found = account(email);
  if (!found || found->disabled) return std::nullopt;
  const int64_t now_s = clock_.wall_ms() / 1000;
  Json claims = {{"iss", kGoogleIssuerUrl},
                 {"sub", found->unique_id},
                 {"aud", audience},
                 {"iat", now_s},
                 {"exp", now_s + kIdTokenLifeS}};
  const bool metadata = form == TokenForm::kMetadata || form == TokenForm::kMetadataFull;
  if (metadata) claims["azp"] = found->unique_id;
  if (form == TokenForm::kKeyFile) claims["azp"] = email;
  if (form != TokenForm::kMetadata) {
    claims["email"] = email;
    claims["email_verified"] = true;
  }
  if (form == TokenForm::kMetadataFull) claims["google"] = instance_details(*found, now_s);
  std::string token = key_.sign(claims.dump(-1, ' ', false, Json::error_handler_t::replace));
  remember(token);
  return token;
}

void GoogleIssuer::remember(const std::string& token) const {
  Lock lock(mutex_);
  if (seen_.size() >= kMaxSeenTokens) seen_.pop_front();
  seen_.push_back(token);
}

std::vector<std::string> GoogleIssuer::seen_tokens() const {
  Lock lock(mutex_);
  return {seen_.begin(), seen_.end()};
}

std::string GoogleIssuer::jwks() const { return key_.jwks(); }

}  // namespace vesto::sandbox
