// JSON in one form (canonical_json of parity_value.h). No library of the release reads numbers of
// any length as they are written.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "sync/parity_value.h"

namespace vesto {

namespace {

// SUPER nests 1,000 levels; a scalar in the innermost array is one more.
constexpr int kMaxDepth = 1001;

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  std::optional<std::string> read() {
    std::string out;
    if (!value(0, &out)) return std::nullopt;
    blanks();
    if (!rest_.empty()) return std::nullopt;
    return out;
  }

 private:
  void blanks() {
    const size_t end = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool value(int depth, std::string* out) {
    if (depth > kMaxDepth) return false;
    blanks();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{':
        return object(depth, out);
      case '[':
        return array(depth, out);
      case '"':
        return text(out);
      case 't':
        return word("true", out);
      case 'f':
        return word("false", out);
      case 'n':
        return word("null", out);
      default:
        return number(out);
    }
  }

  bool word(std::string_view wanted, std::string* out) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    *out += wanted;
    return true;
  }

  bool number(std::string* out) {
    const size_t end = std::min(rest_.find_first_not_of("+-.0123456789eE"), rest_.size());
    const auto canonical = canonical_number(rest_.substr(0, end));
    if (!canonical) return false;
    rest_.remove_prefix(end);
    *out += *canonical;
    return true;
  }

  bool array(int depth, std::string* out) {
    take('[');
    *out += '[';
    blanks();
    if (!take(']')) {
      for (bool first = true; first || take(','); first = false) {
        if (!first) *out += ',';
        if (!value(depth + 1, out)) return false;
        blanks();
      }
      if (!take(']')) return false;
    }
    *out += ']';
    return true;
  }

  bool object(int depth, std::string* out) {
    take('{');
    std::map<std::string, std::string> members;
    blanks();
    if (!take('}')) {
      for (bool first = true; first || take(','); first = false) {
        blanks();
        std::string name;
        std::string member;
        if (!text(&name)) return false;
        blanks();
        if (!take(':') || !value(depth + 1, &member)) return false;
        members[std::move(name)] = std::move(member);
        blanks();
      }
      if (!take('}')) return false;
    }
    *out += '{';
    bool first = true;
    for (const auto& [name, member] : members) {
      if (!first) *out += ',';
      first = false;
      *out += name;
      *out += ':';
      *out += member;
    }
    *out += '}';
    return true;
  }

  // In quotes; of all characters only quote, backslash and controls are escaped.
  bool text(std::string* out) {
    if (!take('"')) return false;
    *out += '"';
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') {
        *out += '"';
        return true;
      }
      if (c != '\\') {
        put(static_cast<unsigned char>(c), out);
      } else if (!escape(out)) {
        return false;
      }
    }
    return false;
  }

  // A byte of UTF-8, or a character below 128.
  static void put(unsigned char c, std::string* out) {
    if (c == '"' || c == '\\') *out += '\\';
    if (c < 0x20) {
      *out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      *out += static_cast<char>(c);
    }
  }

  static void put_character(uint32_t code, std::string* out) {
    if (code < 0x80) return put(static_cast<unsigned char>(code), out);
    const auto tail = [&](int shift) {
      *out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
    };
    if (code < 0x800) {
      *out += static_cast<char>(0xC0U | (code >> 6));
    } else if (code < 0x10000) {
      *out += static_cast<char>(0xE0U | (code >> 12));
      tail(6);
    } else {
      *out += static_cast<char>(0xF0U | (code >> 18));
      tail(12);
      tail(6);
    }
    tail(0);
  }

  std::optional<uint32_t> four_digits() {
    if (rest_.size() < 4) return std::nullopt;
    uint32_t code = 0;
    for (const char c : rest_.substr(0, 4)) {
      const size_t digit = std::string_view("0123456789abcdef").find(c);
      const size_t capital = std::string_view("0123456789ABCDEF").find(c);
      const size_t found = std::min(digit, capital);
      if (found > 15) return std::nullopt;
      code = code * 16 + static_cast<uint32_t>(found);
    }
    rest_.remove_prefix(4);
    return code;
  }

  bool escape(std::string* out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == 'u') return unicode(out);
    constexpr std::string_view kShort = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    const size_t found = kShort.find(c);
    if (found == std::string_view::npos) return false;
    put(static_cast<unsigned char>(kMeant[found]), out);
    return true;
  }

  bool unicode(std::string* out) {
    const auto first = four_digits();
    if (!first) return false;
    if (*first >= 0xD800 && *first < 0xDC00 && rest_.starts_with("\\u")) {
      const std::string_view before = rest_;
      rest_.remove_prefix(2);
      const auto second = four_digits();
      if (second && *second >= 0xDC00 && *second < 0xE000) {
        put_character(0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), out);
        return true;
      }
      rest_ = before;
    }
    put_character(*first, out);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::string> canonical_json(std::string_view text) { return Reader(text).read(); }

}  // namespace vesto
