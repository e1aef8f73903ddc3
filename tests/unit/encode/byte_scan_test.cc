#include "encode/byte_scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace vesto {
namespace {

constexpr unsigned kAll =
    kSuspectNan | kSuspectInfinity | kSuspectBc | kSuspectWideYear | kSuspectNulEscape;
constexpr size_t kNone = std::string_view::npos;

struct Case {
  const char* field;
  unsigned what;
  bool found;
};

const Case kCases[] = {
    {"NaN", kSuspectNan, true},
    {"Nan", kSuspectNan, false},
    {"NaNs", kSuspectNan, false},
    {"xNaN", kSuspectNan, false},
    {"Infinity", kSuspectInfinity, true},
    {"-Infinity", kSuspectInfinity, true},
    {"infinity", kSuspectInfinity, true},
    {"-infinity", kSuspectInfinity, true},
    {"to infinity", kSuspectInfinity, false},
    {"infinity and", kSuspectInfinity, false},
    {"0044-03-15 BC", kSuspectBc, true},
    {"0044-03-15 12:00:00+00 BC", kSuspectBc, true},
    {"44 BCE", kSuspectBc, false},
    {"10000-01-01", kSuspectWideYear, true},
    {"294276-12-31 23:59:59.999999", kSuspectWideYear, true},
    {"9999-12-31", kSuspectWideYear, false},
    {"2024-01-02 03:04:05", kSuspectWideYear, false},
    {"12345-6789", kSuspectWideYear, false},
    {"x12345-01-02", kSuspectWideYear, false},
    {"00000-00-", kSuspectWideYear, true},
    {"\"{\"\"a\"\":\"\"\\u0000\"\"}\"", kSuspectNulEscape, true},
    {"\\u0001", kSuspectNulEscape, false},
};

TEST(FindSuspect, EachInEveryPlaceOfABlock) {
  for (const Case& one : kCases) {
    for (size_t before = 0; before < 70; ++before) {
      for (const char* after : {"\n", ",x\n", ""}) {
        std::string bytes = std::string(before, 'a');
        if (before > 0) bytes.back() = before % 2 == 0 ? ',' : '\n';
        const size_t begin = bytes.size();
        bytes += one.field;
        const size_t end = bytes.size();
        bytes += after;
        const size_t at = find_suspect(bytes, 0, one.what);
        ASSERT_EQ(at != kNone, one.found) << one.field << " after " << before;
        ASSERT_EQ(at, internal::find_suspect_plain(bytes, 0, one.what));
        if (one.found) {
          ASSERT_GE(at, begin);
          ASSERT_LT(at, end);
          EXPECT_EQ(find_suspect(bytes, 0, kAll & ~one.what), kNone);
          EXPECT_EQ(find_suspect(bytes, end, kAll), kNone);
        }
      }
    }
  }
}

TEST(FindSuspect, NothingAskedForNothingFound) {
  EXPECT_EQ(find_suspect("NaN\n", 0, 0), kNone);
  EXPECT_EQ(find_suspect("", 0, kAll), kNone);
}

// The AVX2 way says what the plain one says, on bytes that are full of near misses.
TEST(FindSuspect, BothWaysAgreeOnRandomBytes) {
  std::mt19937 random(7);
  const std::string pieces[] = {"NaN", "infinity", "-Infinity",  " BC", "12345-01-02", ",",
                                "\n",  "\\u0000",  "2024-01-02", "-",   "9",           "\""};
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    while (bytes.size() < 150) bytes += pieces[random() % std::size(pieces)];
    const unsigned what = random() % 32;
    for (size_t from = 0; from < bytes.size();) {
      const size_t at = find_suspect(bytes, from, what);
      if (what == 0) {
        ASSERT_EQ(at, kNone);
        break;
      }
      ASSERT_EQ(at, internal::find_suspect_plain(bytes, from, what)) << bytes;
      if (at == kNone) break;
      from = at + 1;
    }
    ASSERT_EQ(count_byte(bytes, '"'), internal::count_byte_plain(bytes, '"'));
  }
}

TEST(FindText, WhereItStands) {
  EXPECT_EQ(find_text("abcabd", "abd"), 3U);
  EXPECT_EQ(find_text("abcab", "abd"), kNone);
  EXPECT_EQ(find_text("", "x"), kNone);
  EXPECT_EQ(find_text(std::string_view("a\0b", 3), "b"), 2U);
}

}  // namespace
}  // namespace vesto
