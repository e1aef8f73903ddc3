// One cluster for all tests of this program, a database for each test, and short ways to read.
#ifndef VESTO_TESTS_UNIT_SOURCE_POSTGRES_SUPPORT_H_
#define VESTO_TESTS_UNIT_SOURCE_POSTGRES_SUPPORT_H_

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/postgres/postgres_source.h"
#include "source/source.h"
#include "tests/support/pg_cluster.h"

namespace vesto::testing {

inline constexpr std::string_view kMarker = "nullmarker0123456789";

PgCluster& shared_cluster();

// A fresh database; dropped at the end.
class SourceTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Runs SQL in the test's database as the superuser.
  std::string sql(std::string_view statements) const;
  [[nodiscard]] PostgresOptions options(const std::string& user = "") const;
  [[nodiscard]] std::unique_ptr<Source> source(const std::string& user = "") const;
  // A snapshot; a failed one fails the test.
  [[nodiscard]] std::unique_ptr<SourceSnapshot> snapshot(const std::string& user = "") const;

  std::string database_;
};

// A session that a test keeps open, to hold a transaction.
class Session {
 public:
  explicit Session(const PostgresOptions& to) {
    const std::string where = "host='" + to.host + "' port=" + std::to_string(to.port) +
                              " user=" + to.user + " dbname=" + to.database;
    connection_ = PQconnectdb(where.c_str());
  }
  ~Session() { PQfinish(connection_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  [[nodiscard]] bool run(const char* sql) const {
    PGresult* result = PQexec(connection_, sql);
    const ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  }

 private:
  PGconn* connection_;
};

// All rows of all ranges, sorted; NULL as \N, fields joined by |, so that tests are easy to read.
// An error: one row "ERROR CODE: text".
std::vector<std::string> read_all(SourceSnapshot& snapshot, const StreamPlan& plan);
// Plans `table` and reads it.
std::vector<std::string> read_table(SourceSnapshot& snapshot, const StreamRequest& request);
StreamRequest request_for(const std::string& table);

}  // namespace vesto::testing

#endif  // VESTO_TESTS_UNIT_SOURCE_POSTGRES_SUPPORT_H_
