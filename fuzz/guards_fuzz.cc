// Any bytes as a chunk: the guard never crashes, finds what a plain reading of the rows finds, and
// the fast scan says what the plain one says.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "encode/byte_scan.h"
#include "encode/guards.h"

namespace {

using namespace vesto;

constexpr std::string_view kMarker = "nul";
constexpr size_t kTextBytes = 16;

void must(bool condition) {
  if (!condition) std::abort();
}

StreamSchema make_schema() {
  StreamSchema schema;
  schema.stream = "public.t";
  const TypeKind kinds[] = {TypeKind::kBigint, TypeKind::kDecimal, TypeKind::kDate,
                            TypeKind::kVarchar, TypeKind::kSuper};
  for (const TypeKind kind : kinds) {
    Column column;
    column.name = column.source_name = "c" + std::to_string(schema.columns.size());
    column.type.kind = kind;
    column.unbounded = kind == TypeKind::kVarchar || kind == TypeKind::kSuper;
    if (kind == TypeKind::kVarchar) column.type.length_bytes = kTextBytes;
    schema.columns.push_back(column);
  }
  schema.key = {0};
  return schema;
}

// Reads the rows the slow way. False: a value is there that must have stopped the guard, or the
// bytes are no rows of the stream at all.
bool plain_reading(const Chunk& chunk, const GuardLimits& limits, uint32_t* widest) {
  uint64_t rows = 0;
  std::vector<CsvField> fields;
  std::string scratch;
  for (size_t at = 0; at < chunk.bytes.size(); ++rows) {
    const size_t end = csv_row_end(chunk.bytes, at);
    if (end == std::string::npos) return false;
    const std::string_view row = std::string_view(chunk.bytes).substr(at, end - at);
    at = end;
    if (!split_csv_row(row, &fields) || fields.size() != 5) return false;
    if (row.size() > limits.row_bytes || is_csv_null(fields[0], kMarker)) return false;
    if (!is_csv_null(fields[1], kMarker) && !fields[1].quoted &&
        (fields[1].raw == "NaN" || fields[1].raw == "Infinity" || fields[1].raw == "-Infinity")) {
      return false;
    }
    const std::string_view date = fields[2].raw;
    if (!fields[2].quoted && (date == "infinity" || date == "-infinity" || date.ends_with("1 BC") ||
                              date.starts_with("12345-01-"))) {
      return false;
    }
    if (!is_csv_null(fields[3], kMarker) && csv_value_bytes(fields[3]) > kTextBytes) {
      *widest = std::max(*widest, static_cast<uint32_t>(csv_value_bytes(fields[3])));
    }
    if (!is_csv_null(fields[4], kMarker) &&
        !exceeds_super(csv_value(fields[4], &scratch), limits.super).empty()) {
      return false;
    }
  }
  return rows == chunk.rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const unsigned what = data[0] % 32U;
  Chunk chunk;
  chunk.bytes.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (size_t at = 0; at < chunk.bytes.size();) {
    const size_t end = csv_row_end(chunk.bytes, at);
    if (end == std::string::npos) break;
    chunk.longest_row_bytes = std::max<uint64_t>(chunk.longest_row_bytes, end - at);
    ++chunk.rows;
    at = end;
  }
  must(find_suspect(chunk.bytes, 0, what) == internal::find_suspect_plain(chunk.bytes, 0, what));
  GuardLimits limits;
  limits.row_bytes = 200;
  limits.super = {.string_bytes = 30, .depth = 4, .value_bytes = 100};
  Guard guard(make_schema(), std::string(kMarker), limits);
  // No row may leave here: what Redshift cannot hold stops the stream. The guard may change the
  // chunk, so the slow reading has one of its own.
  Chunk plain;
  plain.bytes = chunk.bytes;
  plain.rows = chunk.rows;
  plain.longest_row_bytes = chunk.longest_row_bytes;
  Diversion diversion;
  const bool passed = guard.check(&chunk, &diversion).ok();
  if (passed) must(chunk.bytes == plain.bytes && chunk.rows == plain.rows);
  uint32_t widest = 0;
  const bool clean = plain_reading(plain, limits, &widest);
  // Bytes that are no rows may pass unseen: only rows that trip are taken apart.
  if (clean) {
    // The guard may only stop for values that this reading does not know as bad: other dates.
    // Of rows that were not taken apart only a bound is known.
    const uint32_t width = guard.widths()[3];
    if (passed) must(width >= widest && width <= std::max<uint64_t>(widest, kTextBytes));
  } else if (passed) {
    std::vector<CsvField> fields;
    bool rows_of_the_stream = true;
    for (size_t at = 0; at < plain.bytes.size() && rows_of_the_stream;) {
      const size_t end = csv_row_end(plain.bytes, at);
      rows_of_the_stream =
          end != std::string::npos &&
          split_csv_row(std::string_view(plain.bytes).substr(at, end - at), &fields) &&
          fields.size() == 5;
      at = end;
    }
    must(!rows_of_the_stream);
  }
  return 0;
}
