#include "schema/table.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

TEST(TypeSql, EveryKind) {
  const auto sql = [](TypeKind kind, int precision = 0, int scale = 0, int length = 0) {
    return type_sql({kind, precision, scale, length});
  };
  EXPECT_EQ(sql(TypeKind::kBoolean), "BOOLEAN");
  EXPECT_EQ(sql(TypeKind::kSmallint), "SMALLINT");
  EXPECT_EQ(sql(TypeKind::kInteger), "INTEGER");
  EXPECT_EQ(sql(TypeKind::kBigint), "BIGINT");
  EXPECT_EQ(sql(TypeKind::kDecimal, 12, 2), "DECIMAL(12,2)");
  EXPECT_EQ(sql(TypeKind::kReal), "REAL");
  EXPECT_EQ(sql(TypeKind::kDouble), "DOUBLE PRECISION");
  EXPECT_EQ(sql(TypeKind::kVarchar, 0, 0, 1024), "VARCHAR(1024)");
  EXPECT_EQ(sql(TypeKind::kDate), "DATE");
  EXPECT_EQ(sql(TypeKind::kTimestamp), "TIMESTAMP");
  EXPECT_EQ(sql(TypeKind::kTimestampTz), "TIMESTAMPTZ");
  EXPECT_EQ(sql(TypeKind::kTime), "TIME");
  EXPECT_EQ(sql(TypeKind::kSuper), "SUPER");
  EXPECT_EQ(sql(TypeKind::kVarbyte, 0, 0, 64000), "VARBYTE(64000)");
}

TEST(VarcharSizeClass, TheSmallestThatHolds) {
  EXPECT_EQ(varchar_size_class(-1), 256);
  EXPECT_EQ(varchar_size_class(0), 256);
  EXPECT_EQ(varchar_size_class(256), 256);
  EXPECT_EQ(varchar_size_class(257), 1024);
  EXPECT_EQ(varchar_size_class(1024), 1024);
  EXPECT_EQ(varchar_size_class(1025), 4096);
  EXPECT_EQ(varchar_size_class(4097), 16384);
  EXPECT_EQ(varchar_size_class(16385), 65535);
  EXPECT_EQ(varchar_size_class(65535), 65535);
  EXPECT_EQ(varchar_size_class(1 << 30), 65535);
}

}  // namespace
}  // namespace vesto
