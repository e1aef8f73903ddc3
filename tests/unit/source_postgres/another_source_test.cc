// A source that is not the one the position was taken from: restored, made anew, failed over.
#include <gtest/gtest.h>

#include "source/postgres/cursor.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

using Rows = std::vector<std::string>;

class AnotherSource : public SourceTest {
 protected:
  size_t run(StreamRequest request) {
    request.from = position_;
    auto taken = snapshot();
    plan_ = {};
    auto planned = taken->plan(request);
    EXPECT_TRUE(planned.ok()) << planned.error().to_string();
    if (!planned.ok()) return 0;
    plan_ = *std::move(planned);
    const Rows rows = read_all(*taken, plan_);
    position_ = plan_.next;
    return rows.size();
  }
  [[nodiscard]] bool warned(std::string_view part) const {
    for (const ReadWarning& warning : plan_.warnings) {
      if (warning_text(warning).find(part) != std::string::npos) return true;
    }
    return false;
  }
  static StreamRequest by(const std::string& cursor) {
    StreamRequest request = request_for("public.t");
    request.cursor = cursor;
    if (cursor == "n") {
      request.lookback_units = 10;
    } else {
      request.lookback_ms = 0;
    }
    return request;
  }

  Position position_;
  StreamPlan plan_;
};

TEST_F(AnotherSource, ANumberThatWentBackReadsAllOnce) {
  sql("CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL, v text);"
      "INSERT INTO t SELECT i, i, 'old' FROM generate_series(1, 100) i");
  EXPECT_EQ(run(by("n")), 100U);
  EXPECT_TRUE(plan_.warnings.empty());
  EXPECT_FALSE(plan_.commit_position);
  // Within the lookback: the window is wide enough, and the position is lowered.
  sql("DELETE FROM t WHERE id > 95");
  EXPECT_EQ(run(by("n")), 6U);
  EXPECT_FALSE(plan_.full);
  EXPECT_TRUE(plan_.commit_position);
  EXPECT_TRUE(warned("n went back from 100 to 95."));
  EXPECT_EQ(parse_position(position_.text)->value, "95");
  EXPECT_EQ(run(by("n")), 11U);
  EXPECT_TRUE(plan_.warnings.empty());
  // Beyond it.
  sql("DELETE FROM t WHERE id > 60");
  EXPECT_EQ(run(by("n")), 60U);
  EXPECT_TRUE(plan_.full);
  EXPECT_TRUE(plan_.commit_position);
  EXPECT_TRUE(warned("n went back from 95 to 60: all rows are read again"));
  EXPECT_EQ(parse_position(position_.text)->value, "60");
  // To nothing: what comes next is new, whatever its number.
  sql("DELETE FROM t");
  EXPECT_EQ(run(by("n")), 0U);
  EXPECT_TRUE(plan_.commit_position);
  EXPECT_TRUE(warned("n went back from 60 to none"));
  sql("INSERT INTO t SELECT i, i, 'new' FROM generate_series(1, 100) i");
  EXPECT_EQ(run(by("n")), 100U) << "rows 1-49 are lost";
}

TEST_F(AnotherSource, TheStartOfAWindowMayLieBelowTheSmallestInteger) {
  sql("CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL);"
      "INSERT INTO t VALUES (1, -9223372036854775807)");
  EXPECT_EQ(run(by("n")), 1U);
  sql("UPDATE t SET n = -9223372036854775808");
  EXPECT_EQ(run(by("n")), 1U);
  EXPECT_FALSE(plan_.full);
  EXPECT_TRUE(warned("went back"));
}

TEST_F(AnotherSource, ATimeThatWentBackReadsAllOnce) {
  for (const char* type : {"timestamptz", "timestamp", "date"}) {
    SCOPED_TRACE(type);
    position_ = {};
    sql(std::string("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, at ") + type +
        " NOT NULL); INSERT INTO t SELECT i, now() - i * interval '3 days' FROM "
        "generate_series(1, 10) i");
    EXPECT_EQ(run(by("at")), 10U);
    sql("DELETE FROM t WHERE id < 4");
    EXPECT_EQ(run(by("at")), 7U);
    EXPECT_TRUE(plan_.full);
    EXPECT_TRUE(warned("at went back from"));
    EXPECT_EQ(run(by("at")), 1U);
    EXPECT_TRUE(plan_.warnings.empty());
  }
}

TEST_F(AnotherSource, ATableMadeAnewIsReadWhole) {
  const std::string rows =
      "INSERT INTO t SELECT i, timestamptz '2026-01-01' + i * interval '1 day'"
      " FROM generate_series(1, 5) i";
  const std::pair<std::string, std::string> kinds[] = {
      {"CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL);" + rows, "DROP TABLE t"},
      {"CREATE TABLE t (id int, at timestamptz NOT NULL, PRIMARY KEY (id)) PARTITION BY HASH (id);"
       "CREATE TABLE p PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0);" +
           rows,
       "DROP TABLE t"},
      {"CREATE MATERIALIZED VIEW t AS SELECT i AS id, timestamptz '2026-01-01' + i * interval '1 "
       "day' AS at FROM generate_series(1, 5) i",
       "DROP MATERIALIZED VIEW t"},
  };
  for (const auto& [make, drop] : kinds) {
    SCOPED_TRACE(make);
    position_ = {};
    StreamRequest request = by("at");
    request.key = {"id"};
    ASSERT_EQ(sql(make).find("ERROR"), std::string::npos);
    EXPECT_EQ(run(request), 5U);
    EXPECT_EQ(run(request), 1U);
    sql(drop + ";" + make);
    EXPECT_EQ(run(request), 5U);
    EXPECT_TRUE(plan_.full);
    EXPECT_TRUE(plan_.commit_position);
    EXPECT_TRUE(warned("another table has this name"));
    EXPECT_EQ(run(request), 1U);
    EXPECT_TRUE(plan_.warnings.empty());
    sql(drop);
  }
  // A view may be made anew at any time: it says nothing about the rows behind it.
  sql("CREATE TABLE b (id int, at timestamptz); INSERT INTO b VALUES (1, now()), (2, '2026-01-01');"
      "CREATE VIEW t AS SELECT * FROM b");
  position_ = {};
  StreamRequest request = by("at");
  request.key = {"id"};
  EXPECT_EQ(run(request), 2U);
  sql("DROP VIEW t; CREATE VIEW t AS SELECT * FROM b");
  EXPECT_EQ(run(request), 1U);
}

TEST_F(AnotherSource, AnotherTimelineIsSaidOnce) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL); INSERT INTO t VALUES (1, "
      "now())");
  EXPECT_EQ(run(by("at")), 1U);
  auto position = parse_position(position_.text);
  ASSERT_TRUE(position);
  EXPECT_EQ(position->timeline, 1);
  position->timeline = 7;
  position_.text = position_text(*position);
  EXPECT_EQ(run(by("at")), 1U);
  EXPECT_TRUE(warned("timeline went from 7 to 1"));
  EXPECT_TRUE(plan_.commit_position);
  EXPECT_EQ(run(by("at")), 1U);
  EXPECT_TRUE(plan_.warnings.empty());
  // Who may not ask is not disturbed.
  sql("REVOKE EXECUTE ON FUNCTION pg_control_checkpoint() FROM public; GRANT SELECT ON t TO "
      "reader");
  auto taken = snapshot("reader");
  const auto planned = taken->plan(by("at"));
  ASSERT_TRUE(planned.ok());
  EXPECT_EQ(parse_position(planned->next.text)->timeline, 0);
}

TEST_F(AnotherSource, APositionWithoutThemIsGood) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL); INSERT INTO t VALUES (1, "
      "now()), (2, '2026-01-01')");
  EXPECT_EQ(run(by("at")), 2U);
  const auto at = parse_position(position_.text);
  position_.text = R"({"cursor":"at","type":"timestamptz","value":")" + *at->value +
                   R"(","oldest":null,"as_of":")" + at->as_of + "\"}";
  EXPECT_EQ(run(by("at")), 1U);
  EXPECT_TRUE(plan_.warnings.empty());
}

class LateCommits : public AnotherSource {
 protected:
  void SetUp() override {
    SourceTest::SetUp();
    sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL)");
  }
  // PREPARE comes this long after the transaction's begin.
  [[nodiscard]] bool prepare(const Session& session, const char* seconds) const {
    return session.run("BEGIN; INSERT INTO t VALUES (1, now())") &&
           session.run((std::string("SELECT pg_sleep(") + seconds + ")").c_str()) &&
           session.run(("PREPARE TRANSACTION '" + database_ + "'").c_str());
  }
};

TEST_F(LateCommits, APreparedTransactionBeganBeforeItsPrepare) {
  const Session late(options());
  ASSERT_TRUE(prepare(late, "1.5"));
  sql("INSERT INTO t VALUES (2, clock_timestamp())");
  EXPECT_EQ(run(by("at")), 1U);  // a full copy: its position is already behind row 1
  EXPECT_TRUE(warned("prepared transaction"));
  sql("INSERT INTO t VALUES (3, clock_timestamp())");
  EXPECT_EQ(run(by("at")), 2U);  // and so is the next one's
  sql("COMMIT PREPARED '" + database_ + "'");
  EXPECT_EQ(run(by("at")), 3U) << "row 1 is lost";
}

TEST_F(LateCommits, ATransactionThatWasSeenOpenIsFollowedThroughItsPrepare) {
  const Session late(options());
  ASSERT_TRUE(late.run("BEGIN; INSERT INTO t VALUES (1, now())"));
  ASSERT_TRUE(late.run("SELECT pg_sleep(1.2)"));
  sql("INSERT INTO t VALUES (2, clock_timestamp())");
  EXPECT_EQ(run(by("at")), 1U);
  EXPECT_TRUE(plan_.warnings.empty());
  ASSERT_TRUE(late.run(("PREPARE TRANSACTION '" + database_ + "'").c_str()));
  // The rule of a day would hide what the committed position tells: move PREPARE far away.
  for (int id = 3; id < 6; ++id) {
    sql("SELECT pg_sleep(0.4); INSERT INTO t VALUES (" + std::to_string(id) +
        ", clock_timestamp())");
    EXPECT_EQ(run(by("at")), static_cast<size_t>(id - 1));
    EXPECT_TRUE(plan_.warnings.empty());
  }
  sql("COMMIT PREPARED '" + database_ + "'");
  EXPECT_EQ(run(by("at")), 5U) << "row 1 is lost";
}

TEST_F(LateCommits, HiddenBeginsAreSaid) {
  sql("INSERT INTO t VALUES (1, now())");
  EXPECT_EQ(run(by("at")), 1U);
  EXPECT_TRUE(plan_.warnings.empty());
  EXPECT_FALSE(parse_position(position_.text)->hidden);
  {
    const Session quiet(options());
    ASSERT_TRUE(quiet.run("SET track_activities = off"));
    ASSERT_TRUE(quiet.run("BEGIN; INSERT INTO t VALUES (2, now())"));
    run(by("at"));
    EXPECT_TRUE(warned("track_activities"));
    EXPECT_TRUE(parse_position(position_.text)->hidden);
    // Turned on too late: the transaction's begin is still not told.
    ASSERT_TRUE(quiet.run("SET track_activities = on"));
    run(by("at"));
    EXPECT_TRUE(warned("track_activities"));
    ASSERT_TRUE(quiet.run("COMMIT"));
    ASSERT_TRUE(quiet.run("BEGIN; INSERT INTO t VALUES (3, now())"));
    run(by("at"));
    EXPECT_TRUE(plan_.warnings.empty());
  }
}

}  // namespace
}  // namespace vesto::testing
