#include "redshift/parity_sql.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "schema/sums.h"

namespace vesto::sql {

namespace {

constexpr std::string_view kCursor = "_vesto_parity";
constexpr std::string_view kMomentFormat = "'YYYY-MM-DD HH24:MI:SS.US BC'";

// STRTOL reads at most 64 bits with a sign: 15 digits are 60.
std::string hash(std::string_view text, int digits) {
  return fmt::format("STRTOL(SUBSTRING(MD5({}), 1, {}), 16)", text, digits);
}

std::string canonical(const Column& column) {
  std::string name = ident(column.name);
  switch (sum_form(column.type)) {
    case SumForm::kBoolean:
      return fmt::format("CASE WHEN {0} THEN '1' WHEN NOT {0} THEN '0' END", name);
    case SumForm::kDays:
      return fmt::format("CAST(({} - CAST('2000-01-01' AS DATE)) AS VARCHAR(32))", name);
    case SumForm::kMoment:
      // The session is in UTC.
      return fmt::format("TO_CHAR({}, {})", name, kMomentFormat);
    case SumForm::kText:
      if (column.type.kind == TypeKind::kVarchar) return name;
      break;
    default:
      break;
  }
  return fmt::format("CAST({} AS VARCHAR(64))", name);
}

std::string sum_of(const Column& column) {
  const std::string name = ident(column.name);
  switch (sum_form(column.type)) {
    case SumForm::kNone:
      return "0";
    case SumForm::kNumber:
      return fmt::format("SUM({})", name);
    case SumForm::kBoolean:
      return fmt::format("SUM(CASE WHEN {} THEN 1 ELSE 0 END)", name);
    case SumForm::kDays:
      return fmt::format("SUM({} - CAST('2000-01-01' AS DATE))", name);
    case SumForm::kMoment:
    case SumForm::kText:
      break;
  }
  return fmt::format("SUM({})", hash(canonical(column), kValueDigits));
}

std::string sum_of_hashes(const StreamSchema& schema, const std::vector<size_t>& columns) {
  if (columns.empty()) return "0";
  std::vector<std::string> parts;
  for (const size_t index : columns) {
    const Column& column = schema.columns[index];
    std::string text = canonical(column);
    if (sum_form(column.type) == SumForm::kText) text = fmt::format("MD5({})", text);
    parts.push_back(fmt::format("COALESCE({}, '~')", text));
  }
  return fmt::format("SUM({})", hash(join(parts, " || '|' || "), kRowDigits));
}

// The most bytes that a value of the column prints as; "": its type says it.
std::string size_of(const Column& column) {
  switch (column.type.kind) {
    case TypeKind::kVarchar:
    case TypeKind::kVarbyte:
      return fmt::format("MAX(OCTET_LENGTH({}))", ident(column.name));
    case TypeKind::kSuper:
      return fmt::format("MAX(JSON_SIZE({}))", ident(column.name));
    default:
      return "";
  }
}

}  // namespace

std::vector<std::string> parity_session() {
  return {"SET datestyle TO 'ISO, YMD'", "SET timezone TO 'UTC'", "SET extra_float_digits TO 2"};
}

size_t parity_sum_fields(const StreamSchema& schema) { return 3 + 2 * schema.columns.size(); }

std::string parity_sums(const TargetName& table, const StreamSchema& schema) {
  const SummedColumns columns = summed_columns(schema);
  std::vector<std::string> fields = {"COUNT(*)", sum_of_hashes(schema, columns.key),
                                     sum_of_hashes(schema, columns.summed)};
  for (const Column& column : schema.columns) {
    fields.push_back(fmt::format("COUNT({})", ident(column.name)));
    fields.push_back(sum_of(column));
  }
  for (const Column& column : schema.columns) {
    if (std::string size = size_of(column); !size.empty()) fields.push_back(std::move(size));
  }
  return fmt::format("SELECT {} FROM {}", join(fields, ", "), qualified(table));
}

std::string parity_rows(const TargetName& table, const StreamSchema& schema,
                        const std::vector<size_t>& bucket_columns, int bits, uint32_t value) {
  std::vector<std::string> fields;
  fields.reserve(schema.columns.size());
  for (const Column& column : schema.columns) {
    // REAL is printed with 8 digits at most, and needs 9.
    fields.push_back(column.type.kind == TypeKind::kReal
                         ? fmt::format("CAST({} AS DOUBLE PRECISION)", ident(column.name))
                         : ident(column.name));
  }
  std::string out = fmt::format("SELECT {} FROM {}", join(fields, ", "), qualified(table));
  if (bits <= 0 || bucket_columns.empty()) return out;
  std::vector<std::string> texts;
  texts.reserve(bucket_columns.size());
  for (const size_t index : bucket_columns) {
    texts.push_back(fmt::format("COALESCE({}, '')", canonical(schema.columns[index])));
  }
  return out + fmt::format(" WHERE MOD({}, {}) = {}",
                           hash(join(texts, " || '|' || "), kBucketDigits), uint32_t{1} << bits,
                           value);
}

std::string parity_rejected_keys(std::string_view schema, std::string_view sync,
                                 std::string_view stream, int limit) {
  return fmt::format(
      "SELECT DISTINCT \"row_key\" FROM {}.{} WHERE \"sync\" = {} AND \"stream\" = {} LIMIT {}",
      ident(schema), ident(kRejectedTable), literal(sync), literal(stream), limit);
}

std::string declare_parity_cursor(const std::string& select) {
  return fmt::format("DECLARE {} CURSOR FOR {}", kCursor, select);
}
std::string fetch_parity_rows(int64_t rows) {
  return fmt::format("FETCH FORWARD {} FROM {}", rows, kCursor);
}
std::string close_parity_cursor() { return fmt::format("CLOSE {}", kCursor); }

}  // namespace vesto::sql
