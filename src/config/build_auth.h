// [destination.NAME.auth] and [identity.google]: what is not written is derived, and what does not
// go together is said, with the way out. Pure; any thread.
#ifndef VESTO_CONFIG_BUILD_AUTH_H_
#define VESTO_CONFIG_BUILD_AUTH_H_

#include <vector>

#include "config/config.h"
#include "config/section.h"

namespace vesto {

// `destination` has its name, endpoint and kind already.
AuthConfig build_auth(const Section& auth, const DestinationConfig& destination,
                      std::vector<ConfigIssue>* issues);

GoogleIdentityConfig build_google(const Section& identity, std::vector<ConfigIssue>* issues);

}  // namespace vesto

#endif  // VESTO_CONFIG_BUILD_AUTH_H_
