// What a plan says about tables of every kind, and what it refuses.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <chrono>
#include <stop_token>
#include <thread>

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

TEST_F(Plan, NamesThatRedshiftWouldNotKeepApart) {
  sql("CREATE TABLE t (id int PRIMARY KEY, \"Name\" text, name text, oid int)");
  auto planned = plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok());
  const std::vector<Column>& columns = planned->schema.columns;
  ASSERT_EQ(columns.size(), 4U);
  EXPECT_EQ(columns[1].name, "name~1");
  EXPECT_EQ(columns[1].source_name, "Name");
  EXPECT_EQ(columns[2].name, "name");
  EXPECT_EQ(columns[3].name, "oid~0");
  EXPECT_EQ(planned->notes, (std::vector<std::string>{"column Name: delivered as name~1",
                                                      "column oid: delivered as oid~0"}));
  // What is not delivered takes no name away.
  StreamRequest request = request_for("public.t");
  request.exclude = {"name"};
  EXPECT_EQ(plan(request)->schema.columns[1].name, "name");
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
  auto planned = plan(request_for(name));
  ASSERT_TRUE(planned.ok()) << planned.error().to_string();
  EXPECT_EQ(planned->schema.stream, name);
  EXPECT_EQ(planned->schema.columns[0].name, "co\"l, \\");
  EXPECT_EQ(read_all(*taken_, *planned), (Rows{"1|x"}));
  // However it is written, one table has one name, in which positions are kept.
  sql("CREATE TABLE \"Orders\" (id int PRIMARY KEY)");
  for (const char* text : {"public.Orders", "public.\"Orders\"", "\"public\".\"Orders\""}) {
    auto same = plan(request_for(text));
    ASSERT_TRUE(same.ok()) << text << same.error().to_string();
    EXPECT_EQ(same->schema.stream, "public.Orders");
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
  EXPECT_EQ(planned.error().code(), ErrorCode::kPgChanged);
  EXPECT_EQ(planned.error().retry(), Retry::kBackoff);
  // After plan(), nobody can rewrite the table any more.
  EXPECT_NE(sql("SET lock_timeout = '100ms'; TRUNCATE u").find("ERROR"), std::string::npos);
}

// Each change commits between the snapshot and the lock. The table it is made on is read through
// `stream`, whose own file is untouched.
TEST_F(Plan, WhatIsBehindATableIsNotTakenForEmptyEither) {
  struct Case {
    const char* stream;
    const char* change;
    const char* named;
  };
  const Case cases[] = {
      {"public.parent", "TRUNCATE ONLY child", "public.child"},
      {"public.parent", "ALTER TABLE grandchild ADD y float DEFAULT random()", "public.grandchild"},
      {"public.parent", "ALTER TABLE child NO INHERIT parent", "child"},
      {"public.parent", "DROP TABLE grandchild", "public.grandchild"},
      {"public.v", "ALTER TABLE t ALTER y TYPE bigint", "public.t"},
      {"public.v", "TRUNCATE t", "public.t"},
      {"public.v_parent", "TRUNCATE ONLY child", "public.child"},
      {"public.v_p", "ALTER TABLE p DETACH PARTITION p1", "public.p1"},
      {"public.v_p", "DROP TABLE p1", "public.p1"},
      {"public.p", "TRUNCATE p1", "public.p1"},
      {"public.p", "ALTER TABLE p DETACH PARTITION p1", "public.p1"},
      {"public.p", "DROP TABLE p1", "public.p1"},
      {"public.v_m", "REFRESH MATERIALIZED VIEW m", "public.m"},
  };
  sql("CREATE TABLE other (x int)");
  for (const Case& c : cases) {
    SCOPED_TRACE(c.change);
    sql("DROP TABLE IF EXISTS parent, child, t, p, p1 CASCADE;"
        "CREATE TABLE parent (x int); CREATE TABLE child () INHERITS (parent);"
        "CREATE TABLE grandchild () INHERITS (child); INSERT INTO child VALUES (1);"
        "INSERT INTO grandchild VALUES (2); CREATE VIEW v_parent AS SELECT * FROM parent;"
        "CREATE TABLE t (x int PRIMARY KEY, y int); INSERT INTO t VALUES (1, 1);"
        "CREATE VIEW v AS SELECT x FROM t; CREATE MATERIALIZED VIEW m AS SELECT x FROM t;"
        "CREATE VIEW v_m AS SELECT * FROM m;"
        "CREATE TABLE p (x int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES "
        "IN (1); CREATE TABLE p2 PARTITION OF p DEFAULT; INSERT INTO p VALUES (1), (2);"
        "CREATE VIEW v_p AS SELECT * FROM p");
    auto taken = snapshot();
    ASSERT_EQ(sql(c.change).find("ERROR"), std::string::npos);
    const auto planned = taken->plan(request_for(c.stream));
    ASSERT_FALSE(planned.ok()) << c.stream << ": its rows would be lost";
    EXPECT_EQ(planned.error().code(), ErrorCode::kPgChanged);
    EXPECT_NE(planned.error().message().find(c.named), std::string::npos)
        << planned.error().message();
    // It is an error of this stream alone: others are planned in the same snapshot.
    EXPECT_TRUE(taken->plan(request_for("public.other")).ok());
  }
}

TEST_F(Plan, ChangesThatMoveNoRowsDisturbNobody) {
  sql("CREATE TABLE t (x int PRIMARY KEY, y int); INSERT INTO t VALUES (1, 1), (2, 2);"
      "CREATE INDEX other ON t (y); CREATE VIEW v AS SELECT x FROM t;"
      "CREATE TABLE p (x int) PARTITION BY LIST (x); CREATE TABLE p1 PARTITION OF p FOR VALUES "
      "IN (1); CREATE TABLE p2 PARTITION OF p DEFAULT; INSERT INTO p VALUES (1), (2);"
      "CREATE VIEW pruned AS SELECT * FROM p WHERE x = 1; CREATE TABLE late (x int)");
  auto taken = snapshot();
  sql("REINDEX TABLE t; CREATE INDEX more ON t (y); ALTER TABLE t ADD z int; ANALYZE t;"
      "INSERT INTO t VALUES (3, 3); ALTER TABLE late ADD CHECK (x = 5);"
      "CREATE TABLE p5 PARTITION OF p FOR VALUES IN (5)");
  EXPECT_EQ(read_table(*taken, request_for("public.t")), (Rows{"1|1", "2|2"}));
  EXPECT_EQ(read_table(*taken, request_for("public.v")), (Rows{"1", "2"}));
  EXPECT_EQ(read_table(*taken, request_for("public.p")), (Rows{"1", "2"}));
  EXPECT_EQ(read_table(*taken, request_for("public.pruned")), (Rows{"1"}));
}

TEST_F(Plan, AKeyIsProvenByWhatTheServerEnforces) {
  const auto proven = [this](const std::string& columns, const std::string& more,
                             std::vector<std::string> key = {"a"}) {
    taken_.reset();  // it holds its lock on the table
    sql("DROP TABLE IF EXISTS t CASCADE; CREATE TABLE t (" + columns + ");" + more);
    StreamRequest request = request_for("public.t");
    request.key = std::move(key);
    auto planned = plan(request);
    EXPECT_TRUE(planned.ok()) << planned.error().to_string();
    return planned.ok() && planned->key_proven;
  };
  const std::string two = "a int NOT NULL, b int NOT NULL, c int";
  EXPECT_TRUE(proven("a int PRIMARY KEY", ""));
  EXPECT_TRUE(proven("a int NOT NULL UNIQUE", ""));
  EXPECT_TRUE(proven(two, "CREATE UNIQUE INDEX ON t (a)"));
  EXPECT_TRUE(proven(two, "CREATE UNIQUE INDEX ON t (b, a)", {"a", "b"}));
  EXPECT_TRUE(proven(two, "CREATE UNIQUE INDEX ON t (a) INCLUDE (b)"));
  EXPECT_TRUE(proven(two, "CREATE UNIQUE INDEX ON t (a)", {"b", "a"}));
  EXPECT_FALSE(proven(two, ""));
  EXPECT_FALSE(proven(two, "CREATE INDEX ON t (a)"));
  EXPECT_FALSE(proven(two, "CREATE UNIQUE INDEX ON t (a, b)"));
  EXPECT_FALSE(proven(two, "CREATE UNIQUE INDEX ON t (a) WHERE b > 0"));
  EXPECT_FALSE(proven(two, "CREATE UNIQUE INDEX ON t ((abs(a)))"));
  EXPECT_FALSE(proven(two, "CREATE UNIQUE INDEX ON t (a, (abs(a)))"));
  EXPECT_FALSE(proven(two, "CREATE UNIQUE INDEX ON t (c)", {"c"})) << "NULL is never unique";
  EXPECT_FALSE(proven(two, "CREATE UNIQUE INDEX ON t (a, c)", {"a", "c"}));
  EXPECT_FALSE(proven("a int NOT NULL UNIQUE DEFERRABLE", ""));
  EXPECT_FALSE(proven(two,
                      "CREATE UNIQUE INDEX i ON t (a); UPDATE pg_index SET indisvalid = "
                      "false WHERE indexrelid = 'i'::regclass"));
  EXPECT_FALSE(proven("a int PRIMARY KEY", "CREATE TABLE heir () INHERITS (t)"));
  EXPECT_TRUE(proven("a int NOT NULL, b int) PARTITION BY RANGE (a",
                     "CREATE UNIQUE INDEX ON t (a); CREATE TABLE t1 PARTITION OF t DEFAULT"));
  // Only on the parent: its partitions hold what they like.
  EXPECT_FALSE(proven("a int NOT NULL, b int) PARTITION BY RANGE (a",
                      "CREATE TABLE t1 PARTITION OF t DEFAULT; CREATE UNIQUE INDEX ON ONLY t (a)"));
}

TEST_F(Plan, ColumnsThatAnIndexOnlyCarriesBelongToNoKey) {
  sql("CREATE TABLE t (id int, more int, PRIMARY KEY (id) INCLUDE (more))");
  auto planned = plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok());
  EXPECT_EQ(planned->schema.key, std::vector<size_t>{0});
  EXPECT_TRUE(planned->key_proven);
  EXPECT_EQ((*source()->tables())[0].primary_key, std::vector<std::string>{"id"});
}

TEST_F(Plan, ALockedTableIsAnErrorOfItsOwn) {
  sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  const Session holder(options());
  ASSERT_TRUE(holder.run("BEGIN; LOCK TABLE t"));
  auto taken = snapshot();
  const auto planned = taken->plan(request_for("public.t"));  // waits its 30 s
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().code(), ErrorCode::kPgLocked) << planned.error().to_string();
  EXPECT_TRUE(taken->plan(request_for("public.u")).ok());
}

TEST_F(Plan, AStopEndsAStatementThatWaits) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz);"
      "CREATE VIEW slow AS SELECT 1 AS id, now() AS at FROM pg_sleep(600)");
  std::stop_source stop;
  PostgresOptions to = options();
  to.stop = stop.get_token();
  auto taken = make_postgres_source(to)->open_snapshot(kMarker);
  ASSERT_TRUE(taken.ok());
  StreamRequest request = request_for("public.slow");
  request.key = {"id"};
  request.cursor = "at";
  const std::string running =
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT (CASE%' "
      "AND datname = current_database()";
  std::thread stopper([&] {
    for (int i = 0; i < 3000 && sql(running) != "1"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    stop.request_stop();
  });
  const auto planned = (*taken)->plan(request);
  stopper.join();
  ASSERT_FALSE(planned.ok());
  EXPECT_EQ(planned.error().code(), ErrorCode::kRunInterrupted) << planned.error().to_string();
  // The server was told as well.
  for (int i = 0; i < 3000 && sql(running) != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(sql(running), "0");
}

}  // namespace
}  // namespace vesto::testing
