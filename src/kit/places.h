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

// Who the work is done by.
enum class Actor {
  kRole,    // a role that Vesto assumes: "role" makes it
  kPod,     // the role of a pod, by EKS's web identity: "role" makes it
  kOwn,     // what Vesto runs as; only its rights are to be set
  kKeyUser  // an IAM user with a key: "key" makes it
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
  std::string policy;     // name
  std::string user;       // of IAM
  std::string copy_role;  // name alone
  std::string copy_role_path;
  std::string database_user;
};
Places places_of(const DestinationConfig& destination, const KitFacts& facts);

}  // namespace vesto::kit

#endif  // VESTO_KIT_PLACES_H_
