// Guards: one pass over the bytes of a chunk that looks for what Redshift cannot hold, so that no
// value is changed silently and the server need not test each value (that made it 1.66 times
// slower on a table of numbers and dates).
//
// The pass looks for `NaN`, `nfinity`, ` BC` and years of five digits, only in streams that have
// columns where they can occur, and compares the longest row with the narrowest column whose
// source type does not bound itself. Only rows that trip are split into fields. Of those, each
// value is fine, or can go by the side door (INSERT takes it where COPY does not: NaN in floats,
// BC dates), or Redshift cannot hold it, and on_unrepresentable of its column decides: its row is
// taken out and kept as rejected, NULL stands in its place, or the stream stops.
//
//   Guard guard(plan.schema, marker, limits);         // one for each lane
//   VESTO_TRY(guard.check(&chunk, &diversion));       // what is left in the chunk, COPY can take
//   load.widths = guard.widths();
#ifndef VESTO_ENCODE_GUARDS_H_
#define VESTO_ENCODE_GUARDS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encode/chunk.h"
#include "encode/diversion.h"
#include "encode/json_limits.h"
#include "encode/redshift_csv.h"
#include "schema/table.h"

namespace vesto {

struct GuardLimits {
  size_t row_bytes = kMaxRowBytes;  // one record of the CSV, its LF included
  SuperLimits super = {};
  // The source does not promise valid UTF-8 (PostgreSQL with server_encoding SQL_ASCII).
  bool check_utf8 = false;
  // What the source prints in a row whose values are too large to be fetched; "": never.
  std::string oversize_marker = {};
  // Shared by the lanes of a stream. nullptr: no row may leave the stream, whatever its columns
  // say.
  std::shared_ptr<DiversionLimits> diversion = nullptr;
};

// Thread rule: one thread at a time.
class Guard {
 public:
  Guard(StreamSchema schema, std::string null_marker, GuardLimits limits = {});

  // Takes rows that COPY must not see out of the chunk and adds them to `out`.
  // Errors: SRC-VALUE (a column that says stop), SRC-REJECTED-LIMIT, each with the column, the
  // row's key and the reason; INT-BUG where the chunk is not CSV with the stream's columns. The
  // chunk and `out` are of no use then.
  Status check(Chunk* chunk, Diversion* out);

  // A size in bytes, by column, that no value of an unbounded VARCHAR or VARBYTE column exceeds:
  // the widest value of the rows that were taken apart, and of the others the longest row, which is
  // never above the narrowest such column. 0 for all other columns.
  [[nodiscard]] std::vector<uint32_t> widths() const;
  [[nodiscard]] uint64_t rows_parsed() const { return rows_parsed_; }

 private:
  // What a value is to Redshift.
  struct Finding {
    enum class Kind { kFine, kSideDoor, kBad };
    Kind kind = Kind::kFine;
    std::string what = {};  // kSideDoor, kBad: "NaN", "a value of 70,000 bytes (65,535 at most)"
  };
  struct SideValue {
    size_t index;
    Finding finding;
  };
  // What keeps a row as a whole from being delivered.
  struct RowFault {
    ErrorCode code;
    std::string column;  // "": none in particular
    std::string reason;
  };
  enum class RowFate { kStays, kChanged, kLeaves };
  // DiversionLimits: rejected_rows_left, or roomless_rows_left.
  enum class CountedAs { kRejected, kRoomless };

  Status check_rows(Chunk* chunk, bool every_row, Diversion* out);
  Result<RowFate> check_row(std::string_view row, Diversion* out);
  [[nodiscard]] std::optional<RowFault> row_fault(std::string_view row) const;
  Finding judge(size_t index, const CsvField& field);
  static Finding judge_time(std::string_view value);
  Finding judge_text(size_t index, const CsvField& field);
  [[nodiscard]] bool may_be_nulled(size_t index) const;
  Result<RowFate> divert(Diversion* out);
  std::string pass_side_door(Diversion* out);
  Result<RowFate> refuse(size_t index, const std::string& reason, CountedAs counted,
                         Diversion* out);
  RowFate nulled(Diversion* out) const;  // the row with NULL for the fields of nulled_
  [[nodiscard]] std::optional<std::string_view> shown_value(size_t index,
                                                            std::string* scratch) const;
  Status reject(std::string column, std::string reason, std::string_view value, CountedAs counted,
                Diversion* out);
  [[nodiscard]] bool is_nulled(size_t index) const;
  void append_row(std::string* out) const;
  [[nodiscard]] std::string bad_value(size_t index, std::string_view what) const;
  [[nodiscard]] std::string key_json() const;
  [[nodiscard]] std::string row_name() const;  // for messages

  StreamSchema schema_;
  std::string null_marker_;
  GuardLimits limits_;
  unsigned suspects_ = 0;
  size_t longest_safe_row_ = 0;  // a row up to here cannot hold a value that is too long
  bool has_super_ = false;
  bool stops_ = false;         // a column says stop: so does a row that cannot be delivered
  bool nullable_key_ = false;  // only then NULL in the key is looked for
  std::vector<bool> is_key_;
  std::vector<uint32_t> widths_;  // of rows that were taken apart
  size_t longest_plain_row_ = 0;  // of the others
  uint64_t rows_parsed_ = 0;
  std::vector<CsvField> fields_;  // of the row that is checked
  std::vector<size_t> nulled_;    // its fields in whose place NULL stands
  std::vector<SideValue> side_;   // those that INSERT takes where COPY does not
  std::string kept_;              // the chunk's rows that stay, once one has left
  std::string scratch_;
};

}  // namespace vesto

#endif  // VESTO_ENCODE_GUARDS_H_
