// Takes a buffer of CSV, delimited text or JSON apart into rows and fields, without copying.
//
// Source of the rules: COPY's data format parameters; CR and quote readings in CopyReadings.
// State bound: one span for each column. Thread rule: one thread.
#ifndef VESTO_SANDBOX_COPY_ROW_SCANNER_H_
#define VESTO_SANDBOX_COPY_ROW_SCANNER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vesto::sandbox {

// A field as it stands in the buffer: without its quotes, with its escapes.
struct FieldSpan {
  const char* begin = nullptr;
  const char* end = nullptr;
  bool quoted = false;
  bool escaped = false;  // doubled quotes or backslashes inside: unescape() before use
  bool null = false;     // JSON: null, or the key is not there

  [[nodiscard]] std::string_view raw() const { return {begin, static_cast<size_t>(end - begin)}; }
};

struct ScannedRow {
  std::vector<FieldSpan> fields;  // at most max_fields + 1 are kept
  const char* begin = nullptr;
  const char* end = nullptr;   // without the line end
  const char* next = nullptr;  // where the next row begins
  int64_t lines = 0;           // line feeds taken
  // kBad: what is wrong, and in which field.
  int error_code = 0;
  const char* error_reason = "";
  FieldSpan error_field = {};
};

enum class ScanResult {
  kRow,
  kBlank,       // a line without any character
  kSkip,        // white space between JSON objects: nothing to load
  kBad,         // error_* say why; `next` is behind the next line feed
  kIncomplete,  // the row goes on behind the buffer; nothing was taken
};

class RowScanner {
 public:
  virtual ~RowScanner() = default;
  // begin < end. at_end: nothing follows the buffer.
  virtual ScanResult scan(const char* begin, const char* end, bool at_end, ScannedRow* row) = 0;
  // Writes the field's value, escapes resolved, into `value`.
  virtual void unescape(const FieldSpan& field, std::string* value) const = 0;
};

struct CsvRules {
  char delimiter = ',';
  char quote = '"';
  bool lone_cr_is_data = false;
  size_t max_fields = 0;
};
std::unique_ptr<RowScanner> make_csv_scanner(const CsvRules& rules);

struct DelimitedRules {
  char delimiter = '|';
  bool escape = false;
  bool remove_quotes = false;
  size_t max_fields = 0;
};
std::unique_ptr<RowScanner> make_delimited_scanner(const DelimitedRules& rules);

struct JsonRules {
  bool ignore_case = false;  // 'auto ignorecase'
  bool whole = false;        // 'noshred': each object fills the one column
  std::vector<std::string> columns;
  std::vector<bool> is_super;  // of the same size: these columns take JSON text
};
// A sequence of objects, parted by white space. The fields of a row are the columns, in order.
std::unique_ptr<RowScanner> make_json_scanner(const JsonRules& rules);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_ROW_SCANNER_H_
