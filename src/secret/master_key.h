// The master key: a file beside the sealed store, or on a medium of its own that is mounted there.
// It seals the data key, which seals the secrets. While keys are rotated it holds two.
//
//   vesto master key 1
//   key <id> <base64 of 32 bytes>
//
// A key's id is a hash of the key (BLAKE2b, 8 bytes), so that a damaged one is noticed as such.
// Thread rule: plain values; one thread at a time.
#ifndef VESTO_SECRET_MASTER_KEY_H_
#define VESTO_SECRET_MASTER_KEY_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "secret/locked_buffer.h"

namespace vesto::secret {

struct MasterKey {
  std::string id;  // 16 hex digits
  LockedBuffer bytes;
};

// DATA/keys and DATA/keys/master.key.
std::string key_dir(const std::string& data_dir);
std::string key_path(const std::string& data_dir);

MasterKey make_master_key();

// The keys of the file; nothing if there is none. Errors: SEC-KEY (others may read the file, or
// change its directory or the data directory; one of them is another user's; not readable,
// damaged).
Result<std::optional<std::vector<MasterKey>>> read_master_keys(const std::string& data_dir);

// Replaces the file by one with these keys (one or two). Errors: SYS-STORE, SYS-DISK, SEC-KEY
// (others may change one of its directories).
Status write_master_keys(const std::string& data_dir, const std::vector<const MasterKey*>& keys);

// The key with this id, or nullptr.
const MasterKey* find_key_of(const std::vector<MasterKey>& keys, const std::string& id);

}  // namespace vesto::secret

#endif  // VESTO_SECRET_MASTER_KEY_H_
