// What the tunnel carries: much, many at once, ends and cuts, slow ends, and a bastion that dies.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/hash.h"
#include "tests/unit/net/ssh_world.h"

namespace vesto {
namespace {

using testing_support::tcp_connect;
using testing_support::tcp_read;
using testing_support::tcp_reset;
using testing_support::tcp_send;

class Carry : public SshTest {};

// `size` bytes that no other `seed` has.
std::string bytes_of(uint32_t seed, size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

// Sends in one thread, reads in this one, and ends the sending half: everything comes back.
std::string through_echo(int port, const std::string& bytes) {
  const int fd = tcp_connect(port);
  if (fd < 0) return "no connection";
  std::thread sender([fd, &bytes] {
    tcp_send(fd, bytes);
    ::shutdown(fd, SHUT_WR);
  });
  std::string back = tcp_read(fd, bytes.size() + 1);
  sender.join();
  ::close(fd);
  return back;
}

int64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
  }
  return 0;
}

TEST_F(Carry, FiftyConnectionsOverOneSession) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  std::vector<std::thread> threads;
  std::atomic<int> equal{0};
  for (uint32_t i = 0; i < 50; ++i) {
    threads.emplace_back([&, i] {
      const auto route = dial(tunnel.get(), target.port());
      if (!route.ok()) return;
      const std::string bytes = bytes_of(i, 300'000 + i * 1'017);
      if (sha256_hex(through_echo(route->port, bytes)) == sha256_hex(bytes)) ++equal;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 50);
  EXPECT_EQ(tunnel->stats().sessions, 1);
  EXPECT_EQ(tunnel->stats().connections, 50);
}

TEST_F(Carry, NewKeysInMidTransfer) {
  use_server({"RekeyLimit 1M"});
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const std::string bytes = bytes_of(1, 12'000'000);
  EXPECT_EQ(sha256_hex(through_echo(route->port, bytes)), sha256_hex(bytes))
      << (route->failure() ? route->failure()->to_string() : "no failure");
  EXPECT_EQ(tunnel->stats().sessions, 1);
}

TEST_F(Carry, HalfClosedConnectionsGoOn) {
  // Answers only after the end of the question.
  TcpTarget target([](int fd) {
    const std::string question = tcp_read(fd, 1'000'000);
    tcp_send(fd, "got " + std::to_string(question.size()));
  });
  auto tunnel = make();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(fd, std::string(70'000, 'q')));
  ::shutdown(fd, SHUT_WR);
  bool failed = false;
  EXPECT_EQ(tcp_read(fd, 100, &failed), "got 70000");
  EXPECT_FALSE(failed);
  ::close(fd);
}

TEST_F(Carry, WhatTheTargetSaidLastArrivesThoughItClosedWhileWeSend) {
  TcpTarget target([](int fd) {
    tcp_read(fd, 5'000);
    tcp_send(fd, std::string(200'000, 'e') + "FATAL: no");
    ::shutdown(fd, SHUT_WR);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
  });
  auto tunnel = make();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(fd, std::string(5'000, 'q')));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  tcp_send(fd, std::string(5'000, 'q'));
  const std::string said = tcp_read(fd, 300'000);
  EXPECT_EQ(said.size(), 200'009U);
  EXPECT_TRUE(said.ends_with("FATAL: no"));
  ::close(fd);
}

TEST_F(Carry, ACutOnOurSideIsACutAtTheTarget) {
  std::atomic<bool> ended{false};
  TcpTarget target([&ended](int fd) {
    tcp_read(fd, 1'000'000);
    ended = true;
  });
  auto tunnel = make();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(fd, "x"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(ended);
  tcp_reset(fd);
  EXPECT_TRUE(eventually([&ended] { return ended.load(); }, 3'000));
}

TEST_F(Carry, ACutAtTheTargetIsACutOnOurSide) {
  TcpTarget target([](int fd) {
    tcp_read(fd, 1);
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  });
  auto tunnel = make();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(fd, "x"));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tcp_read(fd, 1), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  ::close(fd);
}

// Neither a reader of ours nor one at the target that does not read makes us hold its bytes, nor
// does it stop the others.
TEST_F(Carry, SlowReadersTakeBoundedMemoryAndStopNobody) {
  std::atomic<bool> go_on{false};
  constexpr size_t kBytes = 64'000'000;
  const std::string bytes = bytes_of(7, kBytes);
  TcpTarget source([&bytes](int fd) {
    tcp_read(fd, 1);
    tcp_send(fd, bytes);
  });
  TcpTarget lazy([&go_on](int fd) {
    while (!go_on) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::string all = tcp_read(fd, kBytes);
    tcp_send(fd, sha256_hex(all));
  });
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  const auto down = dial(tunnel.get(), source.port());
  const auto up = dial(tunnel.get(), lazy.port());
  const auto other = dial(tunnel.get(), target.port());
  ASSERT_TRUE(down.ok() && up.ok() && other.ok());
  const int64_t before_kib = resident_kib();
  const int reader = tcp_connect(down->port);
  ASSERT_TRUE(tcp_send(reader, "g"));
  const int writer = tcp_connect(up->port);
  std::thread sender([writer, &bytes] { tcp_send(writer, bytes); });
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  EXPECT_EQ(through_echo(other->port, "still here"), "still here");
  const int64_t more_kib = resident_kib() - before_kib;
  // The sanitizers hold on to what is freed; without them it is 6 MB.
  EXPECT_LT(more_kib, 40'000) << "of " << kBytes / 1'024 << " KiB each way";
  // Whoever reads at last gets all.
  EXPECT_EQ(sha256_hex(tcp_read(reader, kBytes)), sha256_hex(bytes));
  go_on = true;
  EXPECT_EQ(tcp_read(writer, 64), sha256_hex(bytes));
  sender.join();
  ::close(reader);
  ::close(writer);
}

TEST_F(Carry, TheTunnelCutInMidTransferIsToldAndMadeAnew) {
  TcpTarget source([](int fd) {
    const std::string block(65'536, 's');
    while (tcp_send(fd, block)) {
    }
  });
  auto tunnel = make();
  const auto route = dial(tunnel.get(), source.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_EQ(tcp_read(fd, 3'000'000).size(), 3'000'000U);
  server().kill_connections();
  bool failed = false;
  tcp_read(fd, 1'000'000'000, &failed);
  EXPECT_TRUE(failed) << "half a stream must not look like a whole one";
  ::close(fd);
  ASSERT_TRUE(route->failure().has_value());
  EXPECT_EQ(route->failure()->code(), ErrorCode::kSshLost);
  EXPECT_LT(tcp_connect(route->port), 0);
  const auto again = dial(tunnel.get(), source.port());
  ASSERT_TRUE(again.ok()) << told(again);
  const int next = tcp_connect(again->port);
  EXPECT_EQ(tcp_read(next, 100'000).size(), 100'000U);
  ::close(next);
  EXPECT_FALSE(again->failure().has_value());
  EXPECT_EQ(tunnel->stats().sessions, 2);
}

TEST_F(Carry, ABastionThatIsGoneAndComesBack) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  ASSERT_TRUE(dial(tunnel.get(), target.port()).ok());
  server().stop();
  const auto gone = dial_until(tunnel.get(), target.port(), ErrorCode::kSshConnect);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), ErrorCode::kSshConnect) << told(gone);
  server().start();
  const auto back = dial_until(tunnel.get(), target.port(), std::nullopt);
  ASSERT_TRUE(back.ok()) << told(back);
  EXPECT_EQ(through_echo(back->port, "back"), "back");
}

TEST_F(Carry, ABastionThatStopsAnsweringIsNoticed) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make({.keepalive_ms = 200, .keepalive_count = 3});
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(fd, "a"));
  ASSERT_EQ(tcp_read(fd, 1), "a");
  // Idle for many times the limit: its keepalives are answered.
  std::this_thread::sleep_for(std::chrono::milliseconds(2'000));
  ASSERT_FALSE(route->failure().has_value()) << route->failure()->to_string();
  ASSERT_TRUE(tcp_send(fd, "b"));
  ASSERT_EQ(tcp_read(fd, 1), "b");
  server().signal_all(SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  bool failed = false;
  EXPECT_EQ(tcp_read(fd, 1, &failed), "");
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(failed);
  EXPECT_GT(took, std::chrono::milliseconds(300));
  EXPECT_LT(took, std::chrono::milliseconds(3'000));
  server().signal_all(SIGCONT);
  ASSERT_TRUE(route->failure().has_value());
  EXPECT_EQ(route->failure()->code(), ErrorCode::kSshLost);
  EXPECT_NE(route->failure()->message().find("has not answered"), std::string::npos);
  ::close(fd);
}

// The same while we pour data into it: a full socket must not stop the thread.
TEST_F(Carry, ABastionThatStopsTakingIsNoticed) {
  TcpTarget sink([](int fd) { tcp_read(fd, 1'000'000'000); });
  auto tunnel = make({.keepalive_ms = 300, .keepalive_count = 3});
  const auto route = dial(tunnel.get(), sink.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  std::atomic<bool> cut{false};
  std::thread sender([fd, &cut] {
    const std::string block(65'536, 's');
    while (tcp_send(fd, block)) {
    }
    cut = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  server().signal_all(SIGSTOP);
  EXPECT_TRUE(eventually([&cut] { return cut.load(); }, 5'000));
  server().signal_all(SIGCONT);
  sender.join();
  ::close(fd);
  ASSERT_TRUE(route->failure().has_value());
  EXPECT_EQ(route->failure()->code(), ErrorCode::kSshLost);
}

// With the usual limits nothing is noticed so soon, but the tunnel can still be closed.
TEST_F(Carry, ATunnelWhoseBastionTakesNothingCloses) {
  TcpTarget sink([](int fd) { tcp_read(fd, 1'000'000'000); });
  auto tunnel = make();
  const auto route = dial(tunnel.get(), sink.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = tcp_connect(route->port);
  std::thread sender([fd] {
    const std::string block(65'536, 's');
    while (tcp_send(fd, block)) {
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  server().signal_all(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  std::thread rescue([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(3'500));
    server().signal_all(SIGCONT);
  });
  const auto start = std::chrono::steady_clock::now();
  tunnel.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  rescue.join();
  sender.join();
  ::close(fd);
}

// A target that answers no SYN: its dial ends in its own time, the others go on meanwhile.
TEST_F(Carry, AnOpenThatStallsBlocksNobody) {
  const int stalled = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* general = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(stalled, general, size), 0);
  ASSERT_EQ(::listen(stalled, 0), 0);
  ::getsockname(stalled, general, &size);
  // Its queue holds one; who comes then is not answered.
  const int port = ntohs(address.sin_port);
  const int filler = tcp_connect(port);
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  ASSERT_TRUE(dial(tunnel.get(), target.port()).ok());
  std::optional<Result<Route>> late;
  int64_t late_ms = 0;
  std::thread waiting([&] {
    const auto start = std::chrono::steady_clock::now();
    late = dial(tunnel.get(), port, 1'500);
    late_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::steady_clock::now() - start)
                  .count();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto start = std::chrono::steady_clock::now();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  EXPECT_EQ(through_echo(route->port, "not blocked"), "not blocked");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1'000));
  waiting.join();
  ASSERT_FALSE(late->ok());
  EXPECT_EQ(late->error().code(), ErrorCode::kSshForward) << told(*late);
  EXPECT_GE(late_ms, 1'400);
  EXPECT_LT(late_ms, 3'000);
  // The answer that comes later disturbs nobody.
  const int taken = ::accept(stalled, nullptr, nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  const auto after = dial(tunnel.get(), target.port());
  ASSERT_TRUE(after.ok()) << told(after);
  EXPECT_EQ(through_echo(after->port, "still well"), "still well");
  EXPECT_EQ(tunnel->stats().sessions, 1);
  ::close(taken);
  ::close(filler);
  ::close(stalled);
}

// Sessions that are lost, refused or closed leave no descriptor behind.
TEST_F(Carry, NoDescriptorIsLeftBehind) {
  TcpTarget target(&TcpTarget::echo);
  const auto open_files = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  const auto before = open_files();
  for (int round = 0; round < 3; ++round) {
    auto tunnel = make();
    ASSERT_TRUE(dial(tunnel.get(), target.port()).ok());
    server().kill_connections();
    EXPECT_TRUE(dial_until(tunnel.get(), target.port(), std::nullopt).ok());
    SshOptions options = standard();
    options.host_key = "";
    EXPECT_FALSE(dial(std::make_unique<SshTunnel>(options).get(), 1).ok());
    options = standard();
    options.private_key = *make_ssh_key();
    EXPECT_FALSE(dial(std::make_unique<SshTunnel>(options).get(), 1).ok());
    options.port = target.port();
    options.connect_timeout_ms = 200;
    EXPECT_FALSE(dial(std::make_unique<SshTunnel>(options).get(), 1).ok());
  }
  // The target's own threads close theirs a little later.
  EXPECT_TRUE(eventually([&] { return open_files() <= before; }, 3'000))
      << before << " before, " << open_files() << " after";
}

TEST_F(Carry, ATunnelThatGoesCutsWhatItCarries) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  std::vector<Route> routes;
  std::vector<int> sockets;
  for (int i = 0; i < 5; ++i) {
    auto route = dial(tunnel.get(), target.port());
    ASSERT_TRUE(route.ok()) << told(route);
    routes.push_back(*route);
    if (i < 4) sockets.push_back(tcp_connect(route->port));
  }
  ASSERT_TRUE(tcp_send(sockets[0], "x"));
  ASSERT_EQ(tcp_read(sockets[0], 1), "x");
  const auto start = std::chrono::steady_clock::now();
  tunnel.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  for (const int fd : sockets) {
    EXPECT_EQ(tcp_read(fd, 1), "");
    ::close(fd);
  }
  ASSERT_TRUE(routes[4].failure().has_value());
  EXPECT_EQ(routes[4].failure()->code(), ErrorCode::kSshLost);
  EXPECT_TRUE(eventually([this] { return server().children().empty(); }));
}

}  // namespace
}  // namespace vesto
