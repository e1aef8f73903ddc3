// TLS against a server with a certificate of a CA of our own, for "localhost".
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "pg/connection.h"
#include "tests/support/pg_cluster.h"

namespace vesto {
namespace {

using testing::PgCluster;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

class Tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vtls.XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const std::string script =
        "cd '" + folder_ +
        "' && for ca in ca other; do openssl req -x509 -newkey ec -pkeyopt "
        "ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-$ca -keyout $ca.key -out "
        "$ca.pem; done && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-subj /CN=localhost -keyout server.key -out server.csr && printf "
        "'subjectAltName=DNS:localhost' > ext && openssl x509 -req -in server.csr -CA ca.pem "
        "-CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.crt";
    ASSERT_EQ(std::system(("(" + script + ") >/dev/null 2>&1").c_str()), 0);
    cluster_ = PgCluster::start({.loopback_tcp = true});
    ASSERT_NE(cluster_, nullptr);
    ASSERT_TRUE(cluster_->write_file("server.key", read_file(folder_ + "/server.key")));
    ASSERT_TRUE(cluster_->write_file("server.crt", read_file(folder_ + "/server.crt")));
    ASSERT_TRUE(cluster_->restart({"ssl=on"}));
  }
  static void TearDownTestSuite() {
    cluster_.reset();
    std::filesystem::remove_all(folder_);
  }

  static PgOptions options() {
    PgOptions to;
    to.host = "localhost";
    to.hostaddr = "127.0.0.1";
    to.port = cluster_->port();
    to.user = cluster_->user();
    to.database = cluster_->database();
    to.sslmode = "verify-full";
    to.tls_ca_file = folder_ + "/ca.pem";
    return to;
  }

  static inline std::string folder_;
  static inline std::unique_ptr<PgCluster> cluster_;
};

TEST_F(Tls, VerifiedByNameWhileAnAddressIsDialled) {
  const auto made = PgConnection::connect(options());
  ASSERT_TRUE(made.ok()) << made.error().text();
  const auto encrypted =
      made.value()->exec("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
  ASSERT_TRUE(encrypted.ok());
  EXPECT_EQ(encrypted->scalar(), "t");
}

TEST_F(Tls, CancelGoesToTheSameAddress) {
  PgOptions to = options();
  auto made = PgConnection::connect(to);
  ASSERT_TRUE(made.ok());
  const auto answer = made.value()->exec("SELECT pg_sleep(600)", 50);
  EXPECT_EQ(answer.error().kind, PgError::Kind::kTimeout);
}

// The code of a failure that lies on the way to the server; "" for any other.
std::string reach_code(const PgOptions& to) {
  const auto made = PgConnection::connect(to);
  if (made.ok() || made.error().kind != PgError::Kind::kReach) return "";
  return std::string(made.error().reach->name());
}

TEST_F(Tls, WrongNameWrongCaAndNoCa) {
  PgOptions to = options();
  to.host = "redshift.example";
  EXPECT_EQ(reach_code(to), "NET-TLS-NAME");
  to = options();
  to.tls_ca_file = folder_ + "/other.pem";
  EXPECT_EQ(reach_code(to), "NET-TLS-CA");
  to.tls_ca_file = "";  // the system's bundle does not know our CA
  EXPECT_EQ(reach_code(to), "NET-TLS-CA");
  to.tls_ca_file = folder_ + "/missing.pem";
  EXPECT_EQ(reach_code(to), "NET-TLS-CA");
}

TEST_F(Tls, NeverInClearWhereEncryptionIsAsked) {
  ASSERT_TRUE(cluster_->restart({"ssl=off"}));
  EXPECT_EQ(reach_code(options()), "PG-TLS-OFF");
  PgOptions warehouse = options();
  warehouse.server = ServerKind::kWarehouse;
  EXPECT_EQ(reach_code(warehouse), "RS-TLS-OFF");
  ASSERT_TRUE(cluster_->restart({"ssl=on"}));
}

int64_t peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// libpq makes room for a whole message as its length word asks and reads it in one go.
TEST_F(Tls, ARowOf100MiBNeverComesIn) {
  auto made = PgConnection::connect(options());
  ASSERT_TRUE(made.ok()) << made.error().text();
  PgConnection& connection = *made.value();
  ASSERT_TRUE(connection.exec("SELECT 1").ok());
  const int64_t before_kib = peak_kib();
  const auto answer =
      connection.exec("SELECT repeat('x', 100 * 1024 * 1024)", 60'000, {.bytes = 4 << 20});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kTooLarge) << answer.error().text();
  EXPECT_EQ(answer.error().message, "the server's answer is larger than 4 MiB");
  EXPECT_FALSE(connection.usable());
  EXPECT_LT(peak_kib() - before_kib, 40 << 10);
}

TEST_F(Tls, AnAnswerRightBelowItsLimitComesWhole) {
  auto made = PgConnection::connect(options());
  ASSERT_TRUE(made.ok()) << made.error().text();
  const auto answer = made.value()->exec("SELECT repeat('x', 4000000)", 60'000, {.bytes = 4 << 20});
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(answer->scalar()->size(), 4'000'000U);
  EXPECT_TRUE(made.value()->exec("SELECT 1").ok());
}

}  // namespace
}  // namespace vesto
