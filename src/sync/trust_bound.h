// Whether a role is bound to one destination: by the audience of a Google token, or by the external
// id. A role that also takes another one's takes every tenant's of this Vesto (the confused deputy,
// IAM user guide). Tried out, since a policy cannot be read from outside.
// Thread rule: any thread; at most 2 * kMaxForeignNames calls, each with its client's own bounds.
#ifndef VESTO_SYNC_TRUST_BOUND_H_
#define VESTO_SYNC_TRUST_BOUND_H_

#include <stop_token>
#include <string>
#include <vector>

#include "sync/identity.h"

namespace vesto {

inline constexpr size_t kMaxForeignNames = 10;  // names that a role is tried with

enum class TrustBound {
  kNotTested,  // `why` says why not; "" where there is nothing to test
  kBound,
  kLoose
};

struct TrustTest {
  TrustBound bound = TrustBound::kNotTested;
  std::string why = {};
  std::string took = {};  // kLoose: what it took, as a sentence's end
};

// By tokens for audiences that are not ours. `others`: those of other destinations. `own_audience`:
// this one's. A token file has a token for one audience, so nothing can be tested with it.
TrustTest test_audience(DestinationIdentity& identity, const std::string& own_audience,
                        const std::vector<std::string>& others, const std::stop_token& stop);

// By AssumeRole without the external id, and with others. Nothing is tested where it is "".
TrustTest test_external_id(DestinationIdentity& identity, const std::string& own_id,
                           const std::vector<std::string>& others, const std::stop_token& stop);

// Audiences and external ids of destinations with other roles, which this one's must not take.
std::vector<std::string> names_of_other_roles(const Config& config, const DestinationConfig& own);

// The same, at most kMaxForeignNames and none of this one's own, for the kit's scripts.
std::vector<std::string> foreign_names(const Config& config, const DestinationConfig& own);

}  // namespace vesto

#endif  // VESTO_SYNC_TRUST_BOUND_H_
