// connect_redshift() against a real server of the same wire protocol, with a certificate of a CA of
// our own for "localhost".
#include "redshift/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/pg_cluster.h"
#include "tests/support/raw_server.h"

namespace vesto::testing {
namespace {

constexpr int64_t kTimeoutMs = 60'000;

// Redshift's view of sessions, as far as it is asked for.
constexpr const char* kProvisioned =
    "CREATE VIEW stv_sessions AS SELECT backend_start::timestamp AS starttime, pid AS process "
    "FROM pg_stat_activity";
constexpr const char* kServerless =
    "CREATE VIEW sys_session_history AS SELECT backend_start::timestamp AS start_time, "
    "pid AS session_id, NULL::timestamp AS end_time FROM pg_stat_activity";

class Session : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vsess.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const auto certificate = testing_support::make_certificate("localhost");
    std::ofstream(folder_ + "/ca.pem") << certificate.ca_pem;
    cluster_ = PgCluster::start({.loopback_tcp = true});
    ASSERT_NE(cluster_, nullptr);
    ASSERT_TRUE(cluster_->write_file("server.key", certificate.key_pem));
    ASSERT_TRUE(cluster_->write_file("server.crt", certificate.certificate_pem));
    ASSERT_TRUE(cluster_->restart({"ssl=on"}));
    cluster_->sql(kProvisioned);
  }
  static void TearDownTestSuite() {
    cluster_.reset();
    std::filesystem::remove_all(folder_);
  }

  static RedshiftOptions options() {
    RedshiftOptions out;
    out.host = "localhost";
    out.hostaddr = "127.0.0.1";
    out.port = cluster_->port();
    out.database = cluster_->database();
    out.user = cluster_->user();
    out.tls_ca_file = folder_ + "/ca.pem";
    return out;
  }
  static std::unique_ptr<RedshiftSession> connect() {
    auto made = connect_redshift(options());
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return made.ok() ? std::move(made).value() : nullptr;
  }

  static inline std::string folder_;
  static inline std::unique_ptr<PgCluster> cluster_;
};

TEST_F(Session, KnowsWhoItIsBeforeAnythingElse) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  EXPECT_FALSE(session->in_transaction());
  const auto row = session->exec(
      "SELECT pg_backend_pid(), MAX(starttime) FROM stv_sessions WHERE "
      "process = pg_backend_pid()",
      kTimeoutMs);
  ASSERT_TRUE(row.ok()) << row.error().to_string();
  EXPECT_EQ(row->rows[0][0], std::to_string(session->backend_pid()));
  EXPECT_EQ(row->rows[0][1], session->backend_start());
}

TEST_F(Session, AsksTheServerlessViewWhereTheOtherIsMissing) {
  cluster_->sql("DROP VIEW stv_sessions");
  cluster_->sql(kServerless);
  const auto session = connect();
  cluster_->sql("DROP VIEW sys_session_history");
  cluster_->sql(kProvisioned);
  ASSERT_NE(session, nullptr);
  EXPECT_FALSE(session->backend_start().empty());
}

TEST_F(Session, GivesTagsRowsAndNotices) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  const Secret secret("notice-secret-value");
  EXPECT_EQ(session->exec("BEGIN", kTimeoutMs)->tag, "BEGIN");
  EXPECT_TRUE(session->in_transaction());
  EXPECT_EQ(session->exec("CREATE TEMP TABLE t (a INT)", kTimeoutMs)->tag, "CREATE TABLE");
  EXPECT_EQ(session->exec("INSERT INTO t VALUES (1), (NULL)", kTimeoutMs)->affected(), 2);
  const auto rows = session->exec("SELECT a FROM t ORDER BY a", kTimeoutMs);
  ASSERT_EQ(rows->rows.size(), 2U);
  EXPECT_EQ(rows->rows[0][0], "1");
  EXPECT_EQ(rows->rows[1][0], std::nullopt);
  const auto notices = session->exec(
      "DO $$ BEGIN RAISE INFO 'Load into table % completed', 'notice-secret-value'; END $$",
      kTimeoutMs);
  ASSERT_TRUE(notices.ok());
  EXPECT_EQ(notices->notices, (std::vector<std::string>{"Load into table *** completed"}));
  EXPECT_EQ(session->exec("ROLLBACK", kTimeoutMs)->tag, "ROLLBACK");
  EXPECT_FALSE(session->in_transaction());
}

TEST_F(Session, AnErrorHoldsCodeStateAndStatementButNoSecret) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  const Secret secret("abc'def\\ghi");
  session->set_secret("copy_secret", secret);
  // PostgreSQL quotes the place where it stopped: the secret's own literal.
  const auto refused = session->exec(
      "COPY t FROM 's3://b/k' SECRET_ACCESS_KEY '{{SECRET:copy_secret}}'", kTimeoutMs);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "RS-SQL");
  EXPECT_EQ(refused.error().upstream().code, "42601");
  EXPECT_NE(refused.error().message().find("COPY t"), std::string::npos);
  for (const char* part : {"abc'def", "abc''def"}) {
    EXPECT_EQ(refused.error().to_string().find(part), std::string::npos);
    EXPECT_EQ(refused.error().upstream().text.find(part), std::string::npos);
  }
  EXPECT_TRUE(session->usable());
}

// A statement whose placeholder has no secret is not sent at all.
TEST_F(Session, AMissingSecretSendsNothing) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  const auto refused =
      session->exec("SELECT 1 SECRET_ACCESS_KEY '{{SECRET:copy_secret}}'", kTimeoutMs);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "INT-BUG");
  EXPECT_TRUE(session->usable());
}

TEST_F(Session, AKilledSessionIsALostConnection) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  cluster_->sql("SELECT pg_terminate_backend(" + std::to_string(session->backend_pid()) + ")");
  const auto lost = session->exec("SELECT 1", kTimeoutMs);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().name(), "RS-CONNECTION");
  EXPECT_FALSE(session->exec("SELECT 1", kTimeoutMs).ok());
}

TEST_F(Session, CancelEndsAStatementFromAnotherThread) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  std::thread other([&] {
    const std::string running = "SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                                std::to_string(session->backend_pid()) +
                                " AND query LIKE 'SELECT pg_sleep%' AND state = 'active'";
    while (cluster_->sql(running).substr(0, 1) != "1") std::this_thread::yield();
    session->cancel();
  });
  const auto stopped = session->exec("SELECT pg_sleep(600)", kTimeoutMs);
  other.join();
  EXPECT_FALSE(stopped.ok());
  EXPECT_FALSE(session->usable());
}

TEST_F(Session, SaysWhoseItIs) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->where(), cluster_->user() + "@localhost:" + std::to_string(cluster_->port()) +
                                  "/" + cluster_->database());
}

TEST_F(Session, ADeadlineEndsAStatement) {
  const auto session = connect();
  ASSERT_NE(session, nullptr);
  const auto late = session->exec("SELECT pg_sleep(600)", 200);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().name(), "RS-TIMEOUT");
  EXPECT_FALSE(session->usable());
}

// The first questions to the server are bounded with the connection attempt, and a stop ends them.
TEST_F(Session, AGreetingThatHangsIsBoundedAndStopped) {
  cluster_->sql("DROP VIEW stv_sessions");
  cluster_->sql(
      "CREATE VIEW stv_sessions AS SELECT pg_sleep(600)::text AS starttime, pg_backend_pid() AS "
      "process");
  RedshiftOptions to = options();
  to.connect_timeout_ms = 1000;
  EXPECT_EQ(connect_redshift(to).error().name(), "NET-TIMEOUT");
  std::stop_source stop;
  std::atomic<bool> ended = false;
  to.connect_timeout_ms = 600'000;
  to.stop = stop.get_token();
  std::thread other([&] {
    const std::string asked =
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%stv_sessions%' AND "
        "wait_event = 'PgSleep'";
    while (!ended && cluster_->sql(asked).substr(0, 1) != "1") std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_FALSE(connect_redshift(to).ok());
  ended = true;
  other.join();
  cluster_->sql("DROP VIEW stv_sessions");
  cluster_->sql(kProvisioned);
}

TEST_F(Session, VerifiesTheCertificateAndItsName) {
  RedshiftOptions to = options();
  to.host = "redshift.example";
  EXPECT_EQ(connect_redshift(to).error().name(), "NET-TLS-NAME");
  to = options();
  to.tls_ca_file.clear();
  EXPECT_EQ(connect_redshift(to).error().name(), "NET-TLS-CA");
}

TEST_F(Session, NeverFallsBackToClearText) {
  ASSERT_TRUE(cluster_->restart({"ssl=off"}));
  EXPECT_EQ(connect_redshift(options()).error().name(), "RS-TLS-OFF");
  ASSERT_TRUE(cluster_->restart({"ssl=on"}));
}

}  // namespace
}  // namespace vesto::testing
