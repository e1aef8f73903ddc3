#include <algorithm>
#include <cstring>

#include "sandbox/copy/row_scanner.h"
#include "sandbox/copy/value.h"

namespace vesto::sandbox {
namespace {

// Plain delimited text: a line feed ends the row, CR is data, backslash only counts with ESCAPE,
// quotes only with REMOVEQUOTES.
class DelimitedScanner final : public RowScanner {
 public:
  explicit DelimitedScanner(const DelimitedRules& rules) : rules_(rules) {
    special_[static_cast<uint8_t>(rules.delimiter)] = true;
    special_[static_cast<uint8_t>('\n')] = true;
    if (rules.escape) special_[static_cast<uint8_t>('\\')] = true;
  }

  ScanResult scan(const char* begin, const char* end, bool at_end, ScannedRow* row) override {
    row->fields.clear();
    row->begin = begin;
    row->lines = 0;
    if (*begin == '\n') {
      row->end = begin;
      row->next = begin + 1;
      row->lines = 1;
      return ScanResult::kBlank;
    }
    const char* p = begin;
    for (;;) {
      FieldSpan field{.begin = p};
      const bool quoted = rules_.remove_quotes && p < end && (*p == '"' || *p == '\'');
      p = quoted ? quoted_end(p, end, at_end, row, &field) : plain_end(p, end, at_end, row, &field);
      if (p == nullptr) return ScanResult::kIncomplete;
      if (field.end == nullptr) return bad(row, begin, end, at_end, field);
      if (row->fields.size() <= rules_.max_fields) row->fields.push_back(field);
      if (p < end && *p == rules_.delimiter) {
        ++p;
        continue;
      }
      row->end = p;
      row->next = p < end ? p + 1 : p;
      if (p < end) ++row->lines;
      return ScanResult::kRow;
    }
  }

  void unescape(const FieldSpan& field, std::string* value) const override {
    value->clear();
    for (const char* p = field.begin; p < field.end; ++p) {
      if (*p == '\\' && p + 1 < field.end) ++p;
      value->push_back(*p);
    }
  }

 private:
  // The end of an unquoted field, or nullptr when the buffer ends first.
  const char* plain_end(const char* p, const char* end, bool at_end, ScannedRow* row,
                        FieldSpan* field) const {
    for (;;) {
      while (p < end && !special_[static_cast<uint8_t>(*p)]) ++p;
      if (p == end || *p != '\\' || rules_.delimiter == '\\') break;
      // An escaped character: a lone backslash at the very end stays as it is.
      if (p + 1 == end) {
        if (!at_end) return nullptr;
        ++p;
        break;
      }
      field->escaped = true;
      if (p[1] == '\n') ++row->lines;
      p += 2;
    }
    if (p == end && !at_end) return nullptr;
    field->end = p;
    return p;
  }

  // The field ends at a quote of the same kind that the delimiter or the line's end follows. A line
  // feed inside ends the search: field->end stays unset and the row is bad.
  const char* quoted_end(const char* p, const char* end, bool at_end, ScannedRow* row,
                         FieldSpan* field) const {
    const char quote = *p;
    field->begin = ++p;
    field->quoted = true;
    for (; p < end; ++p) {
      if (rules_.escape && *p == '\\' && p + 1 < end) {
        field->escaped = true;
        if (p[1] == '\n') ++row->lines;
        ++p;
        continue;
      }
      if (*p == '\n') return p;
      if (*p != quote) continue;
      if (p + 1 == end && !at_end) return nullptr;
      if (p + 1 == end || p[1] == rules_.delimiter || p[1] == '\n') {
        field->end = p;
        return p + 1;
      }
    }
    return at_end ? end : nullptr;
  }

  static ScanResult bad(ScannedRow* row, const char* begin, const char* end, bool at_end,
                        FieldSpan field) {
    const auto* feed = static_cast<const char*>(
        std::memchr(field.begin, '\n', static_cast<size_t>(end - field.begin)));
    if (feed == nullptr && !at_end) return ScanResult::kIncomplete;
    row->begin = begin;
    row->end = feed == nullptr ? end : feed;
    row->next = feed == nullptr ? end : feed + 1;
    row->lines = std::count(row->begin, row->next, '\n');
    field.end = row->end;
    row->error_code = kErrorDelimiter;
    row->error_reason = "Delimiter not found";
    row->error_field = field;
    return ScanResult::kBad;
  }

  const DelimitedRules rules_;
  std::array<bool, 256> special_ = {};
};

}  // namespace

std::unique_ptr<RowScanner> make_delimited_scanner(const DelimitedRules& rules) {
  return std::make_unique<DelimitedScanner>(rules);
}

}  // namespace vesto::sandbox
