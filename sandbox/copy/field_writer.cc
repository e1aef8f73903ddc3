#include "sandbox/copy/field_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "sandbox/copy/number_value.h"
#include "sandbox/copy/super_value.h"
#include "sandbox/copy/text_value.h"

namespace vesto::sandbox {
namespace {

constexpr int kNoScaleLimit = 1000;

struct TypeName {
  std::string_view type;  // as in CopyColumn
  ColumnKind kind;
  std::string_view stl_type;  // as in stl_load_errors
};
constexpr TypeName kTypes[] = {
    {"boolean", ColumnKind::kBoolean, "bool"},
    {"smallint", ColumnKind::kSmallint, "int2"},
    {"integer", ColumnKind::kInteger, "int4"},
    {"bigint", ColumnKind::kBigint, "int8"},
    {"numeric", ColumnKind::kNumeric, "numeric"},
    {"real", ColumnKind::kReal, "float4"},
    {"double precision", ColumnKind::kDouble, "float8"},
    {"varchar", ColumnKind::kVarchar, "varchar"},
    {"char", ColumnKind::kChar, "char"},
    {"date", ColumnKind::kDate, "date"},
    {"timestamp", ColumnKind::kTimestamp, "timestamp"},
    {"timestamptz", ColumnKind::kTimestampTz, "timestamptz"},
    {"time", ColumnKind::kTime, "time"},
    {"timetz", ColumnKind::kTimeTz, "timetz"},
    {"super", ColumnKind::kSuper, "super"},
    {"varbyte", ColumnKind::kVarbyte, "varbyte"},
};

std::string stl_length(const ColumnPlan& plan) {
  switch (plan.kind) {
    case ColumnKind::kNumeric:
      return fmt::format("{}, {}", plan.column.precision, plan.column.scale);
    case ColumnKind::kVarchar:
    case ColumnKind::kChar:
    case ColumnKind::kVarbyte:
      return std::to_string(plan.column.length_bytes);
    default:
      return "0";
  }
}

bool is_text(ColumnKind kind) { return kind == ColumnKind::kVarchar || kind == ColumnKind::kChar; }

bool is_moment(ColumnKind kind) {
  return kind == ColumnKind::kDate || kind == ColumnKind::kTimestamp ||
         kind == ColumnKind::kTimestampTz;
}

SqlResult<TimeFormat> format_option(std::string_view name, const std::optional<std::string>& value,
                                    bool is_date) {
  if (!value) return TimeFormat{};
  auto format = parse_time_format(*value, is_date);
  if (!format) {
    return SqlError{.sqlstate = "22023",
                    .message = fmt::format("Invalid {} string '{}'", name, *value)};
  }
  return *std::move(format);
}

}  // namespace

SqlResult<std::vector<ColumnPlan>> plan_columns(const std::vector<CopyColumn>& columns) {
  std::vector<ColumnPlan> plans;
  plans.reserve(columns.size());
  for (const CopyColumn& column : columns) {
    const auto* const type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                          [&](const TypeName& t) { return t.type == column.type; });
    if (type == std::end(kTypes)) {
      return SqlError{.sqlstate = "0A000",
                      .message = fmt::format("COPY into column \"{}\" of type {} is not supported",
                                             column.name, column.type)};
    }
    ColumnPlan plan;
    plan.kind = type->kind;
    plan.column = column;
    plan.stl_type = std::string(type->stl_type);
    plan.stl_length = stl_length(plan);
    // A numeric column without a precision (CREATE TABLE AS makes them): no limit to check.
    if (plan.kind == ColumnKind::kNumeric && plan.column.precision == 0) {
      plan.column.precision = 2 * kNoScaleLimit;
      plan.column.scale = kNoScaleLimit;
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

SqlResult<FieldWriter> FieldWriter::make(const CopyStatement& statement,
                                         const CopyReadings& readings) {
  FieldWriter writer;
  writer.readings_ = readings;
  // EMPTYASNULL is NULL AS '': without an explicit marker it takes the place of the default one.
  // JSON has null itself.
  writer.has_marker_ = statement.format != CopyStatement::Format::kJson &&
                       (statement.null_as.has_value() || !statement.empty_as_null);
  writer.marker_ = statement.null_as.value_or("\\N");
  writer.marker_is_nul_ = writer.marker_ == "\\0" || writer.marker_ == "\\000" ||
                          writer.marker_ == std::string_view("\0", 1);
  writer.escape_ = statement.escape;
  writer.empty_as_null_ =
      statement.empty_as_null || (statement.null_as && statement.null_as->empty());
  writer.blanks_as_null_ = statement.blanks_as_null;
  writer.trim_blanks_ = statement.trim_blanks;
  writer.truncate_columns_ = statement.truncate_columns;
  writer.round_decimals_ = statement.round_dec;
  writer.accept_any_date_ = statement.accept_any_date;
  if (statement.accept_inv_chars) {
    writer.replacement_ =
        statement.accept_inv_chars->empty() ? '?' : statement.accept_inv_chars->front();
  }
  VESTO_ASSIGN(writer.date_format_, format_option("DATEFORMAT", statement.date_format, true));
  VESTO_ASSIGN(writer.time_format_, format_option("TIMEFORMAT", statement.time_format, false));
  return writer;
}

FieldWriter::Marker FieldWriter::match_marker(std::string_view value, std::string_view raw,
                                              bool quoted) const {
  if (!has_marker_) return Marker::kNo;
  bool equal = value == marker_;
  // With ESCAPE the default marker \N loses its backslash before it can be compared.
  if (!equal && escape_) equal = raw == marker_;
  if (!equal && marker_is_nul_) equal = value.size() == 1 && value[0] == '\0';
  if (!equal) return Marker::kNo;
  if (!quoted) return Marker::kNull;
  switch (readings_.quoted_marker) {
    case CopyReadings::QuotedMarker::kNull:
      return Marker::kNull;
    case CopyReadings::QuotedMarker::kText:
      return Marker::kNo;
    case CopyReadings::QuotedMarker::kError:
      return Marker::kError;
  }
  return Marker::kNull;
}

bool FieldWriter::write_null(const ColumnPlan& plan, std::string* out, ValueError* error) {
  if (plan.column.not_null) return error->set(kErrorNotNull, "Missing data for not-null field");
  out->append("\\N");
  return true;
}

bool FieldWriter::write(const ColumnPlan& plan, std::string_view value, std::string_view raw,
                        bool quoted, std::string* out, ValueError* error) const {
  const Marker marker = match_marker(value, raw, quoted);
  if (marker == Marker::kNull) return write_null(plan, out, error);
  if (marker == Marker::kError) {
    return error->set(kErrorDelimiter, "Quoted field equals the NULL AS string");
  }
  if (is_text(plan.kind)) return write_text(plan, value, out, error);
  if (value.empty() || (value.front() <= ' ' && is_all_blank(value))) {
    const bool null =
        plan.kind != ColumnKind::kSuper || empty_as_null_ || readings_.empty_super_is_null;
    if (!null) return error->set(kErrorSuper, "Invalid JSON value");
    return write_null(plan, out, error);
  }
  // A NUL is told as such in any column, not as the digit or the letter that is expected there.
  if (!readings_.nul_is_data && value.find('\0') != std::string_view::npos) {
    return error->set(kErrorNulByte, "Invalid null byte - field longer than 1 byte");
  }
  return write_value(plan, value, out, error);
}

bool FieldWriter::write_text(const ColumnPlan& plan, std::string_view value, std::string* out,
                             ValueError* error) const {
  if (value.empty() ? empty_as_null_ || blanks_as_null_ : blanks_as_null_ && is_all_blank(value)) {
    return write_null(plan, out, error);
  }
  if (trim_blanks_ && plan.kind == ColumnKind::kVarchar) {
    value = value.substr(0, value.find_last_not_of(' ') + 1);
  }
  return write_value(plan, value, out, error);
}

bool FieldWriter::write_missing(const ColumnPlan& plan, std::string* out, ValueError* error) const {
  if (plan.kind == ColumnKind::kVarchar) return write_text(plan, {}, out, error);
  return write_null(plan, out, error);
}

bool FieldWriter::write_value(const ColumnPlan& plan, std::string_view value, std::string* out,
                              ValueError* error) const {
  const TextRules text{.length_bytes = plan.column.length_bytes,
                       .truncate = truncate_columns_,
                       .replacement = replacement_,
                       .nul_is_data = readings_.nul_is_data};
  bool valid = false;
  switch (plan.kind) {
    case ColumnKind::kVarchar:
      return append_varchar(value, text, out, error);
    case ColumnKind::kChar:
      return append_char(value, text, out, error);
    case ColumnKind::kBoolean:
      return append_boolean(value, out, error);
    case ColumnKind::kSmallint:
      return append_integer(value, IntegerWidth::kShort, out, error);
    case ColumnKind::kInteger:
      return append_integer(value, IntegerWidth::kInteger, out, error);
    case ColumnKind::kBigint:
      return append_integer(value, IntegerWidth::kLong, out, error);
    case ColumnKind::kNumeric:
      return append_decimal(value,
                            {.precision = plan.column.precision,
                             .scale = plan.column.scale,
                             .round = round_decimals_,
                             .exponent = readings_.decimal_exponent},
                            out, error);
    case ColumnKind::kReal:
    case ColumnKind::kDouble:
      return append_float(value, plan.kind == ColumnKind::kDouble, readings_.float_specials, out,
                          error);
    case ColumnKind::kTime:
      return append_time(value, false, out, error);
    case ColumnKind::kTimeTz:
      return append_time(value, true, out, error);
    case ColumnKind::kSuper:
      return append_super(value, out, error);
    case ColumnKind::kVarbyte:
      return append_varbyte(value, plan.column.length_bytes, out, error);
    case ColumnKind::kDate:
      valid = append_date(value, {&date_format_, readings_.wide_dates}, out, error);
      break;
    case ColumnKind::kTimestamp:
    case ColumnKind::kTimestampTz:
      valid = append_timestamp(value, {&time_format_, readings_.wide_dates},
                               plan.kind == ColumnKind::kTimestampTz, out, error);
      break;
  }
  if (!valid && accept_any_date_ && is_moment(plan.kind)) return write_null(plan, out, error);
  return valid;
}

}  // namespace vesto::sandbox
