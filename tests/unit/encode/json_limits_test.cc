#include "encode/json_limits.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(JsonLimits, StringsMayHave65535Bytes) {
  const SuperLimits limits;
  EXPECT_EQ(exceeds_super("\"" + std::string(65535, 'x') + "\"", limits), "");
  EXPECT_NE(exceeds_super("\"" + std::string(65536, 'x') + "\"", limits).find("65,536"),
            std::string::npos);
  EXPECT_NE(exceeds_super("{\"" + std::string(65536, 'x') + "\":1}", limits), "");
  // Escapes count as what they stand for.
  std::string escaped;
  for (int i = 0; i < 40000; ++i) escaped += "\\n";
  EXPECT_EQ(exceeds_super("\"" + escaped + "\"", limits), "");
  // Many short ones are fine.
  std::string many = "[\"a\"";
  for (int i = 0; i < 40000; ++i) many += ",\"abc\"";
  EXPECT_EQ(exceeds_super(many + "]", limits), "");
}

TEST(JsonLimits, DepthMayBe1000) {
  const SuperLimits limits;
  EXPECT_EQ(exceeds_super(nested(1000), limits), "");
  EXPECT_NE(exceeds_super(nested(1001), limits).find("1,001"), std::string::npos);
  std::string wide = "[";
  for (int i = 0; i < 2000; ++i) wide += "{},";
  EXPECT_EQ(exceeds_super(wide + "1]", limits), "");
  EXPECT_EQ(exceeds_super("\"" + nested(1200) + "\"", limits), "") << "brackets in a string";
  EXPECT_EQ(exceeds_super("\"\\\"" + nested(1200) + "\"", limits), "");
}

TEST(JsonLimits, NulEscapeButNotItsLookAlike) {
  const SuperLimits limits;
  EXPECT_NE(exceeds_super(R"({"a":"x\u0000"})", limits), "");
  EXPECT_EQ(exceeds_super(R"({"a":"x\\u0000"})", limits), "");
  EXPECT_EQ(exceeds_super(R"({"a":"x\u00001"})", limits).empty(), false);
  EXPECT_EQ(exceeds_super(R"({"a":"\u0001"})", limits), "");
}

TEST(JsonLimits, ValueSize) {
  SuperLimits limits;
  limits.value_bytes = 10;
  EXPECT_EQ(exceeds_super("[1,2,3,45]", limits), "");
  EXPECT_NE(exceeds_super("[1,2,3,456]", limits), "");
}

TEST(JsonLimits, NumbersOfMoreDigitsThanADecimal) {
  const SuperLimits limits;
  const std::string fits(38, '7');
  EXPECT_EQ(exceeds_super("[" + fits + "," + fits + "]", limits), "");
  EXPECT_EQ(exceeds_super("[0." + std::string(37, '7') + "e-99]", limits), "");
  EXPECT_NE(exceeds_super("{\"a\":-" + fits + "1}", limits), "");
  EXPECT_NE(exceeds_super("[" + std::string(20, '1') + "." + std::string(19, '1') + "]", limits),
            "");
  EXPECT_EQ(exceeds_super("[\"" + fits + "1\"]", limits), "") << "a string is no number";
}

TEST(JsonLimits, LongNumbersAreSuspectedWhereverTheyStand) {
  for (size_t before = 0; before < 100; ++before) {
    const std::string padding(before, 'x');
    EXPECT_TRUE(may_hold_long_number(padding + std::string(39, '1'), 38)) << before;
    EXPECT_FALSE(may_hold_long_number(padding + std::string(38, '1') + "x", 38)) << before;
  }
  EXPECT_FALSE(may_hold_long_number("", 38));
}

TEST(JsonLimits, BytesThatAreNoJsonDoNoHarm) {
  const SuperLimits limits;
  for (const char* text : {"", "\"", "\"\\", "\"\\u", "\"\\u00", "]]]]", "{{{", "\\", "\"\\u000"}) {
    exceeds_super(text, limits);
  }
}

}  // namespace
}  // namespace vesto
