// What the shell texts for IAM have in common. Pure; any thread.
#ifndef VESTO_KIT_SHELL_AWS_H_
#define VESTO_KIT_SHELL_AWS_H_

#include <string>
#include <string_view>

#include "kit/kit.h"
#include "kit/places.h"

namespace vesto::kit {

// "aws s3api get-bucket-policy --region eu-west-1 --bucket acme-stage"
std::string on_bucket(std::string_view operation, const DestinationConfig& to,
                      const Places& places);

// The description by which a role is known again that this kit has made for this destination.
std::string made_by_kit(const DestinationConfig& to);

// aws iam create-role with $TRUST; `longer`: more flags.
std::string create_role(const DestinationConfig& to, const Places& places, const std::string& role,
                        const std::string& path, std::string_view longer);

// aws iam put-role-policy or put-user-policy. `kind`: "role" or "user"; `name`: a word of sh with
// its flag.
std::string put_policy(const Places& places, std::string_view kind, const std::string& name,
                       const std::string& policy_name, const std::string& policy);

// Lines that stop where a policy that is to be replaced denies something: before the first change,
// as put_policy() stops only behind what a script has done until then. `kind`, `name`: as above.
std::string deny_guard(const Places& places, std::string_view kind, const std::string& name,
                       const std::string& policy_name);

// Lines that put into $STANDING what a policy that stands allows and names, as JSON, each text on a
// line of its own; '' where there is none. One that cannot be read may be another's, and stops.
// `kind`, `name`: as above.
std::string read_standing(const Places& places, std::string_view kind, const std::string& name,
                          const std::string& policy_name);

// Lines for a role that is there ($TRUST: `trust`, as it is to be): lets us in, and takes out what
// lets others use the role by this Vesto. role() is defined. Within an if, indented by 2.
std::string trust_of_role(const DestinationConfig& to, const KitFacts& facts, const Places& places,
                          const std::string& trust);

// Lines for COPY's role that is there (`name`: a word of sh with its flag): where it does not trust
// the warehouse they stop with the statement that lacks, or add it to the kit's own. Within an if,
// indented by 2.
std::string trust_of_copy_role(const DestinationConfig& to, const Places& places,
                               const std::string& name);

}  // namespace vesto::kit

#endif  // VESTO_KIT_SHELL_AWS_H_
