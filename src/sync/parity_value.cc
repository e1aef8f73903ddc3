#include "sync/parity_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/strings.h"
#include "encode/redshift_csv.h"

namespace vesto {

namespace {

constexpr char kUnread = '\x01';

std::string unread(std::string_view text) { return kUnread + std::string(text); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Takes a number of at least one digit off the front of `text`; nothing if there is none.
std::optional<int64_t> take_int(std::string_view* text) {
  size_t end = 0;
  while (end < text->size() && is_digit((*text)[end])) ++end;
  const std::optional<int64_t> value = parse_int(text->substr(0, end));
  text->remove_prefix(end);
  return value;
}

bool take(std::string_view* text, char c) {
  if (!text->starts_with(c)) return false;
  text->remove_prefix(1);
  return true;
}

// Days since 1970-01-01 in the Gregorian calendar, also before it began; year 0 is 1 BC.
int64_t days_of(int64_t year, int64_t month, int64_t day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t of_era = y - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// "2026-11-22" off the front.
std::optional<int64_t> take_date(std::string_view* text, bool before_christ) {
  const auto year = take_int(text);
  if (!year || *year > 999'999 || !take(text, '-')) return std::nullopt;
  const auto month = take_int(text);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return std::nullopt;
  const auto day = take_int(text);
  if (!day || *day < 1 || *day > 31) return std::nullopt;
  return days_of(before_christ ? 1 - *year : *year, *month, *day);
}

// "01:02:03.5" off the front, in microseconds. More than six digits of a fraction are no time.
std::optional<int64_t> take_time(std::string_view* text) {
  const auto hours = take_int(text);
  if (!hours || *hours > 24 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_int(text);
  if (!minutes || *minutes > 59) return std::nullopt;
  int64_t seconds = 0;
  if (take(text, ':')) {
    const auto given = take_int(text);
    if (!given || *given > 60) return std::nullopt;
    seconds = *given;
  }
  int64_t micros = 0;
  if (take(text, '.')) {
    int64_t unit = 100'000;
    while (!text->empty() && is_digit(text->front())) {
      if (unit == 0) return std::nullopt;
      micros += (text->front() - '0') * unit;
      unit /= 10;
      text->remove_prefix(1);
    }
  }
  return ((*hours * 60 + *minutes) * 60 + seconds) * 1'000'000 + micros;
}

// "+05:30", "-08", "+00": in seconds.
std::optional<int64_t> take_offset(std::string_view* text) {
  const bool west = take(text, '-');
  if (!west && !take(text, '+')) return std::nullopt;
  int64_t seconds = 0;
  for (const int64_t unit : {3600, 60, 1}) {
    if (unit != 3600 && !take(text, ':')) break;
    const auto part = take_int(text);
    if (!part || *part > 99) return std::nullopt;
    seconds += *part * unit;
  }
  return west ? -seconds : seconds;
}

std::string canonical_date(std::string_view text) {
  std::string_view rest = text;
  const bool before_christ = rest.ends_with(" BC");
  if (before_christ) rest.remove_suffix(3);
  const auto days = take_date(&rest, before_christ);
  // A date that is kept as a timestamp by the warehouse is still that day.
  if (days && rest == " 00:00:00") rest = {};
  if (!days || !rest.empty()) return unread(text);
  return std::to_string(*days);
}

std::string canonical_timestamp(std::string_view text, bool with_zone) {
  std::string_view rest = text;
  const bool before_christ = rest.ends_with(" BC");
  if (before_christ) rest.remove_suffix(3);
  const auto days = take_date(&rest, before_christ);
  int64_t micros = 0;
  if (days && !rest.empty()) {
    if (!take(&rest, ' ') && !take(&rest, 'T')) return unread(text);
    const auto time = take_time(&rest);
    if (!time) return unread(text);
    micros = *time;
    if (with_zone && !rest.empty()) {
      const auto offset = take_offset(&rest);
      if (!offset) return unread(text);
      micros -= *offset * 1'000'000;
    }
  }
  if (!days || !rest.empty()) return unread(text);
  // 300,000 years are 9.5e18 microseconds, more than 64 bits hold: days and the rest apart.
  constexpr int64_t kDay = 86'400LL * 1'000'000;
  int64_t day = *days + micros / kDay;
  micros %= kDay;
  if (micros < 0) {
    micros += kDay;
    --day;
  }
  return fmt::format("{} {}", day, micros);
}

std::string canonical_time(std::string_view text) {
  std::string_view rest = text;
  const auto micros = take_time(&rest);
  return micros && rest.empty() ? std::to_string(*micros) : unread(text);
}

template <typename Float>
std::string canonical_float(std::string_view text) {
  Float value = 0;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return unread(text);
  if (std::isnan(value)) return "NaN";
  if (value == 0) return "0";  // also -0, which is equal to it
  return fmt::format("{:a}", value);
}

std::string canonical_boolean(std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  if (lower == "t" || lower == "true" || lower == "1") return "t";
  if (lower == "f" || lower == "false" || lower == "0") return "f";
  return unread(text);
}

std::string canonical_hex(std::string_view text) {
  if (text == kEmptyBinary) return "";
  if (text.starts_with("\\x")) text.remove_prefix(2);
  return to_lower_ascii(text);
}

}  // namespace

std::optional<std::string> canonical_number(std::string_view text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return std::string(text);
  std::string_view rest = text;
  const bool negative = take(&rest, '-');
  if (!negative) take(&rest, '+');
  std::string digits;
  int64_t exponent = 0;
  bool point = false;
  bool any = false;
  while (!rest.empty() && (is_digit(rest.front()) || (rest.front() == '.' && !point))) {
    if (rest.front() == '.') {
      point = true;
    } else {
      any = true;
      if (point) --exponent;
      if (!digits.empty() || rest.front() != '0') digits += rest.front();
    }
    rest.remove_prefix(1);
  }
  if (!any) return std::nullopt;
  if (take(&rest, 'e') || take(&rest, 'E')) {
    constexpr size_t kExponentDigits = 18;
    const bool below = take(&rest, '-');
    if (!below) take(&rest, '+');
    if (rest.size() > kExponentDigits) return std::nullopt;
    const auto given = take_int(&rest);
    if (!given) return std::nullopt;
    exponent += below ? -*given : *given;
  }
  if (!rest.empty()) return std::nullopt;
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) return "0";
  return fmt::format("{}{}e{}", negative ? "-" : "", digits, exponent);
}

std::string canonical_value(const ColumnType& type, std::string_view text) {
  switch (type.kind) {
    case TypeKind::kBoolean:
      return canonical_boolean(text);
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
    case TypeKind::kDecimal:
      return canonical_number(text).value_or(unread(text));
    case TypeKind::kReal:
      return canonical_float<float>(text);
    case TypeKind::kDouble:
      return canonical_float<double>(text);
    case TypeKind::kVarchar:
      return std::string(text);
    case TypeKind::kDate:
      return canonical_date(text);
    case TypeKind::kTimestamp:
      return canonical_timestamp(text, false);
    case TypeKind::kTimestampTz:
      return canonical_timestamp(text, true);
    case TypeKind::kTime:
      return canonical_time(text);
    case TypeKind::kSuper:
      return canonical_json(text).value_or(unread(text));
    case TypeKind::kVarbyte:
    case TypeKind::kGeometry:
    case TypeKind::kGeography:
      return canonical_hex(text);
  }
  return unread(text);
}

bool same_value(const Column& column, ValueText source, ValueText warehouse) {
  if (!source || !warehouse) return !source && !warehouse;
  if (*source == *warehouse) return true;
  // Texts are their own form: nothing is worth a copy.
  if (column.type.kind == TypeKind::kVarchar) return false;
  return canonical_value(column.type, *source) == canonical_value(column.type, *warehouse);
}

}  // namespace vesto
