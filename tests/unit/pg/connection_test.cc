#include "pg/connection.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <thread>

#include "pg/quoting.h"
#include "tests/support/fake_pg_server.h"
#include "tests/support/pg_cluster.h"

namespace vesto {
namespace {

using testing::PgCluster;

class ClusterEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    cluster = PgCluster::start({.loopback_tcp = true});
    ASSERT_NE(cluster, nullptr);
    ASSERT_TRUE(cluster->add_hba("host all scram,+hostile 127.0.0.1/32 scram-sha-256"));
  }
  void TearDown() override { cluster.reset(); }
  std::unique_ptr<PgCluster> cluster;
};

ClusterEnvironment* const kEnvironment = [] {
  auto* environment = new ClusterEnvironment;
  ::testing::AddGlobalTestEnvironment(environment);
  return environment;
}();

PgCluster& cluster() { return *kEnvironment->cluster; }

PgOptions local() {
  PgOptions options;
  options.host = cluster().socket_dir();
  options.port = cluster().port();
  options.user = cluster().user();
  options.database = cluster().database();
  return options;
}

std::unique_ptr<PgConnection> connected(const PgOptions& options = local()) {
  auto made = PgConnection::connect(options);
  EXPECT_TRUE(made.ok()) << made.error().text();
  return made.ok() ? std::move(made).value() : nullptr;
}

std::string pid_of(PgConnection& connection) {
  const auto answer = connection.exec("SELECT pg_backend_pid()");
  return answer.ok() ? answer->scalar().value_or("") : "";
}

TEST(Connection, RowsNullsTagsAndNotices) {
  auto connection = connected();
  auto answer = connection->exec(
      "SELECT 1 AS one, NULL AS n, 'a' || chr(10) AS t UNION ALL "
      "SELECT 2, '', ''");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->columns, (std::vector<std::string>{"one", "n", "t"}));
  ASSERT_EQ(answer->rows.size(), 2U);
  EXPECT_EQ(answer->rows[0][0], "1");
  EXPECT_EQ(answer->rows[0][1], std::nullopt);
  EXPECT_EQ(answer->rows[0][2], "a\n");
  EXPECT_EQ(answer->rows[1][1], "");
  EXPECT_EQ(answer->tag, "SELECT 2");
  EXPECT_EQ(answer->scalar(), "1");
  answer = connection->exec(
      "CREATE TEMP TABLE t (x int); INSERT INTO t VALUES (1), (2); "
      "DO $$ BEGIN RAISE NOTICE 'first'; RAISE INFO 'second %', 2; END $$; "
      "UPDATE t SET x = 3");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->tag, "UPDATE 2");
  EXPECT_TRUE(answer->rows.empty());
  ASSERT_EQ(answer->notices.size(), 2U);
  EXPECT_EQ(answer->notices[0].severity, "NOTICE");
  EXPECT_EQ(answer->notices[1].severity, "INFO");
  EXPECT_EQ(answer->notices[1].text, "second 2");
  EXPECT_EQ(connection->exec("")->tag, "");
  EXPECT_TRUE(connection->exec("SELECT 1")->notices.empty());
  EXPECT_GE(connection->server_version(), 120000);
  EXPECT_EQ(connection->parameter("server_encoding"), "UTF8");
  EXPECT_EQ(connection->parameter("nonsense"), "");
}

TEST(Connection, NoticesAreBounded) {
  auto connection = connected();
  const auto answer =
      connection->exec("DO $$ BEGIN FOR i IN 1..1500 LOOP RAISE NOTICE 'n'; END LOOP; END $$");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->notices.size(), 1000U);
}

TEST(Connection, ErrorsHaveSqlstateAndTheSessionGoesOn) {
  auto connection = connected();
  const auto failed = connection->exec("SELECT 1; SELECT * FROM nowhere; SELECT 2");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind, PgError::Kind::kServer);
  EXPECT_EQ(failed.error().sqlstate, "42P01");
  EXPECT_EQ(failed.error().message, "relation \"nowhere\" does not exist");
  EXPECT_TRUE(connection->usable());
  EXPECT_FALSE(connection->in_transaction());
  ASSERT_TRUE(connection->exec("BEGIN").ok());
  EXPECT_TRUE(connection->in_transaction());
  EXPECT_FALSE(connection->exec("SELECT 1/0").ok());
  EXPECT_TRUE(connection->in_transaction());
  EXPECT_TRUE(connection->exec("ROLLBACK").ok());
  EXPECT_FALSE(connection->in_transaction());
  const auto nul = connection->exec(std::string_view("SELECT 1\0; DROP TABLE x", 22));
  EXPECT_EQ(nul.error().kind, PgError::Kind::kProtocol);
}

TEST(Connection, LongStatementsAndAnswers) {
  auto connection = connected();
  const std::string text(20'000'000, 'x');
  const auto answer = connection->exec("SELECT '" + text + "'");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->scalar(), text);
}

TEST(Connection, CopyOutGivesRowsThenTheCount) {
  auto connection = connected();
  ASSERT_TRUE(connection
                  ->copy_out("COPY (SELECT i, 'a' FROM generate_series(1, 3) i) TO STDOUT "
                             "(FORMAT csv)")
                  .ok());
  std::string all;
  while (true) {
    const auto row = connection->copy_row();
    ASSERT_TRUE(row.ok());
    if (!*row) break;
    all += **row;
  }
  EXPECT_EQ(all, "1,a\n2,a\n3,a\n");
  EXPECT_EQ(connection->copied_rows(), 3);
  EXPECT_EQ(connection->exec("SELECT 5")->scalar(), "5");
}

TEST(Connection, CopyThatFails) {
  auto connection = connected();
  EXPECT_EQ(connection->copy_out("COPY nowhere TO STDOUT").error().sqlstate, "42P01");
  EXPECT_EQ(connection->exec("SELECT 5")->scalar(), "5");
  ASSERT_TRUE(connection
                  ->copy_out("COPY (SELECT 1 / (5000 - i) FROM generate_series(1, 9000) i) "
                             "TO STDOUT")
                  .ok());
  PgResult<std::optional<std::string_view>> row = std::optional<std::string_view>();
  int rows = 0;
  for (row = connection->copy_row(); row.ok() && *row; row = connection->copy_row()) ++rows;
  ASSERT_FALSE(row.ok());
  EXPECT_EQ(row.error().sqlstate, "22012");
  EXPECT_EQ(rows, 4999);
  EXPECT_EQ(connection->exec("SELECT 5")->scalar(), "5");
  EXPECT_EQ(connection->copy_out("SELECT 1").error().kind, PgError::Kind::kProtocol);
  connection = connected();
  EXPECT_EQ(connection->exec("COPY (SELECT 1) TO STDOUT").error().kind, PgError::Kind::kProtocol);
  EXPECT_FALSE(connection->usable());
}

TEST(Connection, InterruptWakesAndTheServerStops) {
  auto connection = connected();
  const std::string pid = pid_of(*connection);
  std::thread other([&connection, pid] {
    const std::string waits =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
        "AND pid = " +
        pid;
    while (cluster().sql(waits) != "1") {
    }
    connection->interrupt();
  });
  const auto answer = connection->exec("SELECT pg_sleep(600)");
  other.join();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kInterrupted);
  EXPECT_FALSE(connection->usable());
  EXPECT_EQ(connection->exec("SELECT 1").error().kind, PgError::Kind::kInterrupted);
  const std::string alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid;
  std::string left;
  for (int i = 0; i < 1000 && left != "0"; ++i) left = cluster().sql(alive);
  EXPECT_EQ(left, "0");
}

TEST(Connection, TimeoutEndsTheStatement) {
  auto connection = connected();
  const auto answer = connection->exec("SELECT pg_sleep(600)", 50);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kTimeout);
  EXPECT_FALSE(connection->usable());
}

// A server that hangs answers no cancel either: the caller must come back all the same.
TEST(Connection, TimeoutEndsAlsoWhereTheServerIsMute) {
  const testing::FakePgServer server({}, true);
  PgOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.database = "db";
  options.user = "u";
  options.sslmode = "disable";
  auto connection = connected(options);
  ASSERT_NE(connection, nullptr);
  const auto answer = connection->exec("SELECT 1", 50);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kTimeout);
}

TEST(Connection, RequestCancelLeavesTheSessionUsable) {
  auto connection = connected();
  const std::string pid = pid_of(*connection);
  std::thread other([&connection, pid] {
    const std::string waits =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = " + pid;
    while (cluster().sql(waits) != "1") {
    }
    connection->request_cancel();
  });
  const auto answer = connection->exec("SELECT pg_sleep(600)");
  other.join();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().sqlstate, "57014");
  EXPECT_EQ(connection->exec("SELECT 5")->scalar(), "5");
}

TEST(Connection, SessionThatTheServerEndsIsLost) {
  auto connection = connected();
  EXPECT_EQ(cluster().sql("SELECT pg_terminate_backend(" + pid_of(*connection) + ", 5000)"), "t");
  const auto answer = connection->exec("SELECT 1");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kLost) << answer.error().text();
  EXPECT_FALSE(connection->usable());
  connection = connected();
  connection->cut();
  EXPECT_FALSE(connection->usable());
  EXPECT_EQ(connection->exec("SELECT 1").error().kind, PgError::Kind::kLost);
}

TEST(Login, PasswordsMayHoldAnything) {
  for (const char* text :
       {"simple", "it's = \\ \"q\" host=evil", " blanks ", "p\xc3\xa4ss#%?&@/"}) {
    const std::string quoted = [text] {
      std::string out;
      for (const char* c = text; *c != '\0'; ++c) out += *c == '\'' ? "''" : std::string(1, *c);
      return out;
    }();
    ASSERT_EQ(cluster().sql("DROP ROLE IF EXISTS scram; CREATE ROLE scram LOGIN PASSWORD '" +
                            quoted + "'"),
              "");
    PgOptions options = local();
    options.host = "127.0.0.1";
    options.user = "scram";
    options.password = Secret(text);
    EXPECT_TRUE(connected(options)) << text;
    options.password = Secret(std::string(text) + "!");
    const auto refused = PgConnection::connect(options);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().sqlstate, "28P01") << refused.error().text();
    EXPECT_EQ(refused.error().text().find(text), std::string::npos);
  }
}

TEST(Login, DatabaseNameIsNoConnectionString) {
  PgOptions options = local();
  options.database = "host=127.0.0.1 dbname=postgres";
  EXPECT_EQ(PgConnection::connect(options).error().sqlstate, "3D000");
}

TEST(Login, SecretsAreTakenOutOfServerTexts) {
  const Secret secret("hunter2-long");
  auto connection = connected();
  const auto answer = connection->exec("SELECT 'hunter2-long'::int");
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().text().find("hunter2"), std::string::npos) << answer.error().text();
}

TEST(Login, NobodyListens) {
  PgOptions options = local();
  options.host = "127.0.0.1";
  options.port = 1;
  const PgError refused = PgConnection::connect(options).error();
  ASSERT_EQ(refused.kind, PgError::Kind::kReach);
  EXPECT_EQ(refused.reach->name(), "NET-REFUSED");
  options.host = "/nonexistent";
  EXPECT_EQ(PgConnection::connect(options).error().kind, PgError::Kind::kRefused);
}

// A listener that never answers.
class Silent {
 public:
  Silent() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_, 5), 0);
    EXPECT_EQ(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
  }
  ~Silent() { ::close(fd_); }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  int port = 0;

 private:
  int fd_;
};

TEST(Login, SilenceEndsAtTheDeadlineOrByStop) {
  const Silent silent;
  PgOptions options = local();
  options.host = "127.0.0.1";
  options.port = silent.port;
  options.connect_timeout_ms = 100;
  EXPECT_EQ(PgConnection::connect(options).error().kind, PgError::Kind::kTimeout);
  options.connect_timeout_ms = 600'000;
  std::stop_source stop;
  options.stop = stop.get_token();
  std::thread other([&stop] { stop.request_stop(); });
  EXPECT_EQ(PgConnection::connect(options).error().kind, PgError::Kind::kInterrupted);
  other.join();
}

// What users are told to avoid in connection strings, and what would change one.
constexpr std::array<std::string_view, 12> kHostile = {
    "@[]/?#\"\\+ &:",           "' host='elsewhere",
    "u' sslmode='disable' x='", "postgresql://a:b@c/d",
    "dbname=template1",         " leading and trailing ",
    "percent %40 %00 %",        "back\\slash\\'quote\\",
    "line\nend\r\n\ttab",       "u\xcc\x88 \xf0\x9f\xa6\x8a",
    "a=b;c,d$(id)`id`",         "\"quoted\"\"twice\"",
};

TEST(Connection, UserPasswordAndDatabaseReachTheServerAsTheyAre) {
  auto admin = connected();
  ASSERT_TRUE(admin->exec("CREATE ROLE hostile").ok());
  int number = 0;
  for (const std::string_view text : kHostile) {
    const std::string name(text);
    const std::string database = name + std::to_string(++number);
    const std::string password = name + "Password";
    ASSERT_TRUE(admin
                    ->exec("CREATE ROLE " + quote_identifier(name) +
                           " IN ROLE hostile LOGIN PASSWORD " + quote_pg_literal(password))
                    .ok())
        << name;
    ASSERT_TRUE(admin->exec("CREATE DATABASE " + quote_identifier(database)).ok()) << name;
    PgOptions options = local();
    options.host = "127.0.0.1";
    options.user = name;
    options.database = database;
    options.password = Secret(password);
    options.application_name = name;
    auto connection = connected(options);
    ASSERT_NE(connection, nullptr) << name;
    auto seen = connection->exec("SELECT current_user, current_database()");
    ASSERT_TRUE(seen.ok());
    EXPECT_EQ(seen->rows[0][0], name);
    EXPECT_EQ(seen->rows[0][1], database);
    // Not one character of the password is without meaning.
    options.password = Secret(password + " ");
    auto refused = PgConnection::connect(options);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().sqlstate, "28P01");
    EXPECT_EQ(refused.error().text().find(password), std::string::npos);
  }
}

// The answer is understood before secrets are taken out of it.
TEST(Connection, APasswordThatIsAWordOfTheAnswerHidesNoReason) {
  for (const char* word : {"28P01", "FATAL", "password", "authentication failed"}) {
    PgOptions options = local();
    options.host = "127.0.0.1";
    options.user = "scram";
    options.password = Secret(std::string(word));
    auto made = PgConnection::connect(options);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().kind, PgError::Kind::kServer) << word;
    EXPECT_EQ(made.error().sqlstate, "28P01") << word;
    EXPECT_EQ(made.error().message.find(word), std::string::npos) << made.error().message;
  }
}

}  // namespace
}  // namespace vesto
