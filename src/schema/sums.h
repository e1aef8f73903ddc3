// Which columns can be summed up in SQL on both sides so that equal columns have equal sums: those
// whose values have one canonical text in PostgreSQL and in Redshift. The two dialects are in
// source/postgres/compare.h and redshift/parity_sql.h; both follow this map. Pure; any thread.
#ifndef VESTO_SCHEMA_SUMS_H_
#define VESTO_SCHEMA_SUMS_H_

#include <vector>

#include "schema/table.h"

namespace vesto {

enum class SumForm {
  kNone,     // no canonical text: floats, SUPER, binary, shapes, TIME
  kNumber,   // sum(c); its text is that of the number
  kBoolean,  // the number of trues
  kDays,     // a date, as days since 2000-01-01
  kMoment,   // a timestamp: the sum of hashes of its text in UTC, with microseconds and era
  kText,     // the sum of hashes of the text itself
};

inline SumForm sum_form(const ColumnType& type) {
  // A sum of longer ones may exceed the 38 digits of Redshift's DECIMAL.
  constexpr int kSummedDigits = 28;
  switch (type.kind) {
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
      return SumForm::kNumber;
    case TypeKind::kDecimal:
      return type.precision <= kSummedDigits ? SumForm::kNumber : SumForm::kText;
    case TypeKind::kBoolean:
      return SumForm::kBoolean;
    case TypeKind::kDate:
      return SumForm::kDays;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return SumForm::kMoment;
    case TypeKind::kVarchar:
      return SumForm::kText;
    default:
      return SumForm::kNone;
  }
}

// The columns that have a sum, and those of the key if all of them do: what both sides hash.
struct SummedColumns {
  std::vector<size_t> summed;
  std::vector<size_t> key;
};
inline SummedColumns summed_columns(const StreamSchema& schema) {
  SummedColumns out{.summed = {}, .key = schema.key};
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    if (sum_form(schema.columns[i].type) != SumForm::kNone) out.summed.push_back(i);
  }
  for (const size_t index : schema.key) {
    if (sum_form(schema.columns[index].type) == SumForm::kNone) out.key.clear();
  }
  return out;
}

// Whether both sides can cut a table into buckets by the texts of such a column: whole numbers,
// dates and moments, and texts that are the source's own. A decimal of the target may have another
// scale.
inline bool can_bucket(const Column& column) {
  switch (column.type.kind) {
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return true;
    case TypeKind::kVarchar:
      return column.on_unrepresentable != Unrepresentable::kText;
    default:
      return false;
  }
}

// Digits of an MD5 that make a bucket's number (28 bits), the hash of a column's value (32 bits),
// and that of a row or key (60 bits, which fit BIGINT).
inline constexpr int kBucketDigits = 7;
inline constexpr int kMaxBucketBits = 4 * kBucketDigits;
inline constexpr int kValueDigits = 8;
inline constexpr int kRowDigits = 15;

}  // namespace vesto

#endif  // VESTO_SCHEMA_SUMS_H_
