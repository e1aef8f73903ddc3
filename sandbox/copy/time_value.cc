#include "sandbox/copy/time_value.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"

namespace vesto::sandbox {
namespace {

constexpr int kMaxYear = 294276;
constexpr int kMaxOffsetMinutes = 15 * 60 + 59;

int two_digits(std::string_view text, size_t position) {
  return (text[position] - '0') * 10 + (text[position + 1] - '0');
}

bool all_digits(std::string_view text, size_t position, size_t count) {
  if (position + count > text.size()) return false;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(position),
                     text.begin() + static_cast<std::ptrdiff_t>(position + count), is_digit);
}

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// YYYY-MM-DD at the start of `text`.
bool parse_iso_date(std::string_view text, TimeParts* parts) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || !all_digits(text, 0, 4) ||
      !all_digits(text, 5, 2) || !all_digits(text, 8, 2)) {
    return false;
  }
  parts->year = two_digits(text, 0) * 100 + two_digits(text, 2);
  parts->month = two_digits(text, 5);
  parts->day = two_digits(text, 8);
  parts->has_date = true;
  return true;
}

std::string_view default_format(bool with_zone) {
  return with_zone ? "YYYY-MM-DD HH24:MI:SSOF" : "YYYY-MM-DD HH24:MI:SS";
}

bool timestamp_error(const TimeRules& rules, bool with_zone, ValueError* error) {
  const bool is_default = rules.format->mode == TimeFormat::Mode::kDefault;
  return error->set(
      kErrorTimestamp,
      fmt::format("Invalid timestamp format or value [{}]",
                  is_default ? default_format(with_zone) : std::string_view(rules.format->text)));
}

// At most 40 characters, built on the stack: this is the hot path of most tables.
class ShortText {
 public:
  void add(char c) { buffer_[size_++] = c; }
  void add_two(int value) {
    add(static_cast<char>('0' + value / 10 % 10));
    add(static_cast<char>('0' + value % 10));
  }
  void add_year(int year) {
    if (year > 9999) {
      for (const char c : std::to_string(year)) add(c);
      return;
    }
    add_two(year / 100);
    add_two(year % 100);
  }
  void append_to(std::string* out) const { out->append(buffer_, size_); }

 private:
  char buffer_[48] = {};
  size_t size_ = 0;
};

void add_date(const TimeParts& parts, ShortText* text) {
  text->add_year(parts.year);
  text->add('-');
  text->add_two(parts.month);
  text->add('-');
  text->add_two(parts.day);
}

void add_clock(const TimeParts& parts, ShortText* text) {
  text->add_two(parts.hour);
  text->add(':');
  text->add_two(parts.minute);
  text->add(':');
  text->add_two(parts.second);
  if (parts.micros == 0) return;
  text->add('.');
  text->add_two(parts.micros / 10000);
  text->add_two(parts.micros / 100);
  text->add_two(parts.micros);
}

void add_offset(int offset_minutes, ShortText* text) {
  text->add(offset_minutes < 0 ? '-' : '+');
  const int minutes = std::abs(offset_minutes);
  text->add_two(minutes / 60);
  if (minutes % 60 == 0) return;
  text->add(':');
  text->add_two(minutes % 60);
}

// YYYY-MM-DD, then blank or T, a clock, and an offset or none: nearly every value of 'auto'.
bool parse_iso(std::string_view text, TimeParts* parts) {
  if (!parse_iso_date(text, parts)) return false;
  if (text.size() == 10) return true;
  if (text[10] != ' ' && text[10] != 'T') return false;
  const size_t clock = parse_clock(text.substr(11), true, parts);
  if (clock == 0) return false;
  const std::string_view rest = text.substr(11 + clock);
  return rest.empty() || parse_offset(rest, parts) == rest.size();
}

bool parse_iso_or_auto(std::string_view text, TimeParts* parts) {
  if (parse_iso(text, parts)) return true;
  *parts = TimeParts{};
  return parse_auto(text, parts);
}

// The default format of both timestamp types: date, blank, clock, and OF exactly where asked for.
bool parse_default_timestamp(std::string_view text, bool with_zone, TimeParts* parts) {
  if (!parse_iso_date(text, parts)) return false;
  if (text.size() == 10) return !with_zone;
  if (text[10] != ' ') return false;
  size_t position = 11;
  const size_t clock = parse_clock(text.substr(position), true, parts);
  if (clock == 0) return false;
  position += clock;
  if (with_zone) {
    if (position < text.size() && text[position] == ' ') ++position;
    const size_t offset = parse_offset(text.substr(position), parts);
    if (offset == 0 || text[position] == 'Z') return false;
    position += offset;
  }
  return position == text.size();
}

// Whole seconds or milliseconds since 1970.
bool parse_epoch(std::string_view text, bool millis, TimeParts* parts) {
  const auto number = parse_int(text);
  if (!number) return false;
  const int64_t unit = millis ? 1000 : 1;
  int64_t seconds = *number / unit;
  int64_t rest = *number % unit;
  if (rest < 0) {
    rest += unit;
    --seconds;
  }
  int64_t days = seconds / 86400;
  int64_t clock = seconds % 86400;
  if (clock < 0) {
    clock += 86400;
    --days;
  }
  // Days outside of the years 1 to 9999 cannot be written with four digits.
  if (days < -719162 || days > 2932896) return false;
  // Civil date from days, counted in eras of 400 years that begin on 1 March.
  const int64_t shifted = days + 719468;
  const int64_t era = shifted / 146097;
  const int64_t day_of_era = shifted % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_index = (5 * day_of_year + 2) / 153;
  parts->day = static_cast<int>(day_of_year - (153 * month_index + 2) / 5 + 1);
  parts->month = static_cast<int>(month_index < 10 ? month_index + 3 : month_index - 9);
  parts->year = static_cast<int>(year_of_era + era * 400 + (parts->month <= 2 ? 1 : 0));
  parts->hour = static_cast<int>(clock / 3600);
  parts->minute = static_cast<int>(clock / 60 % 60);
  parts->second = static_cast<int>(clock % 60);
  parts->micros = static_cast<int>(rest * 1000);
  parts->has_date = true;
  parts->has_time = true;
  return true;
}

bool parse_timestamp(std::string_view text, const TimeRules& rules, bool with_zone,
                     TimeParts* parts) {
  switch (rules.format->mode) {
    case TimeFormat::Mode::kDefault:
      return parse_default_timestamp(text, with_zone, parts);
    case TimeFormat::Mode::kAuto:
      return parse_iso_or_auto(text, parts);
    case TimeFormat::Mode::kEpochSeconds:
      return parse_epoch(text, false, parts);
    case TimeFormat::Mode::kEpochMillis:
      return parse_epoch(text, true, parts);
    case TimeFormat::Mode::kPattern:
      return parse_pattern(text, *rules.format, false, parts);
  }
  return false;
}

bool parse_date(std::string_view text, const TimeRules& rules, TimeParts* parts) {
  if (rules.format->mode == TimeFormat::Mode::kAuto) return parse_iso_or_auto(text, parts);
  if (rules.format->mode == TimeFormat::Mode::kPattern) {
    return parse_pattern(text, *rules.format, true, parts);
  }
  if (!parse_iso_date(text, parts)) return false;
  // A time after the date is read and dropped; other text is an error.
  return text.size() == 10 || parse_iso_or_auto(text, parts);
}

}  // namespace

bool is_valid_date(const TimeParts& parts, bool wide_dates) {
  if (!wide_dates && (parts.bc || parts.year > 9999)) return false;
  if (parts.year < 1 || parts.year > kMaxYear || (parts.bc && parts.year > 4713)) return false;
  if (parts.month < 1 || parts.month > 12 || parts.day < 1) return false;
  // 1 BC is the year 0 of the calendar's arithmetic.
  const int arithmetic_year = parts.bc ? 1 - parts.year : parts.year;
  return parts.day <= days_in_month(arithmetic_year, parts.month);
}

bool is_valid_time(const TimeParts& parts) {
  if (parts.minute > 59 || parts.second > 59) return false;
  if (parts.offset_minutes && std::abs(*parts.offset_minutes) > kMaxOffsetMinutes) return false;
  return parts.hour < 24 ||
         (parts.hour == 24 && parts.minute == 0 && parts.second == 0 && parts.micros == 0);
}

size_t parse_clock(std::string_view text, bool seconds_required, TimeParts* parts) {
  if (!all_digits(text, 0, 2) || text.size() < 5 || text[2] != ':' || !all_digits(text, 3, 2)) {
    return 0;
  }
  parts->hour = two_digits(text, 0);
  parts->minute = two_digits(text, 3);
  parts->second = 0;
  parts->micros = 0;
  parts->has_time = true;
  if (text.size() < 6 || text[5] != ':') return seconds_required ? 0 : 5;
  if (!all_digits(text, 6, 2)) return 0;
  parts->second = two_digits(text, 6);
  if (text.size() < 9 || text[8] != '.') return 8;
  size_t i = 9;
  int micros = 0;
  int scale = 100000;
  while (i < text.size() && is_digit(text[i])) {
    // A seventh digit could only be dropped silently.
    if (scale == 0) return 0;
    micros += (text[i] - '0') * scale;
    scale /= 10;
    ++i;
  }
  if (i == 9) return 0;
  parts->micros = micros;
  return i;
}

size_t parse_offset(std::string_view text, TimeParts* parts) {
  if (text.empty()) return 0;
  if (text[0] == 'Z') {
    parts->offset_minutes = 0;
    return 1;
  }
  if ((text[0] != '+' && text[0] != '-') || !all_digits(text, 1, 2)) return 0;
  int minutes = two_digits(text, 1) * 60;
  size_t taken = 3;
  const size_t colon = text.size() > 3 && text[3] == ':' ? 1 : 0;
  if (all_digits(text, 3 + colon, 2)) {
    const int rest = two_digits(text, 3 + colon);
    if (rest > 59) return 0;
    minutes += rest;
    taken += 2 + colon;
  }
  parts->offset_minutes = text[0] == '-' ? -minutes : minutes;
  return taken;
}

bool append_date(std::string_view text, const TimeRules& rules, std::string* out,
                 ValueError* error) {
  TimeParts parts;
  if (parse_date(text, rules, &parts) && parts.has_date && is_valid_date(parts, rules.wide_dates) &&
      is_valid_time(parts)) {
    ShortText result;
    add_date(parts, &result);
    result.append_to(out);
    if (parts.bc) out->append(" BC");
    return true;
  }
  if (rules.format->mode != TimeFormat::Mode::kPattern && text.size() < 10) {
    return error->set(kErrorDate, "Invalid Date Format - length must be 10 or more");
  }
  return error->set(kErrorDate, "Invalid Date Format");
}

bool append_timestamp(std::string_view text, const TimeRules& rules, bool with_zone,
                      std::string* out, ValueError* error) {
  TimeParts parts;
  if (!parse_timestamp(text, rules, with_zone, &parts) || !parts.has_date ||
      !is_valid_date(parts, rules.wide_dates) || !is_valid_time(parts)) {
    return timestamp_error(rules, with_zone, error);
  }
  ShortText result;
  add_date(parts, &result);
  result.add(' ');
  add_clock(parts, &result);
  // A zone in the text of a TIMESTAMP is ignored; without one a TIMESTAMPTZ is UTC.
  if (with_zone) add_offset(parts.offset_minutes.value_or(0), &result);
  result.append_to(out);
  if (parts.bc) out->append(" BC");
  return true;
}

bool append_time(std::string_view text, bool with_zone, std::string* out, ValueError* error) {
  TimeParts parts;
  size_t taken = parse_clock(text, false, &parts);
  bool valid = taken > 0;
  if (valid && with_zone) {
    const size_t offset = parse_offset(text.substr(taken), &parts);
    valid = offset > 0;
    taken += offset;
  }
  if (!valid || taken != text.size() || !is_valid_time(parts)) {
    return error->set(kErrorTimestamp, fmt::format("Invalid timestamp format or value [{}]",
                                                   with_zone ? "HH24:MI:SSOF" : "HH24:MI:SS"));
  }
  ShortText result;
  add_clock(parts, &result);
  if (with_zone) add_offset(*parts.offset_minutes, &result);
  result.append_to(out);
  return true;
}

}  // namespace vesto::sandbox
