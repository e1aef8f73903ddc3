#include "encode/guards.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "encode/byte_scan.h"
#include "encode/utf8.h"

namespace vesto {

namespace {

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
    case TypeKind::kGeometry:
    case TypeKind::kGeography:
      return size_t{2} * kMaxGeometryBytes;
    case TypeKind::kSuper:
      // Each level takes a bracket that opens and one that closes.
      return std::min(2 * limits.super.depth, limits.super.string_bytes);
    default:
      return limits.row_bytes;
  }
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
    has_super_ = has_super_ || column.type.kind == TypeKind::kSuper;
    stops_ = stops_ || column.on_unrepresentable == Unrepresentable::kStop;
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

Status Guard::check(Chunk* chunk, Diversion* out) {
  const std::string_view bytes = chunk->bytes;
  const bool long_rows = chunk->longest_row_bytes > longest_safe_row_;
  const bool bad_utf8 = limits_.check_utf8 && !is_utf8(bytes);
  const bool null_key = nullable_key_ && find_text(bytes, null_marker_) != kNone;
  const bool oversize =
      !limits_.oversize_marker.empty() && find_text(bytes, limits_.oversize_marker) != kNone;
  const bool long_number = has_super_ && may_hold_long_number(bytes, limits_.super.number_digits);
  const bool every_row = bad_utf8 || null_key || oversize || long_number;
  if (!long_rows && !every_row && find_suspect(bytes, 0, suspects_) == kNone) {
    longest_plain_row_ = std::max<size_t>(longest_plain_row_, chunk->longest_row_bytes);
    return ok_status();
  }
  Status checked = check_rows(chunk, every_row, out);
  if (!checked.ok()) return std::move(checked).error().in("table " + schema_.stream);
  return checked;
}

Status Guard::check_rows(Chunk* chunk, bool every_row, Diversion* out) {
  const std::string_view bytes = chunk->bytes;
  size_t suspect = find_suspect(bytes, 0, suspects_);
  uint64_t rows = 0;
  uint64_t left = 0;
  bool rewritten = false;
  kept_.clear();
  for (size_t at = 0; at < bytes.size(); ++rows) {
    const size_t end = csv_row_end(bytes, at);
    if (end == kNone) return Error(ErrorCode::kInternal, "a chunk ends in the middle of a row");
    const std::string_view row = bytes.substr(at, end - at);
    const bool suspected = suspect < end;
    RowFate fate = RowFate::kStays;
    if (every_row || suspected || row.size() > longest_safe_row_) {
      VESTO_ASSIGN(fate, check_row(row, out));
    } else {
      longest_plain_row_ = std::max(longest_plain_row_, row.size());
    }
    if (fate != RowFate::kStays && !rewritten) {
      rewritten = true;
      kept_.assign(bytes.substr(0, at));
    }
    if (fate == RowFate::kLeaves) ++left;
    if (fate == RowFate::kChanged) append_row(&kept_);
    if (fate == RowFate::kStays && rewritten) kept_.append(row);
    if (suspected) suspect = find_suspect(bytes, end, suspects_);
    at = end;
  }
  if (rows != chunk->rows) {
    return Error(ErrorCode::kInternal,
                 fmt::format("a chunk of {} rows holds {} records", chunk->rows, rows));
  }
  if (rewritten) {
    std::swap(chunk->bytes, kept_);
    chunk->rows -= left;
  }
  return ok_status();
}

Result<Guard::RowFate> Guard::check_row(std::string_view row, Diversion* out) {
  ++rows_parsed_;
  nulled_.clear();
  side_.clear();
  if (!split_csv_row(row, &fields_) || fields_.size() != schema_.columns.size()) {
    return Error(ErrorCode::kInternal, fmt::format("a row has {} fields, the stream {} columns",
                                                   fields_.size(), schema_.columns.size()));
  }
  if (std::optional<RowFault> fault = row_fault(row)) {
    if (limits_.diversion == nullptr || stops_) {
      return Error(fault->code, fmt::format("{} ({})", fault->reason, row_name()));
    }
    VESTO_TRY(
        reject(std::move(fault->column), std::move(fault->reason), "", CountedAs::kRejected, out));
    return RowFate::kLeaves;
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (is_csv_null(fields_[i], null_marker_)) continue;
    Finding finding = judge(i, fields_[i]);
    if (finding.kind == Finding::Kind::kFine) continue;
    if (finding.kind == Finding::Kind::kSideDoor && limits_.diversion != nullptr) {
      side_.push_back({i, std::move(finding)});
    } else if (may_be_nulled(i)) {
      nulled_.push_back(i);
    } else {
      return refuse(i, bad_value(i, finding.what), CountedAs::kRejected, out);
    }
  }
  if (!side_.empty()) return divert(out);
  return nulled(out);
}

Guard::RowFate Guard::nulled(Diversion* out) const {
  out->nulled_values += nulled_.size();
  return nulled_.empty() ? RowFate::kStays : RowFate::kChanged;
}

std::optional<Guard::RowFault> Guard::row_fault(std::string_view row) const {
  bool too_large = row.size() > limits_.row_bytes;
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (is_key_[i] && is_csv_null(fields_[i], null_marker_)) {
      const std::string& name = schema_.columns[i].source_name;
      return RowFault{ErrorCode::kSrcNullKey, name,
                      fmt::format("column {} belongs to the key and is NULL", name)};
    }
    if (!limits_.oversize_marker.empty() && fields_[i].raw == limits_.oversize_marker) {
      too_large = true;
    }
  }
  if (!too_large) return std::nullopt;
  return RowFault{ErrorCode::kSrcRowTooLarge, "",
                  fmt::format("a row of more than {}", format_bytes(limits_.row_bytes))};
}

bool Guard::is_nulled(size_t index) const {
  return std::find(nulled_.begin(), nulled_.end(), index) != nulled_.end();
}

// The row that is checked, with NULL in place of the fields that nulled_ names.
void Guard::append_row(std::string* out) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (i > 0) *out += kCsvDelimiter;
    if (is_nulled(i)) {
      *out += null_marker_;
    } else if (fields_[i].quoted) {
      *out += kCsvQuote;
      *out += fields_[i].raw;
      *out += kCsvQuote;
    } else {
      *out += fields_[i].raw;
    }
  }
  *out += kCsvRecordEnd;
}

Guard::Finding Guard::judge(size_t index, const CsvField& field) {
  const std::string_view value = field.raw;
  if (limits_.check_utf8 && !is_utf8(value)) {
    return {Finding::Kind::kBad, "bytes that are not valid UTF-8"};
  }
  const bool no_number = value == "NaN" || value == "Infinity" || value == "-Infinity";
  switch (schema_.columns[index].type.kind) {
    case TypeKind::kReal:
    case TypeKind::kDouble:
      // INSERT takes these texts (recorded live); COPY is not known to.
      if (no_number) return {Finding::Kind::kSideDoor, std::string(value)};
      return {};
    case TypeKind::kDecimal:
      if (no_number) return {Finding::Kind::kBad, std::string(value)};
      return {};
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return judge_time(value);
    case TypeKind::kVarchar:
    case TypeKind::kVarbyte:
    case TypeKind::kGeometry:
    case TypeKind::kGeography:
      return judge_text(index, field);
    case TypeKind::kSuper: {
      const std::string reason = exceeds_super(csv_value(field, &scratch_), limits_.super);
      if (reason.empty()) return {};
      return {Finding::Kind::kBad, reason};
    }
    default:
      return {};
  }
}

// DATE and the timestamps reach from 4713 BC to 294276 AD (r_Datetime_types); COPY is only sure of
// years of four digits.
Guard::Finding Guard::judge_time(std::string_view value) {
  constexpr int64_t kFirstYear = 4713;  // before Christ
  constexpr int64_t kLastYear = 294276;
  if (value == "infinity" || value == "-infinity") {
    return {Finding::Kind::kBad, std::string(value)};
  }
  const size_t dash = value.find('-');
  if (value.ends_with(" BC")) {
    const bool fits = parse_int(value.substr(0, dash)).value_or(kFirstYear + 1) <= kFirstYear;
    return {fits ? Finding::Kind::kSideDoor : Finding::Kind::kBad, std::string(value)};
  }
  if (dash == kNone || dash <= 4) return {};
  const bool fits = parse_int(value.substr(0, dash)).value_or(kLastYear + 1) <= kLastYear;
  return {fits ? Finding::Kind::kSideDoor : Finding::Kind::kBad, std::string(value)};
}

Guard::Finding Guard::judge_text(size_t index, const CsvField& field) {
  const Column& column = schema_.columns[index];
  const TypeKind kind = column.type.kind;
  const bool hex = kind != TypeKind::kVarchar;
  // COPY loads an empty field as NULL, INSERT does not.
  if (kind == TypeKind::kVarbyte && field.raw == kEmptyBinary) {
    return {Finding::Kind::kSideDoor, "a binary value of no bytes"};
  }
  if (!column.unbounded && kind == TypeKind::kVarchar) return {};
  const size_t bytes = hex ? field.raw.size() / 2 : csv_value_bytes(field);
  const size_t limit = kind == TypeKind::kVarchar   ? kMaxVarcharBytes
                       : kind == TypeKind::kVarbyte ? kMaxVarbyteBytes
                                                    : kMaxGeometryBytes;
  if (bytes > limit) {
    return {Finding::Kind::kBad, fmt::format("a value of {} bytes ({} at most)",
                                             format_count(static_cast<int64_t>(bytes)),
                                             format_count(static_cast<int64_t>(limit)))};
  }
  const bool measured = kind == TypeKind::kVarchar || kind == TypeKind::kVarbyte;
  if (column.unbounded && measured) {
    widths_[index] = std::max(widths_[index], static_cast<uint32_t>(bytes));
  }
  return {};
}

std::vector<uint32_t> Guard::widths() const {
  std::vector<uint32_t> out = widths_;
  // The separators and the LF belong to no value.
  const size_t plain =
      longest_plain_row_ > schema_.columns.size() ? longest_plain_row_ - schema_.columns.size() : 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const Column& column = schema_.columns[i];
    const bool hex = column.type.kind == TypeKind::kVarbyte;
    if (!column.unbounded || (!hex && column.type.kind != TypeKind::kVarchar)) continue;
    out[i] = std::max(out[i], static_cast<uint32_t>(hex ? plain / 2 : plain));
  }
  return out;
}

}  // namespace vesto
