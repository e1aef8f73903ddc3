// same_value: every pair that is one value, and the nearest pairs that are not.
#include "sync/parity_value.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vesto {
namespace {

Column of(TypeKind kind, int precision = 0, int scale = 0) {
  Column column;
  column.type = {.kind = kind, .precision = precision, .scale = scale};
  return column;
}

struct Pair {
  TypeKind kind;
  const char* source;
  const char* warehouse;
};

TEST(SameValue, NullIsOnlyNull) {
  for (const TypeKind kind :
       {TypeKind::kVarchar, TypeKind::kInteger, TypeKind::kSuper, TypeKind::kVarbyte}) {
    EXPECT_TRUE(same_value(of(kind), std::nullopt, std::nullopt));
    EXPECT_FALSE(same_value(of(kind), "", std::nullopt));
    EXPECT_FALSE(same_value(of(kind), std::nullopt, ""));
    EXPECT_FALSE(same_value(of(kind), std::nullopt, "null"));
  }
  EXPECT_FALSE(same_value(of(TypeKind::kVarbyte), std::nullopt, "NaN"));
}

TEST(SameValue, Same) {
  const std::vector<Pair> pairs = {
      {TypeKind::kBoolean, "t", "t"},
      {TypeKind::kBoolean, "f", "false"},
      {TypeKind::kBoolean, "t", "1"},
      {TypeKind::kInteger, "-5", "-5"},
      {TypeKind::kBigint, "9223372036854775807", "9223372036854775807"},
      {TypeKind::kBigint, "100", "1e2"},
      {TypeKind::kDecimal, "1.5", "1.50"},
      {TypeKind::kDecimal, "0.00", "-0"},
      {TypeKind::kDecimal, "-0.010", "-.01"},
      {TypeKind::kDecimal, "12345678901234567890123456789012345678",
       "12345678901234567890123456789012345678.000"},
      {TypeKind::kReal, "0.1", "0.10000000149011612"},
      {TypeKind::kReal, "3.4028235e+38", "3.4028234663852886e+38"},
      {TypeKind::kReal, "1e-45", "1.4012984643248171e-45"},
      {TypeKind::kReal, "NaN", "NaN"},
      {TypeKind::kReal, "-Infinity", "-Infinity"},
      {TypeKind::kDouble, "0.1", "0.10000000000000001"},
      {TypeKind::kDouble, "1e+300", "1.0000000000000001e+300"},
      {TypeKind::kDouble, "5e-324", "4.9406564584124654e-324"},
      {TypeKind::kDouble, "-0", "0"},
      {TypeKind::kDouble, "Infinity", "inf"},
      {TypeKind::kVarchar, "a b", "a b"},
      {TypeKind::kVarchar, "", ""},
      {TypeKind::kDate, "2024-02-29", "2024-02-29"},
      {TypeKind::kDate, "0044-03-15 BC", "0044-03-15 BC"},
      {TypeKind::kDate, "2024-02-29", "2024-02-29 00:00:00"},
      {TypeKind::kTimestamp, "2024-02-29 12:00:00.500000", "2024-02-29 12:00:00.5"},
      {TypeKind::kTimestamp, "2024-02-29 00:00:00", "2024-02-29"},
      {TypeKind::kTimestamp, "294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999"},
      {TypeKind::kTimestampTz, "2024-01-01 00:30:00+00", "2023-12-31 19:00:00-05:30"},
      {TypeKind::kTimestampTz, "2024-01-01 00:00:00+00", "2024-01-01 00:00:00.000+00:00"},
      {TypeKind::kTimestampTz, "0001-01-01 00:00:00+00", "0001-12-31 23:00:00-01 BC"},
      {TypeKind::kTime, "12:00:00.5", "12:00:00.500000"},
      {TypeKind::kTime, "24:00:00", "24:00:00"},
      {TypeKind::kSuper, R"({"a": 1.50, "b": [true, null]})", R"({"b":[true,null],"a":1.5})"},
      {TypeKind::kSuper, R"("\u00e9\ud83d\ude42\/")", "\"\xC3\xA9\xF0\x9F\x99\x82/\""},
      {TypeKind::kSuper, "1e2", "100"},
      {TypeKind::kSuper, R"({"a":1,"a":2})", R"({"a":2})"},
      {TypeKind::kSuper, "\"\\t\\u0001\"", "\"\\u0009\\u0001\""},
      {TypeKind::kVarbyte, "00ff", "00FF"},
      {TypeKind::kVarbyte, "00ff", "\\x00ff"},
      {TypeKind::kVarbyte, "NaN", ""},
      {TypeKind::kGeometry, "0101000000", "0101000000"},
      {TypeKind::kGeography, "0101ab", "0101AB"},
  };
  for (const Pair& pair : pairs) {
    EXPECT_TRUE(same_value(of(pair.kind), pair.source, pair.warehouse))
        << pair.source << " and " << pair.warehouse;
    EXPECT_TRUE(same_value(of(pair.kind), pair.warehouse, pair.source)) << pair.source;
  }
}

TEST(SameValue, NotTheSame) {
  const std::vector<Pair> pairs = {
      {TypeKind::kBoolean, "t", "f"},
      {TypeKind::kInteger, "5", "-5"},
      {TypeKind::kBigint, "9223372036854775807", "9223372036854775806"},
      {TypeKind::kDecimal, "0.1", "0.10000000000000001"},
      {TypeKind::kDecimal, "12345678901234567890123456789012345678",
       "12345678901234567890123456789012345679"},
      {TypeKind::kDecimal, "1", "10"},
      {TypeKind::kReal, "0.1", "0.1000000089406967"},  // the float before
      {TypeKind::kReal, "NaN", "0"},
      {TypeKind::kDouble, "0.1", "0.10000000000000002"},
      {TypeKind::kDouble, "Infinity", "-Infinity"},
      {TypeKind::kVarchar, "a", "a "},
      {TypeKind::kVarchar, "1.0", "1.00"},
      {TypeKind::kVarchar, "A", "a"},
      {TypeKind::kDate, "2024-02-29", "2024-03-01"},
      {TypeKind::kDate, "0044-03-15 BC", "0044-03-15"},
      {TypeKind::kDate, "2024-02-29", "2024-02-29 00:00:01"},
      {TypeKind::kTimestamp, "2024-02-29 12:00:00.000001", "2024-02-29 12:00:00"},
      {TypeKind::kTimestamp, "2024-02-29 12:00:00", "2024-02-29 12:00:00+00"},
      {TypeKind::kTimestampTz, "2024-01-01 00:00:00+00", "2024-01-01 00:00:00+01"},
      {TypeKind::kTimestamp, "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999998"},
      {TypeKind::kTime, "24:00:00", "00:00:00"},
      {TypeKind::kTime, "12:00:00.000001", "12:00:00"},
      {TypeKind::kSuper, R"({"a":1})", R"({"a":2})"},
      {TypeKind::kSuper, R"({"a":1})", R"({"A":1})"},
      {TypeKind::kSuper, "[1,2]", "[2,1]"},
      {TypeKind::kSuper, "1", "\"1\""},
      {TypeKind::kSuper, "null", "\"null\""},
      {TypeKind::kSuper, "[]", "{}"},
      {TypeKind::kSuper, "0.1", "0.10000000000000000001"},
      {TypeKind::kSuper, R"(["a,b"])", R"(["a","b"])"},
      {TypeKind::kSuper, R"({"a":"\",\"b\":\"c"})", R"({"a":"","b":"c"})"},
      {TypeKind::kSuper, "\"\xC3\xA9\"", "\"e\xCC\x81\""},
      {TypeKind::kVarbyte, "00ff", "00fe"},
      {TypeKind::kVarbyte, "NaN", "00"},
      {TypeKind::kGeometry, "0101000000", "0101000001"},
      // What is no value of its type is its own text.
      {TypeKind::kDouble, "x", "y"},
      {TypeKind::kSuper, "{", "["},
      {TypeKind::kDate, "", "1970-01-01"},
  };
  for (const Pair& pair : pairs) {
    EXPECT_FALSE(same_value(of(pair.kind), pair.source, pair.warehouse))
        << pair.source << " and " << pair.warehouse;
    EXPECT_FALSE(same_value(of(pair.kind), pair.warehouse, pair.source)) << pair.source;
  }
}

TEST(CanonicalNumber, OneFormEach) {
  EXPECT_EQ(canonical_number("0"), "0");
  EXPECT_EQ(canonical_number("-0.000"), "0");
  EXPECT_EQ(canonical_number("0e999999"), "0");
  EXPECT_EQ(canonical_number("1500"), "15e2");
  EXPECT_EQ(canonical_number("+1.5E3"), "15e2");
  EXPECT_EQ(canonical_number("-.5"), "-5e-1");
  EXPECT_EQ(canonical_number("5."), "5e0");
  EXPECT_EQ(canonical_number("NaN"), "NaN");
  EXPECT_EQ(canonical_number("1e999999999999999999"), "1e999999999999999999");
}

TEST(CanonicalNumber, WhatIsNone) {
  for (const char* text : {"", "-", ".", "e5", "1e", "1e+", "1e5.0", "0x10", "1 ", " 1", "1,5",
                           "1.5.5", "--1", "nan", "1e9999999999999999999"}) {
    EXPECT_EQ(canonical_number(text), std::nullopt) << text;
  }
}

TEST(CanonicalJson, WhatIsNone) {
  for (const char* text : {"",          " ",        "{",     "}",          "[",   "[1,]",  "[,1]",
                           "{\"a\"}",   "{\"a\":}", "{a:1}", "{\"a\":1,}", "tru", "nullx", "\"",
                           "\"\\u12\"", "\"\\x\"",  "1 2",   "[1 2]",      "-",   "\"a\"b"}) {
    EXPECT_EQ(canonical_json(text), std::nullopt) << text;
  }
}

TEST(CanonicalJson, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
  };
  EXPECT_TRUE(canonical_json(nested(1000)));
  EXPECT_FALSE(canonical_json(nested(1'000'000)));
  // And is then compared as text.
  EXPECT_TRUE(same_value(of(TypeKind::kSuper), nested(5000), nested(5000)));
  EXPECT_FALSE(same_value(of(TypeKind::kSuper), nested(5000), nested(5001)));
}

TEST(CanonicalJson, ALoneSurrogateIsKeptApart) {
  EXPECT_NE(canonical_json(R"("\ud83d")"), canonical_json(R"("\ude42")"));
  EXPECT_NE(canonical_json(R"("\ud83d\u0041")"), std::nullopt);
}

}  // namespace
}  // namespace vesto
