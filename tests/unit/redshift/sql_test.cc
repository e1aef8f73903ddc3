// Golden texts of every statement: golden/*.sql. UPDATE_GOLDEN=1 writes them anew.
#include "redshift/sql.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "redshift/catalog.h"
#include "redshift/fill_secrets.h"
#include "redshift/session_sql.h"
#include "redshift/sql_rows.h"

namespace vesto {
namespace {

void golden(const std::string& name, const std::vector<std::string>& statements) {
  std::string actual;
  for (const std::string& statement : statements) actual += statement + ";\n";
  const std::string path = std::string(VESTO_GOLDEN) + "/" + name + ".sql";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << actual;
    return;
  }
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(expected.str(), actual) << path;
}

const TargetName kState{"s", "_vesto_state_1a2b3c4d"};
const TargetName kOrders{"s", "orders"};
constexpr int64_t kNow = 1'795'305'600'123;  // 2026-11-22 00:00:00.123

ColumnType type(TypeKind kind, int a = 0, int b = 0) {
  const bool decimal = kind == TypeKind::kDecimal;
  return {kind, decimal ? a : 0, decimal ? b : 0, decimal ? 0 : a};
}

std::vector<sql::ColumnDdl> every_type() {
  return {{"id", type(TypeKind::kBigint), true},
          {"flag", type(TypeKind::kBoolean), false},
          {"small", type(TypeKind::kSmallint), false},
          {"plain", type(TypeKind::kInteger), false},
          {"price", type(TypeKind::kDecimal, 12, 2), false},
          {"r", type(TypeKind::kReal), false},
          {"d", type(TypeKind::kDouble), false},
          {"note", type(TypeKind::kVarchar, 4096), false},
          {"day", type(TypeKind::kDate), false},
          {"at", type(TypeKind::kTimestamp), false},
          {"at_tz", type(TypeKind::kTimestampTz), false},
          {"clock", type(TypeKind::kTime), false},
          {"doc", type(TypeKind::kSuper), false},
          {"raw", type(TypeKind::kVarbyte, 64000), false}};
}

TEST(Sql, State) {
  golden(
      "state",
      {sql::create_schema("s"), sql::create_state_table(kState),
       sql::insert_state_rows(kState, {{"*", LoadId{"0"}, "inst", 1,
                                        "{\"sync\":\"shop's\",\"source\":\"7/x\\\\y\"}", kNow}}),
       sql::select_state(kState), sql::select_fence(kState), sql::lock_table(kState),
       sql::move_fence(kState, LoadId{"0"}, LoadId{"01J"}, InstallationId{"inst"}, kNow),
       sql::delete_state_rows(kState, {"public.a", "public.it's"}),
       sql::update_positions(kState, {{{"public.a", LoadId{"01J"}, "inst", 1, "it's", kNow}, "4"}}),
       sql::update_positions(kState,
                             {{{"public.a", LoadId{"01J"}, "inst", 1, "5", kNow}, "it's"},
                              {{"public.it's", LoadId{"01J"}, "inst", 1, "\\", kNow}, "4"}}),
       sql::insert_state_rows(kState, {{"public.a", LoadId{"01J"}, "inst", 1, "5", kNow},
                                       {"public.it's", LoadId{"01J"}, "inst", 2, "a\\b'", kNow}})});
}

TEST(Sql, ColumnsOfATableOfItsOwn) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(sql::columns_made(sql::create_state_table({"s", "t"})),
            (Names{"stream", "load_id", "writer", "schema_version", "position", "changed_at"}));
  const Names loads = sql::columns_made(sql::create_loads_table("s"));
  ASSERT_EQ(loads.size(), 15U);
  EXPECT_EQ(loads.front(), "sync");
  EXPECT_EQ(loads.back(), "committed_at");
  EXPECT_EQ(sql::columns_made(sql::create_rejected_table("s")).size(), 10U);
  EXPECT_EQ(sql::columns_made("CREATE TABLE t"), Names{});
}

TEST(Sql, SharedTables) {
  sql::LoadsRow row;
  row.sync = "shop";
  row.stream = "public.a";
  row.load_id = LoadId{"01J"};
  row.run = RunId{"run_01J"};
  row.mode = "upsert";
  row.rows_read = 5;
  row.rows_copied = 5;
  row.rows_inserted = 3;
  row.rows_updated = 2;
  row.bytes_staged = 99;
  row.data_as_of_ms = kNow;
  row.committed_ms = kNow;
  golden("shared", {sql::create_loads_table("s"), sql::create_status_view("s"),
                    sql::insert_loads("s", {row, row})});
}

TEST(Sql, Tables) {
  const auto rewrite =
      sql::rewrite_column(kOrders, "price", "_vesto_new_price", type(TypeKind::kDouble),
                          type(TypeKind::kDecimal, 12, 2));
  golden("tables",
         {sql::create_table(kOrders, every_type(), {"id", {"id"}}),
          sql::create_table({"s", "a\"b"}, {{"x", type(TypeKind::kVarchar, 256), false}}, {"", {}}),
          sql::add_column(kOrders, {"new", type(TypeKind::kDecimal, 38, 0), false}),
          sql::alter_column_type(kOrders, "note", type(TypeKind::kVarchar, 16384)),
          sql::create_table(kOrders,
                            {{"id", type(TypeKind::kBigint), true, false, "az64"},
                             {"code", type(TypeKind::kVarchar, 256), true, true, "zstd"}},
                            {"code", {"code", "id"}}),
          rewrite[0], rewrite[1], rewrite[2], rewrite[3], sql::drop_sortkey(kOrders),
          sql::drop_distkey(kOrders), sql::bound_views("s", {"orders", "it's"})});
}

TEST(Sql, Load) {
  sql::CopySource source;
  source.bucket = "b";
  source.manifest_key = "p/inst/1a/run/0001/it's.json";
  source.region = "eu-west-1";
  source.access_key_id = "AKIA";
  source.null_marker = "null1234abcd";
  sql::CopySource with_token = source;
  with_token.has_session_token = true;
  with_token.zstd = true;
  with_token.region.clear();
  const std::string stage = sql::stage_name(1);
  const std::vector<sql::KeyColumn> key = {{"id", false}, {"code", true}};
  golden("load",
         {sql::create_stage(stage,
                            {{"id", type(TypeKind::kBigint), true},
                             {"code", type(TypeKind::kVarchar, 1024), false}},
                            "id"),
          sql::create_stage(sql::stage_name(2), {{"id", type(TypeKind::kBigint), false}}, ""),
          sql::copy(sql::ident(stage), {"id", "code"}, source),
          sql::copy(sql::qualified(kOrders), {"id", "code"}, with_token),
          sql::select_one(kOrders),
          sql::count_duplicate_keys(sql::ident(stage), key),
          sql::count_null_keys(sql::ident(stage), key),
          sql::delete_matching(kOrders, stage, key),
          sql::insert_from_stage(kOrders, stage, {"id", "code"}),
          sql::update_matching(kOrders, stage, key, {"id", "code", "note"}, {"old"}),
          sql::update_matching(kOrders, stage, key, {"id", "code"}, {}),
          sql::insert_missing(kOrders, stage, key, {"id", "code", "note"}),
          sql::delete_all(kOrders),
          sql::last_copy_count(),
          sql::set_statement_timeout(60000),
          sql::terminate_backend(42),
          sql::last_load_error(42)[0],
          sql::last_load_error(42)[1],
          sql::last_refused_field(42),
          sql::count_duplicate_keys({{sql::ident(stage), key}, {"\"s\".\"t\"", key}}),
          sql::duplicate_keys(sql::ident(stage), key),
          sql::null_keys(sql::ident(stage), key),
          sql::delete_window(kOrders, "id", type(TypeKind::kBigint), "100", false),
          sql::delete_window(kOrders, "at", type(TypeKind::kTimestampTz), "", true),
          sql::delete_window(kOrders, "at", type(TypeKind::kTimestampTz),
                             "2026-11-22 01:02:03.5+00", true)});
}

TEST(Sql, Catalog) {
  golden("catalog",
         {catalog_sql("s", {"orders", "it's"}), session_sql::backend_pid(),
          session_sql::start_of(42)[0], session_sql::start_of(42)[1], session_sql::server_time(),
          session_sql::pid_and_time(), session_sql::count_since(42, "2026-11-22")[0],
          session_sql::count_since(42, "2026-11-22")[1]});
}

// The only statement that carries a secret holds a placeholder for it.
TEST(Sql, CopyHoldsNoSecret) {
  sql::CopySource source;
  source.has_session_token = true;
  const std::string text = sql::copy("t", {"a"}, source);
  EXPECT_NE(text.find("SECRET_ACCESS_KEY '{{SECRET:copy_secret}}'"), std::string::npos);
  EXPECT_NE(text.find("SESSION_TOKEN '{{SECRET:copy_token}}'"), std::string::npos);
}

TEST(FillSecrets, PutsTheValueInEscaped) {
  const std::map<std::string, Secret> secrets = {{"copy_secret", Secret("a'b\\c")},
                                                 {"copy_token", Secret("tok")}};
  auto filled = fill_secrets(
      "COPY t FROM 's3://b/k' ACCESS_KEY_ID 'A' SECRET_ACCESS_KEY '{{SECRET:copy_secret}}' "
      "SESSION_TOKEN '{{SECRET:copy_token}}' CSV",
      secrets);
  ASSERT_TRUE(filled.ok());
  EXPECT_EQ(*filled,
            "COPY t FROM 's3://b/k' ACCESS_KEY_ID 'A' SECRET_ACCESS_KEY 'a''b\\\\c' "
            "SESSION_TOKEN 'tok' CSV");
}

// A value or a name from a source that looks like a placeholder must not pull the secret out.
TEST(FillSecrets, LeavesDataAlone) {
  const std::map<std::string, Secret> secrets = {{"copy_secret", Secret("hidden")}};
  for (const std::string sql :
       {"INSERT INTO t VALUES ('{{SECRET:copy_secret}}')",
        "INSERT INTO t VALUES ('SECRET_ACCESS_KEY ''{{SECRET:copy_secret}}''')",
        "INSERT INTO t VALUES ('\\' SECRET_ACCESS_KEY ''{{SECRET:copy_secret}}')",
        "CREATE TABLE t (\"SECRET_ACCESS_KEY '{{SECRET:copy_secret}}'\" BIGINT)",
        "SELECT 'x' || SECRET_ACCESS_KEY '{{SECRET:copy_secret}} '"}) {
    auto filled = fill_secrets(sql, secrets);
    ASSERT_TRUE(filled.ok()) << sql;
    EXPECT_EQ(*filled, sql);
  }
}

TEST(FillSecrets, RefusesUnknownNamesAndNulBytes) {
  EXPECT_EQ(fill_secrets("X SECRET_ACCESS_KEY '{{SECRET:other}}'", {}).error().code(),
            ErrorCode::kInternal);
  EXPECT_EQ(fill_secrets(std::string_view("SELECT 'a\0b'", 12), {}).error().code(),
            ErrorCode::kInternal);
  EXPECT_EQ(*fill_secrets("SELECT 'open", {}), "SELECT 'open");
  EXPECT_EQ(*fill_secrets("SELECT 'open\\", {}), "SELECT 'open\\");
}

TEST(ExecResult, AffectedIsTheTagsNumber) {
  const auto affected = [](const std::string& tag) { return ExecResult{tag, {}, {}}.affected(); };
  EXPECT_EQ(affected("UPDATE 12"), 12);
  EXPECT_EQ(affected("INSERT 0 7"), 7);
  EXPECT_EQ(affected("COPY"), 0);
  EXPECT_EQ(affected("LOCK TABLE"), 0);
  EXPECT_EQ(affected(""), 0);
}

}  // namespace
}  // namespace vesto
