// Google ID tokens (OIDC), by which AWS lets us assume a role without a stored AWS key.
// Sources: Google Cloud, "Verifying the identity of instances" (metadata server) and "Using OAuth
// 2.0 for server to server applications" (service-account key, JWT-bearer grant), RFC 7519, RFC
// 7523.
//
// AWS reads from the token: accounts.google.com:sub = sub, :oaud = aud, :aud = azp if set, else
// aud.
// Errors: GCP-TOKEN (message names what answered and how), NET-*, CFG-SECRET-MISSING,
// RUN-INTERRUPTED; never with a token or a key in them.
// Thread rule: one thread at a time.
#ifndef VESTO_AWS_GOOGLE_TOKEN_H_
#define VESTO_AWS_GOOGLE_TOKEN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace vesto {

// Read from the token without checking its signature: AWS does that.
struct TokenClaims {
  std::string issuer = {};
  std::string subject = {};
  std::string audience = {};
  std::string authorized_party = {};  // azp; "" if there is none
  std::string email = {};
  int64_t expires_at_s = 0;  // Unix seconds
};

// GCP-TOKEN if the text is no JWT (three parts, base64url, JSON objects, exp a number).
Result<TokenClaims> parse_token_claims(const Secret& token);

struct IdToken {
  Secret jwt;
  TokenClaims claims;
};

class IdTokenSource {
 public:
  virtual ~IdTokenSource() = default;
  // A token for `audience` with 5 minutes or more to live.
  virtual Result<IdToken> get(const std::string& audience, const std::stop_token& stop) = 0;
  // AWS called `used`, which get() gave, expired: it is not given again. True: get() may give
  // another one now.
  virtual bool forget(const IdToken& used) = 0;
  [[nodiscard]] virtual std::string describe() const = 0;  // "the metadata server"
};

// GCE_METADATA_HOST (default metadata.google.internal), GCE_METADATA_TIMEOUT (seconds, default 3);
// `service_account`: "default" or an e-mail address. 5 attempts. Without a proxy: `http` is made
// with metadata_http_options.
std::unique_ptr<IdTokenSource> make_metadata_tokens(std::string service_account, Clock& clock,
                                                    std::unique_ptr<HttpTransport> http,
                                                    Environment environment);

// What `http` of make_metadata_tokens is made with: GCE_METADATA_TIMEOUT, no proxy.
HttpOptions metadata_http_options(const Environment& environment);

// `key_json`: the service account's key file. Its token_uri is asked; `token_uri` wins over it
// ("" = the file's).
Result<std::unique_ptr<IdTokenSource>> make_key_file_tokens(const Secret& key_json,
                                                            std::string token_uri, Clock& clock,
                                                            std::unique_ptr<HttpTransport> http);

// A file that something else keeps fresh; read at each call. A token in it whose audience is
// another one is refused (GCP-TOKEN says both).
std::unique_ptr<IdTokenSource> make_token_file(std::string path, Clock& clock);

}  // namespace vesto

#endif  // VESTO_AWS_GOOGLE_TOKEN_H_
