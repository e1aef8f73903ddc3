// What a destination needs, as checks: its configuration and secrets, the way to the warehouse, who
// we are at AWS, the login, its rights, the bucket, and a load of 40 values that is read back and
// rolled back.
//
// Nothing is left behind: tables live in a transaction that is rolled back, objects lie under keys
// of their own (StageSpace with the id of check_sync()) and are removed at the end; those that an
// earlier test left, because it was killed, are found by listing and by the local store's journal,
// which also knows those below a former prefix, and removed as well.
// Thread rule: the checks run one after the other, in one thread.
#ifndef VESTO_CHECK_DESTINATION_CHECKS_H_
#define VESTO_CHECK_DESTINATION_CHECKS_H_

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "check/check.h"
#include "config/config.h"

namespace vesto {

namespace check {
class StoreLook;  // host_checks.h
}

// The name under which the objects of this destination's checks are staged. No sync can have it:
// names hold no blank.
SyncId check_sync(std::string_view destination);
// The lock that a test of theirs holds, in the data directory: nothing but a test makes it.
std::string check_lock_path(const std::string& data_dir, const SyncId& check_sync);
// Under which those of all destinations lay once: what a test left there is removed as well.
inline constexpr std::string_view kFormerCheckSync = "destination test";

// Everything outlives the checks. The checks open the secrets and the store themselves.
struct DestinationUnderTest {
  const Config* config = nullptr;
  const DestinationConfig* destination = nullptr;
  const SealedStore* secrets = nullptr;
  std::string data_dir;
  Clock* clock = nullptr;
  std::stop_token stop = {};          // ends a connection attempt that waits
  check::StoreLook* store = nullptr;  // optional: shared with the host and other destinations
};

std::vector<Check> destination_checks(const DestinationUnderTest& target);

}  // namespace vesto

#endif  // VESTO_CHECK_DESTINATION_CHECKS_H_
