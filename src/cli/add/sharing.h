// What two destinations have in common, as far as the configuration tells: whoever takes one away
// must leave what the other works by.
// Pure; any thread.
#ifndef VESTO_CLI_ADD_SHARING_H_
#define VESTO_CLI_ADD_SHARING_H_

#include <string>

#include "config/config.h"
#include "kit/places.h"

namespace vesto::cli {

// With the account that the endpoint tells.
kit::Places places_of(const DestinationConfig& of);

// In this order: the smaller one of two is what holds for both.
enum class Same { kNo, kMaybe, kYes };

// One warehouse may be reached by several hosts, and one private address may be several warehouses,
// each behind an SSH server of its own.
Same same_warehouse(const DestinationConfig& a, const DestinationConfig& b);
// Of the same warehouse.
Same same_schema(const DestinationConfig& a, const DestinationConfig& b);
// The user of the database, in whichever database of the same warehouse.
Same same_login(const DestinationConfig& a, const DestinationConfig& b);
// Whether the staged files of one may be those of the other.
bool same_objects(const DestinationConfig& a, const DestinationConfig& b);
// Whether the access keys may be of one IAM user.
bool may_share_user(const DestinationConfig& a, const DestinationConfig& b);
// Whether it works or loads by the role. An account that is not known may be that of the other.
bool uses_role(const DestinationConfig& one, const std::string& arn);
// Loads by whichever role is the warehouse's default one.
bool loads_by_default(const DestinationConfig& one);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_SHARING_H_
