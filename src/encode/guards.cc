#include "encode/guards.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redact.h"
#include "base/strings.h"
#include "encode/byte_scan.h"
#include "encode/utf8.h"

namespace vesto {

namespace {

constexpr size_t kShownValueBytes = 100;
constexpr size_t kNone = std::string_view::npos;

unsigned suspects_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::kDecimal:
    case TypeKind::kReal:
    case TypeKind::kDouble:
      return kSuspectNan | kSuspectInfinity;
    case TypeKind::kVarbyte:
      return kSuspectNan;  // kEmptyBinary
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return kSuspectInfinity | kSuspectBc | kSuspectWideYear;
    case TypeKind::kSuper:
      return kSuspectNulEscape;
    default:
      return 0;
  }
}

// The longest CSV text that is sure to fit the column.
size_t safe_bytes(const Column& column, const GuardLimits& limits) {
  if (!column.unbounded) return limits.row_bytes;
  const auto length = static_cast<size_t>(std::max(column.type.length_bytes, 0));
  switch (column.type.kind) {
    case TypeKind::kVarchar:
      return length;
    case TypeKind::kVarbyte:
      return 2 * length;  // hexadecimal
    case TypeKind::kSuper:
      // Each level takes a bracket that opens and one that closes.
      return std::min(2 * limits.super.depth, limits.super.string_bytes);
    default:
      return limits.row_bytes;
  }
}

std::string shown(std::string_view value) {
  std::string text = redact(cut_utf8(value, kShownValueBytes));
  if (value.size() > kShownValueBytes) text += "...";
  return replace_all(text, "\n", "\\n");
}

}  // namespace

Guard::Guard(StreamSchema schema, std::string null_marker, GuardLimits limits)
    : schema_(std::move(schema)),
      null_marker_(std::move(null_marker)),
      limits_(limits),
      is_key_(schema_.columns.size()),
      widths_(schema_.columns.size()) {
  size_t narrowest = limits_.row_bytes;
  for (const Column& column : schema_.columns) {
    suspects_ |= suspects_of(column.type.kind);
    narrowest = std::min(narrowest, safe_bytes(column, limits_));
  }
  // The separators and the LF belong to no value.
  longest_safe_row_ = std::min(narrowest + schema_.columns.size(), limits_.row_bytes);
  for (const size_t index : schema_.key) {
    VESTO_CHECK(index < schema_.columns.size());
    is_key_[index] = true;
    nullable_key_ = nullable_key_ || schema_.columns[index].nullable;
  }
}

Status Guard::check(const Chunk& chunk) {
  const bool long_rows = chunk.longest_row_bytes > longest_safe_row_;
  const bool bad_utf8 = limits_.check_utf8 && !is_utf8(chunk.bytes);
  const bool null_key = nullable_key_ && find_text(chunk.bytes, null_marker_) != kNone;
  if (!long_rows && !bad_utf8 && !null_key && find_suspect(chunk.bytes, 0, suspects_) == kNone) {
    return ok_status();
  }
  return check_rows(chunk, bad_utf8 || null_key);
}

Status Guard::check_rows(const Chunk& chunk, bool every_row) {
  const std::string_view bytes = chunk.bytes;
  size_t suspect = find_suspect(bytes, 0, suspects_);
  uint64_t rows = 0;
  for (size_t at = 0; at < bytes.size(); ++rows) {
    const size_t end = csv_row_end(bytes, at);
    if (end == kNone) {
      return Error(ErrorCode::kInternal, "a chunk ends in the middle of a row")
          .in("table " + schema_.stream);
    }
    const bool suspected = suspect < end;
    if (every_row || suspected || end - at > longest_safe_row_) {
      VESTO_TRY(check_row(bytes.substr(at, end - at)));
    }
    if (suspected) suspect = find_suspect(bytes, end, suspects_);
    at = end;
  }
  if (rows != chunk.rows) {
    return Error(ErrorCode::kInternal,
                 fmt::format("a chunk of {} rows holds {} records", chunk.rows, rows))
        .in("table " + schema_.stream);
  }
  return ok_status();
}

Status Guard::check_row(std::string_view row) {
  ++rows_parsed_;
  if (!split_csv_row(row, &fields_) || fields_.size() != schema_.columns.size()) {
    return Error(ErrorCode::kInternal, fmt::format("a row has {} fields, the stream {} columns",
                                                   fields_.size(), schema_.columns.size()))
        .in("table " + schema_.stream);
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (is_csv_null(fields_[i], null_marker_)) {
      if (!is_key_[i]) continue;
      return Error(ErrorCode::kSrcNullKey,
                   fmt::format("column {} belongs to the key and is NULL in a row ({})",
                               schema_.columns[i].source_name, row_name()))
          .in("table " + schema_.stream);
    }
    VESTO_TRY(check_field(i, fields_[i]));
  }
  if (row.size() > limits_.row_bytes) {
    return Error(ErrorCode::kSrcRowTooLarge,
                 fmt::format("a row of {} exceeds the limit of {} for one row ({})",
                             format_bytes(row.size()), format_bytes(limits_.row_bytes), row_name()))
        .in("table " + schema_.stream);
  }
  return ok_status();
}

Status Guard::check_field(size_t index, const CsvField& field) {
  if (limits_.check_utf8 && !is_utf8(field.raw)) {
    return bad_value(index, "bytes that are not valid UTF-8");
  }
  switch (schema_.columns[index].type.kind) {
    case TypeKind::kDecimal:
    case TypeKind::kReal:
    case TypeKind::kDouble:
      return check_number(index, field.raw);
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return check_time(index, field.raw);
    case TypeKind::kVarchar:
    case TypeKind::kVarbyte:
      return check_text(index, field);
    case TypeKind::kSuper:
      return check_super(index, field);
    default:
      return ok_status();
  }
}

Status Guard::check_number(size_t index, std::string_view value) {
  if (value == "NaN" || value == "Infinity" || value == "-Infinity") {
    return bad_value(index, value);
  }
  return ok_status();
}

Status Guard::check_time(size_t index, std::string_view value) {
  if (value == "infinity" || value == "-infinity") return bad_value(index, value);
  if (value.ends_with(" BC")) return bad_value(index, fmt::format("{}, before year 1", value));
  if (value.find('-') != kNone && value.find('-') > 4) {
    return bad_value(index, fmt::format("{}, after year 9999", shown(value)));
  }
  return ok_status();
}

Status Guard::check_text(size_t index, const CsvField& field) {
  const Column& column = schema_.columns[index];
  if (!column.unbounded && column.type.kind != TypeKind::kVarbyte) return ok_status();
  const bool hex = column.type.kind == TypeKind::kVarbyte;
  if (hex && field.raw == kEmptyBinary) {
    return bad_value(index, "a binary value of no bytes, which COPY would load as NULL");
  }
  const size_t bytes = hex ? field.raw.size() / 2 : csv_value_bytes(field);
  const auto limit = static_cast<size_t>(hex ? kMaxVarbyteBytes : kMaxVarcharBytes);
  if (bytes > limit) {
    return bad_value(index, fmt::format("a value of {} bytes ({} at most)",
                                        format_count(static_cast<int64_t>(bytes)),
                                        format_count(static_cast<int64_t>(limit))));
  }
  if (bytes > static_cast<size_t>(column.type.length_bytes)) {
    widths_[index] = std::max(widths_[index], static_cast<uint32_t>(bytes));
  }
  return ok_status();
}

Status Guard::check_super(size_t index, const CsvField& field) {
  const std::string reason = exceeds_super(csv_value(field, &scratch_), limits_.super);
  return reason.empty() ? ok_status() : Status(bad_value(index, reason));
}

Error Guard::bad_value(size_t index, std::string_view what) const {
  const Column& column = schema_.columns[index];
  return Error(ErrorCode::kSrcValue,
               fmt::format("column {} holds {}, which {} cannot take ({})", column.source_name,
                           what, type_sql(column.type), row_name()))
      .with_hint(fmt::format("Correct the row in the source, or leave the column out: exclude = "
                             "[\"{}\"].",
                             column.source_name))
      .in("table " + schema_.stream);
}

std::string Guard::row_name() const {
  std::vector<size_t> named = schema_.key;
  const bool keyless = named.empty();
  if (keyless) named.push_back(0);
  std::vector<std::string> parts;
  std::string scratch;
  for (const size_t index : named) {
    const CsvField& field = fields_.at(index);
    parts.push_back(
        schema_.columns[index].source_name + " = " +
        (is_csv_null(field, null_marker_) ? "NULL" : shown(csv_value(field, &scratch))));
  }
  return (keyless ? "no key; the row with " : "key: ") + join(parts, ", ");
}

void Guard::merge(const Guard& other) {
  for (size_t i = 0; i < widths_.size() && i < other.widths_.size(); ++i) {
    widths_[i] = std::max(widths_[i], other.widths_[i]);
  }
  rows_parsed_ += other.rows_parsed_;
}

}  // namespace vesto
