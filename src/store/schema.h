// The tables of the store and their versions.
#ifndef VESTO_STORE_SCHEMA_H_
#define VESTO_STORE_SCHEMA_H_

#include "base/result.h"
#include "store/sqlite.h"

namespace vesto::store {

// "Vsto", in the header of the file: tells our store from any other SQLite file.
constexpr int64_t kApplicationId = 0x5673746F;
// Version that this program writes. A newer file is refused, an older one is brought up.
constexpr int64_t kSchemaVersion = 2;

// Whether the file is ours to use as it is: of this program, or empty, as a first run leaves it
// that was ended, or had no room, before its first COMMIT; and not newer than this program. Gives
// the version, 0 = empty. Reads alone. Errors: SYS-STORE, and those of reading.
Result<int64_t> version_of_ours(Database& db, const std::string& path);

// Switches to WAL and brings the tables to kSchemaVersion in one transaction. Two processes may do
// so at once. Errors: SYS-STORE (a newer or foreign file, damage), SYS-DISK, SYS-STORE-BUSY.
Status migrate(Database& db, const std::string& path);

}  // namespace vesto::store

#endif  // VESTO_STORE_SCHEMA_H_
