#include "sandbox/copy/file_loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sandbox/copy/copy_error.h"
#include "sandbox/copy/text_value.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kBatchBytes = size_t{256} << 10;
constexpr size_t kMaxKeptErrors = 100;
constexpr size_t kExcerptCharacters = 1024;

// "\t", "\011" or one character.
char delimiter_of(const std::optional<std::string>& option, char fallback) {
  if (!option || option->empty()) return fallback;
  if (*option == "\\t") return '\t';
  if (option->size() == 4 && option->front() == '\\') {
    int code = 0;
    for (const char c : option->substr(1)) code = code * 8 + (c - '0');
    return static_cast<char>(code);
  }
  return option->front();
}

std::unique_ptr<RowScanner> make_scanner(const LoadPlan& plan) {
  const CopyStatement& statement = plan.statement;
  if (statement.format == CopyStatement::Format::kCsv) {
    return make_csv_scanner({.delimiter = delimiter_of(statement.delimiter, ','),
                             .quote = statement.csv_quote.value_or("\"").empty()
                                          ? '"'
                                          : statement.csv_quote.value_or("\"")[0],
                             .lone_cr_is_data = plan.context.readings.lone_cr_is_data,
                             .max_fields = plan.columns.size()});
  }
  if (statement.format == CopyStatement::Format::kJson) {
    JsonRules rules;
    rules.ignore_case = statement.json_option == "auto ignorecase";
    rules.whole = statement.json_option == "noshred";
    for (const ColumnPlan& column : plan.columns) {
      rules.columns.push_back(column.column.name);
      rules.is_super.push_back(column.kind == ColumnKind::kSuper);
    }
    return make_json_scanner(rules);
  }
  return make_delimited_scanner({.delimiter = delimiter_of(statement.delimiter, '|'),
                                 .escape = statement.escape,
                                 .remove_quotes = statement.remove_quotes,
                                 .max_fields = plan.columns.size()});
}

}  // namespace

SqlStatus LoadErrors::add(LoadError error) {
  ++outcome_->rows_skipped;
  if (outcome_->errors.size() < kMaxKeptErrors) outcome_->errors.push_back(std::move(error));
  if (plan_.statement.ignore_all_errors) return Unit{};
  // MAXERROR 0 and 1 both stop at the first one.
  const int64_t limit = std::max<int64_t>(1, plan_.statement.max_error_rows);
  if (outcome_->rows_skipped < limit) return Unit{};
  return load_failed_error(plan_.context, plan_.statement.table.name);
}

SqlStatus RowBatch::flush(bool force) {
  if (text_.empty() || (!force && text_.size() < kBatchBytes)) return Unit{};
  if (!no_load_) VESTO_TRY(sink_->write(text_));
  text_.clear();
  return Unit{};
}

InputBuffer::InputBuffer(ByteStream* stream, const CopyContext& context)
    : stream_(stream),
      row_limit_(static_cast<size_t>(
          std::clamp<int64_t>(context.readings.row_limit_bytes, 1, int64_t{64} << 20))),
      read_bytes_(std::clamp<size_t>(context.read_bytes, 1, size_t{1} << 20)),
      buffer_(2 * read_bytes_) {}

SqlStatus InputBuffer::fill() {
  if (at_end_) return Unit{};
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  // Doubling keeps the scans of a long row linear in all. The caller gives up over the row limit,
  // so the buffer ends at twice that limit.
  if (buffer_.size() - end_ < read_bytes_) buffer_.resize(2 * buffer_.size());
  const size_t target = end_ + std::max(read_bytes_, end_ / 2);
  while (end_ < std::min(target, buffer_.size())) {
    VESTO_ASSIGN(const size_t count, stream_->read(buffer_.data() + end_, buffer_.size() - end_));
    if (count == 0) {
      at_end_ = true;
      break;
    }
    end_ += count;
  }
  return Unit{};
}

FileLoader::FileLoader(const LoadPlan& plan, RowBatch* batch, LoadErrors* errors,
                       CopyOutcome* outcome)
    : plan_(plan),
      batch_(batch),
      errors_(errors),
      outcome_(outcome),
      scanner_(make_scanner(plan)) {}

SqlStatus FileLoader::skip_line(InputBuffer* input) {
  for (;;) {
    const auto* feed = static_cast<const char*>(
        std::memchr(input->begin(), '\n', static_cast<size_t>(input->end() - input->begin())));
    input->take_to(feed == nullptr ? input->end() : feed + 1);
    if (feed != nullptr) {
      ++line_;
      return Unit{};
    }
    if (input->at_end()) return Unit{};
    VESTO_TRY(input->fill());
  }
}

SqlStatus FileLoader::skip_header(InputBuffer* input) {
  constexpr std::string_view kBom = "\xEF\xBB\xBF";
  if (plan_.context.readings.skip_bom) {
    while (input->size() < kBom.size() && !input->at_end()) VESTO_TRY(input->fill());
    if (std::string_view(input->begin(), input->size()).substr(0, kBom.size()) == kBom) {
      input->take_to(input->begin() + kBom.size());
    }
  }
  for (int i = 0; i < plan_.statement.ignore_header_lines; ++i) {
    if (input->empty() && input->at_end()) break;
    VESTO_TRY(skip_line(input));
  }
  return Unit{};
}

SqlStatus FileLoader::load(ByteStream* stream, const std::string& url) {
  url_ = url;
  line_ = 1;
  InputBuffer input(stream, plan_.context);
  VESTO_TRY(input.fill());
  VESTO_TRY(skip_header(&input));
  // Each turn takes a row, or reads more, or ends.
  for (;;) {
    if (input.empty()) {
      if (input.at_end()) return Unit{};
      if (plan_.context.stop.stop_requested()) return copy_cancelled_error(plan_.context);
      VESTO_TRY(input.fill());
      continue;
    }
    const ScanResult result = scanner_->scan(input.begin(), input.end(), input.at_end(), &row_);
    if (result == ScanResult::kIncomplete) {
      if (input.is_over_limit()) {
        VESTO_TRY(take_long_row(&input));
        continue;
      }
      if (plan_.context.stop.stop_requested()) return copy_cancelled_error(plan_.context);
      VESTO_TRY(input.fill());
      continue;
    }
    VESTO_TRY(take_row(result));
    line_ += row_.lines;
    input.take_to(row_.next);
  }
}

SqlStatus FileLoader::take_long_row(InputBuffer* input) {
  row_.begin = input->begin();
  row_.end = input->end();
  row_.fields.clear();
  const ValueError error{kErrorInvalidLine,
                         fmt::format("Input line exceeds the maximum size of {} bytes",
                                     plan_.context.readings.row_limit_bytes)};
  VESTO_TRY(refuse(error, plan_.columns.size(), {}));
  // Line feeds inside the quotes of this row must not look like its end.
  line_ += std::count(input->begin(), input->end(), '\n');
  input->take_to(input->end());
  return skip_line(input);
}

SqlStatus FileLoader::take_row(ScanResult result) {
  if (result == ScanResult::kSkip) return Unit{};
  if (result == ScanResult::kBlank && plan_.statement.ignore_blank_lines) return Unit{};
  ValueError error;
  size_t bad_column = plan_.columns.size();
  if (result == ScanResult::kRow &&
      row_.end - row_.begin <= plan_.context.readings.row_limit_bytes) {
    if (write_row(&error, &bad_column)) {
      ++outcome_->rows_loaded;
      return batch_->flush(false);
    }
    const bool in_field = bad_column < row_.fields.size();
    return refuse(error, bad_column, in_field ? row_.fields[bad_column].raw() : std::string_view{});
  }
  if (result == ScanResult::kRow) {
    error.set(kErrorInvalidLine, fmt::format("Input line exceeds the maximum size of {} bytes",
                                             plan_.context.readings.row_limit_bytes));
    return refuse(error, bad_column, {});
  }
  if (result == ScanResult::kBlank) {
    error.set(kErrorEmptyLine, "Input line had no data");
    return refuse(error, 0, {});
  }
  error.set(row_.error_code, row_.error_reason);
  // Broken JSON belongs to no column.
  const bool in_column = row_.error_code != kErrorInvalidLine;
  return refuse(error, in_column ? row_.fields.size() : bad_column, row_.error_field.raw());
}

bool FileLoader::write_row(ValueError* error, size_t* bad_column) {
  const size_t columns = plan_.columns.size();
  const size_t present = row_.fields.size();
  if (present > columns) {
    *bad_column = columns;
    return error->set(kErrorExtraColumns, "Extra column(s) found");
  }
  if (present < columns && !plan_.statement.fill_record) {
    *bad_column = present;
    return error->set(kErrorDelimiter, "Delimiter not found");
  }
  std::string& out = batch_->text();
  const size_t row_start = out.size();
  for (size_t i = 0; i < columns; ++i) {
    bool valid = false;
    if (i < present && row_.fields[i].null) {
      valid = FieldWriter::write_null(plan_.columns[i], &out, error);
    } else if (i < present) {
      const FieldSpan& field = row_.fields[i];
      std::string_view value = field.raw();
      if (field.escaped) {
        scanner_->unescape(field, &scratch_);
        value = scratch_;
      }
      valid = plan_.writer.write(plan_.columns[i], value, field.raw(), field.quoted, &out, error);
    } else {
      valid = plan_.writer.write_missing(plan_.columns[i], &out, error);
    }
    if (!valid) {
      *bad_column = i;
      out.resize(row_start);
      return false;
    }
    out.push_back(i + 1 < columns ? '\t' : '\n');
  }
  return true;
}

SqlStatus FileLoader::refuse(const ValueError& error, size_t column, std::string_view field) {
  LoadError record;
  record.filename = url_;
  record.line_number = line_;
  if (column < plan_.columns.size()) {
    const ColumnPlan& plan = plan_.columns[column];
    record.column_name = plan.column.name;
    record.type = plan.stl_type;
    record.column_length = plan.stl_length;
  }
  if (field.data() != nullptr && field.data() >= row_.begin && field.data() <= row_.end) {
    record.position = field.data() - row_.begin;
  }
  record.raw_line = printable_excerpt({row_.begin, static_cast<size_t>(row_.end - row_.begin)},
                                      kExcerptCharacters);
  record.raw_field_value = printable_excerpt(field, kExcerptCharacters);
  record.error_code = error.code;
  record.error_reason = error.reason;
  return errors_->add(std::move(record));
}

}  // namespace vesto::sandbox
