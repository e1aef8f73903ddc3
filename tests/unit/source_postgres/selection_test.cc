// A filter, a query in the place of a table, rows by keys, and a cursor that is immutable.
#include <gtest/gtest.h>

#include "source/postgres/cursor.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

using Rows = std::vector<std::string>;

class Selection : public SourceTest {
 protected:
  Rows read(const StreamRequest& request, const std::string& user = "") {
    return read_table(*snapshot(user), request);
  }
  static StreamRequest query(const std::string& text) {
    StreamRequest request = request_for("active");
    request.query = text;
    return request;
  }
  static StreamRequest filtered(const std::string& filter) {
    StreamRequest request = request_for("public.t");
    request.filter = filter;
    return request;
  }
  static std::string code_of(const Rows& rows) {
    if (rows.size() != 1 || !rows[0].starts_with("ERROR ")) return "none";
    return rows[0].substr(6, rows[0].find(':') - 6);
  }
};

TEST_F(Selection, AFilterIsOneCondition) {
  sql("CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE other (id int);"
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL); INSERT INTO other VALUES (3)");
  EXPECT_EQ(read(filtered("v = 'b'")), Rows{"2|b"});
  EXPECT_EQ(read(filtered("v = 'b' -- the second")), Rows{"2|b"});
  EXPECT_EQ(read(filtered("v = 'a' OR v = 'b'")).size(), 2U);
  EXPECT_EQ(read(filtered("id IN (SELECT id FROM public.other)")), Rows{"3|\\N"});
  for (const std::string bad :
       {"1 = 1) OR (1 = 1", "true; SELECT 1", "id", "id = 1, id = 2", "/* 1", "id = ", ")",
        "true) UNION SELECT 1, 'x' WHERE (true", "false UNION SELECT 1, 'x'"}) {
    EXPECT_EQ(code_of(read(filtered(bad))), "CFG-VALUE") << bad;
  }
  EXPECT_EQ(code_of(read(filtered("nosuch = 1"))), "PG-NO-COLUMN");
  EXPECT_EQ(code_of(read(filtered("id IN (SELECT id FROM public.nosuch)"))), "PG-NO-TABLE");
}

TEST_F(Selection, AFilterCannotWrite) {
  sql("CREATE TABLE t (id int PRIMARY KEY);"
      "CREATE FUNCTION public.bad() RETURNS boolean LANGUAGE plpgsql AS "
      "$$BEGIN DELETE FROM public.t; RETURN true; END$$; INSERT INTO t VALUES (1)");
  EXPECT_NE(code_of(read(filtered("public.bad()"))), "none");
  EXPECT_EQ(sql("SELECT count(*) FROM t"), "1");
}

TEST_F(Selection, AFilterHoldsInEveryWindow) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, kind text);"
      "INSERT INTO t SELECT i, now() - interval '1 hour', CASE WHEN i < 3 THEN 'a' ELSE 'b' END "
      "FROM generate_series(1, 4) i");
  StreamRequest request = filtered("kind = 'a' OR kind = 'c'");
  request.cursor = "at";
  auto taken = snapshot();
  auto plan = taken->plan(request);
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  EXPECT_EQ(read_all(*taken, *plan).size(), 2U);
  request.from = plan->next;
  sql("INSERT INTO t VALUES (5, now(), 'b'), (6, now(), 'c')");
  auto later = snapshot();
  plan = later->plan(request);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->full);
  const Rows rows = read_all(*later, *plan);
  ASSERT_EQ(rows.size(), 3U);  // 1, 2 and 6
  ASSERT_TRUE(plan->window);
  EXPECT_EQ(plan->window->column, 1U);
  EXPECT_FALSE(plan->window->with_nulls);
}

TEST_F(Selection, AQueryStandsInThePlaceOfATable) {
  sql("CREATE TABLE t (id int PRIMARY KEY, name varchar(10), c char(4), b bytea);"
      "CREATE DOMAIN public.price AS numeric(8,2); CREATE TABLE p (id int, amount public.price);"
      "INSERT INTO t VALUES (1, 'x', 'ab', '\\x00ff'), (2, 'y', NULL, NULL);"
      "INSERT INTO p VALUES (1, 2.50), (1, 3)");
  StreamRequest request = query(
      "SELECT t.id, t.name, t.c, t.b, sum(p.amount) AS total, max(p.amount) AS most FROM public.t "
      "LEFT JOIN public.p USING (id) GROUP BY t.id -- a comment");
  request.key = {"id"};
  auto taken = snapshot();
  auto plan = taken->plan(request);
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  EXPECT_EQ(plan->schema.stream, "active");
  ASSERT_EQ(plan->schema.columns.size(), 6U);
  EXPECT_EQ(plan->schema.columns[1].type.length_bytes, 40);
  EXPECT_EQ(plan->schema.columns[3].type.kind, TypeKind::kVarbyte);
  EXPECT_EQ(plan->schema.columns[0].source_number, 0);
  EXPECT_FALSE(plan->key_proven);
  EXPECT_EQ(read_all(*taken, *plan), (Rows{"1|x|ab|00ff|5.50|3.00", "2|y|\\N|\\N|\\N|\\N"}));
}

TEST_F(Selection, AQueryIsOneSelect) {
  sql("CREATE TABLE t (id int)");
  for (const std::string bad : {"SELECT 1; DROP TABLE public.t",
                                "SELECT 1) AS x; DROP TABLE public.t; SELECT * FROM (SELECT 1",
                                "DELETE FROM public.t RETURNING id", "SELEC 1", "TABLE",
                                "SELECT 1 AS a, 2 AS a", "SELECT $1::int AS a"}) {
    EXPECT_EQ(code_of(read(query(bad))), "CFG-VALUE") << bad;
  }
  EXPECT_EQ(code_of(read(query("SELECT id FROM t"))), "PG-NO-TABLE") << "no search path";
  EXPECT_EQ(code_of(read(query("SELECT nosuch FROM public.t"))), "PG-NO-COLUMN");
  EXPECT_EQ(sql("SELECT count(*) FROM t"), "0");
}

TEST_F(Selection, AQueryOverRowSecurityStops) {
  sql("CREATE TABLE t (id int PRIMARY KEY, owner text); INSERT INTO t VALUES (1, 'a'), (2, 'b');"
      "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (owner = 'a');"
      "CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (2);"
      "GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON t, u TO reader");
  EXPECT_EQ(code_of(read(query("SELECT id FROM public.t"), "reader")), "PG-RLS");
  StreamRequest request = request_for("public.u");
  request.filter = "EXISTS (SELECT FROM public.t WHERE t.id = u.id)";
  EXPECT_EQ(code_of(read(request, "reader")), "PG-RLS");
}

TEST_F(Selection, AQueryWithoutRightsSaysSo) {
  sql("CREATE TABLE t (id int); GRANT USAGE ON SCHEMA public TO reader");
  EXPECT_EQ(code_of(read(query("SELECT id FROM public.t"), "reader")), "PG-PRIV");
}

TEST_F(Selection, ATableOfTheQueryThatWasRewrittenIsNoticed) {
  sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  auto taken = snapshot();
  sql("ALTER TABLE t ALTER id TYPE bigint");
  EXPECT_EQ(code_of(read_table(*taken, query("SELECT id FROM public.t"))), "PG-CHANGED");
}

TEST_F(Selection, RowsByTheirKeys) {
  sql("CREATE TABLE t (a int, b text, c bytea, d numeric, v int, PRIMARY KEY (a, b, c, d));"
      "INSERT INTO t SELECT i, 'k''\\' || i, decode('00f' || i, 'hex'), i + 0.50, i "
      "FROM generate_series(1, 9) i; INSERT INTO t VALUES (0, '', '', 1, 0)");
  StreamRequest request = request_for("public.t");
  request.from = Position{"somewhere"};
  request.keys = {{"3", "k'\\3", "00f3", "3.5"},
                  {"7", "k'\\7", "00f7", "7.5"},
                  {"0", "", "NaN", "1"},
                  {"8", "none", "00f8", "8.5"}};
  auto taken = snapshot();
  auto plan = taken->plan(request);
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  EXPECT_FALSE(plan->full);
  EXPECT_FALSE(plan->window);
  EXPECT_EQ(plan->next.text, "somewhere");
  const Rows rows = read_all(*taken, *plan);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_TRUE(rows[1].ends_with("|3"));
  request.keys = {{"3"}};
  EXPECT_EQ(code_of(read(request)), "CFG-VALUE");
  request.keys = {{"3'); DROP TABLE public.t; --", "", "", ""}};
  EXPECT_NE(code_of(read(request)), "none");
  request.keys.assign(kMaxWantedKeys + 1, {"3", "", "", ""});
  EXPECT_EQ(code_of(read(request)), "CFG-VALUE");
}

class Immutable : public Selection {
 protected:
  void make() {
    sql("CREATE TABLE t (id int, at timestamptz NOT NULL DEFAULT now());"
        "INSERT INTO t SELECT i, now() - i * interval '1 minute' FROM generate_series(1, 5) i");
  }
  static StreamRequest request() {
    StreamRequest out = request_for("public.t");
    out.cursor = "at";
    out.append = true;
    out.cursor_is_immutable = true;
    return out;
  }
  // Plans and reads on from the last position.
  Rows run(StreamRequest wanted = request(), const std::string& user = "") {
    wanted.from = position_;
    auto taken = snapshot(user);
    auto plan = taken->plan(wanted);
    plan_ = plan.ok() ? std::move(plan).value() : StreamPlan{};
    Rows rows = read_table(*taken, wanted);
    if (code_of(rows) == "none") position_ = plan_.next;
    return rows;
  }
  void wait() { sql("SELECT pg_sleep(1.1)"); }  // the bound is a second before the snapshot
  Position position_;
  StreamPlan plan_;
};

TEST_F(Immutable, WindowsMeetAndNoRowIsReadTwice) {
  make();
  wait();
  EXPECT_EQ(run().size(), 5U);
  EXPECT_TRUE(plan_.full);
  EXPECT_FALSE(plan_.window);
  wait();
  EXPECT_EQ(run().size(), 0U);
  EXPECT_FALSE(plan_.full);
  sql("INSERT INTO t VALUES (6)");
  EXPECT_EQ(run().size(), 0U) << "too young";
  wait();
  EXPECT_EQ(run().size(), 1U);
  ASSERT_TRUE(plan_.window);
  wait();
  EXPECT_EQ(run().size(), 0U);
}

TEST_F(Immutable, ARowThatCommitsLateIsReadOnceItIsThere) {
  make();
  Session late(options());
  ASSERT_TRUE(late.run("BEGIN; INSERT INTO t VALUES (100)"));
  wait();
  sql("INSERT INTO t VALUES (101)");
  wait();
  EXPECT_EQ(run().size(), 5U) << "nothing at or above the oldest open transaction";
  ASSERT_TRUE(late.run("COMMIT"));
  wait();
  EXPECT_EQ(run().size(), 2U);
}

TEST_F(Immutable, APreparedTransactionHoldsItBack) {
  make();
  wait();
  EXPECT_EQ(run().size(), 5U);
  Session late(options());
  ASSERT_TRUE(late.run("BEGIN; INSERT INTO t VALUES (100); PREPARE TRANSACTION 'kept'"));
  sql("INSERT INTO t VALUES (101)");
  wait();
  EXPECT_EQ(run().size(), 0U);
  ASSERT_TRUE(late.run("COMMIT PREPARED 'kept'"));
  wait();
  EXPECT_EQ(run().size(), 2U);
}

TEST_F(Immutable, LookbackKeepsADistance) {
  make();
  StreamRequest wanted = request();
  wanted.lookback_ms = 150'000;
  EXPECT_EQ(run(wanted).size(), 3U);  // 3, 4 and 5 minutes old
}

TEST_F(Immutable, ThePositionNeverGoesBack) {
  make();
  wait();
  EXPECT_EQ(run().size(), 5U);
  StreamRequest wanted = request();
  wanted.lookback_ms = 3'600'000;
  EXPECT_EQ(run(wanted).size(), 0U);
  wait();
  EXPECT_EQ(run().size(), 0U) << "rows would be read twice";
}

TEST_F(Immutable, AfterAWindowWithLookbackRowsFromTheOldestBeginAreReadAgain) {
  make();
  StreamRequest by_window = request();
  by_window.cursor_is_immutable = false;
  EXPECT_EQ(run(by_window).size(), 5U);
  sql("INSERT INTO t VALUES (6)");
  wait();
  EXPECT_EQ(run().size(), 1U);
  EXPECT_FALSE(plan_.full);
  ASSERT_TRUE(plan_.window);
}

TEST_F(Immutable, WhatItNeedsIsSaid) {
  make();
  sql("GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON t TO reader");
  const Rows hidden = run(request(), "reader");
  EXPECT_EQ(code_of(hidden), "PG-PRIV");
  EXPECT_NE(hidden[0].find("hidden from reader"), std::string::npos);
  sql("CREATE TABLE u (id int, at timestamp NOT NULL DEFAULT now(), n bigint, z timestamptz);"
      "INSERT INTO u VALUES (1)");
  StreamRequest other = request();
  other.table = "public.u";
  EXPECT_EQ(code_of(run(other)), "CFG-VALUE");
  other.cursor = "n";
  EXPECT_EQ(code_of(run(other)), "CFG-VALUE");
  other.cursor = "z";
  EXPECT_EQ(code_of(run(other)), "SRC-NULL-CURSOR");
}

TEST_F(Selection, AppendNeedsNoKey) {
  sql("CREATE TABLE t (n bigint NOT NULL, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
  StreamRequest request = request_for("public.t");
  request.cursor = "n";
  request.lookback_units = 1;
  EXPECT_EQ(code_of(read(request)), "PG-NO-KEY");
  request.append = true;
  auto taken = snapshot();
  auto plan = taken->plan(request);
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  request.from = plan->next;
  plan = taken->plan(request);
  ASSERT_TRUE(plan.ok());
  ASSERT_TRUE(plan->window);
  EXPECT_EQ(plan->window->from, "1");
  EXPECT_EQ(read_all(*taken, *plan).size(), 2U);
}

}  // namespace
}  // namespace vesto::testing
