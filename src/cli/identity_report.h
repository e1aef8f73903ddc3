// What `vesto identity show` finds out, and how it is printed. The finding asks Google and AWS
// (bounded by their clients' own timeouts and attempts); the texts are pure functions.
#ifndef VESTO_CLI_IDENTITY_REPORT_H_
#define VESTO_CLI_IDENTITY_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "aws/google_token.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/terminal.h"
#include "config/config.h"
#include "sync/identity.h"
#include "sync/trust_bound.h"

namespace vesto::cli {

// What `identity show` asks a token for where no destination says it, and what no role should take.
constexpr const char* kShowAudience = "vesto-identity-show";

// Our Google identity. Never the token itself.
struct GoogleReport {
  std::string source;  // "the metadata server"
  std::optional<TokenClaims> claims;
  std::optional<Error> error;
};

// One destination. What could not be found out is empty, and `error` says why.
struct IdentityReport {
  const DestinationConfig* destination = nullptr;  // lives in the configuration
  std::string source;                              // who asks AWS, for people
  std::string user;                                // of a login by password
  std::optional<GoogleReport> google;
  std::optional<CallerIdentity> asker;  // before role_arn is assumed, where it is
  std::optional<CallerIdentity> self;   // who AWS says we are in the end
  TrustBound bound = TrustBound::kNotTested;
  std::string why;
  std::string took;          // kLoose: what it took, as a sentence's end
  std::string trust_policy;  // of role_arn; "" where there is none, or who is to be trusted unknown
  std::string permission_policy;
  bool path_unknown = false;               // of the role that the trust policy names
  std::optional<WarehouseInfo> warehouse;  // where we may ask for it; not for a login by password
  bool workgroup_known = true;             // false: its UUID is to be put into the policy
  std::string database_user;               // of a temporary login; "" if unknown
  std::vector<std::string> grants;         // SQL
  std::optional<Error> error;
};

// A token for the first of `audiences` (one or more) that there is one for. `key`: of a key file.
GoogleReport report_google(const GoogleIdentityConfig& config, const Result<Secret>& key,
                           const std::vector<std::string>& audiences, Clock& clock);
// `options`: identity_options() of the destination. `others`: audiences and external ids of other
// destinations, which this one's role must not take.
IdentityReport report_identity(const DestinationConfig& destination,
                               Result<IdentityOptions> options,
                               const std::vector<std::string>& others, Clock& clock);

// Where there are several destinations, or none.
std::string overview_text(const Config& config, const std::optional<GoogleReport>& google,
                          int64_t now_ms);
std::string identity_text(const IdentityReport& report, const Terminal& terminal, int64_t now_ms);
// vesto.identity/1. With a report: of its destination alone.
std::string identity_json(const Config& config, const std::optional<GoogleReport>& google,
                          const IdentityReport* report, int64_t now_ms);

}  // namespace vesto::cli

#endif  // VESTO_CLI_IDENTITY_REPORT_H_
