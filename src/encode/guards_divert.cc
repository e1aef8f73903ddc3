// Rows that leave the stream: by the side door, or as rejected rows.
#include <fmt/format.h>

#include <algorithm>

#include "base/redact.h"
#include "base/strings.h"
#include "encode/guards.h"
#include "encode/key_json.h"
#include "encode/utf8.h"
#include "schema/unrepresentable.h"

namespace vesto {

namespace {

constexpr size_t kShownValueBytes = 100;

std::string shown(std::string_view value) {
  std::string text = redact(cut_utf8(value, kShownValueBytes));
  if (value.size() > kShownValueBytes) text += "...";
  return replace_all(text, "\n", "\\n");
}

// In quotes, with what a literal doubles, and the function and comma around it.
size_t literal_bytes(std::string_view value) {
  constexpr size_t kAround = 32;
  const auto doubled =
      std::count_if(value.begin(), value.end(), [](char c) { return c == '\'' || c == '\\'; });
  return value.size() + static_cast<size_t>(doubled) + kAround;
}

}  // namespace

bool Guard::may_be_nulled(size_t index) const {
  const Unrepresentable policy = schema_.columns[index].on_unrepresentable;
  return policy == Unrepresentable::kNull && !puts_null_into_key(policy, is_key_[index]);
}

// The row leaves by the side door while that has room; else each value that it was for goes as its
// column says.
Result<Guard::RowFate> Guard::divert(Diversion* out) {
  const uint64_t lacked_before = out->lacked_room;
  const std::string shut = pass_side_door(out);
  if (shut.empty()) return RowFate::kLeaves;
  const bool later = limits_.diversion->may_be_unchanged && out->lacked_room > lacked_before;
  for (const SideValue& value : side_) {
    if (!may_be_nulled(value.index)) {
      Result<RowFate> fate =
          refuse(value.index,
                 fmt::format("{}, which COPY cannot take, and {}", shown(value.finding.what), shut),
                 later ? CountedAs::kRoomless : CountedAs::kRejected, out);
      if (fate.ok() || !later) return fate;
      if (!out->fails_for_room) out->fails_for_room = std::move(fate).error();
      return RowFate::kLeaves;
    }
    nulled_.push_back(value.index);
  }
  return nulled(out);
}

// Nothing: it has passed. Else why it has not, and nothing is done.
std::string Guard::pass_side_door(Diversion* out) {
  SideRow gathered;
  size_t literals_bytes = 0;
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (is_nulled(i) || is_csv_null(fields_[i], null_marker_)) {
      gathered.add(std::nullopt);
      continue;
    }
    const std::string_view value = csv_value(fields_[i], &scratch_);
    if (value.size() > kLongestLiteralBytes) {
      return fmt::format("its row holds {} bytes in column {}, too many for an INSERT",
                         value.size(), schema_.columns[i].source_name);
    }
    literals_bytes += literal_bytes(value);
    gathered.add(value);
  }
  if (literals_bytes > kLongestRowLiteralsBytes) {
    return fmt::format("its row takes {} bytes as literals, too many for an INSERT",
                       literals_bytes);
  }
  SideRow row = gathered;  // a copy has no room to spare
  if (!out->hold.take(limits_.diversion->bytes, DiversionBound::kSideDoor, row.memory_bytes())) {
    ++out->lacked_room;
    return fmt::format("this run has more such rows at a time than {} of memory hold",
                       format_bytes(kSideDoorBytes));
  }
  out->nulled_values += nulled_.size();
  out->side.push_back(std::move(row));
  return "";
}

// The row leaves because of a value that Redshift cannot hold: it is rejected, or the stream stops.
Result<Guard::RowFate> Guard::refuse(size_t index, const std::string& reason, CountedAs counted,
                                     Diversion* out) {
  const Column& column = schema_.columns[index];
  if (column.on_unrepresentable == Unrepresentable::kStop || limits_.diversion == nullptr) {
    return Error(ErrorCode::kSrcValue,
                 fmt::format("column {} holds {} ({})", column.source_name, reason, row_name()))
        .with_hint(fmt::format("Correct the row in the source, leave the column out (exclude = "
                               "[\"{0}\"]), or say what becomes of such values: "
                               "on_unrepresentable = {{ {0} = \"reject\" }}.",
                               column.source_name));
  }
  VESTO_TRY(reject(column.source_name, reason, *shown_value(index, &scratch_), counted, out));
  return RowFate::kLeaves;
}

// The value as the source would show it; nothing for NULL. The sign for binary of no bytes is ours
// alone.
std::optional<std::string_view> Guard::shown_value(size_t index, std::string* scratch) const {
  const CsvField& field = fields_.at(index);
  if (is_csv_null(field, null_marker_)) return std::nullopt;
  const bool binary = schema_.columns[index].type.kind == TypeKind::kVarbyte;
  return binary && field.raw == kEmptyBinary ? std::string_view() : csv_value(field, scratch);
}

Status Guard::reject(std::string column, std::string reason, std::string_view value,
                     CountedAs counted, Diversion* out) {
  RejectedRow row{.key = key_json(),
                  .column = std::move(column),
                  .reason = std::move(reason),
                  .value = "",
                  .value_bytes = value.size()};
  DiversionLimits& limits = *limits_.diversion;
  if (!DiversionLimits::take(
          counted == CountedAs::kRoomless ? &limits.roomless_rows_left : &limits.rejected_rows_left,
          1)) {
    return Error(
        ErrorCode::kSrcRejectedLimit,
        fmt::format("more rows than max_rejected_rows allows cannot be delivered, the last one "
                    "because of {}{} ({})",
                    row.column.empty() ? "" : fmt::format("column {}: ", row.column), row.reason,
                    row_name()));
  }
  const std::shared_ptr<DiversionBytes>& bytes = limits_.diversion->bytes;
  if (!out->hold.take(bytes, DiversionBound::kRejectedRows, row.memory_bytes())) {
    return Error(ErrorCode::kSrcRejectedLimit,
                 fmt::format("the rows of this run that cannot be delivered take more than {} of "
                             "memory, the last one because of {} ({})",
                             format_bytes(kRejectedRowsBytes), row.reason, row_name()))
        .with_hint(
            "Correct the rows, or name another policy for the column with "
            "on_unrepresentable; where many tables have such rows, run fewer at a time "
            "(--table).");
  }
  const std::string_view kept = cut_utf8(value, kKeptValueBytes);
  const auto value_bytes = static_cast<int64_t>(kept.size() + sizeof(std::string));
  if (out->hold.take(bytes, DiversionBound::kKeptValues, value_bytes)) {
    row.value = kept;
  }
  out->rejected.push_back(std::move(row));
  return ok_status();
}

std::string Guard::bad_value(size_t index, std::string_view what) const {
  return fmt::format("{}, which {} cannot take", shown(what),
                     type_sql(schema_.columns[index].type));
}

std::string Guard::key_json() const {
  KeyJson key;
  std::string scratch;
  for (const size_t index : schema_.key) {
    key.add(schema_.columns[index].source_name, shown_value(index, &scratch));
  }
  return key.text();
}

std::string Guard::row_name() const {
  std::vector<size_t> named = schema_.key;
  const bool keyless = named.empty();
  if (keyless) named.push_back(0);
  std::vector<std::string> parts;
  std::string scratch;
  for (const size_t index : named) {
    const std::optional<std::string_view> value = shown_value(index, &scratch);
    parts.push_back(schema_.columns[index].source_name + " = " + (value ? shown(*value) : "NULL"));
  }
  return (keyless ? "no key; the row with " : "key: ") + join(parts, ", ");
}

}  // namespace vesto
