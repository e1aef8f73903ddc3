// Guards: one pass over the bytes of a chunk that looks for what Redshift cannot hold, so that no
// value is changed silently and the server need not test each value (that made it 1.66 times
// slower on a table of numbers and dates).
//
// The pass looks for `NaN`, `nfinity`, ` BC` and years of five digits, only in streams that have
// columns where they can occur, and compares the longest row with the narrowest column whose
// source type does not bound itself. Only rows that trip are split into fields. In this version
// a value that Redshift's COPY cannot take stops the stream, by name.
//
//   Guard guard(plan.schema, marker, limits);         // one for each lane
//   VESTO_TRY(guard.check(chunk));
//   all.merge(guard);                                  // when the lanes are done
//   load.widths = all.widths();
#ifndef VESTO_ENCODE_GUARDS_H_
#define VESTO_ENCODE_GUARDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encode/chunk.h"
#include "encode/json_limits.h"
#include "encode/redshift_csv.h"
#include "schema/table.h"

namespace vesto {

struct GuardLimits {
  size_t row_bytes = kMaxRowBytes;  // one record of the CSV, its LF included
  SuperLimits super = {};
  // The source does not promise valid UTF-8 (PostgreSQL with server_encoding SQL_ASCII).
  bool check_utf8 = false;
};

// Thread rule: one thread at a time.
class Guard {
 public:
  Guard(StreamSchema schema, std::string null_marker, GuardLimits limits = {});

  // Errors: SRC-VALUE, SRC-NULL-KEY, SRC-ROW-TOO-LARGE, each with the column, the row's key and the
  // reason; INT-BUG where the chunk is not CSV with the stream's columns.
  Status check(const Chunk& chunk);

  // Bytes of the widest value of each column, by index; 0 where none was wider than its type in
  // the schema. Only unbounded VARCHAR columns are measured.
  [[nodiscard]] const std::vector<uint32_t>& widths() const { return widths_; }
  [[nodiscard]] uint64_t rows_parsed() const { return rows_parsed_; }
  // Takes over what another lane of the same stream has measured.
  void merge(const Guard& other);

 private:
  Status check_rows(const Chunk& chunk, bool every_row);
  Status check_row(std::string_view row);
  Status check_field(size_t index, const CsvField& field);
  Status check_number(size_t index, std::string_view value);
  Status check_time(size_t index, std::string_view value);
  Status check_text(size_t index, const CsvField& field);
  Status check_super(size_t index, const CsvField& field);
  Error bad_value(size_t index, std::string_view what) const;
  [[nodiscard]] std::string row_name() const;

  StreamSchema schema_;
  std::string null_marker_;
  GuardLimits limits_;
  unsigned suspects_ = 0;
  size_t longest_safe_row_ = 0;  // a row up to here cannot hold a value that is too long
  bool nullable_key_ = false;    // only then NULL in the key is looked for
  std::vector<bool> is_key_;
  std::vector<uint32_t> widths_;
  uint64_t rows_parsed_ = 0;
  std::vector<CsvField> fields_;  // of the row that is checked
  std::string scratch_;
};

}  // namespace vesto

#endif  // VESTO_ENCODE_GUARDS_H_
