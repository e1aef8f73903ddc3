#include "sandbox/iam/condition_values.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include "base/strings.h"
#include "sandbox/iam/condition.h"

namespace vesto::sandbox {

namespace {

struct Block {
  int family = AF_INET;
  std::array<unsigned char, 16> bytes = {};
  int64_t bits = 0;
};

std::optional<Block> parse_block(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Block block;
  if (address.find(':') != std::string::npos) block.family = AF_INET6;
  if (inet_pton(block.family, address.c_str(), block.bytes.data()) != 1) return std::nullopt;
  const int64_t most = block.family == AF_INET ? 32 : 128;
  block.bits = most;
  if (slash != std::string_view::npos) {
    const auto bits = parse_int(text.substr(slash + 1));
    if (!bits || *bits < 0 || *bits > most) return std::nullopt;
    block.bits = *bits;
  }
  return block;
}

// Takes `count` digits off the front.
std::optional<int> take_digits(std::string_view& text, size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int64_t> take_day_ms(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || !take_char(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take_char(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * int64_t{86'400'000};
}

// ".123": milliseconds; further digits are passed over.
std::optional<int64_t> take_fraction_ms(std::string_view& text) {
  if (!take_char(text, '.')) return 0;
  int64_t out = 0;
  int64_t weight = 100;
  size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    out += (text.front() - '0') * weight;
    weight /= 10;
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return out;
}

std::optional<int64_t> take_clock_ms(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take_char(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int64_t seconds = 0;
  int64_t fraction_ms = 0;
  if (take_char(text, ':')) {
    const auto second = take_digits(text, 2);
    if (!second || *second > 59) return std::nullopt;
    seconds = *second;
    const auto fraction = take_fraction_ms(text);
    if (!fraction) return std::nullopt;
    fraction_ms = *fraction;
  }
  return ((*hour * int64_t{60} + *minute) * 60 + seconds) * 1000 + fraction_ms;
}

// "Z", "+02:00" or "-0500": what to subtract.
std::optional<int64_t> take_zone_ms(std::string_view& text) {
  if (take_char(text, 'Z')) return 0;
  const bool west = !text.empty() && text.front() == '-';
  if (!take_char(text, '+') && !take_char(text, '-')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  take_char(text, ':');
  const auto minutes = take_digits(text, 2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return std::nullopt;
  const int64_t out = (*hours * int64_t{60} + *minutes) * 60'000;
  return west ? -out : out;
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<bool> parse_truth(std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

bool is_address_block(std::string_view block) { return parse_block(block).has_value(); }

bool address_in_block(std::string_view address, std::string_view block) {
  const auto single = parse_block(address);
  const auto range = parse_block(block);
  if (!single || !range || single->family != range->family) return false;
  for (int64_t bit = 0; bit < range->bits; ++bit) {
    const auto at = static_cast<size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if ((single->bytes[at] & mask) != (range->bytes[at] & mask)) return false;
  }
  return true;
}

std::optional<int64_t> parse_moment_ms(std::string_view text) {
  if (const auto seconds = parse_int(text)) {
    constexpr int64_t kMost = 253'402'300'799;  // the end of the year 9999
    if (*seconds < 0 || *seconds > kMost) return std::nullopt;
    return *seconds * 1000;
  }
  const auto day = take_day_ms(text);
  if (!day) return std::nullopt;
  if (text.empty()) return *day;
  if (!take_char(text, 'T')) return std::nullopt;
  const auto clock = take_clock_ms(text);
  if (!clock) return std::nullopt;
  const auto zone = take_zone_ms(text);
  if (!zone || !text.empty()) return std::nullopt;
  return *day + *clock - *zone;
}

}  // namespace vesto::sandbox
