// Where the local store lies. Inside store/ only.
#ifndef VESTO_STORE_PLACE_H_
#define VESTO_STORE_PLACE_H_

#include <string>

#include "base/result.h"

namespace vesto::store {

// Makes the data directory `dir` and the file `path` in it, for this user alone, where they are not
// there yet. Errors: SYS-STORE, SYS-DISK.
Status make_place(const std::string& dir, const std::string& path);

}  // namespace vesto::store

#endif  // VESTO_STORE_PLACE_H_
