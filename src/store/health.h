// Whether the local store is whole: for `vesto doctor` and the tests of destinations.
#ifndef VESTO_STORE_HEALTH_H_
#define VESTO_STORE_HEALTH_H_

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace vesto {

struct StoreHealth {
  bool there = false;          // false: nobody has made one yet, which is no fault
  int64_t schema_version = 0;  // 0: it is empty; the next run makes its tables, no fault either
  int64_t size_bytes = 0;
  std::string damage;           // what SQLite's own look found first; "" = nothing
  bool looked_through = false;  // that look came to its end
};

// Reads DIR/vesto.db and changes nothing. SQLite looks at all of it, some 100 MB a second, or at
// what it comes to before `stop`. Errors: SYS-STORE (not a store, one of a newer Vesto, no rights),
// SYS-STORE-BUSY. Any thread.
Result<StoreHealth> look_at_store(const std::string& data_dir, const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_STORE_HEALTH_H_
