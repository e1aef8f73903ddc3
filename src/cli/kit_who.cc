#include "cli/kit_who.h"

namespace vesto::cli {

std::string who_text(const KitPart& part, const DestinationConfig& of) {
  // Who assumes the role need not be of its account.
  const bool assumes = part.id == "asker" || (part.id == "key" && !of.auth.role_arn.empty());
  if (assumes) return "your own AWS admin, if the role is of another account";
  if (part.who == "aws_admin") return "an AWS admin";
  if (part.who == "redshift_admin") return "a Redshift admin";
  if (part.who == "network_admin") return "a network admin";
  return "you, to send on";
}

}  // namespace vesto::cli
