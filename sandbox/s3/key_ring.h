// The key pairs that the sandbox accepts, in memory, and the default pair kept in a file.
#ifndef VESTO_SANDBOX_S3_KEY_RING_H_
#define VESTO_SANDBOX_S3_KEY_RING_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "sandbox/s3/object_store.h"

namespace vesto::sandbox {

// Thread rule: any thread.
class MemoryKeyRing final : public KeyRing {
 public:
  void add(AccessKey key);  // replaces one of the same id
  void remove(std::string_view id);
  [[nodiscard]] std::optional<AccessKey> find(std::string_view id) const override;

 private:
  mutable Mutex mutex_;
  std::map<std::string, AccessKey, std::less<>> keys_ VESTO_GUARDED_BY(mutex_);
};

// A new long-lived pair: "AKIA" and 16 characters, a secret of 40.
AccessKey make_access_key();

// The pair in DIR/access_key.json (mode 0600), made at the first start. The error is a text for the
// person who starts the sandbox.
Result<AccessKey, std::string> load_or_make_access_key(const std::string& dir);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_KEY_RING_H_
