// Rows that leave the stream of CSV: those that COPY cannot carry but INSERT can (the side door),
// and those that Redshift cannot hold at all (rejected rows). Made by the guards, delivered with
// the rest of their stream in one transaction.
// Thread rule: DiversionLimits may be shared by lanes; a Diversion belongs to one lane.
#ifndef VESTO_ENCODE_DIVERSION_H_
#define VESTO_ENCODE_DIVERSION_H_

#include <atomic>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vesto {

// What rows of the side door may take in one run; beyond it they are rejected.
inline constexpr int64_t kSideDoorBytes = 16LL << 20;
// A row of the side door holds no value longer than this: Redshift may take no longer literal.
inline constexpr size_t kLongestLiteralBytes = 65'535;
// A value longer than this is kept in part: the row itself is still in the source.
inline constexpr size_t kKeptValueBytes = 4096;
// What the values of all rejected rows of a run may take; beyond it only their size is kept.
inline constexpr int64_t kKeptValuesBytes = 16LL << 20;

// One row, value by value, as the source printed it; nothing = NULL. Binary is hexadecimal.
using SideRow = std::vector<std::optional<std::string>>;

struct RejectedRow {
  std::string key;           // JSON object: {"id":"7"}; {} for a stream without a key
  std::string column;        // the source's name; "" = the row as a whole
  std::string reason;        // "numeric NaN, which DECIMAL(12,2) cannot take"
  std::string value;         // at most kKeptValueBytes of it, cut at a character
  uint64_t value_bytes = 0;  // all of it
  bool operator==(const RejectedRow&) const = default;
};

// Memory for all streams of a run together.
struct DiversionBytes {
  std::atomic<int64_t> side_left{kSideDoorBytes};
  std::atomic<int64_t> value_left{kKeptValuesBytes};
};

// The bounds of one stream, shared by its lanes.
struct DiversionLimits {
  std::shared_ptr<DiversionBytes> bytes;
  std::atomic<int64_t> rejected_rows_left{0};

  DiversionLimits(std::shared_ptr<DiversionBytes> of_the_run, int64_t max_rejected_rows)
      : bytes(std::move(of_the_run)), rejected_rows_left(max_rejected_rows) {}
  // Takes `amount` of what is left; false (and nothing taken) if it is less.
  static bool take(std::atomic<int64_t>* left, int64_t amount) {
    if (left->fetch_sub(amount) >= amount) return true;
    left->fetch_add(amount);
    return false;
  }
};

struct Diversion {
  std::vector<SideRow> side;
  std::vector<RejectedRow> rejected;
  uint64_t nulled_values = 0;  // values in whose place NULL stands, as on_unrepresentable says

  void merge(Diversion other) {
    side.insert(side.end(), std::make_move_iterator(other.side.begin()),
                std::make_move_iterator(other.side.end()));
    rejected.insert(rejected.end(), std::make_move_iterator(other.rejected.begin()),
                    std::make_move_iterator(other.rejected.end()));
    nulled_values += other.nulled_values;
  }
};

}  // namespace vesto

#endif  // VESTO_ENCODE_DIVERSION_H_
