// AWS credentials and where they come from.
//
//   std::shared_ptr<CredentialSource> source = make_cached(std::move(inner), clock);
//   VESTO_ASSIGN(AwsCredentials keys, source->get(kStagingLifeMs, stop));
//
// A source that is not cached asks anew each time. make_cached keeps what it got, refreshes it at
// min(15 minutes, a quarter of its life) before its end, one caller at a time, and goes on with the
// old ones while a refresh fails and they still last.
#ifndef VESTO_AWS_CREDENTIALS_H_
#define VESTO_AWS_CREDENTIALS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/redact.h"
#include "base/result.h"

namespace vesto {

struct AwsCredentials {
  std::string access_key_id = {};
  Secret secret_access_key = {};
  Secret session_token = {};                  // empty for a long-lived key
  std::optional<int64_t> expires_at_ms = {};  // wall clock; nothing: they do not expire
};

// Thread rule: one thread at a time, unless it was made by make_cached (then any).
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // Credentials that last `min_life_ms` or longer from now, where the source can give such.
  // Errors: AWS-*, GCP-TOKEN, CFG-*, NET-*, RUN-INTERRUPTED.
  virtual Result<AwsCredentials> get(int64_t min_life_ms, const std::stop_token& stop) = 0;
  // AWS said that `used`, which get() gave, have expired: they are not given again. True: get() may
  // give others now, so that one more request is worth it. Only cached sources hold any.
  virtual bool forget(const AwsCredentials& /*used*/) { return false; }
  // Where they come from, for people, without secrets: "the environment (AWS_ACCESS_KEY_ID)".
  [[nodiscard]] virtual std::string describe() const = 0;
};

// Whether it can be the id of an access key: 1 to 128 of [A-Za-z0-9_]. An id from outside that is
// something else must not come into a header or a statement. Source: AWS STS API reference,
// Credentials/AccessKeyId. Pure.
bool is_access_key_id(std::string_view text);

// Whether AWS refused temporary keys because their time is over. Pure.
bool is_expired_token(const Error& error);
// Whether STS refused an identity token (OIDC) because its time is over. Pure.
bool is_expired_identity_token(const Error& error);

// Long-lived ones, as given.
std::unique_ptr<CredentialSource> make_static_credentials(AwsCredentials credentials,
                                                          std::string description);

// Any thread. `clock` must outlive it.
std::unique_ptr<CredentialSource> make_cached(std::unique_ptr<CredentialSource> inner,
                                              Clock& clock);

// The value of an environment variable; nothing if it is not set. For tests a map stands behind it.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

}  // namespace vesto

#endif  // VESTO_AWS_CREDENTIALS_H_
