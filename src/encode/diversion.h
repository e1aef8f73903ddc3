// Rows that leave the stream of CSV: those that COPY cannot carry but INSERT can (the side door),
// and those that Redshift cannot hold at all (rejected rows). Made by the guards, delivered with
// the rest of their stream in one transaction.
// Thread rule: DiversionLimits may be shared by lanes; a Diversion belongs to one lane.
#ifndef VESTO_ENCODE_DIVERSION_H_
#define VESTO_ENCODE_DIVERSION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vesto {

// Memory that rows of the side door may take at a time, all tables of a run together; beyond it
// each of their values goes as its column says.
inline constexpr int64_t kSideDoorBytes = 16LL << 20;
// A row of the side door holds no value longer than this: Redshift may take no longer literal.
inline constexpr size_t kLongestLiteralBytes = 65'535;
// Nor has a row more than this as literals: a statement ends at 16 MiB, and one begins no new row
// behind its first MiB (kInsertTextBytes).
inline constexpr size_t kLongestRowLiteralsBytes = 14U << 20;
// A value longer than this is kept in part: the row itself is still in the source.
inline constexpr size_t kKeptValueBytes = 4096;
// What the values of rejected rows may take at a time; beyond it only their size is kept.
inline constexpr int64_t kKeptValuesBytes = 16LL << 20;
// Memory that rejected rows may take at a time beside their values; beyond it the table fails.
inline constexpr int64_t kRejectedRowsBytes = 32LL << 20;

// One row, value by value, as the source printed it; nothing = NULL. Binary is hexadecimal.
// The values are packed into one text, each behind its size plus one (7 bits a byte, the lowest
// first; 0 = NULL): a string for each would take ten times the memory of short ones.
class SideRow {
 public:
  SideRow() = default;
  SideRow(std::initializer_list<std::optional<std::string_view>> values);
  void add(std::optional<std::string_view> value);
  // Views into the row; good as long as it stands unchanged.
  [[nodiscard]] std::vector<std::optional<std::string_view>> values() const;
  // What the row takes in a vector that grows, at the most.
  [[nodiscard]] int64_t memory_bytes() const;
  bool operator==(const SideRow&) const = default;

 private:
  std::string packed_;
};

struct RejectedRow {
  std::string key;           // JSON object: {"id":"7"}; {} for a stream without a key
  std::string column;        // the source's name; "" = the row as a whole
  std::string reason;        // "numeric NaN, which DECIMAL(12,2) cannot take"
  std::string value;         // at most kKeptValueBytes of it, cut at a character
  uint64_t value_bytes = 0;  // all of it
  // The same of this row, without `value`.
  [[nodiscard]] int64_t memory_bytes() const;
  bool operator==(const RejectedRow&) const = default;
};

// What of a run's memory rows that leave the stream may take, all streams together.
enum class DiversionBound : size_t { kSideDoor, kKeptValues, kRejectedRows };
inline constexpr size_t kDiversionBounds = 3;
using DiversionSizes = std::array<int64_t, kDiversionBounds>;
struct DiversionBytes {
  std::array<std::atomic<int64_t>, kDiversionBounds> left{kSideDoorBytes, kKeptValuesBytes,
                                                          kRejectedRowsBytes};
  std::atomic<int64_t>& left_of(DiversionBound bound) {
    return left.at(static_cast<size_t>(bound));
  }
};

// The bounds of one stream, shared by its lanes.
struct DiversionLimits {
  std::shared_ptr<DiversionBytes> bytes;
  std::atomic<int64_t> rejected_rows_left{0};
  // The stream was delivered as it may be now, which shows when all of it is read. Until then no
  // row is refused for a side door that others have filled: it may stand in the destination. Such
  // rows have a count of their own, so that they take no other row's place.
  bool may_be_unchanged = false;
  std::atomic<int64_t> roomless_rows_left{0};

  DiversionLimits(std::shared_ptr<DiversionBytes> of_the_run, int64_t max_rejected_rows,
                  bool was_delivered = false)
      : bytes(std::move(of_the_run)),
        rejected_rows_left(max_rejected_rows),
        may_be_unchanged(was_delivered),
        roomless_rows_left(max_rejected_rows) {}
  // Takes `amount` of what is left; false (and nothing taken) if it is less.
  static bool take(std::atomic<int64_t>* left, int64_t amount) {
    // Nothing is taken for a moment and put back: another lane would find less than there is.
    int64_t seen = left->load();
    while (seen >= amount) {
      if (left->compare_exchange_weak(seen, seen - amount)) return true;
    }
    return false;
  }
};

// What has been taken of the bounds; given back when it ends, be the rows delivered or dropped.
class DiversionHold {
 public:
  DiversionHold() = default;
  DiversionHold(DiversionHold&& other) noexcept;
  DiversionHold& operator=(DiversionHold&& other) noexcept;
  DiversionHold(const DiversionHold&) = delete;
  DiversionHold& operator=(const DiversionHold&) = delete;
  ~DiversionHold();
  // All of one hold is taken from the same bytes. False, and nothing taken, if less is left.
  bool take(const std::shared_ptr<DiversionBytes>& from, DiversionBound bound, int64_t amount);
  void merge(DiversionHold other);

 private:
  void give_back() noexcept;

  std::shared_ptr<DiversionBytes> from_;
  DiversionSizes held_{};
};

struct Diversion {
  std::vector<SideRow> side = {};
  std::vector<RejectedRow> rejected = {};
  uint64_t nulled_values = 0;  // values in whose place NULL stands, as on_unrepresentable says
  uint64_t lacked_room = 0;    // rows that found the side door full
  // Why the stream fails unless it is unchanged (DiversionLimits::may_be_unchanged): the first such
  // row is neither in `side` nor in `rejected`.
  std::optional<Error> fails_for_room = {};
  DiversionHold hold = {};  // for `side` and `rejected`

  void merge(Diversion other);
};

}  // namespace vesto

#endif  // VESTO_ENCODE_DIVERSION_H_
