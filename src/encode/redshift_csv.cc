#include "encode/redshift_csv.h"

#include <cstring>

#include "base/ids.h"
#include "encode/byte_scan.h"

namespace vesto {

namespace {

constexpr size_t kNullMarkerLength = 20;

bool needs_quotes(std::string_view value) {
  // A bare \. ends the data for PostgreSQL; the sandbox and other readers share that habit.
  return value.empty() || value == "\\." ||
         value.find_first_of(std::string_view(",\"\r\n", 4)) != std::string_view::npos;
}

}  // namespace

std::string make_null_marker() { return random_alphanumeric(kNullMarkerLength); }

void append_csv_value(std::string* out, std::string_view value) {
  if (!needs_quotes(value)) {
    out->append(value);
    return;
  }
  out->push_back(kCsvQuote);
  for (const char c : value) {
    if (c == kCsvQuote) out->push_back(kCsvQuote);
    out->push_back(c);
  }
  out->push_back(kCsvQuote);
}

std::string_view csv_value(const CsvField& field, std::string* scratch) {
  if (!field.quoted || field.raw.find(kCsvQuote) == std::string_view::npos) return field.raw;
  scratch->clear();
  for (size_t i = 0; i < field.raw.size(); ++i) {
    scratch->push_back(field.raw[i]);
    if (field.raw[i] == kCsvQuote) ++i;  // the second of a pair
  }
  return *scratch;
}

size_t csv_value_bytes(const CsvField& field) {
  return field.quoted ? field.raw.size() - count_byte(field.raw, kCsvQuote) / 2 : field.raw.size();
}

namespace {

// `at` is the offset behind an opening quote. The offset of the closing one, or npos.
size_t closing_quote(std::string_view row, size_t at) {
  while (true) {
    const size_t quote = row.find(kCsvQuote, at);
    if (quote == std::string_view::npos) return quote;
    if (quote + 1 >= row.size() || row[quote + 1] != kCsvQuote) return quote;
    at = quote + 2;
  }
}

}  // namespace

bool split_csv_row(std::string_view row, std::vector<CsvField>* fields) {
  fields->clear();
  if (row.ends_with(kCsvRecordEnd)) row.remove_suffix(1);
  size_t at = 0;
  while (true) {
    if (at < row.size() && row[at] == kCsvQuote) {
      const size_t close = closing_quote(row, at + 1);
      if (close == std::string_view::npos) return false;
      fields->push_back({row.substr(at + 1, close - at - 1), true});
      at = close + 1;
      if (at == row.size()) return true;
      if (row[at] != kCsvDelimiter) return false;
    } else {
      const size_t comma = std::min(row.find(kCsvDelimiter, at), row.size());
      const std::string_view raw = row.substr(at, comma - at);
      if (raw.find(kCsvQuote) != std::string_view::npos) return false;
      fields->push_back({raw, false});
      at = comma;
      if (at == row.size()) return true;
    }
    ++at;  // the comma
  }
}

size_t csv_row_end(std::string_view bytes, size_t from) {
  bool inside_quotes = false;
  size_t at = from;
  while (at < bytes.size()) {
    const void* found = std::memchr(bytes.data() + at, kCsvRecordEnd, bytes.size() - at);
    if (found == nullptr) break;
    const auto end = static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
    // Quotes come in pairs but for the one that opens a field which holds this LF.
    if (count_byte(bytes.substr(at, end - at), kCsvQuote) % 2 != 0) inside_quotes = !inside_quotes;
    at = end + 1;
    if (!inside_quotes) return at;
  }
  return std::string_view::npos;
}

}  // namespace vesto
