// Names, regions and accounts of one destination's kit, each known or as <<NAME>>.
// Pure; any thread.
#ifndef VESTO_KIT_PLACES_H_
#define VESTO_KIT_PLACES_H_

#include <string>
#include <string_view>
#include <vector>

#include "kit/kit.h"

namespace vesto::kit {

// "<<ROLE_NAME>>"
std::string placeholder(std::string_view name);
std::string or_placeholder(const std::string& value, std::string_view name);
// The names of the placeholders that stand in the text, each once.
std::vector<std::string> missing_in(std::string_view text);

// An address as a range: "/32" or "/128" behind one that has no "/".
std::string with_bits(const std::string& address);

// Who the work is done by.
enum class Actor {
  kRole,     // a role that Vesto assumes: "role" makes it
  kOwn,      // the role that Vesto runs as; only its rights are to be set
  kOwnUser,  // the IAM user that Vesto runs as; only its rights are to be set
  kKeyUser   // an IAM user with a key: "key" makes it
};

struct Places {
  Actor actor = Actor::kRole;
  std::string partition;      // "aws-cn"
  std::string region;         // of the warehouse
  std::string bucket_region;  // of the staging bucket
  std::string account;        // 12 digits
  std::string warehouse;      // cluster or workgroup
  std::string role;           // name alone
  std::string role_path;      // "/" or "/x/y/"
  std::string role_arn;
  std::string policy;           // name
  std::string copy_policy;      // name; another one, as both roles may be one
  std::string user;             // of IAM, name alone
  bool user_elsewhere = false;  // it is in another account than the role that it assumes
  // So is whoever Vesto runs as and assumes it from AWS's chain, or may be: where nothing tells.
  bool own_elsewhere = false;
  std::string principal_arn;  // who assumes the role, of this partition; "" = not known
  // The same as a trust policy names it: <<PRINCIPAL_PATH>> stands for a path that is not known.
  std::string principal;
  std::string pod_role_arn;   // of Vesto's own pods, of this partition; "" = not known
  std::string workgroup_arn;  // of this partition; "" = not known
  std::string copy_role;      // name alone
  std::string copy_role_path;
  std::string database_user;
};
Places places_of(const DestinationConfig& destination, const KitFacts& facts);

}  // namespace vesto::kit

#endif  // VESTO_KIT_PLACES_H_
