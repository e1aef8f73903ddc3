// The statements of a comparison, word by word: the source's twin is in source_postgres.
#include "redshift/parity_sql.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

StreamSchema schema() {
  StreamSchema out;
  out.stream = "public.t";
  const auto add = [&out](const char* name, ColumnType type) {
    Column column;
    column.name = name;
    column.source_name = name;
    column.type = type;
    out.columns.push_back(column);
  };
  add("id", {.kind = TypeKind::kInteger});
  add("t\"x", {.kind = TypeKind::kVarchar, .length_bytes = 100});
  add("r", {.kind = TypeKind::kReal});
  add("d", {.kind = TypeKind::kDate});
  add("z", {.kind = TypeKind::kTimestampTz});
  add("o", {.kind = TypeKind::kBoolean});
  add("w", {.kind = TypeKind::kDecimal, .precision = 38, .scale = 2});
  add("j", {.kind = TypeKind::kSuper});
  out.key = {0};
  return out;
}

const TargetName kTarget{"s", "t"};

TEST(ParitySql, SumsOfEachForm) {
  const std::string sql = sql::parity_sums(kTarget, schema());
  EXPECT_TRUE(sql.starts_with(
      "SELECT COUNT(*), "
      "SUM(STRTOL(SUBSTRING(MD5(COALESCE(CAST(\"id\" AS VARCHAR(64)), '~')), 1, 15), 16)), "
      "SUM(STRTOL(SUBSTRING(MD5(COALESCE(CAST(\"id\" AS VARCHAR(64)), '~') || '|' || "
      "COALESCE(MD5(\"t\"\"x\"), '~') || '|' || "))
      << sql;
  for (const char* part :
       {"COUNT(\"id\"), SUM(\"id\"), COUNT(\"t\"\"x\"), "
        "SUM(STRTOL(SUBSTRING(MD5(\"t\"\"x\"), 1, 8), 16)), COUNT(\"r\"), 0, COUNT(\"d\"), "
        "SUM(\"d\" - CAST('2000-01-01' AS DATE)), COUNT(\"z\"), "
        "SUM(STRTOL(SUBSTRING(MD5(TO_CHAR(\"z\", 'YYYY-MM-DD HH24:MI:SS.US BC')), 1, 8), 16)), "
        "COUNT(\"o\"), SUM(CASE WHEN \"o\" THEN 1 ELSE 0 END), COUNT(\"w\"), "
        "SUM(STRTOL(SUBSTRING(MD5(CAST(\"w\" AS VARCHAR(64))), 1, 8), 16)), COUNT(\"j\"), 0, "
        "MAX(OCTET_LENGTH(\"t\"\"x\")), MAX(JSON_SIZE(\"j\")) FROM \"s\".\"t\""}) {
    EXPECT_NE(sql.find(part), std::string::npos) << sql;
  }
  EXPECT_EQ(sql::parity_sum_fields(schema()), 3U + 2 * 8);
}

TEST(ParitySql, AKeyWithoutACanonicalTextHasNoHash) {
  StreamSchema by_real = schema();
  by_real.key = {0, 2};
  EXPECT_TRUE(sql::parity_sums(kTarget, by_real).starts_with("SELECT COUNT(*), 0, SUM(STRTOL("));
}

TEST(ParitySql, RowsOfABucket) {
  const std::string all =
      "SELECT \"id\", \"t\"\"x\", CAST(\"r\" AS DOUBLE PRECISION), \"d\", \"z\", \"o\", \"w\", "
      "\"j\" FROM \"s\".\"t\"";
  EXPECT_EQ(sql::parity_rows(kTarget, schema(), {0}, 0, 0), all);
  EXPECT_EQ(sql::parity_rows(kTarget, schema(), {}, 3, 0), all);
  EXPECT_EQ(sql::parity_rows(kTarget, schema(), {0, 1}, 3, 5),
            all +
                " WHERE MOD(STRTOL(SUBSTRING(MD5(COALESCE(CAST(\"id\" AS VARCHAR(64)), '') || '|' "
                "|| COALESCE(\"t\"\"x\", '')), 1, 7), 16), 8) = 5");
}

TEST(ParitySql, CursorAndRejectedKeys) {
  EXPECT_EQ(sql::declare_parity_cursor("SELECT 1"), "DECLARE _vesto_parity CURSOR FOR SELECT 1");
  EXPECT_EQ(sql::fetch_parity_rows(7), "FETCH FORWARD 7 FROM _vesto_parity");
  EXPECT_EQ(sql::close_parity_cursor(), "CLOSE _vesto_parity");
  EXPECT_EQ(sql::parity_rejected_keys("s", "it's", "a\\b", 9),
            "SELECT DISTINCT \"row_key\" FROM \"s\".\"_vesto_rejected\" WHERE \"sync\" = 'it''s' "
            "AND \"stream\" = 'a\\\\b' LIMIT 9");
}

}  // namespace
}  // namespace vesto
