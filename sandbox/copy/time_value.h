// DATE, TIME, TIMETZ, TIMESTAMP and TIMESTAMPTZ as COPY reads them.
//
// Default formats: YYYY-MM-DD; YYYY-MM-DD HH:MI:SS with up to 6 decimals; the same followed by an
// offset (OF) for TIMESTAMPTZ. 'auto' also takes what a CAST takes (r_DATEFORMAT, "automatic
// recognition"); 'epochsecs' and 'epochmillisecs' take whole numbers.
// Thread rule: a TimeFormat is read-only once it is made.
#ifndef VESTO_SANDBOX_COPY_TIME_VALUE_H_
#define VESTO_SANDBOX_COPY_TIME_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/copy/value.h"

namespace vesto::sandbox {

struct TimeFormat {
  enum class Mode { kDefault, kAuto, kEpochSeconds, kEpochMillis, kPattern };
  enum class Part {
    kYear4,
    kYear2,
    kMonth,
    kMonthName,
    kDay,
    kHour,
    kMinute,
    kSecond,
    kMeridiem,
    kLiteral
  };
  struct Token {
    Part part = Part::kLiteral;
    char literal = 0;
  };
  Mode mode = Mode::kDefault;
  std::string text;           // as given, for the error texts
  std::vector<Token> tokens;  // Mode::kPattern
};

// An argument of DATEFORMAT or TIMEFORMAT. Nothing: the pattern has no valid part.
std::optional<TimeFormat> parse_time_format(std::string_view text, bool is_date_format);

// A moment taken apart. Years count as people write them; `bc` with year 1 is 1 BC.
struct TimeParts {
  int year = 0;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  bool bc = false;
  bool has_date = false;
  bool has_time = false;
  std::optional<int> offset_minutes = {};
};

bool is_valid_date(const TimeParts& parts, bool wide_dates);
bool is_valid_time(const TimeParts& parts);

// HH:MI[:SS[.ffffff]] from the start of `text`; returns the characters taken, 0 if it is none.
size_t parse_clock(std::string_view text, bool seconds_required, TimeParts* parts);
// +HH, +HHMM, +HH:MM, Z; returns the characters taken, 0 if it is none.
size_t parse_offset(std::string_view text, TimeParts* parts);
// Everything that 'auto' takes. `parts` is valid only when it returns true.
bool parse_auto(std::string_view text, TimeParts* parts);
bool parse_pattern(std::string_view text, const TimeFormat& format, bool ignore_rest,
                   TimeParts* parts);

struct TimeRules {
  const TimeFormat* format = nullptr;
  bool wide_dates = false;  // the reading that takes BC and years above 9999
};

// Each appends the value in ISO form, which PostgreSQL reads under any datestyle.
bool append_date(std::string_view text, const TimeRules& rules, std::string* out,
                 ValueError* error);
bool append_timestamp(std::string_view text, const TimeRules& rules, bool with_zone,
                      std::string* out, ValueError* error);
bool append_time(std::string_view text, bool with_zone, std::string* out, ValueError* error);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_TIME_VALUE_H_
