#include "base/time_text.h"

#include <array>
#include <chrono>

#include "base/strings.h"

namespace vesto {

namespace {

// `count` digits at `at`, or -1.
int digits(std::string_view text, size_t at, size_t count) {
  int value = 0;
  for (size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

std::optional<int64_t> parse_iso8601_utc(std::string_view text) {
  namespace chrono = std::chrono;
  const int year = digits(text, 0, 4);
  const int month = digits(text, 5, 2);
  const int day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (text.size() < 20 || text.size() > 35 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  const chrono::year_month_day date(chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                    chrono::day(static_cast<unsigned>(day)));
  if (year < 0 || month < 0 || day < 0 || !date.ok() || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  int64_t fraction_ms = 0;
  if (text.size() > 20) {  // ".123" and perhaps more digits, then Z
    const size_t count = text.size() - 21;
    if (text[19] != '.' || count == 0) return std::nullopt;
    int64_t scale = 100;
    for (size_t i = 20; i < text.size() - 1; ++i, scale /= 10) {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
      fraction_ms += (text[i] - '0') * scale;
    }
  }
  const int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + int64_t{second} * 1000 + fraction_ms;
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  namespace chrono = std::chrono;
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // "Fri, 24 May 2013 00:00:00 GMT": always 29 characters.
  if (text.size() != 29 || text.substr(25) != " GMT") return std::nullopt;
  const auto number = [&](size_t at, size_t count) {
    return parse_int(text.substr(at, count)).value_or(-1);
  };
  unsigned month = 0;
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (text.substr(8, 3) == kMonths[i]) month = static_cast<unsigned>(i + 1);
  }
  const int64_t day = number(5, 2);
  const int64_t year = number(12, 4);
  const int64_t hour = number(17, 2);
  const int64_t minute = number(20, 2);
  const int64_t second = number(23, 2);
  if (month == 0 || day < 1 || day > 31 || year < 1970 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  const chrono::year_month_day date(chrono::year(static_cast<int>(year)), chrono::month(month),
                                    chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  const int64_t days = chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000 + second * 1000;
}

}  // namespace vesto
