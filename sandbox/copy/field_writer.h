// One field becomes one column of an output row: NULL rules, blanks, then the column's own check.
// Thread rule: one thread.
#ifndef VESTO_SANDBOX_COPY_FIELD_WRITER_H_
#define VESTO_SANDBOX_COPY_FIELD_WRITER_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/copy/copy_executor.h"
#include "sandbox/copy/time_value.h"
#include "sandbox/copy/value.h"

namespace vesto::sandbox {

enum class ColumnKind {
  kBoolean,
  kSmallint,
  kInteger,
  kBigint,
  kNumeric,
  kReal,
  kDouble,
  kVarchar,
  kChar,
  kDate,
  kTimestamp,
  kTimestampTz,
  kTime,
  kTimeTz,
  kSuper,
  kVarbyte,
};

struct ColumnPlan {
  ColumnKind kind = ColumnKind::kVarchar;
  CopyColumn column;
  std::string stl_type;    // as the error tables show it: "int4", "varchar"
  std::string stl_length;  // "256", "18, 2", "0"
};

// Error 0A000 where COPY text cannot fill the type.
SqlResult<std::vector<ColumnPlan>> plan_columns(const std::vector<CopyColumn>& columns);

class FieldWriter {
 public:
  // Error: a DATEFORMAT or TIMEFORMAT that cannot be read.
  static SqlResult<FieldWriter> make(const CopyStatement& statement, const CopyReadings& readings);

  // Appends the field `value` (quotes and escapes resolved) to `out`, without a separator.
  // raw: as it stood in the file, `quoted`: it stood in quotes.
  bool write(const ColumnPlan& plan, std::string_view value, std::string_view raw, bool quoted,
             std::string* out, ValueError* error) const;
  // A field that FILLRECORD adds: '' for VARCHAR (NULL with EMPTYASNULL), NULL otherwise.
  bool write_missing(const ColumnPlan& plan, std::string* out, ValueError* error) const;
  // NULL, or 1213 where the column forbids it.
  static bool write_null(const ColumnPlan& plan, std::string* out, ValueError* error);
  // A value that is known not to be NULL.
  bool write_value(const ColumnPlan& plan, std::string_view value, std::string* out,
                   ValueError* error) const;

 private:
  enum class Marker { kNo, kNull, kError };
  FieldWriter() = default;
  [[nodiscard]] Marker match_marker(std::string_view value, std::string_view raw,
                                    bool quoted) const;
  bool write_text(const ColumnPlan& plan, std::string_view value, std::string* out,
                  ValueError* error) const;

  CopyReadings readings_;
  std::string marker_;
  bool marker_is_nul_ = false;
  bool has_marker_ = true;
  bool escape_ = false;
  bool empty_as_null_ = false;
  bool blanks_as_null_ = false;
  bool trim_blanks_ = false;
  bool truncate_columns_ = false;
  bool round_decimals_ = false;
  bool accept_any_date_ = false;
  std::optional<char> replacement_;
  TimeFormat date_format_;
  TimeFormat time_format_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_FIELD_WRITER_H_
