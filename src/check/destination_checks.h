// What a destination needs, as checks: the way to the warehouse, who we are at AWS, the login, its
// rights, the bucket, and a load of 40 values that is read back and rolled back.
//
// Nothing is left behind: tables live in a transaction that is rolled back, objects lie under keys
// of their own (StageSpace with the id of kCheckSync) and are removed at the end; those that an
// earlier test left, because it was killed, are found by listing and removed as well.
// Thread rule: the checks run one after the other, in one thread.
#ifndef VESTO_CHECK_DESTINATION_CHECKS_H_
#define VESTO_CHECK_DESTINATION_CHECKS_H_

#include <string_view>
#include <vector>

#include "aws/s3.h"
#include "base/ids.h"
#include "check/check.h"
#include "config/config.h"
#include "kit/kit.h"
#include "sync/assemble.h"

namespace vesto {

// The name under which the objects of checks are staged. No sync can have it: names hold no blank.
inline constexpr std::string_view kCheckSync = "destination test";

// Everything outlives the checks.
struct DestinationUnderTest {
  const Config* config = nullptr;
  const DestinationConfig* destination = nullptr;
  AssembledDestination* to = nullptr;
  S3Options s3 = {};
  InstallationId installation = {};
  KitFacts facts = {};
  Clock* clock = nullptr;
};

std::vector<Check> destination_checks(const DestinationUnderTest& target);

}  // namespace vesto

#endif  // VESTO_CHECK_DESTINATION_CHECKS_H_
