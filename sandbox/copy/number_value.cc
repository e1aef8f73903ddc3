#include "sandbox/copy/number_value.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

#include "base/strings.h"

namespace vesto::sandbox {
namespace {

struct IntegerKind {
  std::string_view name;  // as Redshift's texts call it
  int64_t low;
  int64_t high;
};

constexpr IntegerKind integer_kind(IntegerWidth width) {
  switch (width) {
    case IntegerWidth::kShort:
      return {"Short", std::numeric_limits<int16_t>::min(), std::numeric_limits<int16_t>::max()};
    case IntegerWidth::kInteger:
      return {"Integer", std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    case IntegerWidth::kLong:
      break;
  }
  return {"Long", std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
}

bool digit_error(std::string_view text, size_t position, std::string_view type, ValueError* error) {
  return error->set(kErrorDigit, fmt::format("Invalid digit, Value '{}', Pos {}, Type: {}",
                                             printable_at(text, position), position, type));
}

// Digits before and after the point, without the sign.
struct DecimalText {
  bool negative = false;
  std::string_view whole;     // without leading zeros
  std::string_view fraction;  // as written
  int exponent = 0;
};

// "+12.50e3" taken apart. The exponent only where it is allowed.
bool split_decimal(std::string_view text, bool exponent_allowed, DecimalText* parts,
                   ValueError* error) {
  size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) parts->negative = text[i++] == '-';
  const size_t whole_begin = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  parts->whole = text.substr(whole_begin, i - whole_begin);
  bool has_digit = !parts->whole.empty();
  if (i < text.size() && text[i] == '.') {
    const size_t begin = ++i;
    while (i < text.size() && is_digit(text[i])) ++i;
    parts->fraction = text.substr(begin, i - begin);
    has_digit = has_digit || !parts->fraction.empty();
  }
  if (!has_digit) return digit_error(text, i < text.size() ? i : 0, "Decimal", error);
  if (i < text.size() && exponent_allowed && (text[i] == 'e' || text[i] == 'E')) {
    const size_t begin = text[i + 1 < text.size() ? i + 1 : i] == '+' ? i + 2 : i + 1;
    const auto value = parse_int(text.substr(std::min(begin, text.size())));
    if (!value || *value > 400 || *value < -400) {
      return error->set(kErrorDigit, fmt::format("Invalid exponent, Value '{}', Pos {}, Type: "
                                                 "Decimal",
                                                 text[i], i));
    }
    parts->exponent = static_cast<int>(*value);
    i = text.size();
  }
  if (i < text.size()) return digit_error(text, i, "Decimal", error);
  return true;
}

// Adds one to a string of digits; true when a digit was carried out of it.
bool increment_digits(std::string* digits) {
  for (size_t i = digits->size(); i-- > 0;) {
    if ((*digits)[i] != '9') {
      ++(*digits)[i];
      return false;
    }
    (*digits)[i] = '0';
  }
  return true;
}

// DECIMAL up to 19 digits lives in 64 bits: its unscaled value has a limit of its own.
bool fits_64_bits(std::string_view digits) {
  constexpr std::string_view kMax = "9223372036854775807";
  const size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
  digits.remove_prefix(zeros);
  return digits.size() < kMax.size() || (digits.size() == kMax.size() && digits <= kMax);
}

std::string_view without_leading_zeros(std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

bool decimal_overflow(const DecimalRules& rules, ValueError* error) {
  return error->set(kErrorDecimal,
                    fmt::format("Overflow for NUMERIC({},{})", rules.precision, rules.scale));
}

// The slow path: rounding, exponents, and values near the limits.
bool append_decimal_slow(const DecimalText& parts, const DecimalRules& rules, std::string* out,
                         ValueError* error) {
  std::string digits = std::string(parts.whole) + std::string(parts.fraction);
  // Digits before the point, once the exponent has moved it. Bounded by the row and by +-400.
  std::ptrdiff_t point = static_cast<std::ptrdiff_t>(parts.whole.size()) + parts.exponent;
  if (point < 0) {
    digits.insert(0, static_cast<size_t>(-point), '0');
    point = 0;
  }
  const size_t end = static_cast<size_t>(point) + static_cast<size_t>(rules.scale);
  const bool round_up = rules.round && end < digits.size() && digits[end] >= '5';
  digits.resize(end, '0');
  if (round_up && increment_digits(&digits)) {
    digits.insert(digits.begin(), '1');
    ++point;
  }
  const std::string_view all(digits);
  const std::string_view whole = without_leading_zeros(all.substr(0, static_cast<size_t>(point)));
  if (whole.size() > static_cast<size_t>(rules.precision - rules.scale)) {
    return decimal_overflow(rules, error);
  }
  if (rules.precision <= 19 && !fits_64_bits(all)) return decimal_overflow(rules, error);
  if (parts.negative) out->push_back('-');
  out->append(whole.empty() ? "0" : whole);
  if (rules.scale > 0) {
    out->push_back('.');
    out->append(all.substr(static_cast<size_t>(point)));
  }
  return true;
}

// [sign] digits [. digits] [e [sign] digits]. Says where the first bad character stands.
bool is_float_text(std::string_view text, bool* has_exponent, size_t* bad) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  size_t count = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    count += digits();
  }
  *bad = i;
  if (count == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    *has_exponent = true;
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    const size_t exponent_digits = digits();
    *bad = i;
    if (exponent_digits == 0) return false;
  }
  *bad = i;
  return i == text.size();
}

template <typename T>
bool float_in_range(std::string_view text) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  T value = 0;
  const auto end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

bool is_float_special(std::string_view text) {
  std::string lower = to_lower_ascii(text);
  if (!lower.empty() && (lower.front() == '+' || lower.front() == '-')) lower.erase(0, 1);
  return lower == "nan" || lower == "inf" || lower == "infinity";
}

}  // namespace

bool append_integer(std::string_view text, IntegerWidth width, std::string* out,
                    ValueError* error) {
  const IntegerKind kind = integer_kind(width);
  const size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const bool negative = sign == 1 && text[0] == '-';
  if (text.size() == sign) return digit_error(text, 0, kind.name, error);
  // The negative side holds one value more; counting down covers both.
  int64_t value = 0;
  bool overflow = false;
  for (size_t i = sign; i < text.size(); ++i) {
    if (!is_digit(text[i])) return digit_error(text, i, kind.name, error);
    overflow = overflow || __builtin_mul_overflow(value, int64_t{10}, &value) ||
               __builtin_sub_overflow(value, int64_t{text[i] - '0'}, &value);
  }
  overflow = overflow || (!negative && value == std::numeric_limits<int64_t>::min());
  if (!overflow && !negative) value = -value;
  if (overflow || value < kind.low || value > kind.high) {
    return error->set(kErrorOutOfRange, fmt::format("Overflow ({} valid range {} to {})", kind.name,
                                                    kind.low, kind.high));
  }
  out->append(text);
  return true;
}

bool append_decimal(std::string_view text, const DecimalRules& rules, std::string* out,
                    ValueError* error) {
  DecimalText parts;
  if (!split_decimal(text, rules.exponent, &parts, error)) return false;
  parts.whole = without_leading_zeros(parts.whole);
  const bool surplus = parts.fraction.size() > static_cast<size_t>(rules.scale);
  const size_t whole_digits = parts.whole.size();
  const bool near_limit =
      rules.precision == 19 && whole_digits + static_cast<size_t>(rules.scale) >= 19;
  if (parts.exponent != 0 || (surplus && rules.round) || near_limit) {
    return append_decimal_slow(parts, rules, out, error);
  }
  if (whole_digits > static_cast<size_t>(rules.precision - rules.scale)) {
    return decimal_overflow(rules, error);
  }
  if (surplus) {
    // Cut, never rounded; what is left may end in the point.
    const std::string_view kept = parts.fraction.substr(0, static_cast<size_t>(rules.scale));
    if (parts.negative) out->push_back('-');
    out->append(parts.whole.empty() ? "0" : parts.whole);
    if (!kept.empty()) {
      out->push_back('.');
      out->append(kept);
    }
    return true;
  }
  out->append(text);
  return true;
}

bool append_float(std::string_view text, bool is_double, bool specials, std::string* out,
                  ValueError* error) {
  constexpr size_t kSafeLength = 30;  // without an exponent it can neither over- nor underflow
  bool has_exponent = false;
  size_t bad = 0;
  if (!is_float_text(text, &has_exponent, &bad)) {
    if (specials && is_float_special(text)) {
      out->append(text);
      return true;
    }
    return error->set(kErrorFloat,
                      fmt::format("Invalid digit, Value '{}', Pos {}, Type: {}",
                                  printable_at(text, bad), bad, is_double ? "Double" : "Float"));
  }
  if (has_exponent || text.size() > kSafeLength) {
    const bool fits = is_double ? float_in_range<double>(text) : float_in_range<float>(text);
    if (!fits) {
      return error->set(kErrorFloat,
                        fmt::format("Overflow for {}", is_double ? "FLOAT8" : "FLOAT4"));
    }
  }
  out->append(text);
  return true;
}

bool append_boolean(std::string_view text, std::string* out, ValueError* error) {
  if (text.size() == 1) {
    switch (text[0]) {
      case 't':
      case 'T':
      case 'y':
      case 'Y':
      case '1':
        out->push_back('t');
        return true;
      case 'f':
      case 'F':
      case 'n':
      case 'N':
      case '0':
        out->push_back('f');
        return true;
      default:
        break;
    }
  } else if (text.size() <= 5) {
    const std::string lower = to_lower_ascii(text);
    const bool yes = lower == "true" || lower == "yes";
    if (yes || lower == "false" || lower == "no") {
      out->push_back(yes ? 't' : 'f');
      return true;
    }
  }
  return error->set(kErrorBoolean, "Unknown boolean format");
}

bool append_varbyte(std::string_view text, int length_bytes, std::string* out, ValueError* error) {
  const auto is_hex = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  const auto bad = std::find_if_not(text.begin(), text.end(), is_hex);
  if (bad != text.end()) {
    const auto position = static_cast<size_t>(bad - text.begin());
    return error->set(kErrorHexDigit,
                      fmt::format("Invalid hex digit, Value '{}', Pos {}, Type: Varbyte",
                                  printable_at(text, position), position));
  }
  if (text.size() % 2 != 0) {
    return error->set(kErrorHexDigit, "Odd number of hex digits, Type: Varbyte");
  }
  if (text.size() / 2 > static_cast<size_t>(length_bytes)) {
    return error->set(kErrorOutOfRange, "String length exceeds DDL length");
  }
  out->append("\\\\x");
  out->append(text);
  return true;
}

}  // namespace vesto::sandbox
