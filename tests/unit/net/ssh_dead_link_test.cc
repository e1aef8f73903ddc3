// The way to the bastion dies without a word, and one over which nothing is said for long: sshd at
// the other end of a cable between two network namespaces.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "tests/support/network_link.h"
#include "tests/unit/net/ssh_world.h"

namespace vesto {
namespace {

using std::chrono::milliseconds;
using testing_support::NetworkLink;
using testing_support::tcp_connect;
using testing_support::tcp_read;
using testing_support::tcp_send;

class DeadLink : public SshTest {
 protected:
  void SetUp() override {
    link_ = NetworkLink::make();
    if (!link_) GTEST_SKIP() << "network namespaces cannot be made here";
    SshTest::SetUp();
    if (IsSkipped()) return;
    {
      const auto inside = link_->enter_there();
      use_server({"ListenAddress 198.18.0.2"});
      target_.emplace(&TcpTarget::echo);
    }
    inside_ = link_->enter_here();
  }

  std::unique_ptr<SshTunnel> short_tunnel() {
    SshOptions options = standard();
    options.host = NetworkLink::kThere;
    options.keepalive_ms = 1'000;
    options.keepalive_count = 3;
    return std::make_unique<SshTunnel>(options);
  }

  // An idle connection through the tunnel whose bastion dies in this way.
  void dies(void (NetworkLink::*die)() const) {
    auto tunnel = short_tunnel();
    const auto route = dial(tunnel.get(), target_->port());
    ASSERT_TRUE(route.ok()) << told(route);
    const int fd = tcp_connect(route->port);
    ASSERT_TRUE(tcp_send(fd, "a"));
    ASSERT_EQ(tcp_read(fd, 1), "a");
    (link_.get()->*die)();
    const auto from = std::chrono::steady_clock::now();
    bool failed = false;
    EXPECT_EQ(tcp_read(fd, 1, &failed), "");
    const auto took = std::chrono::steady_clock::now() - from;
    EXPECT_TRUE(failed);
    EXPECT_GT(took, milliseconds(1'000));
    EXPECT_LT(took, milliseconds(7'000));
    ASSERT_TRUE(route->failure().has_value());
    EXPECT_EQ(route->failure()->code(), ErrorCode::kSshLost);
    ::close(fd);
  }

  std::unique_ptr<NetworkLink> link_;
  std::unique_ptr<NetworkLink::Inside> inside_;
  std::optional<TcpTarget> target_;
};

TEST_F(DeadLink, AnIdleTunnelStaysAndIsHeardOnTheWay) {
  auto tunnel = short_tunnel();
  const auto route = dial(tunnel.get(), target_->port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(fd, "a"));
  ASSERT_EQ(tcp_read(fd, 1), "a");
  const int64_t packets = link_->packets_sent();
  const int64_t bytes = tunnel->stats().sent_bytes;
  std::this_thread::sleep_for(milliseconds(7'000));
  EXPECT_FALSE(route->failure().has_value());
  EXPECT_GE(link_->packets_sent() - packets, 5);
  // SSH's own keepalives are data, so that what counts data alone does not forget us either.
  EXPECT_GT(tunnel->stats().sent_bytes, bytes);
  ASSERT_TRUE(tcp_send(fd, "b"));
  EXPECT_EQ(tcp_read(fd, 1), "b");
  ::close(fd);
}

TEST_F(DeadLink, TheCableIsPulled) { dies(&NetworkLink::pull); }

TEST_F(DeadLink, AnswersVanishInABlackHole) { dies(&NetworkLink::swallow); }

TEST_F(DeadLink, TheBastionIsNotThereAnyMore) { dies(&NetworkLink::forget_address); }

TEST(DeadLinkLimits, KeepalivesComeInTimeAndADeadBastionIsNoticedWithinTwoMinutes) {
  const SshOptions usual;
  EXPECT_LE(usual.keepalive_ms, 60'000);
  EXPECT_LE(usual.keepalive_ms * usual.keepalive_count, 120'000);
}

}  // namespace
}  // namespace vesto
