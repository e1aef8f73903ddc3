#include "sandbox/copy/super_value.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>
#include <vector>

#include "sandbox/copy/text_value.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kMaxNumberBytes = 16000;

// One pass over the text with an explicit stack of one bit a level, so depth costs no call stack.
// Without an output only the form is checked, not what SUPER can hold.
class JsonReader {
 public:
  JsonReader(std::string_view text, std::string* out, ValueError* error)
      : text_(text), out_(out), error_(error) {}

  // Reads one value. False: error_ is set.
  bool read_value() {
    for (;;) {
      skip_blanks();
      bool complete = false;
      if (!read_one(&complete)) return false;
      // A scalar or a closed container may end the containers around it.
      while (complete) {
        if (stack_.empty()) return true;
        bool closed = false;
        if (!read_separator(&closed)) return false;
        complete = closed;
      }
    }
  }

  void skip_blanks() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n' ||
                                        text_[position_] == '\t' || text_[position_] == '\r')) {
      ++position_;
    }
  }

  [[nodiscard]] size_t position() const { return position_; }
  bool fail(std::string_view reason) { return error_->set(kErrorSuper, std::string(reason)); }

 private:
  [[nodiscard]] char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool invalid() { return fail("Invalid JSON value"); }

  void emit(std::string_view text) {
    if (out_ != nullptr) out_->append(text);
  }
  void emit(char c) {
    if (out_ != nullptr) out_->push_back(c);
  }

  // One scalar, or the opening of a container together with its first key.
  bool read_one(bool* complete) {
    *complete = true;
    switch (peek()) {
      case '{':
      case '[':
        return open(complete);
      case '"':
        return read_string();
      case 't':
        return read_word("true");
      case 'f':
        return read_word("false");
      case 'n':
        return read_word("null");
      default:
        return read_number();
    }
  }

  bool open(bool* complete) {
    const char bracket = text_[position_++];
    if (stack_.size() >= static_cast<size_t>(kMaxSuperDepth)) {
      return fail("Nesting depth exceeds the maximum of 1000 levels");
    }
    emit(bracket);
    skip_blanks();
    const char closing = bracket == '{' ? '}' : ']';
    if (peek() == closing) {
      ++position_;
      emit(closing);
      return true;
    }
    *complete = false;
    stack_.push_back(bracket == '{');
    return bracket == '[' || read_key();
  }

  bool read_key() {
    skip_blanks();
    if (peek() != '"') return invalid();
    if (!read_string()) return false;
    skip_blanks();
    if (peek() != ':') return invalid();
    ++position_;
    emit(':');
    return true;
  }

  // After a value inside a container: a comma (and the next key) or the closing bracket.
  bool read_separator(bool* closed) {
    skip_blanks();
    const bool is_object = stack_.back();
    const char c = peek();
    if (c == ',') {
      ++position_;
      emit(',');
      *closed = false;
      return !is_object || read_key();
    }
    if (c != (is_object ? '}' : ']')) return invalid();
    ++position_;
    emit(c);
    stack_.pop_back();
    *closed = true;
    return true;
  }

  bool read_word(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) return invalid();
    position_ += word.size();
    emit(word);
    return true;
  }

  bool read_number() {
    const size_t begin = position_;
    bool has_exponent = false;
    if (peek() == '-') ++position_;
    if (peek() == '0') {
      ++position_;
    } else if (!read_digits()) {
      return invalid();
    }
    if (peek() == '.') {
      ++position_;
      if (!read_digits()) return invalid();
    }
    if (peek() == 'e' || peek() == 'E') {
      has_exponent = true;
      ++position_;
      if (peek() == '+' || peek() == '-') ++position_;
      if (!read_digits()) return invalid();
    }
    const std::string_view number = text_.substr(begin, position_ - begin);
    double value = 0;
    // PostgreSQL's numeric takes 16,383 digits behind the point.
    if (number.size() > kMaxNumberBytes) return fail("Number out of range in JSON value");
    if ((has_exponent || number.size() > 300) &&
        std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc()) {
      return fail("Number out of range in JSON value");
    }
    emit(number);
    return true;
  }

  bool read_digits() {
    const size_t begin = position_;
    while (is_digit(peek())) ++position_;
    return position_ > begin;
  }

  // Copies a string with its escapes as they stand; counts the bytes of its value.
  bool read_string() {
    emit('"');
    ++position_;
    size_t value_bytes = 0;
    for (;;) {
      const size_t begin = position_;
      while (position_ < text_.size() && text_[position_] != '"' && text_[position_] != '\\' &&
             static_cast<uint8_t>(text_[position_]) >= 0x20) {
        ++position_;
      }
      emit(text_.substr(begin, position_ - begin));
      value_bytes += position_ - begin;
      if (position_ >= text_.size()) return invalid();
      const char c = text_[position_++];
      if (c == '"') break;
      if (c != '\\') return invalid();
      if (!read_escape(&value_bytes)) return false;
    }
    emit('"');
    if (value_bytes > kMaxSuperStringBytes && out_ != nullptr) {
      return fail("String value exceeds the max size of 65535 bytes");
    }
    return true;
  }

  // Behind a backslash. COPY's text format doubles the backslash.
  bool read_escape(size_t* value_bytes) {
    const char c = peek();
    if (c == 'u') return read_unicode_escape(value_bytes);
    if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos || c == '\0') {
      return invalid();
    }
    ++position_;
    emit("\\\\");
    if (c == '\\') emit('\\');
    emit(c);
    ++*value_bytes;
    return true;
  }

  bool read_unicode_escape(size_t* value_bytes) {
    uint32_t unit = 0;
    const size_t begin = position_;
    if (!read_unit(&unit)) return invalid();
    size_t bytes = unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
    if (unit == 0 && out_ != nullptr) return fail("Invalid JSON value: \\u0000 cannot be stored");
    if (unit >= 0xDC00 && unit <= 0xDFFF) return invalid();
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      uint32_t low = 0;
      if (peek() != '\\') return invalid();
      ++position_;
      if (!read_unit(&low) || low < 0xDC00 || low > 0xDFFF) return invalid();
      emit("\\\\");
      emit(text_.substr(begin, 5));
      emit("\\\\");
      emit(text_.substr(begin + 6, 5));
      *value_bytes += 4;
      return true;
    }
    emit("\\\\");
    emit(text_.substr(begin, 5));
    *value_bytes += bytes;
    return true;
  }

  // "uXXXX" at the position.
  bool read_unit(uint32_t* unit) {
    const std::string_view digits = text_.substr(std::min(position_ + 1, text_.size()), 4);
    if (peek() != 'u' || digits.size() != 4) return false;
    const auto result = std::from_chars(digits.data(), digits.data() + 4, *unit, 16);
    if (result.ec != std::errc() || result.ptr != digits.data() + 4) return false;
    position_ += 5;
    return true;
  }

  std::string_view text_;
  std::string* out_;
  ValueError* error_;
  size_t position_ = 0;
  std::vector<bool> stack_;  // true: an object; at most kMaxSuperDepth levels
};

}  // namespace

bool append_super(std::string_view text, std::string* out, ValueError* error) {
  if (text.find('\0') != std::string_view::npos) {
    return error->set(kErrorNulByte, "Invalid null byte - field longer than 1 byte");
  }
  const Utf8Fault fault = find_utf8_fault(text);
  if (fault.position != std::string_view::npos) {
    return error->set(kErrorSuper, "Invalid UTF8 in JSON value");
  }
  JsonReader reader(text, out, error);
  if (!reader.read_value()) return false;
  reader.skip_blanks();
  if (reader.position() != text.size()) return reader.fail("Invalid JSON value");
  return true;
}

bool scan_json_value(std::string_view text, size_t* taken, ValueError* error) {
  JsonReader reader(text, nullptr, error);
  const bool valid = reader.read_value();
  *taken = reader.position();
  return valid;
}

}  // namespace vesto::sandbox
