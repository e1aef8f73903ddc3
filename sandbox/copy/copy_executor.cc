#include "sandbox/copy/copy_executor.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "sandbox/copy/byte_stream.h"
#include "sandbox/copy/copy_error.h"
#include "sandbox/copy/copy_files.h"
#include "sandbox/copy/field_writer.h"
#include "sandbox/copy/file_loader.h"
#include "sandbox/copy/value.h"

namespace vesto::sandbox {
namespace {

using Format = CopyStatement::Format;
using Compression = CopyStatement::Compression;

SqlError unsupported(std::string text) {
  return SqlError{.sqlstate = "0A000", .message = std::move(text)};
}

SqlError conflict(std::string_view one, std::string_view other) {
  return SqlError{.sqlstate = "42601",
                  .message = fmt::format("{} is not compatible with {}", one, other)};
}

SqlStatus check_format(const CopyStatement& statement) {
  std::string_view name;
  switch (statement.format) {
    case Format::kDelimited:
    case Format::kCsv:
    case Format::kJson:
      break;
    case Format::kAvro:
      name = "AVRO";
      break;
    case Format::kParquet:
      name = "PARQUET";
      break;
    case Format::kOrc:
      name = "ORC";
      break;
    case Format::kFixedWidth:
      name = "FIXEDWIDTH";
      break;
  }
  if (!name.empty()) {
    return unsupported(fmt::format("COPY from {} is not supported by this sandbox", name));
  }
  if (statement.compression == Compression::kBzip2 || statement.compression == Compression::kLzop) {
    return unsupported(
        fmt::format("{} compression is not supported by this sandbox",
                    statement.compression == Compression::kBzip2 ? "BZIP2" : "LZOP"));
  }
  if (statement.encoding && to_upper_ascii(*statement.encoding) != "UTF8") {
    return unsupported(
        fmt::format("ENCODING {} is not supported by this sandbox", *statement.encoding));
  }
  return Unit{};
}

bool is_octal_delimiter(const std::string& text) {
  return text.size() == 4 && text[0] == '\\' && text[1] == '0' && text[2] >= '0' &&
         text[2] <= '7' && text[3] >= '0' && text[3] <= '7';
}

// One ASCII character that cannot end a row.
SqlStatus check_character(std::string_view option, const std::optional<std::string>& value,
                          bool escapes) {
  if (!value) return Unit{};
  const bool one = value->size() == 1 && static_cast<unsigned char>(value->front()) < 0x80 &&
                   value->front() != '\n' && value->front() != '\r' && value->front() != '\0';
  if (one || (escapes && (*value == "\\t" || is_octal_delimiter(*value)))) return Unit{};
  return SqlError{.sqlstate = "42601",
                  .message = fmt::format("{} must be a single ASCII character", option)};
}

SqlStatus check_json(const CopyStatement& statement, const std::vector<CopyColumn>& columns) {
  if (statement.delimiter) return conflict("JSON", "DELIMITER");
  if (statement.escape) return conflict("JSON", "ESCAPE");
  if (statement.fill_record) return conflict("JSON", "FILLRECORD");
  if (statement.ignore_blank_lines) return conflict("JSON", "IGNOREBLANKLINES");
  if (statement.null_as) return conflict("JSON", "NULL AS");
  if (statement.remove_quotes) return conflict("JSON", "REMOVEQUOTES");
  const std::string& option = statement.json_option;
  if (option == "noshred") {
    if (columns.size() == 1 && columns[0].type == "super") return Unit{};
    return unsupported("JSON 'noshred' needs a table with exactly one SUPER column");
  }
  if (option.empty() || option == "auto" || option == "auto ignorecase") return Unit{};
  return unsupported("JSONPaths files are not supported by this sandbox");
}

SqlStatus check_options(const CopyStatement& statement, const std::vector<CopyColumn>& columns) {
  VESTO_TRY(check_format(statement));
  if (statement.format == Format::kJson) VESTO_TRY(check_json(statement, columns));
  if (statement.format == Format::kCsv) {
    if (statement.escape) return conflict("CSV", "ESCAPE");
    if (statement.remove_quotes) return conflict("CSV", "REMOVEQUOTES");
  } else if (statement.csv_quote) {
    return SqlError{.sqlstate = "42601", .message = "QUOTE is only valid with CSV"};
  }
  VESTO_TRY(check_character("DELIMITER", statement.delimiter, true));
  VESTO_TRY(check_character("QUOTE", statement.csv_quote, false));
  const auto is_varbyte = [](const CopyColumn& column) { return column.type == "varbyte"; };
  if (statement.remove_quotes && std::any_of(columns.begin(), columns.end(), is_varbyte)) {
    return unsupported("REMOVEQUOTES is not supported for VARBYTE columns");
  }
  if (statement.format == Format::kCsv &&
      statement.delimiter.value_or(",") == statement.csv_quote.value_or("\"")) {
    return SqlError{.sqlstate = "42601", .message = "DELIMITER and QUOTE must differ"};
  }
  if (statement.null_as && statement.null_as->find('\n') != std::string::npos) {
    return SqlError{.sqlstate = "42601", .message = "NULL AS must not contain a line feed"};
  }
  if (statement.max_error_rows < 0 || statement.max_error_rows > 100000) {
    return SqlError{.sqlstate = "42601", .message = "MAXERROR must be between 0 and 100000"};
  }
  if (statement.ignore_all_errors && statement.max_error_rows > 0) {
    return conflict("MAXERROR", "IGNOREALLERRORS");
  }
  return Unit{};
}

void add_notices(const CopyStatement& statement, const CopyContext& context, CopyOutcome* outcome) {
  const std::string& table = statement.table.name;
  outcome->notices.push_back(
      fmt::format("Load into table '{}' completed, {} record(s) loaded successfully.", table,
                  outcome->rows_loaded));
  if (outcome->rows_skipped > 0) {
    outcome->notices.push_back(fmt::format(
        "Load into table '{}' completed, {} record(s) could not be loaded.  Check '{}' system "
        "table for details.",
        table, outcome->rows_skipped, load_error_view(context)));
  }
}

SqlStatus load_files(const LoadPlan& plan, const std::vector<CopyFile>& files, CopySink* sink,
                     CopyOutcome* outcome) {
  RowBatch batch(sink, plan.statement.no_load);
  LoadErrors errors(plan, outcome);
  FileLoader loader(plan, &batch, &errors, outcome);
  for (const CopyFile& file : files) {
    if (plan.context.stop.stop_requested()) return copy_cancelled_error(plan.context);
    VESTO_ASSIGN(OpenedFile opened, open_copy_file(plan.statement, plan.context, file));
    if (opened.reader == nullptr) continue;
    ByteSource source{
        .reader = std::move(opened.reader), .limit_bytes = opened.limit_bytes, .url = file.url()};
    VESTO_ASSIGN(auto stream,
                 open_byte_stream(std::move(source), plan.statement.compression, plan.context));
    VESTO_TRY(loader.load(stream.get(), file.url()));
  }
  return batch.flush(true);
}

}  // namespace

SqlStatus execute_copy(const CopyStatement& statement, const std::vector<CopyColumn>& columns,
                       const CopyContext& context, CopySink* sink, CopyOutcome* outcome) {
  *outcome = CopyOutcome{};
  VESTO_TRY(check_options(statement, columns));
  VESTO_ASSIGN(auto plans, plan_columns(columns));
  VESTO_ASSIGN(auto writer, FieldWriter::make(statement, context.readings));
  const LoadPlan plan{statement, context, std::move(plans), std::move(writer)};
  VESTO_ASSIGN(const auto files, find_copy_files(statement, context));
  VESTO_TRY(load_files(plan, files, sink, outcome));
  if (statement.no_load) outcome->rows_loaded = 0;
  add_notices(statement, context, outcome);
  return Unit{};
}

}  // namespace vesto::sandbox
