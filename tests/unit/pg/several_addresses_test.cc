// A host with several addresses of which one lives.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "net/resolve.h"
#include "pg/connection.h"
#include "tests/support/full_queue.h"
#include "tests/support/pg_cluster.h"

namespace vesto {
namespace {

using testing::PgCluster;
using testing_support::FullQueue;

class SeveralAddresses : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = PgCluster::start({.loopback_tcp = true});
    ASSERT_NE(cluster_, nullptr);
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  static PgOptions at(std::vector<std::string> addresses) {
    PgOptions options;
    options.host = "wh.example";
    options.port = cluster_->port();
    options.user = cluster_->user();
    options.database = cluster_->database();
    options.resolver = [addresses](const std::string&, const WaitLimit&) { return addresses; };
    return options;
  }
  static int64_t now_ms() { return system_clock().monotonic_ms(); }

  static inline std::unique_ptr<PgCluster> cluster_;
};

TEST_F(SeveralAddresses, ADeadFirstOneHidesNoLivingOneBehindIt) {
  const FullQueue dead("127.0.0.2", cluster_->port());
  const int64_t from_ms = now_ms();
  const auto made = PgConnection::connect(at({"127.0.0.2", "127.0.0.1"}));
  ASSERT_TRUE(made.ok()) << made.error().text();
  EXPECT_GE(now_ms() - from_ms, 250);
  EXPECT_LT(now_ms() - from_ms, 4'000);
  EXPECT_EQ(made.value()->exec("SELECT inet_server_addr()")->scalar(), "127.0.0.1");
}

TEST_F(SeveralAddresses, ARefusalLeadsToTheNextAtOnce) {
  const auto made = PgConnection::connect(at({"127.0.0.2", "127.0.0.3", "127.0.0.1"}));
  ASSERT_TRUE(made.ok()) << made.error().text();
}

// A living first one is the only one that is spoken to, whatever stands behind it.
TEST_F(SeveralAddresses, TheResolversOrderHolds) {
  const FullQueue never_asked("127.0.0.2", cluster_->port());
  const auto made = PgConnection::connect(at({"127.0.0.1", "127.0.0.2"}));
  ASSERT_TRUE(made.ok()) << made.error().text();
}

// Or the statement would run on: the dead address takes no request.
TEST_F(SeveralAddresses, ACancelGoesToTheAddressThatAnswered) {
  const FullQueue dead("127.0.0.2", cluster_->port());
  auto made = PgConnection::connect(at({"127.0.0.2", "127.0.0.1"}));
  ASSERT_TRUE(made.ok()) << made.error().text();
  PgConnection& connection = *made.value();
  std::thread other([&connection] {
    const std::string waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    while (cluster_->sql(waits) != "1") {
    }
    connection.request_cancel();
  });
  const auto answer = connection.exec("SELECT pg_sleep(600)", 60'000);
  other.join();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().sqlstate, "57014");
}

TEST_F(SeveralAddresses, AllDeadIsOneTimeoutWithItsReason) {
  const FullQueue dead("127.0.0.2", cluster_->port());
  const FullQueue also_dead("127.0.0.3", cluster_->port());
  PgOptions options = at({"127.0.0.2", "127.0.0.3"});
  options.connect_timeout_ms = 600;
  options.public_egress = {"203.0.113.7/32"};
  const int64_t from_ms = now_ms();
  const auto made = PgConnection::connect(options);
  // What was dialled for nothing is not dialled once more to find out why.
  EXPECT_LT(now_ms() - from_ms, PgConnection::kReachTimeoutMs);
  ASSERT_FALSE(made.ok());
  ASSERT_EQ(made.error().kind, PgError::Kind::kReach) << made.error().text();
  EXPECT_EQ(made.error().reach->name(), "NET-TIMEOUT");
  EXPECT_NE(made.error().reach->hint().find("203.0.113.7/32"), std::string::npos);
}

TEST_F(SeveralAddresses, AStopEndsTheRace) {
  const FullQueue dead("127.0.0.2", cluster_->port());
  PgOptions options = at({"127.0.0.2"});
  std::stop_source stop;
  options.stop = stop.get_token();
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const int64_t from_ms = now_ms();
  const auto made = PgConnection::connect(options);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind, PgError::Kind::kInterrupted) << made.error().text();
  EXPECT_LT(now_ms() - from_ms, 5'000);
}

TEST_F(SeveralAddresses, ANameThatIsUnknownOrALookupThatIsStopped) {
  PgOptions options = at({});
  options.resolver = {};
  options.host = "no-such-host.invalid";
  auto made = PgConnection::connect(options);
  ASSERT_FALSE(made.ok());
  ASSERT_EQ(made.error().kind, PgError::Kind::kReach);
  EXPECT_EQ(made.error().reach->name(), "NET-DNS");
  options.resolver = [](const std::string&, const WaitLimit&) -> Result<std::vector<std::string>> {
    return Error(ErrorCode::kRunInterrupted, "stopped");
  };
  made = PgConnection::connect(options);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind, PgError::Kind::kInterrupted);
}

// An address in numbers, of either family, is dialled as it is.
TEST_F(SeveralAddresses, AnAddressInNumbersNeedsNoResolver) {
  PgOptions options = at({});
  options.resolver = {};
  options.host = "127.0.0.1";
  EXPECT_TRUE(PgConnection::connect(options).ok());
  options.host = "::1";  // where the cluster does not listen
  const auto six = PgConnection::connect(options);
  ASSERT_FALSE(six.ok());
  ASSERT_EQ(six.error().kind, PgError::Kind::kReach) << six.error().text();
  const std::string code(six.error().reach->name());
  EXPECT_TRUE(code == "NET-REFUSED" || code == "NET-UNREACHABLE") << code;
}

}  // namespace
}  // namespace vesto
