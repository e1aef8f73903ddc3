// Guards against slips in names, for the kit's scripts: what a wrong name would make, or replace,
// is asked about first. Pure; any thread.
#ifndef VESTO_KIT_SHELL_GUARDS_H_
#define VESTO_KIT_SHELL_GUARDS_H_

#include <string>
#include <string_view>

#include "kit/kit.h"
#include "kit/places.h"

namespace vesto::kit {

// Before steps that change something at AWS: who runs them must be of the account that the
// configuration tells, where it does. `part`: as that of the kit. Lines that stand alone, which
// shell.h puts before all that asks AWS.
std::string account_guard(const DestinationConfig& to, const Places& places, std::string_view part);

// For where there is no such role: a name close to one that is there is asked about. Within an if,
// indented by 2.
std::string role_guard(const DestinationConfig& to, const Places& places);
// The same for the role that COPY reads by.
std::string copy_role_guard(const DestinationConfig& to, const Places& places);
// The account must be that of auth.copy_role_arn. Lines that stand alone.
std::string copy_account_guard(const DestinationConfig& to, const Places& places);

// For where there is no such bucket: a name close to one of the account's. Within an if.
std::string bucket_guard_near(const DestinationConfig& to, const Places& places);

// The guards below look at $STANDING, what read_standing() (shell_aws.h) has found.

// Before a policy takes the place of one that stands: that must be for the same bucket and prefix.
std::string bucket_guard_standing(const DestinationConfig& to);

// Before a user's policy takes the place of one that stands: that must let it assume the role of
// auth.role_arn, or none.
std::string assumed_role_guard(const DestinationConfig& to);

// Before a policy without a temporary login takes the place of one that stands: that must have none
// either. `what`: why there is none, as the beginning of a sentence.
std::string login_guard(std::string_view what);
inline constexpr std::string_view kAssumesAlone =
    "The one that takes its place is for assuming a role alone";

// Before a policy names the warehouse: it must be there, be that of the endpoint, and no other one
// than the policy that stands names, of either kind. Where it names none, login_guard().
std::string warehouse_guard(const DestinationConfig& to, const Places& places);

}  // namespace vesto::kit

#endif  // VESTO_KIT_SHELL_GUARDS_H_
