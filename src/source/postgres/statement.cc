#include "source/postgres/statement.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "encode/chunk.h"
#include "encode/redshift_csv.h"
#include "pg/quoting.h"

namespace vesto {

namespace {

constexpr int64_t kPieceBytes = 64LL << 20;
constexpr int64_t kMaxPieces = 64;
// Compression gains a factor of 255 at most.
constexpr size_t kMostCompression = 256;
// An array keeps NULL in a bit and prints it in five bytes.
constexpr size_t kMostGrowth = 64;

std::string printed(const ReadColumn& column) {
  const std::string name = quote_identifier(column.name);
  switch (column.print) {
    case PrintForm::kPlain:
      return name;
    case PrintForm::kText:
      return name + "::text";
    case PrintForm::kHex:
      // Empty: what the guards look for (encode/redshift_csv.h).
      return "CASE WHEN " + name + " = '' THEN '" + std::string(kEmptyBinary) + "' ELSE encode(" +
             name + ", 'hex') END";
    case PrintForm::kJson:
      return "to_json(" + name + ")::text";
    case PrintForm::kJsonTexts:
      return "to_json(" + name + "::text[])::text";
    case PrintForm::kNumeric:
      return name + "::numeric";
    case PrintForm::kTrimmed:
      return "trim_scale(" + name + ")::text";
  }
  return name;
}

std::string size_of(const ReadColumn& column, size_t max_row_bytes) {
  const std::string name = quote_identifier(column.name);
  if (column.size == ReadColumn::Size::kJsonb) {
    // What is stored in less cannot print as more than a row may hold.
    return fmt::format(
        "coalesce(CASE WHEN pg_column_size({0}) > {1} THEN octet_length({0}::text) END, 0)::bigint",
        name, max_row_bytes / kMostCompression);
  }
  if (column.size == ReadColumn::Size::kPrinted) {
    return fmt::format(
        "coalesce(CASE WHEN pg_column_size({}) > {} THEN octet_length({}) END, 0)::bigint", name,
        max_row_bytes / kMostCompression / kMostGrowth, printed(column));
  }
  const std::string_view text = column.print == PrintForm::kHex ? "" : "::text";
  return fmt::format("coalesce(octet_length({}{}), 0)::bigint", name, text);
}

std::vector<std::string> expressions(const ReadStatement& read) {
  std::vector<std::string> sizes;
  if (!read.oversize_marker.empty()) {
    for (const ReadColumn& column : read.columns) {
      if (column.size == ReadColumn::Size::kBounded) continue;
      sizes.push_back(size_of(column, read.max_row_bytes));
    }
  }
  const std::string too_large = fmt::format("{} > {}", join(sizes, " + "), read.max_row_bytes);
  std::vector<std::string> out;
  bool marked = false;
  for (const ReadColumn& column : read.columns) {
    const bool large = !sizes.empty() && column.size != ReadColumn::Size::kBounded && !column.key;
    if (!large) {
      out.push_back(printed(column));
      continue;
    }
    const std::string text = column.print == PrintForm::kPlain
                                 ? quote_identifier(column.name) + "::text"
                                 : printed(column);
    out.push_back(fmt::format("CASE WHEN {} THEN {} ELSE {} END", too_large,
                              marked ? "NULL" : quote_pg_literal(read.oversize_marker), text));
    marked = true;
  }
  return out;
}

}  // namespace

std::string copy_statement(const ReadStatement& read) {
  const std::string& table = read.from;
  const bool plain = std::all_of(read.columns.begin(), read.columns.end(), [](const auto& column) {
    return column.print == PrintForm::kPlain;
  });
  std::string from;
  if (read.table_form && plain && read.where.empty() && read.oversize_marker.empty()) {
    std::vector<std::string> names;
    for (const ReadColumn& column : read.columns) names.push_back(quote_identifier(column.name));
    from = fmt::format("{} ({})", table, join(names, ", "));
  } else {
    from = fmt::format("(SELECT {} FROM {}{}{}{})", join(expressions(read), ", "),
                       read.only ? "ONLY " : "", table, read.where.empty() ? "" : " WHERE ",
                       join(read.where, " AND "));
  }
  // An empty text that is alone in its row would be an empty line, which COPY of Redshift refuses.
  const bool alone = read.columns.size() == 1 && read.columns.front().text;
  return fmt::format("COPY {} TO STDOUT WITH (FORMAT csv, NULL {}, ENCODING {}{})", from,
                     quote_pg_literal(read.null_marker), quote_pg_literal(read.encoding),
                     alone ? ", FORCE_QUOTE *" : "");
}

std::string block_condition(const BlockRange& range) {
  std::string out;
  if (range.from > 0) out = fmt::format("ctid >= '({},0)'::tid", range.from);
  if (range.to >= 0) {
    out += fmt::format("{}ctid < '({},0)'::tid", out.empty() ? "" : " AND ", range.to);
  }
  return out;
}

std::vector<BlockRange> cut_blocks(int64_t heap_bytes, int64_t total_bytes, int64_t block_bytes) {
  const int64_t blocks = block_bytes > 0 ? heap_bytes / block_bytes : 0;
  const int64_t wanted = (total_bytes + kPieceBytes - 1) / kPieceBytes;
  const int64_t pieces = std::clamp<int64_t>(std::min(wanted, blocks), 1, kMaxPieces);
  std::vector<BlockRange> out;
  for (int64_t i = 0; i < pieces; ++i) {
    out.push_back({blocks * i / pieces, i + 1 < pieces ? blocks * (i + 1) / pieces : -1});
  }
  return out;
}

}  // namespace vesto
