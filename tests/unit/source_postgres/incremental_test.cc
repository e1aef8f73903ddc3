// Full copy, then windows behind a cursor: no row may be lost, whatever commits late.
#include <gtest/gtest.h>

#include "source/postgres/cursor.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

using Rows = std::vector<std::string>;

class Incremental : public SourceTest {
 protected:
  // Plans and reads; keeps the position for the next call.
  Rows run(StreamRequest request, const std::string& user = "") {
    request.from = position_;
    auto taken = snapshot(user);
    auto plan = taken->plan(request);
    if (!plan.ok()) return {"ERROR " + plan.error().to_string()};
    full_ = plan->full;
    notes_ = plan->notes;
    warnings_ = plan->warnings;
    for (const ReadWarning& warning : warnings_) notes_.push_back(warning_text(warning));
    Rows rows = read_all(*taken, *plan);
    position_ = plan->next;
    return rows;
  }
  [[nodiscard]] bool noted(std::string_view part) const {
    for (const std::string& note : notes_) {
      if (note.find(part) != std::string::npos) return true;
    }
    return false;
  }
  static StreamRequest by_time() {
    StreamRequest request = request_for("public.t");
    request.cursor = "at";
    request.lookback_ms = 0;
    return request;
  }

  Position position_;
  bool full_ = false;
  std::vector<std::string> notes_;  // with the warnings, as texts
  std::vector<ReadWarning> warnings_;
};

TEST_F(Incremental, WindowHasTheBoundaryRowAndAllAfterIt) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL);"
      "INSERT INTO t VALUES (1, now() - interval '3 hours'), (2, now() - interval '2 hours')");
  EXPECT_EQ(run(by_time()).size(), 2U);
  EXPECT_TRUE(full_);
  const auto at = parse_position(position_.text);
  ASSERT_TRUE(at);
  EXPECT_EQ(at->value, sql("SET timezone='UTC'; SELECT max(at)::text FROM t"));
  EXPECT_LE(position_.text.size(), 4096U);
  // Microseconds count: a double would lose them.
  sql("INSERT INTO t SELECT 3, max(at) + interval '1 microsecond' FROM t");
  sql("INSERT INTO t SELECT 4, max(at) FROM t WHERE id = 2");  // the same moment as the boundary
  const Rows rows = run(by_time());
  EXPECT_FALSE(full_);
  EXPECT_EQ(rows.size(), 3U);  // 2 again, 3 and 4
  EXPECT_EQ(run(by_time()).size(), 1U);
}

TEST_F(Incremental, LookbackReadsAgain) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL);"
      "INSERT INTO t SELECT i, now() - i * interval '1 minute' FROM generate_series(0, 59) i");
  StreamRequest request = by_time();
  request.lookback_ms.reset();  // 10 minutes by default
  EXPECT_EQ(run(request).size(), 60U);
  EXPECT_EQ(run(request).size(), 11U);
}

TEST_F(Incremental, TransactionOpenAtTheSnapshotIsReadNextTime) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL)");
  Session late(options());
  ASSERT_TRUE(late.run("BEGIN; INSERT INTO t VALUES (1, now())"));
  Session later(options());
  ASSERT_TRUE(later.run("SELECT pg_sleep(0.05)"));
  sql("INSERT INTO t VALUES (2, clock_timestamp())");
  EXPECT_EQ(run(by_time()).size(), 1U);  // the position is already behind row 1
  ASSERT_TRUE(late.run("COMMIT"));
  EXPECT_EQ(run(by_time()).size(), 2U) << "row 1 is lost";
}

TEST_F(Incremental, TimestampWithoutZoneTakesTheAgeOfTheOpenTransaction) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamp NOT NULL)");
  // The application writes local time of its own zone.
  Session late(options());
  ASSERT_TRUE(late.run("SET timezone = 'America/New_York'"));
  ASSERT_TRUE(late.run("BEGIN; INSERT INTO t VALUES (1, now())"));
  sql("SET timezone = 'America/New_York'; SELECT pg_sleep(0.05);"
      "INSERT INTO t VALUES (2, clock_timestamp())");
  EXPECT_EQ(run(by_time()).size(), 1U);
  ASSERT_TRUE(late.run("COMMIT"));
  EXPECT_EQ(run(by_time()).size(), 2U) << "row 1 is lost";
}

TEST_F(Incremental, PreparedTransactionIsReadNextTime) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL)");
  Session late(options());
  ASSERT_TRUE(late.run("BEGIN; INSERT INTO t VALUES (1, now())"));
  ASSERT_TRUE(late.run("SELECT pg_sleep(0.02)"));
  ASSERT_TRUE(late.run("PREPARE TRANSACTION 'waiting'"));
  sql("INSERT INTO t VALUES (2, clock_timestamp())");
  StreamRequest request = by_time();
  request.lookback_ms = 2000;  // its begin is not known, only when it was prepared
  EXPECT_EQ(run(request).size(), 1U);
  sql("SELECT pg_sleep(2.1)");
  sql("INSERT INTO t VALUES (3, clock_timestamp())");
  EXPECT_EQ(run(request).size(), 2U);
  EXPECT_TRUE(late.run("COMMIT PREPARED 'waiting'"));
  EXPECT_EQ(run(request).size(), 3U) << "row 1 is lost";
}

TEST_F(Incremental, WithoutTheGrantItIsSaid) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL); GRANT SELECT ON t TO reader;"
      "GRANT USAGE ON SCHEMA public TO reader; INSERT INTO t VALUES (1, now())");
  EXPECT_EQ(run(by_time(), "reader").size(), 1U);
  EXPECT_TRUE(noted("lookback allows are missed. Fix: GRANT pg_read_all_stats TO \"reader\";"));
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(warnings_[0].statement, "GRANT pg_read_all_stats TO \"reader\";");
  EXPECT_EQ(warnings_[0].fix, "");
  EXPECT_TRUE(warnings_[0].text.ends_with("are missed")) << warnings_[0].text;
  EXPECT_FALSE(parse_position(position_.text)->oldest);
  sql("GRANT pg_read_all_stats TO reader");
  EXPECT_EQ(run(by_time(), "reader").size(), 1U);
  EXPECT_FALSE(noted("pg_read_all_stats"));
  EXPECT_TRUE(parse_position(position_.text)->oldest);
  sql("REVOKE pg_read_all_stats FROM reader");
}

TEST_F(Incremental, RowsWithoutAValueAreReadEachTime) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz);"
      "INSERT INTO t VALUES (1, NULL), (2, now() - interval '1 day'), (3, now())");
  EXPECT_EQ(run(by_time()).size(), 3U);
  EXPECT_TRUE(noted("without a value"));
  const Rows rows = run(by_time());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], "1|\\N");
}

TEST_F(Incremental, EmptyTableThenRows) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL)");
  EXPECT_EQ(run(by_time()), Rows{});
  sql("INSERT INTO t VALUES (1, '2001-01-01')");
  EXPECT_EQ(run(by_time()).size(), 1U);
}

TEST_F(Incremental, ValueInTheFutureDoesNotHideThePresent) {
  for (const char* type : {"timestamptz", "timestamp", "date"}) {
    position_ = {};
    sql(std::string("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, at ") + type +
        " NOT NULL); INSERT INTO t VALUES (1, '2001-01-01'), (2, '2999-01-01')");
    EXPECT_EQ(run(by_time()).size(), 2U);
    EXPECT_TRUE(noted("future")) << type;
    sql("INSERT INTO t VALUES (3, now())");
    EXPECT_EQ(run(by_time()).size(), 2U) << type;  // 2 and 3
  }
}

TEST_F(Incremental, Numbers) {
  sql("CREATE TABLE t (id int PRIMARY KEY, n bigint NOT NULL, d numeric(30,2), s smallint);"
      "INSERT INTO t SELECT i, i, i, i FROM generate_series(1, 100) i");
  for (const char* column : {"n", "d", "s"}) {
    position_ = {};
    StreamRequest request = request_for("public.t");
    request.cursor = column;
    request.lookback_units = 10;
    EXPECT_EQ(run(request).size(), 100U);
    EXPECT_EQ(run(request).size(), 11U) << column;
  }
  sql("INSERT INTO t VALUES (101, 101, NULL, 1); ALTER TABLE t ALTER d TYPE numeric;"
      "INSERT INTO t VALUES (102, 102, 'NaN', 1), (103, 103, 'Infinity', 1)");
  position_ = {};
  StreamRequest wild = request_for("public.t");
  wild.cursor = "d";
  wild.lookback_units = 0;
  EXPECT_EQ(run(wild).size(), 103U);
  sql("INSERT INTO t VALUES (104, 104, 104, 1)");
  EXPECT_EQ(run(wild).size(), 5U);  // 100, 101 (NULL), 102, 103 and 104
  // The lowest number less the lookback does not overflow.
  sql("DELETE FROM t; INSERT INTO t VALUES (1, -9223372036854775808)");
  position_ = {};
  StreamRequest request = request_for("public.t");
  request.cursor = "n";
  request.lookback_units = 10;
  EXPECT_EQ(run(request).size(), 1U);
  EXPECT_EQ(run(request).size(), 1U);
}

TEST_F(Incremental, AnotherCursorReadsAll) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, other timestamptz NOT NULL);"
      "INSERT INTO t SELECT i, now() - i * interval '1 day', now() FROM generate_series(0, 4) i");
  EXPECT_EQ(run(by_time()).size(), 5U);
  EXPECT_EQ(run(by_time()).size(), 1U);
  StreamRequest request = by_time();
  request.cursor = "other";
  EXPECT_EQ(run(request).size(), 5U);
  EXPECT_TRUE(full_);
  EXPECT_TRUE(noted("another cursor"));
  position_.text = "not a position";
  EXPECT_EQ(run(request).size(), 5U);
}

TEST_F(Incremental, WindowWithoutAnIndexIsCutIntoBlocks) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, pad text);"
      "ALTER TABLE t ALTER pad SET STORAGE PLAIN;"
      "INSERT INTO t SELECT i, now() - i * interval '1 hour', repeat('x', 1900) "
      "FROM generate_series(0, 39999) i");
  StreamRequest request = by_time();
  request.lookback_ms = 36'000'000;  // 10 hours
  EXPECT_EQ(run(request).size(), 40000U);
  request.from = position_;
  {
    auto taken = snapshot();
    auto plan = taken->plan(request);
    ASSERT_TRUE(plan.ok());
    EXPECT_GT(plan->ranges.size(), 1U);
    EXPECT_EQ(read_all(*taken, *plan).size(), 11U);
  }
  sql("CREATE INDEX ON t (at)");
  auto taken = snapshot();
  auto plan = taken->plan(request);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->ranges.size(), 1U);
  EXPECT_EQ(read_all(*taken, *plan).size(), 11U);
}

// Times without a zone, as writers of several zones put them there. Nobody tells Vesto which.
class LocalTimes : public Incremental {
 protected:
  void SetUp() override {
    SourceTest::SetUp();
    sql("CREATE TABLE t (id int PRIMARY KEY, at timestamp NOT NULL)");
  }
  // A row whose `at` is local time of a zone that many hours ahead of UTC, `ago` before now.
  void write(int id, double hours_ahead, const std::string& ago = "0") const {
    EXPECT_EQ(sql("INSERT INTO t VALUES (" + std::to_string(id) +
                  ", (clock_timestamp() AT TIME ZONE 'UTC') + " + std::to_string(hours_ahead) +
                  " * interval '1 hour' - interval '" + ago + "')"),
              "");
  }
};

TEST_F(LocalTimes, AClockThatFallsBackHidesNoRow) {
  write(1, 2);  // the last row of summer time
  EXPECT_EQ(run(by_time()).size(), 1U);
  write(2, 1);  // winter time has begun: an hour less
  EXPECT_EQ(run(by_time()).size(), 2U) << "row 2 is lost for good";
}

TEST_F(LocalTimes, AWriterOfUtcAmongWritersOfLocalTimeHidesNoRow) {
  for (const double other : {-12.0, -11.0, -3.5, 0.0, 5.75, 14.0}) {
    for (const double ahead : {14.0, 0.0}) {
      SCOPED_TRACE(std::to_string(ahead) + " then " + std::to_string(other));
      sql("DELETE FROM t");
      position_ = {};
      write(1, ahead);
      EXPECT_EQ(run(by_time()).size(), 1U);
      write(2, other);
      const Rows rows = run(by_time());
      EXPECT_TRUE(!rows.empty() && rows.back().starts_with("2|")) << "row 2 is lost for good";
    }
  }
}

TEST_F(LocalTimes, LookbackComesOnTop) {
  write(1, 14);
  StreamRequest request = by_time();
  request.lookback_ms = 3'600'000;
  EXPECT_EQ(run(request).size(), 1U);
  write(2, -12, "59 minutes");  // written by a clock that is behind, or committed late
  EXPECT_EQ(run(request).size(), 2U);
}

TEST_F(LocalTimes, AnOpenTransactionOfAnyZoneIsReadNextTime) {
  Session late(options());
  ASSERT_TRUE(late.run("SET timezone = 'Etc/GMT+12'; BEGIN; INSERT INTO t VALUES (1, now())"));
  ASSERT_TRUE(Session(options()).run("SELECT pg_sleep(1.2)"));
  write(2, 14);
  EXPECT_EQ(run(by_time()).size(), 1U);
  ASSERT_TRUE(late.run("COMMIT"));
  EXPECT_EQ(run(by_time()).size(), 2U) << "row 1 is lost for good";
}

TEST_F(LocalTimes, OnlyTheLastHoursAreReadAgainAndThePlanSaysSo) {
  sql("INSERT INTO t SELECT i, (now() AT TIME ZONE 'UTC') - i * interval '1 hour' "
      "FROM generate_series(0, 99) i");
  EXPECT_EQ(run(by_time()).size(), 100U);
  EXPECT_TRUE(noted("last 12 hours"));
  const size_t rows = run(by_time()).size();
  EXPECT_TRUE(rows == 12 || rows == 13) << rows;
}

TEST_F(LocalTimes, AQuietTableBeginsAtItsNewestValue) {
  sql("INSERT INTO t VALUES (1, '2001-01-01'), (2, '2001-01-02')");
  EXPECT_EQ(run(by_time()).size(), 2U);
  EXPECT_EQ(run(by_time()), Rows{"2|2001-01-02 00:00:00"});
}

TEST_F(LocalTimes, ADayOfAnotherZoneIsReadToo) {
  sql("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, at date NOT NULL)");
  write(1, 14);
  EXPECT_EQ(run(by_time()).size(), 1U);
  write(2, -12);
  EXPECT_EQ(run(by_time()).size(), 2U) << "row 2 is lost for good";
}

TEST_F(Incremental, AColumnWithoutFractionsRoundsDown) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz(0) NOT NULL)");
  Session late(options());
  // Begins within the first half of a second, which is then rounded down.
  ASSERT_TRUE(
      late.run("SELECT pg_sleep(1.05 - extract(epoch FROM clock_timestamp())::numeric % 1);"
               "BEGIN; INSERT INTO t VALUES (1, now())"));
  ASSERT_TRUE(Session(options()).run("SELECT pg_sleep(2)"));
  sql("INSERT INTO t VALUES (2, clock_timestamp())");
  EXPECT_EQ(run(by_time()).size(), 1U);
  ASSERT_TRUE(late.run("COMMIT"));
  EXPECT_EQ(run(by_time()).size(), 2U) << "row 1 is lost";
}

TEST_F(Incremental, ACursorWithoutAnIndexIsNamed) {
  sql("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL)");
  EXPECT_EQ(run(by_time()), Rows{});
  EXPECT_TRUE(noted("no index begins with the cursor"));
  sql("CREATE INDEX ON t (at)");
  EXPECT_EQ(run(by_time()), Rows{});
  EXPECT_FALSE(noted("no index"));
}

}  // namespace
}  // namespace vesto::testing
