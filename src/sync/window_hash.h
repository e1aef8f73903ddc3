// What a read of a window held, in 32 bytes: if the next read holds the same, the destination has
// it all, and no connection to the warehouse is needed.
//
// The bytes are hashed as the source sent them, before any guard, with the markers of the run
// (which are random) replaced. Rows in another order give another hash; that only costs a load.
// Thread rule: one thread at a time.
#ifndef VESTO_SYNC_WINDOW_HASH_H_
#define VESTO_SYNC_WINDOW_HASH_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace vesto {

// One range of a stream.
class RangeHash {
 public:
  // Each marker is found wherever it stands; "" is none.
  explicit RangeHash(std::vector<std::string> markers);
  void add(std::string_view rows);
  std::string finish();  // 32 bytes

 private:
  std::vector<std::string> markers_;
  Sha256 hash_;
};

// `setup`: all that decides what becomes of these rows besides themselves.
std::string window_hash(std::string_view setup, const std::map<size_t, std::string>& ranges);

}  // namespace vesto

#endif  // VESTO_SYNC_WINDOW_HASH_H_
