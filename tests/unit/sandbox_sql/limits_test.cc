// Bounds in size, depth and time.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "sandbox/sql/render.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {
namespace {

std::string repeated(std::string_view text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string error_of(const std::string& sql) {
  const auto result = translate(sql, {});
  return result.ok() ? "" : result.error().sqlstate;
}

TEST(Limits, StatementOfMoreThanSixteenMegabytesIsRefused) {
  const auto result = translate(std::string(kMaxStatementBytes + 1, ' '), {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().sqlstate, "42601");
  EXPECT_EQ(result.error().message,
            "Statement is too large. Statement Size: 16777217 bytes. Maximum Allowed: 16777216 "
            "bytes");
}

TEST(Limits, InsertOfSixteenMegabytesOfLiterals) {
  std::string sql = "INSERT INTO \"s\".\"t\" (\"a\",\"b\",\"c\") VALUES (1,'x',NULL)";
  const std::string row =
      ",(-12.5,'it''s \\\\ a longer text of some sixty bytes, as they come',NULL)";
  while (sql.size() + row.size() <= kMaxStatementBytes) sql += row;
  const auto result = translate(sql, {});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const Statement& statement = result->front();
  EXPECT_EQ(statement.cls, StatementClass::kInsert);
  ASSERT_EQ(statement.pg_sql.size(), 1U);
  const std::string& pg = statement.pg_sql[0];
  EXPECT_EQ(pg.substr(0, 52), "INSERT INTO s.t (a, b, c) VALUES (1, 'x', NULL), (-1");
  EXPECT_EQ(pg.substr(pg.size() - 6), ",null)");
  EXPECT_NE(pg.find("E'it''s \\\\ a longer"), std::string::npos);
}

TEST(Limits, InsertOfManyRowsWithExpressions) {
  std::string sql = "insert into t values (0, getdate())";
  for (int i = 1; i < 3000; ++i) {
    sql += i % 3 == 0 ? ", (" + std::to_string(i) + ", getdate())"
                      : ", (" + std::to_string(i) + ", '2026-01-01')";
  }
  const auto result = translate(sql, {});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const std::string& pg = result->front().pg_sql[0];
  // Every row once, in order.
  size_t at = 0;
  for (int i = 0; i < 3000; ++i) {
    at = pg.find("(" + std::to_string(i) + ",", at);
    ASSERT_NE(at, std::string::npos) << "row " << i;
  }
}

TEST(Limits, BulkInsertRefusesWhatAFewRowsWould) {
  const std::string rows = repeated(", (1, 2, 3, 4)", 2000);
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows), "");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + " returning a"), "42601");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + " on conflict do nothing"), "42601");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + ", (1,2,3,(select 1))"), "0A000");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + ", (1,2,3,pg_sleep(9))"), "42883");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + ", (1,2,3,)"), "42601");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + ", (1,2,3"), "42601");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + ", "), "42601");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + " (5,6,7,8)"), "42601");
  EXPECT_EQ(error_of("insert into t values (1,2,3,4)" + rows + ", ('\\000',2,3,4)"), "22021");
  EXPECT_EQ(error_of("insert into t values (1,2,3,'a'::uuid)" + rows), "42704");
}

TEST(Limits, DeepNestingIsRefusedNotACrash) {
  for (const char* unit : {"1+", "- ", "not ", "a.b||", "(", "case when a then ", "((select ",
                           "coalesce(", "a::int::", "1 is null is ", "["}) {
    const std::string sql = "select " + repeated(unit, 200000);
    EXPECT_FALSE(error_of(sql).empty()) << unit;
  }
  EXPECT_EQ(error_of("select " + repeated("1+", 5000) + "1"), "54001");
  EXPECT_EQ(error_of(repeated("select 1 union ", 5000) + "select 1"), "54001");
  // Words that look as if they closed something do not hide the depth.
  EXPECT_EQ(
      error_of("select " + repeated("(select x.end, x.and, ", 2000) + "1" + repeated(")", 2000)),
      "54001");
  EXPECT_EQ(
      error_of("select " + repeated("case when a.end then ", 2000) + "1" + repeated(" end", 2000)),
      "54001");
  EXPECT_EQ(error_of("select " + repeated("1+", 400) + "1"), "");
  EXPECT_EQ(error_of(repeated("select 1 union all ", 400) + "select 1"), "");
}

TEST(Limits, WideStatementsAreFine) {
  EXPECT_EQ(error_of("select * from t where a in (1" + repeated(", 2", 50000) + ")"), "");
  EXPECT_EQ(error_of("select * from t where a = 1" + repeated(" or a = 2", 5000)), "");
  EXPECT_EQ(error_of("select 1" + repeated(", a", 200000)), "54000");
}

// Each of these would take minutes if some step looked at all tokens for each token.
TEST(Limits, NothingIsQuadratic) {
  const auto start = std::chrono::steady_clock::now();
  error_of("select top 1 x from " + repeated("(select top 1 x from ", 70000) + "t");
  error_of("select " + repeated("convert(int, ", 70000) + "1" + repeated(")", 70000));
  error_of("select 1 from " + repeated("(select 1) union select 1 from ", 20000) + "t");
  std::string names = "select 1";
  for (int i = 0; i < 50000; ++i) names += ", " + std::string(70, 'n') + std::to_string(i);
  error_of(names);
  std::string columns = "create table t (a int";
  for (int i = 0; i < 2000; ++i) columns += ", c" + std::to_string(i) + " int";
  EXPECT_EQ(error_of(columns + ")"), "54011");
  error_of("create table t (a int, primary key (a" + repeated(", a", 100000) + "))");
  error_of(repeated("'a' ", 1000000));
  error_of(repeated("/*", 1000000));
  error_of("grant select on t" + repeated(", t", 100000) + " to bob");
  error_of(repeated("$", 1000000));
  error_of(repeated("'a'\n", 500000));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(Limits, ManyStatements) {
  EXPECT_EQ(error_of(repeated("end;", 9999)), "");
  EXPECT_EQ(error_of(repeated("end;", 10001)), "54000");
}

TEST(Limits, HalfAMillisecondAStatement) {
  const std::string sql =
      "DELETE FROM \"s\".\"orders\" USING \"_vesto_stage_1\" WHERE \"orders\".\"code\" = "
      "\"_vesto_stage_1\".\"code\" AND OCTET_LENGTH(\"orders\".\"code\") = "
      "OCTET_LENGTH(\"_vesto_stage_1\".\"code\")";
  constexpr int kRounds = 200;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) ASSERT_TRUE(translate(sql, {}).ok());
  const auto spent = std::chrono::steady_clock::now() - start;
  // Ten times the aim, since tests run with sanitizers and beside others.
  EXPECT_LT(std::chrono::duration<double>(spent).count() / kRounds, 0.005);
}

}  // namespace
}  // namespace vesto::sandbox
