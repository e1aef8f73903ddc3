// Who Vesto is at one destination, and what that gives it: keys for the staging bucket, a login to
// the warehouse, and what COPY reads with. All of it is temporary where it can be, and refreshed in
// time; one object serves all threads of a run.
//
// - Who asks AWS (a Google token, AWS's chain, an access key) assumes role_arn, if there is one;
// its
//   keys are those for S3 and for Redshift's API.
// - The login: what GetClusterCredentials and its kin give for those keys, or user and password.
// - COPY: the role's keys, narrowed to the run's files; or the access key, or an attached role.
#ifndef VESTO_SYNC_IDENTITY_H_
#define VESTO_SYNC_IDENTITY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "aws/credentials.h"
#include "aws/google_token.h"
#include "aws/redshift_api.h"
#include "aws/sts.h"
#include "base/mutex.h"
#include "config/config.h"
#include "net/http.h"
#include "redshift/load.h"

namespace vesto {

// The configuration with its secrets resolved.
struct IdentityOptions {
  std::string destination_name;
  GoogleIdentityConfig google;
  Secret google_key = {};
  AuthConfig auth;
  std::string user = {};  // method = password
  Secret password = {};
  AwsCredentials access_key = {};  // identity = access_key
  bool serverless = false;
  std::string database;
  std::string host;
  std::string account = {};  // the warehouse's, as its endpoint tells it; "" = unknown
  std::string bucket;
  std::string kms_key_arn = {};
  std::string region;  // for STS; "" = that of the role's partition
};

// Effects on the outside; tests put others in their place.
struct IdentityEffects {
  Clock* clock = nullptr;
  Environment environment;
  std::function<std::unique_ptr<HttpTransport>(HttpOptions)> make_http;
};
IdentityEffects real_identity_effects(Clock& clock);

// Whether COPY's keys can be narrowed to the files of a load: the session policy that does it has
// two names of theirs in it, and STS takes only so much. Checked before anything is read. Errors:
// CFG-VALUE, naming staging.prefix, its bytes, the limit and what would fit.
Status check_copy_policy(const DestinationConfig& destination);

// Where ID tokens come from, as [identity.google] says. `key`: of a key file. Errors: GCP-TOKEN.
Result<std::unique_ptr<IdTokenSource>> make_google_tokens(const GoogleIdentityConfig& config,
                                                          const Secret& key,
                                                          const IdentityEffects& effects);

// A role that is assumed anew at each get(); make_cached keeps what it gives.
class RoleSource;

// Thread rule: any thread.
class DestinationIdentity {
 public:
  // Nothing is asked yet. Errors: CFG-VALUE (an endpoint that is no URL), GCP-TOKEN (a key file
  // that is none).
  static Result<std::shared_ptr<DestinationIdentity>> make(IdentityOptions options,
                                                           IdentityEffects effects);
  ~DestinationIdentity();

  // For S3 and Redshift's API; cached.
  [[nodiscard]] const std::shared_ptr<CredentialSource>& keys() const { return keys_; }
  // User and password for a new connection; cached until a minute before it ends.
  Result<WarehouseLogin> login(const std::stop_token& stop);
  // After `refused` was refused: it is not given again, what another thread has got since stays.
  // True: the next login may help.
  bool forget_login(const WarehouseLogin& refused);
  // LoadTarget::copy_access. Where the keys are a role's, its session is asked for so long as the
  // COPY may take, session_duration at least; keys that last shorter than that are what the role
  // allows.
  Result<CopyAccess> copy_access(const CopyNeed& need, const std::stop_token& stop);

  // For `identity show`. A token for `audience`, "" = this destination's; GCP-TOKEN where there is
  // no Google.
  Result<IdToken> id_token(const std::string& audience, const std::stop_token& stop);
  // The role, assumed with this token. Nothing is cached. Errors: as sts.h.
  Result<AssumedRole> assume_with(const IdToken& token, const std::stop_token& stop);
  // The role, asked for as if no external id were known: a trust policy that demands one refuses
  // it. Not for Google (GCP-TOKEN).
  Result<AssumedRole> assume_with_external_id(const std::string& external_id,
                                              const std::stop_token& stop);
  // Who AWS says we are: at last, and (`asker`) before role_arn is assumed. The latter is not for
  // Google, whom AWS knows by its tokens alone (GCP-TOKEN).
  Result<CallerIdentity> caller(const std::stop_token& stop);
  Result<CallerIdentity> asker(const std::stop_token& stop);
  Result<WarehouseInfo> warehouse(const std::stop_token& stop);
  // The trust policy of role_arn, JSON, which the role itself may be allowed to read. Errors:
  // iam.h.
  Result<std::string> role_trust(const std::stop_token& stop);
  [[nodiscard]] std::string describe() const { return keys_->describe(); }
  // Where `asker` comes from; known once it has been asked.
  [[nodiscard]] std::string describe_asker() const;
  [[nodiscard]] const AuthConfig& auth() const { return options_.auth; }

 private:
  struct NarrowedKeys {
    AwsCredentials keys;
    int64_t life_ms = 0;  // that they had when they came
  };
  DestinationIdentity(IdentityOptions options, IdentityEffects effects);
  Status set_up();
  Result<std::unique_ptr<CredentialSource>> base_source();
  Result<std::unique_ptr<RoleSource>> new_role();
  [[nodiscard]] AssumeRoleRequest role_request() const;
  Result<std::unique_ptr<Sts>> new_sts() const;
  Result<AwsCredentials> narrowed(const CopyNeed& need, const std::stop_token& stop);
  Result<AwsCredentials> own_keys_for_copy(const CopyNeed& need, const std::stop_token& stop);

  const IdentityOptions options_;
  const IdentityEffects effects_;
  std::string region_;
  std::shared_ptr<CredentialSource> keys_;
  std::shared_ptr<CredentialSource> asker_;  // who assumes the role; cached; null for Google
  Mutex login_mutex_;
  std::unique_ptr<RedshiftApi> api_ VESTO_GUARDED_BY(login_mutex_);
  WarehouseLogin login_ VESTO_GUARDED_BY(login_mutex_);
  Mutex copy_mutex_;
  std::unique_ptr<RoleSource> copy_role_ VESTO_GUARDED_BY(copy_mutex_);
  std::map<std::string, NarrowedKeys> narrowed_ VESTO_GUARDED_BY(copy_mutex_);  // by prefix
};

}  // namespace vesto

#endif  // VESTO_SYNC_IDENTITY_H_
