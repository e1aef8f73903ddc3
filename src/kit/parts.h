// The texts of the parts, one function each; kit.cc puts them together. Pure; any thread.
#ifndef VESTO_KIT_PARTS_H_
#define VESTO_KIT_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "aws/policies.h"
#include "kit/kit.h"
#include "kit/places.h"

namespace vesto::kit {

constexpr int64_t kDefaultSessionS = 3600;  // that every role allows

// --- policies (JSON) ---
// Of what a policy allows, the temporary login alone.
PermissionNeeds login_needs(const DestinationConfig& destination, const Places& places);
std::string copy_policy_for(const DestinationConfig& destination, const KitFacts& facts);
// The services that the role is to trust by which COPY reads, and its trust policy.
std::vector<std::string> copy_services(const DestinationConfig& destination);
std::string copy_trust_for(const DestinationConfig& destination);
// Of the user whose access key it is.
std::string key_policy_for(const DestinationConfig& destination, const KitFacts& facts);

// Of the role that Vesto's own pods on EKS run as.
std::string pod_trust_for(const DestinationConfig& destination, const KitFacts& facts);

// --- SQL ---
std::string sql_text(const DestinationConfig& destination, const Places& places);
std::string owner_text(const DestinationConfig& destination, const KitFacts& facts,
                       const Places& places);

// --- shell: steps without their frame (shell.h) ---
std::string bucket_steps(const DestinationConfig& destination, const Places& places);
// Of them the rule that removes what a run leaves there. $MADE: "yes" where they made the bucket.
std::string lifecycle_steps(const DestinationConfig& destination, const Places& places);
// Each stops where the policy that stands is for other places: a second Vesto may have a
// destination of the same name. They stand before the first change, so that nothing of the other's
// is touched: the whole script has those of all of its steps at its head.
// Of whoever does the work.
std::string work_guards(const DestinationConfig& destination, const Places& places);
// Of the user whose key assumes a role.
std::string key_guards(const DestinationConfig& destination, const Places& places);
// Of the role that COPY reads with. They look up what copy_role_steps() needs, too.
std::string copy_role_guards(const DestinationConfig& destination, const Places& places);
// Behind work_guards().
std::string role_steps(const DestinationConfig& destination, const KitFacts& facts,
                       const Places& places);
// Behind key_guards(); where the user does the work itself, behind work_guards().
std::string key_steps(const DestinationConfig& destination, const KitFacts& facts,
                      const Places& places);
// Behind copy_role_guards().
std::string copy_role_steps(const DestinationConfig& destination, const KitFacts& facts,
                            const Places& places);
// The same with their guards, to be run by themselves.
std::string role_part(const DestinationConfig& destination, const KitFacts& facts,
                      const Places& places);
std::string key_part(const DestinationConfig& destination, const KitFacts& facts,
                     const Places& places);
// What lets whoever Vesto runs as assume a role of another account.
std::string asker_part(const DestinationConfig& destination, const KitFacts& facts,
                       const Places& places);
std::string copy_role_part(const DestinationConfig& destination, const KitFacts& facts,
                           const Places& places);
std::string network_steps(const DestinationConfig& destination, const KitFacts& facts,
                          const Places& places);
// The same within a script of other things: only where whoever runs it asks for it. "" where the
// group can be neither known nor looked up.
std::string network_if_asked(const DestinationConfig& destination, const KitFacts& facts,
                             const Places& places);
std::string warehouse_steps(const DestinationConfig& destination, const Places& places);

// --- others ---
std::string terraform_text(const DestinationConfig& destination, const KitFacts& facts,
                           const Places& places);
std::string message_text(const DestinationConfig& destination, const KitFacts& facts,
                         const Places& places);

}  // namespace vesto::kit

#endif  // VESTO_KIT_PARTS_H_
