// A peer that dies without a word, and one that is silent for long and lives: over a real cable
// between two network namespaces. Short limits; test_network.py has the real ones.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "pg/connection.h"
#include "tests/support/fake_pg_server.h"
#include "tests/support/network_link.h"

namespace vesto {
namespace {

using testing_support::NetworkLink;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr PgLiveness kShort = {.idle_s = 1, .interval_s = 1, .count = 3, .user_timeout_ms = 3'000};

class Liveness : public ::testing::Test {
 protected:
  void SetUp() override {
    link_ = NetworkLink::make();
    if (!link_) GTEST_SKIP() << "network namespaces cannot be made here";
    inside_ = link_->enter_here();
  }

  // A server at the other end of the cable that answers statement i after `answer_after_ms`.
  void serve(std::vector<std::string> answers, int answer_after_ms = 0) {
    const auto inside = link_->enter_there();
    server_.emplace(std::move(answers),
                    testing::FakePgServerOptions{.address = NetworkLink::kThere,
                                                 .answer_after_ms = answer_after_ms});
  }
  std::unique_ptr<PgConnection> connected(const PgLiveness& liveness = kShort) {
    PgOptions options;
    options.host = NetworkLink::kThere;
    options.port = server_->port();
    options.database = "db";
    options.user = "u";
    options.sslmode = "disable";
    options.connect_timeout_ms = 5'000;
    options.liveness = liveness;
    auto made = PgConnection::connect(options);
    EXPECT_TRUE(made.ok()) << made.error().text();
    return made.ok() ? std::move(made).value() : nullptr;
  }

  struct End {
    PgError error;
    milliseconds took{0};
  };
  // A statement during whose wait the peer dies in this way.
  End dies_in_statement(void (NetworkLink::*die)() const) {
    serve({});
    auto connection = connected();
    if (!connection) return {};
    Clock::time_point died;
    std::thread other([this, die, &died] {
      std::this_thread::sleep_for(milliseconds(300));
      (link_.get()->*die)();
      died = Clock::now();
    });
    const auto answer = connection->exec("COPY t FROM 's3://b/m'", 30'000);
    const auto ended = Clock::now();
    other.join();
    if (answer.ok()) return {};
    return {answer.error(), std::chrono::duration_cast<milliseconds>(ended - died)};
  }

  std::unique_ptr<NetworkLink> link_;
  std::unique_ptr<NetworkLink::Inside> inside_;
  std::optional<testing::FakePgServer> server_;
};

const std::string kDone = testing::command_complete("COPY") + testing::ready_for_query();

TEST_F(Liveness, ASilentPeerThatLivesIsWaitedForLongerThanAllLimits) {
  serve({kDone}, 7'000);
  auto connection = connected();
  ASSERT_NE(connection, nullptr);
  const int64_t before = link_->packets_sent();
  const auto answer = connection->exec("COPY t FROM 's3://b/m'", 30'000);
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(answer->tag, "COPY");
  // What keeps a firewall's memory alive: something crosses each second, though nothing is said.
  EXPECT_GE(link_->packets_sent() - before, 5);
}

TEST_F(Liveness, WithoutKeepalivesNothingCrosses) {
  serve({kDone}, 4'000);
  auto connection =
      connected({.idle_s = 600, .interval_s = 600, .count = 3, .user_timeout_ms = 3'000});
  ASSERT_NE(connection, nullptr);
  std::this_thread::sleep_for(milliseconds(100));
  const int64_t before = link_->packets_sent();
  ASSERT_TRUE(connection->exec("COPY t FROM 's3://b/m'", 30'000).ok());
  // The statement, the acknowledged answer, and what the addresses may be asked for.
  EXPECT_LE(link_->packets_sent() - before, 4);
}

// A firewall forgets a connection after minutes at the soonest, AWS's own after 350 s.
TEST(LivenessLimits, KeepalivesComeInTimeAndADeadPeerIsNoticedWithinTwoMinutes) {
  const PgLiveness usual;
  EXPECT_LE(usual.idle_s, 60);
  EXPECT_LE(usual.idle_s + usual.interval_s * usual.count, 120);
  EXPECT_LE(usual.user_timeout_ms, 120'000);
}

TEST_F(Liveness, TheCableIsPulled) {
  const End end = dies_in_statement(&NetworkLink::pull);
  EXPECT_EQ(end.error.kind, PgError::Kind::kLost) << end.error.text();
  EXPECT_GT(end.took, milliseconds(1'500));
  EXPECT_LT(end.took, milliseconds(7'000));
}

TEST_F(Liveness, AnswersVanishInABlackHole) {
  const End end = dies_in_statement(&NetworkLink::swallow);
  EXPECT_EQ(end.error.kind, PgError::Kind::kLost) << end.error.text();
  EXPECT_GT(end.took, milliseconds(1'500));
  EXPECT_LT(end.took, milliseconds(7'000));
}

TEST_F(Liveness, TheOtherHostIsNotThereAnyMore) {
  const End end = dies_in_statement(&NetworkLink::forget_address);
  EXPECT_EQ(end.error.kind, PgError::Kind::kLost) << end.error.text();
  EXPECT_LT(end.took, milliseconds(7'000));
}

// What was sent is acknowledged by nobody: the user timeout, and not keepalives, ends this.
TEST_F(Liveness, AStatementThatIsSentIntoADeadLink) {
  serve({});
  auto connection =
      connected({.idle_s = 600, .interval_s = 600, .count = 3, .user_timeout_ms = 3'000});
  ASSERT_NE(connection, nullptr);
  link_->swallow();
  const auto from = Clock::now();
  const auto answer = connection->exec("SELECT '" + std::string(200'000, 'x') + "'", 30'000);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - from);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kLost) << answer.error().text();
  EXPECT_GT(took, milliseconds(2'000));
  EXPECT_LT(took, milliseconds(8'000));
}

// A cancelled statement on a dead link: the request for it cannot be sent, and holds up nobody.
TEST_F(Liveness, AnInterruptOnADeadLinkComesBackInTime) {
  serve({});
  auto connection = connected({});
  ASSERT_NE(connection, nullptr);
  link_->swallow();
  std::thread other([&connection] {
    std::this_thread::sleep_for(milliseconds(300));
    connection->interrupt();
  });
  const auto from = Clock::now();
  const auto answer = connection->exec("COPY t FROM 's3://b/m'", 60'000);
  other.join();
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().kind, PgError::Kind::kInterrupted);
  EXPECT_LT(Clock::now() - from, milliseconds(6'000));
}

}  // namespace
}  // namespace vesto
