// Fuzzes COPY's readers: the first two bytes choose format and options, the rest is the object.
// It must end without a fault, every row that it passes on must be whole, and the size of the reads
// must not matter.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/unit/sandbox_copy/memory_store.h"

namespace {

using namespace vesto::sandbox;

std::vector<CopyColumn> fuzz_columns() {
  std::vector<CopyColumn> columns;
  for (const char* type : {"integer", "varchar", "char", "numeric", "real", "boolean", "date",
                           "timestamp", "timestamptz", "time", "timetz", "super", "varbyte"}) {
    CopyColumn column;
    column.name = std::string(1, static_cast<char>('a' + columns.size()));
    column.type = type;
    column.length_bytes = 9;
    column.precision = 12;
    column.scale = 3;
    columns.push_back(column);
  }
  return columns;
}

CopyStatement fuzz_statement(uint8_t format, uint8_t options) {
  CopyStatement statement;
  statement.table.name = "t";
  statement.from = "s3://b/k";
  statement.access_key_id = "AKIATEST";
  statement.secret_access_key = "sec/ret+1";
  constexpr CopyStatement::Format kFormats[] = {
      CopyStatement::Format::kCsv, CopyStatement::Format::kDelimited, CopyStatement::Format::kJson,
      CopyStatement::Format::kCsv};
  statement.format = kFormats[format % 4];
  const bool text = statement.format == CopyStatement::Format::kDelimited;
  const bool json = statement.format == CopyStatement::Format::kJson;
  constexpr CopyStatement::Compression kPacked[] = {
      CopyStatement::Compression::kNone, CopyStatement::Compression::kNone,
      CopyStatement::Compression::kGzip, CopyStatement::Compression::kZstd};
  statement.compression = kPacked[(format >> 2U) % 4];
  if (!json) statement.delimiter = ",";
  statement.max_error_rows = 100000;
  statement.escape = text && (options & 1U) != 0;
  statement.remove_quotes = text && (options & 2U) != 0;
  statement.fill_record = !json && (options & 4U) != 0;
  statement.round_dec = (options & 8U) != 0;
  statement.truncate_columns = (options & 16U) != 0;
  if ((options & 32U) != 0) statement.accept_inv_chars = "";
  if ((options & 64U) != 0) statement.date_format = statement.time_format = "auto";
  statement.blanks_as_null = (options & 128U) != 0;
  return statement;
}

std::string run_copy(MemoryStore* store, const CopyStatement& statement, size_t read_bytes) {
  static const std::vector<CopyColumn> columns = fuzz_columns();
  static const OneKeyRing keys;
  CopyContext context;
  context.store = store;
  context.keys = &keys;
  context.read_bytes = read_bytes;
  context.readings.row_limit_bytes = 4096;
  context.readings.wide_dates = true;
  context.readings.decimal_exponent = true;
  KeepingSink sink;
  CopyOutcome outcome;
  const bool ok = execute_copy(statement, columns, context, &sink, &outcome).ok();
  size_t tabs = 0;
  for (const char c : sink.rows) {
    if (c == '\0') std::abort();
    if (c == '\t') ++tabs;
    if (c != '\n') continue;
    if (tabs != columns.size() - 1) std::abort();
    tabs = 0;
  }
  // Of a COPY that fails nothing stays; how far it came before a broken object was noticed depends
  // on the reads.
  return ok ? sink.rows + "ok" + std::to_string(outcome.rows_skipped) : "failed";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const CopyStatement statement = fuzz_statement(data[0], data[1]);
  MemoryStore store;
  const std::string body(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (!store.put("b", "k", body, {}).ok()) std::abort();
  const std::string whole = run_copy(&store, statement, size_t{16} << 10);
  // Rows longer than the limit are met at different places by different reads.
  if (size < 4096 && whole != run_copy(&store, statement, 3)) std::abort();
  return 0;
}
