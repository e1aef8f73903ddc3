// What a plan says about tables of every kind, and what it refuses.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

using Rows = std::vector<std::string>;

class Plan : public SourceTest {
 protected:
  Result<StreamPlan> plan(const StreamRequest& request, const std::string& user = "") {
    taken_ = snapshot(user);
    return taken_->plan(request);
  }
  Rows rows_of(const std::string& table) { return read_table(*snapshot(), request_for(table)); }

  void expect_error(const StreamRequest& request, ErrorCode code, const std::string& part,
                    const std::string& hint = "", const std::string& user = "") {
    const auto planned = plan(request, user);
    ASSERT_FALSE(planned.ok()) << request.table;
    EXPECT_EQ(planned.error().code(), code) << planned.error().to_string();
    EXPECT_NE(planned.error().to_string().find(part), std::string::npos)
        << planned.error().to_string();
    EXPECT_NE(planned.error().hint().find(hint), std::string::npos) << planned.error().hint();
    // The snapshot is still good.
    sql("CREATE TABLE IF NOT EXISTS still (x int); GRANT SELECT ON still TO reader");
    EXPECT_TRUE(snapshot()->plan(request_for("public.still")).ok());
    EXPECT_EQ(taken_->plan(request_for("public.nothing")).error().code(), ErrorCode::kPgNoTable);
  }

  std::unique_ptr<SourceSnapshot> taken_;
};

TEST_F(Plan, KeyCursorAndNullability) {
  sql("CREATE TABLE t (\"B\" int, a int NOT NULL, c text, PRIMARY KEY (c, \"B\"))");
  auto planned = plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok());
  EXPECT_EQ(planned->schema.stream, "public.t");
  EXPECT_EQ(planned->schema.key, (std::vector<size_t>{2, 0}));
  EXPECT_EQ(planned->schema.columns[0].name, "b");
  EXPECT_EQ(planned->schema.columns[0].source_name, "B");
  EXPECT_FALSE(planned->schema.columns[0].nullable);
  EXPECT_TRUE(planned->schema.columns[2].unbounded);
  EXPECT_FALSE(planned->schema.columns[1].unbounded);
  EXPECT_TRUE(planned->full);
  EXPECT_EQ(planned->next.text, "");
  EXPECT_EQ(planned->ranges.size(), 1U);
  StreamRequest request = request_for("public.t");
  request.key = {"A"};  // the case of a name may differ where it is unique
  EXPECT_EQ(plan(request)->schema.key, (std::vector<size_t>{1}));
}

TEST_F(Plan, KeyIsProvenOnlyByThePrimaryKey) {
  sql("CREATE TABLE t (a int, b int, c int NOT NULL, PRIMARY KEY (a, b));"
      "CREATE TABLE child (x int) INHERITS (t); CREATE VIEW v AS SELECT * FROM t;"
      "CREATE TABLE u (LIKE t INCLUDING ALL)");
  const auto proven = [this](const std::string& table, std::vector<std::string> key) {
    StreamRequest request = request_for(table);
    request.key = std::move(key);
    const auto planned = plan(request);
    EXPECT_TRUE(planned.ok());
    return planned.ok() && planned->key_proven;
  };
  EXPECT_TRUE(proven("public.u", {}));
  EXPECT_TRUE(proven("public.u", {"B", "a"}));
  EXPECT_TRUE(proven("public.u", {"c", "b", "a"}));
  EXPECT_FALSE(proven("public.u", {"a", "c"}));
  EXPECT_FALSE(proven("public.v", {"a", "b"}));
  EXPECT_FALSE(proven("public.t", {})) << "a child may hold the same key";
}

TEST_F(Plan, UnconstrainedNumericIsNoted) {
  sql("CREATE TABLE t (id int PRIMARY KEY, n numeric)");
  auto planned = plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->notes.size(), 1U);
  EXPECT_NE(planned->notes[0].find("column n"), std::string::npos);
}

TEST_F(Plan, TextStartsAtItsAverageWithHeadroom) {
  sql("CREATE TABLE t (id int PRIMARY KEY, x text); INSERT INTO t SELECT i, repeat('x', 600) FROM "
      "generate_series(1, 100) i; ANALYZE t");
  auto planned = plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok());
  EXPECT_EQ(type_sql(planned->schema.columns[1].type), "VARCHAR(16384)");
}

TEST_F(Plan, AllTypesItDoesNotDeliverAreNamedAtOnce) {
  sql("CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN ints AS int[];"
      "CREATE TABLE t (id int PRIMARY KEY, i interval, a int[], e mood, m money, n inet, d ints, "
      "ok text)");
  StreamRequest request = request_for("public.t");
  request.exclude = {"m"};
  expect_error(request, ErrorCode::kPgType,
               "i (interval), a (integer[]), e (public.mood), n (inet)",
               "exclude = [\"m\", \"i\", \"a\", \"e\", \"n\", \"d\"]");
  request.exclude = {"m", "i", "a", "e", "n", "d"};
  EXPECT_TRUE(plan(request).ok());
}

TEST_F(Plan, NamesThatCannotBe) {
  sql("CREATE TABLE t (id int PRIMARY KEY, \"Name\" text, name text)");
  expect_error(request_for("public.t"), ErrorCode::kPgName, "Name and name", "exclude");
  sql("CREATE TABLE u (id int PRIMARY KEY, oid int)");
  expect_error(request_for("public.u"), ErrorCode::kPgName, "oid", "exclude = [\"oid\"]");
  StreamRequest request = request_for("public.t");
  request.exclude = {"Name"};
  EXPECT_EQ(plan(request)->schema.columns.size(), 2U);
}

TEST_F(Plan, WrongNames) {
  sql("CREATE TABLE orders (id int PRIMARY KEY, note text)");
  expect_error(request_for("public.ordres"), ErrorCode::kPgNoTable, "did you mean public.orders?");
  expect_error(request_for("orders"), ErrorCode::kPgNoTable, "did you mean public.orders?");
  expect_error(request_for(""), ErrorCode::kPgNoTable, "");
  expect_error(request_for("public.\"orders"), ErrorCode::kPgNoTable, "");
  expect_error(request_for("x'; DROP TABLE orders; --.y"), ErrorCode::kPgNoTable, "");
  sql("CREATE SEQUENCE seq");
  expect_error(request_for("public.seq"), ErrorCode::kPgNoTable, "no table");
  StreamRequest request = request_for("public.orders");
  request.key = {"idd"};
  expect_error(request, ErrorCode::kPgNoColumn, "no column idd");
  request = request_for("public.orders");
  request.exclude = {"notes"};
  expect_error(request, ErrorCode::kPgNoColumn, "did you mean note?");
  request.exclude = {"id"};
  expect_error(request, ErrorCode::kCfgValue, "needed as key");
  request = request_for("public.orders");
  request.cursor = "when";
  expect_error(request, ErrorCode::kPgNoColumn, "no column when");
  request.cursor = "note";
  expect_error(request, ErrorCode::kPgType, "cannot be a cursor", "timestamptz");
  sql("CREATE TABLE nothing_in ()");
  expect_error(request_for("public.nothing_in"), ErrorCode::kPgNoColumn, "no column");
}

TEST_F(Plan, KeysThatCannotBe) {
  sql("CREATE TABLE t (at timestamptz, j jsonb)");
  EXPECT_TRUE(plan(request_for("public.t")).ok());  // replace needs no key
  StreamRequest request = request_for("public.t");
  request.cursor = "at";
  expect_error(request, ErrorCode::kPgNoKey, "no primary key");
  request.key = {"j"};
  expect_error(request, ErrorCode::kPgNoKey, "cannot compare");
}

TEST_F(Plan, OddNames) {
  sql("CREATE SCHEMA \"Sch.ema \"\"q\"\"\"; CREATE TABLE \"Sch.ema \"\"q\"\"\".\"ta ble.ü'\" "
      "(\"co\"\"l, \\\" int PRIMARY KEY, \"Ümläut\" text); INSERT INTO "
      "\"Sch.ema \"\"q\"\"\".\"ta ble.ü'\" VALUES (1, 'x')");
  const std::string name = "\"Sch.ema \"\"q\"\"\".\"ta ble.ü'\"";
  for (const std::string& text : {name, std::string("Sch.ema \"q\".ta ble.ü'")}) {
    auto planned = plan(request_for(text));
    ASSERT_TRUE(planned.ok()) << planned.error().to_string();
    EXPECT_EQ(planned->schema.stream, name);
    EXPECT_EQ(planned->schema.columns[0].name, "co\"l, \\");
    EXPECT_EQ(read_all(*taken_, *planned), (Rows{"1|x"}));
  }
}

TEST_F(Plan, ViewsGeneratedColumnsAndDroppedColumns) {
  sql("CREATE TABLE t (id int PRIMARY KEY, gone int, twice int GENERATED ALWAYS AS (id * 2) "
      "STORED);"
      "ALTER TABLE t DROP gone; INSERT INTO t (id) VALUES (1), (2);"
      "CREATE VIEW v AS SELECT id, twice FROM t WHERE id > 1;"
      "CREATE MATERIALIZED VIEW m AS SELECT * FROM v");
  EXPECT_EQ(rows_of("public.t"), (Rows{"1|2", "2|4"}));
  EXPECT_EQ(rows_of("public.v"), (Rows{"2|4"}));
  EXPECT_EQ(rows_of("public.m"), (Rows{"2|4"}));
  EXPECT_EQ(rows_of("public.m").size(), 1U);
}

TEST_F(Plan, PartitionsAreReadLeafByLeaf) {
  sql("CREATE TABLE p (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2026-02-01') TO ('2026-03-01') "
      "PARTITION BY LIST (id);"
      "CREATE TABLE p2a PARTITION OF p2 FOR VALUES IN (1);"
      "CREATE TABLE odd (day date NOT NULL, x int, id int NOT NULL); ALTER TABLE odd DROP x;"
      "ALTER TABLE p2 ATTACH PARTITION odd DEFAULT;"
      "INSERT INTO p VALUES (1, '2026-01-05'), (1, '2026-02-05'), (2, '2026-02-06')");
  auto planned = plan(request_for("public.p"));
  ASSERT_TRUE(planned.ok()) << planned.error().to_string();
  EXPECT_EQ(planned->ranges.size(), 3U);
  EXPECT_EQ(planned->schema.key.size(), 2U);
  const Rows all = {"1|2026-01-05", "1|2026-02-05", "2|2026-02-06"};
  EXPECT_EQ(read_all(*taken_, *planned), all);
  // A leaf that this user may not read by its own name: through the parent, by one statement.
  sql("GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON p TO reader");
  auto by_parent = plan(request_for("public.p"), "reader");
  ASSERT_TRUE(by_parent.ok());
  EXPECT_EQ(by_parent->ranges.size(), 1U);
  EXPECT_EQ(read_all(*taken_, *by_parent), all);
  sql("CREATE TABLE e (id int) PARTITION BY LIST (id)");
  EXPECT_EQ(rows_of("public.e"), Rows{});
}

TEST_F(Plan, ParentOfInheritedTablesHasTheirRowsToo) {
  sql("CREATE TABLE parent (id int); CREATE TABLE child (more int) INHERITS (parent);"
      "INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3)");
  EXPECT_EQ(rows_of("public.parent"), (Rows{"1", "2"}));
  EXPECT_EQ(rows_of("public.child"), (Rows{"2|3"}));
}

TEST_F(Plan, RightsAreAskedForByTheLineToPaste) {
  sql("CREATE TABLE t (id int PRIMARY KEY, secret text); CREATE SCHEMA hidden;"
      "CREATE TABLE hidden.t (id int); GRANT SELECT ON hidden.t TO reader;"
      "INSERT INTO t VALUES (1, 'x')");
  expect_error(request_for("public.t"), ErrorCode::kPgPriv, "reader may not read public.t",
               "GRANT SELECT ON \"public\".\"t\" TO \"reader\";", "reader");
  expect_error(request_for("hidden.t"), ErrorCode::kPgPriv, "hidden.t",
               "GRANT USAGE ON SCHEMA \"hidden\" TO \"reader\";", "reader");
  // Rights on single columns are enough for those.
  sql("GRANT SELECT (id) ON t TO reader");
  StreamRequest request = request_for("public.t");
  request.exclude = {"secret"};
  auto planned = plan(request, "reader");
  ASSERT_TRUE(planned.ok()) << planned.error().to_string();
  EXPECT_EQ(read_all(*taken_, *planned), (Rows{"1"}));
}

TEST_F(Plan, RowLevelSecurityNeverHidesRowsInSilence) {
  sql("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2);"
      "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON t USING (id = 1);"
      "GRANT SELECT ON t TO reader; CREATE VIEW v WITH (security_invoker) AS SELECT * FROM t;"
      "GRANT SELECT ON v TO reader");
  expect_error(request_for("public.t"), ErrorCode::kPgRls, "public.t",
               "ALTER ROLE \"reader\" BYPASSRLS", "reader");
  EXPECT_EQ(rows_of("public.t"), (Rows{"1", "2"}));  // not for its owner
  // Behind a view the server says so.
  auto taken = snapshot("reader");
  const Rows rows = read_table(*taken, request_for("public.v"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("PG-RLS"), std::string::npos) << rows[0];
}

TEST_F(Plan, TableRewrittenAfterTheSnapshotIsNotTakenForEmpty) {
  sql("CREATE TABLE t (id int PRIMARY KEY, x int); INSERT INTO t SELECT i, i FROM "
      "generate_series(1, 10) i; CREATE TABLE u (LIKE t); INSERT INTO u SELECT * FROM t");
  auto taken = snapshot();
  EXPECT_EQ(read_table(*taken, request_for("public.u")).size(), 10U);
  sql("ALTER TABLE t ALTER x TYPE bigint");
  const auto planned = taken->plan(request_for("public.t"));
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().code(), ErrorCode::kPgRead);
  EXPECT_EQ(planned.error().retry(), Retry::kBackoff);
  // After plan(), nobody can rewrite the table any more.
  EXPECT_NE(sql("SET lock_timeout = '100ms'; TRUNCATE u").find("ERROR"), std::string::npos);
}

}  // namespace
}  // namespace vesto::testing
