// Explicit DATEFORMAT/TIMEFORMAT patterns, and what 'auto' recognises.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/copy/time_value.h"

namespace vesto::sandbox {
namespace {

using Part = TimeFormat::Part;

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

// Zone names that 'auto' takes; minutes east of UTC.
struct ZoneName {
  std::string_view name;
  int minutes;
};
constexpr ZoneName kZones[] = {
    {"z", 0},      {"utc", 0},    {"gmt", 0},    {"est", -300}, {"edt", -240}, {"cst", -360},
    {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480}, {"pdt", -420}, {"wet", 0},
    {"cet", 60},   {"cest", 120}, {"eet", 120},  {"eest", 180}, {"jst", 540},
};

// The month that `word` names in full or by its first three letters; 0: none.
int month_of(std::string_view word) {
  const std::string lower = to_lower_ascii(word);
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (lower == kMonths[i] || lower == kMonths[i].substr(0, 3)) return static_cast<int>(i) + 1;
  }
  return 0;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

int number_of(std::string_view text) {
  const auto value = parse_int(text);
  return value && *value <= 9999999 ? static_cast<int>(*value) : -1;
}

int full_year(int two_digit_year) {
  return two_digit_year < 70 ? 2000 + two_digit_year : 1900 + two_digit_year;
}

// A year as a person writes it; exactly two digits mean 1970 to 2069, but not before Christ. Years
// before 1000 need their zeros: Redshift was seen to refuse 202-04-17 and to load 0202-04-17.
int year_of(std::string_view text, bool bc) {
  const int year = number_of(text);
  if (bc || text.size() >= 4) return year;
  return text.size() == 2 && year >= 0 ? full_year(year) : -1;
}

bool set_day_of_year(int day_of_year, TimeParts* parts) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = parts->year;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day_of_year < 1) return false;
  for (int month = 1; month <= 12; ++month) {
    const int days = kDays[month - 1] + (month == 2 && leap ? 1 : 0);
    if (day_of_year <= days) {
      parts->month = month;
      parts->day = day_of_year;
      return true;
    }
    day_of_year -= days;
  }
  return false;
}

// Julian day to a date of the proleptic Gregorian calendar; only years from 1 on.
bool set_julian_day(int julian, TimeParts* parts) {
  if (julian < 1721426) return false;
  const int a = julian + 32044;
  const int b = (4 * a + 3) / 146097;
  const int c = a - 146097 * b / 4;
  const int d = (4 * c + 3) / 1461;
  const int e = c - 1461 * d / 4;
  const int m = (5 * e + 2) / 153;
  parts->day = e - (153 * m + 2) / 5 + 1;
  parts->month = m + 3 - 12 * (m / 10);
  parts->year = 100 * b + d - 4800 + m / 10;
  return true;
}

// 19960108, 960108, J2451187 or 1996.008: a date in one or two pieces.
bool parse_compact_date(const std::vector<std::string_view>& pieces, TimeParts* parts) {
  const std::string_view first = pieces[0];
  if (pieces.size() == 2) {
    if (!is_number(first) || first.size() != 4 || !is_number(pieces[1]) || pieces[1].size() != 3) {
      return false;
    }
    parts->year = number_of(first);
    return set_day_of_year(number_of(pieces[1]), parts);
  }
  if ((first[0] == 'J' || first[0] == 'j') && is_number(first.substr(1)) && first.size() <= 8) {
    return set_julian_day(number_of(first.substr(1)), parts);
  }
  if (!is_number(first) || (first.size() != 8 && first.size() != 6)) return false;
  const size_t year_digits = first.size() - 4;
  parts->year = year_of(first.substr(0, year_digits), parts->bc);
  parts->month = number_of(first.substr(year_digits, 2));
  parts->day = number_of(first.substr(year_digits + 2, 2));
  return true;
}

// Three pieces: with a month's name in any order, else year first or month first.
bool parse_three_pieces(const std::vector<std::string_view>& pieces, TimeParts* parts) {
  for (size_t i = 0; i < 3; ++i) {
    const int month = month_of(pieces[i]);
    if (month == 0) continue;
    const std::string_view first = pieces[i == 0 ? 1 : 0];
    const std::string_view second = pieces[i == 2 ? 1 : 2];
    if (!is_number(first) || !is_number(second)) return false;
    const bool year_first = first.size() > 2;
    parts->month = month;
    parts->day = number_of(year_first ? second : first);
    parts->year = year_of(year_first ? first : second, parts->bc);
    return true;
  }
  for (const std::string_view piece : pieces) {
    if (!is_number(piece) || piece.size() > 7) return false;
  }
  const bool year_first = pieces[0].size() > 2;
  parts->year = year_of(year_first ? pieces[0] : pieces[2], parts->bc);
  parts->month = number_of(year_first ? pieces[1] : pieces[0]);
  parts->day = number_of(year_first ? pieces[2] : pieces[1]);
  return true;
}

// A clock with what may hang on it: 05:09:12.195Z, 07:37:16-08.
bool parse_clock_word(std::string_view word, TimeParts* parts) {
  std::string padded;
  if (word.size() > 1 && word[1] == ':') {
    padded = "0" + std::string(word);
    word = padded;
  }
  size_t taken = parse_clock(word, false, parts);
  if (taken == 0) return false;
  if (taken < word.size()) taken += parse_offset(word.substr(taken), parts);
  return taken == word.size();
}

bool apply_meridiem(bool afternoon, TimeParts* parts) {
  if (parts->hour < 1 || parts->hour > 12) return false;
  parts->hour = parts->hour % 12 + (afternoon ? 12 : 0);
  return true;
}

// What collects while the words of a text are read.
struct AutoState {
  std::vector<std::string_view> date_pieces;
  int meridiem = 0;  // 1: AM, 2: PM
};

bool read_word(std::string_view word, AutoState* state, TimeParts* parts) {
  if (word.find(':') != std::string_view::npos) {
    return (word[0] == '+' || word[0] == '-') ? parse_offset(word, parts) == word.size()
                                              : !parts->has_time && parse_clock_word(word, parts);
  }
  const std::string lower = to_lower_ascii(word);
  if (lower == "bc" || lower == "ad") {
    parts->bc = lower == "bc";
    return true;
  }
  if (lower == "am" || lower == "pm") {
    state->meridiem = lower == "am" ? 1 : 2;
    return parts->has_time;
  }
  for (const ZoneName& zone : kZones) {
    if (lower != zone.name) continue;
    parts->offset_minutes = zone.minutes;
    return parts->has_time;
  }
  if ((word[0] == '+' || word[0] == '-') && parts->has_time) {
    return parse_offset(word, parts) == word.size();
  }
  const bool compact_clock = state->date_pieces.size() == 1 && state->date_pieces[0].size() >= 6 &&
                             is_number(state->date_pieces[0]) && is_number(word) &&
                             word.size() == 6 && !parts->has_time;
  if (compact_clock) {
    parts->hour = number_of(word.substr(0, 2));
    parts->minute = number_of(word.substr(2, 2));
    parts->second = number_of(word.substr(4, 2));
    parts->has_time = true;
    return true;
  }
  // A date, or a piece of one.
  size_t begin = 0;
  for (size_t i = 0; i <= word.size(); ++i) {
    if (i < word.size() && word[i] != '-' && word[i] != '/' && word[i] != '.') continue;
    if (i == begin || state->date_pieces.size() == 3) return false;
    state->date_pieces.push_back(word.substr(begin, i - begin));
    begin = i + 1;
  }
  return true;
}

std::optional<TimeFormat::Token> next_token(std::string_view* upper) {
  struct Name {
    std::string_view text;
    Part part;
  };
  // Longer names first.
  constexpr Name kNames[] = {
      {"YYYY", Part::kYear4},    {"HH24", Part::kHour},   {"HH12", Part::kHour},
      {"MON", Part::kMonthName}, {"YY", Part::kYear2},    {"MM", Part::kMonth},
      {"DD", Part::kDay},        {"HH", Part::kHour},     {"MI", Part::kMinute},
      {"SS", Part::kSecond},     {"AM", Part::kMeridiem}, {"PM", Part::kMeridiem}};
  for (const Name& name : kNames) {
    if (upper->substr(0, name.text.size()) != name.text) continue;
    upper->remove_prefix(name.text.size());
    return TimeFormat::Token{name.part, 0};
  }
  const char c = upper->front();
  // A zone cannot stand in a pattern; other letters are only the T between date and time.
  if (c >= 'A' && c <= 'Z' && c != 'T') return std::nullopt;
  upper->remove_prefix(1);
  return TimeFormat::Token{Part::kLiteral, c};
}

// Exactly `count` digits at *position.
bool take_digits(std::string_view text, size_t count, size_t* position, int* value) {
  if (*position + count > text.size()) return false;
  const std::string_view digits = text.substr(*position, count);
  if (!is_number(digits)) return false;
  *position += count;
  *value = number_of(digits);
  return true;
}

bool take_fraction(std::string_view text, size_t* position, TimeParts* parts) {
  if (*position >= text.size() || text[*position] != '.') return true;
  size_t i = *position + 1;
  int scale = 100000;
  while (i < text.size() && is_digit(text[i])) {
    if (scale == 0) return false;
    parts->micros += (text[i] - '0') * scale;
    scale /= 10;
    ++i;
  }
  *position = i;
  return true;
}

bool take_token(std::string_view text, const TimeFormat::Token& token, size_t* position,
                TimeParts* parts, int* meridiem) {
  switch (token.part) {
    case Part::kYear4:
      return take_digits(text, 4, position, &parts->year);
    case Part::kYear2:
      if (!take_digits(text, 2, position, &parts->year)) return false;
      parts->year = full_year(parts->year);
      return true;
    case Part::kMonth:
      return take_digits(text, 2, position, &parts->month);
    case Part::kMonthName:
      parts->month = month_of(text.substr(std::min(*position, text.size()), 3));
      *position += 3;
      return parts->month > 0;
    case Part::kDay:
      return take_digits(text, 2, position, &parts->day);
    case Part::kHour:
      parts->has_time = true;
      return take_digits(text, 2, position, &parts->hour);
    case Part::kMinute:
      return take_digits(text, 2, position, &parts->minute);
    case Part::kSecond:
      return take_digits(text, 2, position, &parts->second) && take_fraction(text, position, parts);
    case Part::kMeridiem: {
      const std::string word = to_lower_ascii(text.substr(std::min(*position, text.size()), 2));
      *meridiem = word == "am" ? 1 : word == "pm" ? 2 : 0;
      *position += 2;
      return *meridiem != 0;
    }
    case Part::kLiteral:
      if (*position >= text.size()) return false;
      return to_upper_ascii(text.substr((*position)++, 1))[0] == token.literal;
  }
  return false;
}

}  // namespace

std::optional<TimeFormat> parse_time_format(std::string_view text, bool is_date_format) {
  TimeFormat format;
  format.text = std::string(text);
  // These words are case-sensitive.
  if (text == "auto") {
    format.mode = TimeFormat::Mode::kAuto;
    return format;
  }
  if (!is_date_format && (text == "epochsecs" || text == "epochmillisecs")) {
    format.mode =
        text == "epochsecs" ? TimeFormat::Mode::kEpochSeconds : TimeFormat::Mode::kEpochMillis;
    return format;
  }
  format.mode = TimeFormat::Mode::kPattern;
  const std::string upper = to_upper_ascii(text);
  std::string_view rest(upper);
  bool has_part = false;
  while (!rest.empty()) {
    const auto token = next_token(&rest);
    if (!token) return std::nullopt;
    has_part = has_part || token->part != Part::kLiteral;
    format.tokens.push_back(*token);
  }
  if (!has_part) return std::nullopt;
  return format;
}

bool parse_pattern(std::string_view text, const TimeFormat& format, bool ignore_rest,
                   TimeParts* parts) {
  size_t position = 0;
  int meridiem = 0;
  parts->has_date = true;
  for (const TimeFormat::Token& token : format.tokens) {
    // A pattern with a time takes a date alone: the time is then midnight.
    const bool date_only = position == text.size() && !parts->has_time &&
                           (token.part == Part::kLiteral || token.part == Part::kHour);
    if (date_only && parts->year > 0) return true;
    if (!take_token(text, token, &position, parts, &meridiem)) return false;
  }
  if (meridiem != 0 && parts->hour <= 12 && !apply_meridiem(meridiem == 2, parts)) return false;
  if (position == text.size()) return true;
  return ignore_rest && (text[position] == ' ' || text[position] == 'T');
}

bool parse_auto(std::string_view text, TimeParts* parts) {
  if (text.size() > 64) return false;
  AutoState state;
  std::string copy(text);
  if (copy.size() > 10 && copy[4] == '-' && copy[7] == '-' && copy[10] == 'T') copy[10] = ' ';
  std::string_view rest(copy);
  while (!rest.empty()) {
    const size_t begin = rest.find_first_not_of(" ,");
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    const size_t end = std::min(rest.find_first_of(" ,"), rest.size());
    if (!read_word(rest.substr(0, end), &state, parts)) return false;
    rest.remove_prefix(end);
  }
  const size_t pieces = state.date_pieces.size();
  if (pieces == 0 || (state.meridiem != 0 && !apply_meridiem(state.meridiem == 2, parts))) {
    return false;
  }
  parts->has_date = pieces == 3 ? parse_three_pieces(state.date_pieces, parts)
                                : parse_compact_date(state.date_pieces, parts);
  return parts->has_date;
}

}  // namespace vesto::sandbox
