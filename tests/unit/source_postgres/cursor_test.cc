// Positions and conditions, without a server.
#include "source/postgres/cursor.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

TEST(Position, ComesBackAsItWas) {
  CursorPosition position{"up\"dated", "timestamptz", "2026-01-02 03:04:05.123456+00",
                          "2026-01-02 03:00:00+00", "2026-01-02 03:05:00+00"};
  EXPECT_EQ(parse_position(position_text(position)), position);
  position.value.reset();
  position.oldest.reset();
  EXPECT_EQ(parse_position(position_text(position)), position);
}

TEST(Position, WhatIsNoneIsRefused) {
  for (const char* text :
       {"", "{", "[]", "null", "17", "{}", R"({"cursor":1,"type":"x","as_of":"y"})",
        R"({"cursor":"a","type":"b"})", "\xff\xfe", R"({"cursor":"a","type":"b","as_of":"c")"}) {
    EXPECT_FALSE(parse_position(text)) << text;
  }
}

ColumnInfo column_of(uint32_t oid) {
  ColumnInfo column;
  column.name = "c";
  column.type = "some type";
  column.base.oid = oid;
  return column;
}

TEST(CursorKind, OnlyTypesWithAUsefulOrder) {
  EXPECT_EQ(cursor_kind(column_of(20)).value(), CursorKind::kInteger);
  EXPECT_EQ(cursor_kind(column_of(21)).value(), CursorKind::kInteger);
  EXPECT_EQ(cursor_kind(column_of(23)).value(), CursorKind::kInteger);
  EXPECT_EQ(cursor_kind(column_of(1082)).value(), CursorKind::kDate);
  EXPECT_EQ(cursor_kind(column_of(1114)).value(), CursorKind::kTimestamp);
  EXPECT_EQ(cursor_kind(column_of(1184)).value(), CursorKind::kTimestampTz);
  EXPECT_EQ(cursor_kind(column_of(1700)).value(), CursorKind::kNumeric);
  for (const uint32_t oid : {25U, 1043U, 2950U, 701U, 16U, 3802U}) {
    const auto kind = cursor_kind(column_of(oid));
    ASSERT_FALSE(kind.ok());
    EXPECT_EQ(kind.error().code(), ErrorCode::kPgType);
  }
}

TEST(LookbackFor, TimesHaveADefaultNumbersMustSay) {
  StreamRequest request;
  EXPECT_EQ(lookback_for(request, CursorKind::kTimestampTz)->ms, 600'000);
  const auto missing = lookback_for(request, CursorKind::kInteger);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kCfgMissing);
  request.lookback_units = 1000;
  EXPECT_EQ(lookback_for(request, CursorKind::kInteger)->units, 1000);
  EXPECT_EQ(lookback_for(request, CursorKind::kDate).error().code(), ErrorCode::kCfgValue);
  request = {};
  request.lookback_ms = 0;
  EXPECT_EQ(lookback_for(request, CursorKind::kTimestamp)->ms, 0);
  EXPECT_EQ(lookback_for(request, CursorKind::kNumeric).error().code(), ErrorCode::kCfgValue);
}

TEST(Window, BeginsAtTheBoundAndKeepsRowsWithoutAValue) {
  EXPECT_EQ(window_condition("a\"b", CursorKind::kTimestampTz, "2026-01-01 00:00:00+00", false),
            "\"a\"\"b\" >= '2026-01-01 00:00:00+00'::timestamptz");
  EXPECT_EQ(window_condition("n", CursorKind::kInteger, "-5", true),
            "(\"n\" >= '-5'::bigint OR \"n\" IS NULL)");
}

}  // namespace
}  // namespace vesto
