// Whether the session policy that narrows COPY's keys can be written, asked before anything is
// read.
#include "address/arn.h"
#include "aws/policies.h"
#include "base/strings.h"
#include "stage/object_keys.h"
#include "sync/identity.h"

namespace vesto {

namespace {

// A load has fewer streams; their number stands in the keys.
constexpr int kLongestStreamNumber = 99'999;

// For a load whose keys are as long as they get. The ids have the lengths of real ones.
Result<std::string> longest_policy(const DestinationConfig& destination, std::string_view prefix) {
  const StageSpace space{.bucket = destination.bucket,
                         .prefix = std::string(prefix),
                         .installation = {std::string(16, 'i')},
                         .sync = sync_id(""),
                         .run = make_run_id(0)};
  const std::string manifest = manifest_key(space, kLongestStreamNumber);
  return copy_session_policy(std::string(partition_of_arn(destination.auth.role_arn).name),
                             destination.bucket, manifest.substr(0, manifest.rfind('/') + 1),
                             destination.kms_key_arn);
}

Error refused(const std::string& where, const Error& why, const std::string& hint) {
  return Error(why.code(), where + ": " + why.message()).with_hint(hint);
}

}  // namespace

Status check_copy_policy(const DestinationConfig& destination) {
  if (destination.auth.copy != "session_keys" || destination.auth.role_arn.empty()) {
    return ok_status();
  }
  const std::string where = "destination." + destination.name + ".staging";
  const auto without = longest_policy(destination, "");
  if (!without.ok()) return refused(where, without.error(), without.error().hint());
  std::string_view prefix = destination.prefix;
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  const auto policy = longest_policy(destination, prefix);
  if (policy.ok()) return ok_status();
  size_t fits_bytes = prefix.size();  // 512 at most, by the configuration
  while (fits_bytes > 0 && !longest_policy(destination, cut_utf8(prefix, fits_bytes)).ok()) {
    --fits_bytes;
  }
  return refused(where + ".prefix has " + std::to_string(prefix.size()) + " bytes", policy.error(),
                 "COPY gets keys that are narrowed to its files, and both are named there. Shorten "
                 "prefix to " +
                     std::to_string(fits_bytes) +
                     " bytes, or let COPY read by a role that is attached to the warehouse "
                     "(copy_role_arn).");
}

}  // namespace vesto
