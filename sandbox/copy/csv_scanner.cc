#include <algorithm>
#include <cstring>

#include "sandbox/copy/row_scanner.h"
#include "sandbox/copy/value.h"

namespace vesto::sandbox {
namespace {

constexpr const char* kBadQuotes = "Invalid quote formatting for CSV";

class CsvScanner final : public RowScanner {
 public:
  explicit CsvScanner(const CsvRules& rules) : rules_(rules) {
    for (const char c : {rules.delimiter, rules.quote, '\n', '\r'}) {
      special_[static_cast<uint8_t>(c)] = true;
    }
  }

  ScanResult scan(const char* begin, const char* end, bool at_end, ScannedRow* row) override {
    row->fields.clear();
    row->begin = begin;
    row->lines = 0;
    position_ = begin;
    end_ = end;
    at_end_ = at_end;
    if (*begin == '\n' || (*begin == '\r' && begin + 1 < end && begin[1] == '\n')) {
      row->end = begin;
      row->next = begin + (*begin == '\r' ? 2 : 1);
      row->lines = 1;
      return ScanResult::kBlank;
    }
    for (;;) {
      FieldSpan field;
      const Step step = scan_field(row, &field);
      if (step == Step::kIncomplete) return ScanResult::kIncomplete;
      if (step == Step::kBad) return bad(row, field);
      if (row->fields.size() <= rules_.max_fields) row->fields.push_back(field);
      if (step == Step::kRowEnd) return ScanResult::kRow;
    }
  }

  void unescape(const FieldSpan& field, std::string* value) const override {
    value->clear();
    const char* kept = field.begin;
    while (kept < field.end) {
      const auto* quote = static_cast<const char*>(
          std::memchr(kept, rules_.quote, static_cast<size_t>(field.end - kept)));
      if (quote == nullptr) {
        value->append(kept, field.end);
        return;
      }
      // A quote inside is always followed by its twin, which is dropped.
      value->append(kept, quote + 1);
      kept = quote + 2;
    }
  }

 private:
  enum class Step { kField, kRowEnd, kBad, kIncomplete };

  Step scan_field(ScannedRow* row, FieldSpan* field) {
    const char* start = position_;
    const char* p = start;
    while (p < end_ && is_blank(*p) && *p != rules_.delimiter) ++p;
    if (p < end_ && *p == rules_.quote) return scan_quoted(p + 1, row, field);
    while (p < end_ && !special_[static_cast<uint8_t>(*p)]) ++p;
    // Carriage returns are rare: all other special bytes end the loop at once.
    while (p < end_ && *p == '\r' && !is_line_end(p)) {
      if (p + 1 == end_ && !at_end_) return Step::kIncomplete;
      if (!rules_.lone_cr_is_data) return bad_field(start, p, row, field);
      ++p;
      while (p < end_ && !special_[static_cast<uint8_t>(*p)]) ++p;
    }
    field->begin = start;
    field->end = p;
    if (p < end_ && *p == rules_.quote && *p != rules_.delimiter) {
      return bad_field(start, p, row, field);
    }
    return finish_field(p, row);
  }

  // `p` is behind the opening quote.
  Step scan_quoted(const char* p, ScannedRow* row, FieldSpan* field) {
    field->begin = p;
    field->quoted = true;
    for (;;) {
      const auto* quote =
          static_cast<const char*>(std::memchr(p, rules_.quote, static_cast<size_t>(end_ - p)));
      if (quote == nullptr) {
        if (!at_end_) return Step::kIncomplete;
        field->end = end_;
        error_at_ = end_;
        return Step::kBad;
      }
      if (quote + 1 == end_ && !at_end_) return Step::kIncomplete;
      if (quote + 1 < end_ && quote[1] == rules_.quote) {
        field->escaped = true;
        p = quote + 2;
        continue;
      }
      field->end = quote;
      p = quote + 1;
      break;
    }
    if (std::memchr(field->begin, '\n', static_cast<size_t>(field->end - field->begin)) !=
        nullptr) {
      row->lines += std::count(field->begin, field->end, '\n');
    }
    while (p < end_ && is_blank(*p) && *p != rules_.delimiter) ++p;
    if (p < end_ && *p == '\r' && p + 1 == end_ && !at_end_) return Step::kIncomplete;
    if (p < end_ && *p != rules_.delimiter && !is_line_end(p)) {
      error_at_ = p;
      return Step::kBad;
    }
    return finish_field(p, row);
  }

  [[nodiscard]] bool is_line_end(const char* p) const {
    return *p == '\n' || (*p == '\r' && p + 1 < end_ && p[1] == '\n');
  }

  // `p` is at the delimiter, the line's end or the buffer's end.
  Step finish_field(const char* p, ScannedRow* row) {
    if (p == end_) {
      if (!at_end_) return Step::kIncomplete;
      row->end = p;
      row->next = p;
      return Step::kRowEnd;
    }
    if (*p == rules_.delimiter) {
      position_ = p + 1;
      return Step::kField;
    }
    row->end = p;
    row->next = p + (*p == '\r' ? 2 : 1);
    ++row->lines;
    return Step::kRowEnd;
  }

  Step bad_field(const char* start, const char* p, ScannedRow* row, FieldSpan* field) {
    (void)row;
    field->begin = start;
    field->end = p;
    error_at_ = p;
    return Step::kBad;
  }

  // The row is given up at the next line feed; where none is in sight, more must be read first.
  ScanResult bad(ScannedRow* row, const FieldSpan& field) {
    const auto* feed = static_cast<const char*>(
        error_at_ == end_ ? nullptr
                          : std::memchr(error_at_, '\n', static_cast<size_t>(end_ - error_at_)));
    if (feed == nullptr && !at_end_) return ScanResult::kIncomplete;
    row->end = feed == nullptr ? end_ : feed;
    row->next = feed == nullptr ? end_ : feed + 1;
    row->lines = std::count(row->begin, row->next, '\n');
    row->error_code = kErrorDelimiter;
    row->error_reason = kBadQuotes;
    row->error_field = field;
    return ScanResult::kBad;
  }

  const CsvRules rules_;
  std::array<bool, 256> special_ = {};
  const char* position_ = nullptr;
  const char* end_ = nullptr;
  const char* error_at_ = nullptr;
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<RowScanner> make_csv_scanner(const CsvRules& rules) {
  return std::make_unique<CsvScanner>(rules);
}

}  // namespace vesto::sandbox
