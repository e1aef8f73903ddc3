#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>
#include <utility>

#include "base/strings.h"
#include "sandbox/copy/row_scanner.h"
#include "sandbox/copy/super_value.h"
#include "sandbox/copy/value.h"

namespace vesto::sandbox {
namespace {

// A word or an escape that the buffer's end may have cut is no error yet.
constexpr size_t kLongestToken = 16;

bool is_json_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void append_utf8(uint32_t code, std::string* out) {
  const auto byte = [&](uint32_t value) { out->push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0U | (code >> 6U));
    byte(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    byte(0xE0U | (code >> 12U));
    byte(0x80U | ((code >> 6U) & 0x3FU));
    byte(0x80U | (code & 0x3FU));
  } else {
    byte(0xF0U | (code >> 18U));
    byte(0x80U | ((code >> 12U) & 0x3FU));
    byte(0x80U | ((code >> 6U) & 0x3FU));
    byte(0x80U | (code & 0x3FU));
  }
}

uint32_t hex_unit(const char* digits) {
  uint32_t unit = 0;
  std::from_chars(digits, digits + 4, unit, 16);
  return unit;
}

// The value of a string's inside. The text has passed scan_json_value(), so every escape is whole
// and every surrogate has its partner.
void decode_string(std::string_view text, std::string* value) {
  value->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      value->push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    if (c != 'u') {
      constexpr std::string_view kLetters = "bfnrt";
      constexpr std::string_view kControls = "\b\f\n\r\t";
      const size_t at = kLetters.find(c);
      value->push_back(at == std::string_view::npos ? c : kControls[at]);
      continue;
    }
    uint32_t code = hex_unit(text.data() + i + 1);
    i += 4;
    if (code >= 0xD800 && code <= 0xDBFF) {
      code = 0x10000 + ((code - 0xD800) << 10U) + (hex_unit(text.data() + i + 3) - 0xDC00);
      i += 6;
    }
    append_utf8(code, value);
  }
}

class JsonScanner final : public RowScanner {
 public:
  explicit JsonScanner(const JsonRules& rules) : rules_(rules) {
    for (size_t i = 0; i < rules.columns.size(); ++i) {
      columns_.emplace(folded(rules.columns[i]), i);
    }
  }

  ScanResult scan(const char* begin, const char* end, bool at_end, ScannedRow* row) override {
    row->fields.clear();
    row->begin = begin;
    const char* p = std::find_if_not(begin, end, is_json_blank);
    if (p != begin) return finish(ScanResult::kSkip, begin, p, row);
    const std::string_view text(begin, static_cast<size_t>(end - begin));
    size_t taken = 0;
    ValueError error;
    if (*begin != '{' || !scan_json_value(text, &taken, &error)) {
      if (!at_end && *begin == '{' && taken + kLongestToken >= text.size()) {
        return ScanResult::kIncomplete;
      }
      return bad(begin + taken, end, at_end, row);
    }
    const char* object_end = begin + taken;
    row->fields.assign(rules_.columns.size(), FieldSpan{begin, begin, false, false, true});
    if (rules_.whole) {
      row->fields[0] = FieldSpan{begin, object_end, true, false, false};
    } else {
      read_members(text.substr(0, taken), row);
    }
    return finish(ScanResult::kRow, begin, object_end, row);
  }

  void unescape(const FieldSpan& field, std::string* value) const override {
    decode_string(field.raw(), value);
  }

 private:
  [[nodiscard]] std::string folded(const std::string& name) const {
    return rules_.ignore_case ? to_lower_ascii(name) : name;
  }

  static ScanResult finish(ScanResult result, const char* begin, const char* end, ScannedRow* row) {
    row->end = end;
    row->next = end;
    row->lines = std::count(begin, end, '\n');
    return result;
  }

  // The text is given up at the next line feed behind the fault.
  static ScanResult bad(const char* fault, const char* end, bool at_end, ScannedRow* row) {
    const char* feed = std::find(fault, end, '\n');
    if (feed == end && !at_end) return ScanResult::kIncomplete;
    row->error_code = kErrorInvalidLine;
    row->error_reason = "Invalid JSON object";
    row->error_field = FieldSpan{row->begin, feed};
    finish(ScanResult::kBad, row->begin, feed == end ? end : feed + 1, row);
    row->end = feed;
    return ScanResult::kBad;
  }

  // `object` is valid: members are found by the ends of their values.
  void read_members(std::string_view object, ScannedRow* row) {
    size_t i = 1;
    const auto skip = [&] {
      while (is_json_blank(object[i]) || object[i] == ',' || object[i] == ':') ++i;
    };
    ValueError unused;
    for (skip(); object[i] != '}'; skip()) {
      size_t size = 0;
      scan_json_value(object.substr(i), &size, &unused);
      decode_string(object.substr(i + 1, size - 2), &key_);
      i += size;
      skip();
      scan_json_value(object.substr(i), &size, &unused);
      const auto column = columns_.find(folded(key_));
      if (column != columns_.end()) {
        row->fields[column->second] =
            field_of(object.substr(i, size), rules_.is_super[column->second]);
      }
      i += size;
    }
  }

  static FieldSpan field_of(std::string_view value, bool is_super) {
    FieldSpan field{value.data(), value.data() + value.size()};
    field.null = value == "null";
    field.quoted = value.front() == '"' && !is_super;
    if (field.quoted) {
      ++field.begin;
      --field.end;
      field.escaped = field.raw().find('\\') != std::string_view::npos;
    }
    return field;
  }

  const JsonRules rules_;
  std::map<std::string, size_t> columns_;
  std::string key_;
};

}  // namespace

std::unique_ptr<RowScanner> make_json_scanner(const JsonRules& rules) {
  return std::make_unique<JsonScanner>(rules);
}

}  // namespace vesto::sandbox
