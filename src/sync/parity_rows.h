// Rows of both sides, value by value. With a key: bucket by bucket, the source's rows of one bucket
// in memory (a bound in bytes; a bucket that is larger is cut in two), the warehouse's streamed by.
// Without one: digests of whole rows, counted.
// Thread rule: one thread.
#ifndef VESTO_SYNC_PARITY_ROWS_H_
#define VESTO_SYNC_PARITY_ROWS_H_

#include <cstdint>
#include <set>
#include <string>

#include "base/result.h"
#include "sync/parity_result.h"
#include "sync/parity_source.h"
#include "sync/parity_warehouse.h"

namespace vesto {

struct ParityTable {
  StreamSchema schema;
  TargetName target;
  uint64_t bucket_bytes = 0;       // what rows of the source may take in memory
  uint64_t estimated_rows = 0;     // of the source
  uint64_t estimated_bytes = 0;    // the same; 0: not known
  uint64_t widest_bytes = 0;       // no row of the warehouse prints as more
  std::set<std::string> rejected;  // keys in _vesto_rejected
  bool sample = false;
};

// Inside a transaction of `warehouse`. Adds what it finds to `result`.
Status compare_rows(const ParityTable& table, ParitySource* source, ParityWarehouse* warehouse,
                    ParityResult* result);

}  // namespace vesto

#endif  // VESTO_SYNC_PARITY_ROWS_H_
