// What a comparison of source and warehouse is asked, and what it found. Plain values.
#ifndef VESTO_SYNC_PARITY_RESULT_H_
#define VESTO_SYNC_PARITY_RESULT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace vesto {

// Of the rows, every sixteenth by the hash of its key.
inline constexpr uint32_t kParitySampleOneIn = 16;
// Differences that are named for one table; all are counted.
inline constexpr size_t kParityListed = 100;

struct ParityOptions {
  bool sample = false;  // sums over all rows, values of a part of them
};

struct ParityDifference {
  enum class Kind {
    kMissing,          // only in the source
    kOnlyInWarehouse,  // Vesto never deletes it, but for a full refresh
    kTwice,            // its key stands more than once in the warehouse
    kDiffers,          // in the columns named
  };
  Kind kind = Kind::kMissing;
  std::string key;                   // JSON object, as of rejected rows: {"id":"7"}
  std::vector<std::string> columns;  // names of the source
};
std::string parity_kind_name(ParityDifference::Kind kind);  // "missing", "only_in_warehouse", ...

// One table. Values of rows are in none of it, but for keys.
struct ParityResult {
  std::string name;
  std::string target;               // "schema.table"
  std::optional<Error> error;       // why it was not compared
  bool keyed = false;               // rows are named by a key; otherwise they are only counted
  bool sums_known = false;          // both sides have summed up
  std::string no_sums;              // why not
  std::vector<std::string> unlike;  // columns whose count or sum differs; "*": the number of rows
  bool sums_equal = false;          // the hashes of keys and rows too
  bool streamed = false;            // values were compared one by one
  uint32_t sampled_one_in = 0;      // 0: all of them
  uint64_t source_rows = 0;
  uint64_t warehouse_rows = 0;
  uint64_t compared_rows = 0;  // value by value
  uint64_t missing = 0;
  uint64_t only_in_warehouse = 0;
  uint64_t twice = 0;
  uint64_t differing = 0;
  uint64_t rejected = 0;       // rows that Redshift cannot hold: not expected there
  uint64_t nulled_values = 0;  // in whose place on_unrepresentable has put NULL
  uint64_t kept_rejected = 0;  // keys in _vesto_rejected, at most 10,000
  std::vector<ParityDifference> listed;
  // Keys that an upsert of these rows would mend, as texts of the source; at most kMaxWantedKeys.
  std::vector<std::vector<std::string>> mendable;

  [[nodiscard]] uint64_t differences() const {
    return missing + only_in_warehouse + twice + differing;
  }
  // The sums differ, the sample shows no row that does, and no rejected row explains it.
  [[nodiscard]] bool unexplained() const {
    return sampled_one_in > 0 && sums_known && !sums_equal && differences() == 0 &&
           rejected + kept_rejected + nulled_values == 0;
  }
  [[nodiscard]] bool equal() const { return !error && differences() == 0 && !unexplained(); }
};

}  // namespace vesto

#endif  // VESTO_SYNC_PARITY_RESULT_H_
