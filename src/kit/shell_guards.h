// Guards against slips in names, for the kit's scripts: what a wrong name would make, or replace,
// is asked about first. Pure; any thread.
#ifndef VESTO_KIT_SHELL_GUARDS_H_
#define VESTO_KIT_SHELL_GUARDS_H_

#include <string>

#include "kit/kit.h"
#include "kit/places.h"

namespace vesto::kit {

// For where there is no such role: the account must be that of who runs this, and a name close to
// one that is there is asked about. Within an if, indented by 2.
std::string role_guard(const DestinationConfig& to, const Places& places);

// For where there is no such bucket: a name close to one of the account's. Within an if.
std::string bucket_guard_near(const DestinationConfig& to, const Places& places);

// Before a policy names the warehouse: it must be there, be that of the endpoint, and no other one
// than the policy that stands names. `get_policy` prints that policy as JSON, with --query $1.
// "" where the policy names none.
std::string warehouse_guard(const DestinationConfig& to, const Places& places,
                            const std::string& get_policy);

}  // namespace vesto::kit

#endif  // VESTO_KIT_SHELL_GUARDS_H_
