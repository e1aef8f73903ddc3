#include "schema/postgres_types.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

// pg_type's numbers.
constexpr uint32_t kNumeric = 1700;
constexpr uint32_t kText = 25;
constexpr uint32_t kVarchar = 1043;
constexpr uint32_t kBpchar = 1042;

std::string mapped(uint32_t oid, int32_t typmod = -1, int average = 0) {
  const auto found = map_postgres_type(oid, typmod, average);
  if (!found) return "refused";
  return type_sql(found->type) + (found->unbounded ? " unbounded" : "") +
         (found->print == PrintForm::kText ? " ::text" : "") +
         (found->print == PrintForm::kHex ? " hex" : "");
}

int32_t numeric_typmod(int precision, int scale) {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

TEST(PostgresTypes, FixedOnes) {
  EXPECT_EQ(mapped(16), "BOOLEAN");
  EXPECT_EQ(mapped(21), "SMALLINT");
  EXPECT_EQ(mapped(23), "INTEGER");
  EXPECT_EQ(mapped(20), "BIGINT");
  EXPECT_EQ(mapped(700), "REAL");
  EXPECT_EQ(mapped(701), "DOUBLE PRECISION");
  EXPECT_EQ(mapped(1082), "DATE");
  EXPECT_EQ(mapped(1083), "TIME");
  EXPECT_EQ(mapped(1083, 3), "TIME");
  EXPECT_EQ(mapped(1114, 0), "TIMESTAMP");
  EXPECT_EQ(mapped(1184), "TIMESTAMPTZ");
  EXPECT_EQ(mapped(2950), "VARCHAR(36)");
  EXPECT_EQ(mapped(114), "SUPER unbounded");
  EXPECT_EQ(mapped(3802), "SUPER unbounded");
  EXPECT_EQ(mapped(17), "VARBYTE(1024000) unbounded hex");
}

TEST(PostgresTypes, Numeric) {
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(12, 2)), "DECIMAL(12,2)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(1, 0)), "DECIMAL(1,0)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(18, 18)), "DECIMAL(18,18)");
  // 19 digits would be kept in 64 bits, which end before 9,999,999,999,999,999,999.
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(19, 4)), "DECIMAL(20,4)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(20, 4)), "DECIMAL(20,4)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(38, 37)), "DECIMAL(38,37)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(38, 38)), "VARCHAR(79)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(39, 0)), "VARCHAR(42)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(5, -2)), "DECIMAL(7,0)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(17, -2)), "DECIMAL(20,0)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(38, -1)), "VARCHAR(42)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(2, 5)), "DECIMAL(5,5)");
  EXPECT_EQ(mapped(kNumeric, numeric_typmod(2, 40)), "VARCHAR(45)");
  EXPECT_EQ(mapped(kNumeric), "VARCHAR(1024) unbounded");
  EXPECT_NE(map_postgres_type(kNumeric, -1, 0)->note, "");
  EXPECT_EQ(map_postgres_type(kNumeric, numeric_typmod(12, 2), 0)->note, "");
}

TEST(PostgresTypes, CountedTextsCountBytes) {
  EXPECT_EQ(mapped(kVarchar, 10 + 4), "VARCHAR(40)");
  EXPECT_EQ(mapped(kVarchar, 16383 + 4), "VARCHAR(65532)");
  EXPECT_EQ(mapped(kVarchar, 16384 + 4), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kVarchar, 10485760 + 4), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kBpchar, 1 + 4), "VARCHAR(4) ::text");
  EXPECT_EQ(mapped(kBpchar), "VARCHAR(1024) unbounded ::text");
}

TEST(PostgresTypes, TextStartsWithHeadroom) {
  EXPECT_EQ(mapped(kText), "VARCHAR(1024) unbounded");
  EXPECT_EQ(mapped(kVarchar), "VARCHAR(1024) unbounded");
  EXPECT_EQ(mapped(kText, -1, 128), "VARCHAR(1024) unbounded");
  EXPECT_EQ(mapped(kText, -1, 129), "VARCHAR(4096) unbounded");
  EXPECT_EQ(mapped(kText, -1, 2048), "VARCHAR(16384) unbounded");
  EXPECT_EQ(mapped(kText, -1, 2049), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kText, -1, 2'000'000'000), "VARCHAR(65535) unbounded");
  EXPECT_EQ(mapped(kText, -1, -5), "VARCHAR(1024) unbounded");
}

TEST(PostgresTypes, EverythingElseIsRefused) {
  // interval, money, inet, int4[], xml, timetz, point, oid, name, "char", and what nobody knows.
  for (const uint32_t oid :
       {1186U, 790U, 869U, 1007U, 142U, 1266U, 600U, 26U, 19U, 18U, 0U, 16400U, 4294967295U}) {
    EXPECT_EQ(mapped(oid), "refused") << oid;
  }
}

TEST(ColumnNames, FoldAsRedshiftFolds) {
  EXPECT_EQ(fold_column_name("OrderID"), "orderid");
  EXPECT_EQ(fold_column_name("\xc3\x9c"
                             "ber \"X\""),
            "\xc3\x9c"
            "ber \"x\"");  // only A-Z
  EXPECT_TRUE(is_reserved_column_name("oid"));
  EXPECT_TRUE(is_reserved_column_name("ctid"));
  EXPECT_FALSE(is_reserved_column_name("id"));
}

}  // namespace
}  // namespace vesto
