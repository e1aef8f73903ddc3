// Which pod of EKS this is.
#ifndef VESTO_CHECK_POD_FACTS_H_
#define VESTO_CHECK_POD_FACTS_H_

#include <string>

#include "kit/kit.h"

namespace vesto {

// The pod's issuer, subject and role, as its token and its environment say; nothing elsewhere, and
// nothing where `auth` asks by something else: a profile that it names is asked alone.
// Thread rule: as getenv().
void add_pod_facts(const AuthConfig& auth, KitFacts* facts);

// Whether who asks, as DestinationIdentity::describe_asker() words it, is that pod by its role.
bool asks_as_pod(const std::string& asker, const KitFacts& facts);

}  // namespace vesto

#endif  // VESTO_CHECK_POD_FACTS_H_
