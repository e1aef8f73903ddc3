// What a bucket is told about itself: public access block, object ownership, lifecycle rules,
// versioning. Each is an XML document that is checked, kept in a form of its own and read back.
// Source: S3 API reference (PutPublicAccessBlock, PutBucketOwnershipControls,
// PutBucketLifecycleConfiguration, PutBucketVersioning), S3 User Guide, "Lifecycle configuration
// elements". Pure; any thread.
#ifndef VESTO_SANDBOX_S3_BUCKET_SETTINGS_H_
#define VESTO_SANDBOX_S3_BUCKET_SETTINGS_H_

#include <array>
#include <map>
#include <string>
#include <string_view>

#include "sandbox/s3/object_store.h"

namespace vesto::sandbox {

struct BucketSetting {
  std::string_view name;  // of the sub-resource: "lifecycle"
  const char* put_action;
  const char* get_action;
  const char*
      absent_code;  // nullptr: absent_text is then the document of none, and it cannot be deleted
  const char* absent_text;
  // The document as it is kept and shown, or why it is refused.
  S3Result<std::string> (*read)(std::string_view body);
};

constexpr size_t kBucketSettings = 4;
const std::array<BucketSetting, kBucketSettings>& bucket_settings();

using BucketSettings = std::map<std::string, std::string>;  // name, document

// As a new bucket has them: all public access blocked, the owner's objects, ACLs disabled.
// `ownership`: of the header x-amz-object-ownership; "": BucketOwnerEnforced.
S3Result<BucketSettings> new_bucket_settings(const std::string& ownership);

// A lifecycle document with one rule, "expire", for all keys.
std::string expiring_after(int64_t days);

// The header x-amz-expiration of an object: when the first of the bucket's enabled rules that fit
// its key removes it, at the midnight (UTC) that follows so many whole days. "": none does.
// `modified_ms` since 1970.
std::string expiration_of(const BucketSettings& settings, std::string_view key,
                          int64_t modified_ms);

// Whether RestrictPublicBuckets is on: a policy for everybody is then for the owner's account.
bool restricts_public(const BucketSettings& settings);

// Enabled: each object that is put is a version of its own. Suspended: it is the null version, and
// older ones stay. Once it was enabled it cannot be off again.
enum class Versioning { kNever, kEnabled, kSuspended };
[[nodiscard]] Versioning versioning_of(const BucketSettings& settings);

// Whether they forbid a bucket policy that is for everybody.
[[nodiscard]] bool blocks_public_policy(const BucketSettings& settings);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_BUCKET_SETTINGS_H_
