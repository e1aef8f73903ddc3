// The tunnel against Debian's own sshd: what it refuses, and what it says of it.
#include "net/ssh_tunnel.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/unit/net/ssh_world.h"

namespace vesto {
namespace {

using testing_support::tcp_connect;
using testing_support::tcp_read;
using testing_support::tcp_send;
using testing_support::unused_port;

class Tunnel : public SshTest {};

TEST_F(Tunnel, CarriesBytesBothWays) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  EXPECT_EQ(tunnel->seen_host_key(), "");
  EXPECT_EQ(tunnel->stats().sessions, 0);
  auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  EXPECT_EQ(route->address, "127.0.0.1");
  const int fd = tcp_connect(route->port);
  ASSERT_GE(fd, 0);
  ASSERT_TRUE(tcp_send(fd, "hello"));
  EXPECT_EQ(tcp_read(fd, 5), "hello");
  ::close(fd);
  EXPECT_FALSE(route->failure().has_value());
  EXPECT_EQ(tunnel->seen_host_key(), server().fingerprint() + " (ssh-ed25519)");
  EXPECT_EQ(tunnel->stats().sessions, 1);
  EXPECT_EQ(tunnel->stats().connections, 1);
  EXPECT_GT(tunnel->stats().sent_bytes, 500);
  EXPECT_GT(tunnel->stats().received_bytes, 500);
  EXPECT_EQ(tunnel->describe(),
            "through " + SshServer::user() + "@127.0.0.1:" + std::to_string(server().port()));
}

TEST_F(Tunnel, FurtherConnectionsToTheSamePortAreCarriedToo) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int one = tcp_connect(route->port);
  const int two = tcp_connect(route->port);
  ASSERT_TRUE(tcp_send(two, "two") && tcp_send(one, "one"));
  EXPECT_EQ(tcp_read(two, 3), "two");
  EXPECT_EQ(tcp_read(one, 3), "one");
  EXPECT_EQ(target.connections(), 2);
  // The listener goes with keep; what is carried goes on.
  const int port = route->port;
  route->keep.reset();
  EXPECT_TRUE(eventually([port] {
    const int fd = tcp_connect(port);
    if (fd >= 0) ::close(fd);
    return fd < 0;
  }));
  ASSERT_TRUE(tcp_send(one, "more"));
  EXPECT_EQ(tcp_read(one, 4), "more");
  ::close(one);
  ::close(two);
}

TEST_F(Tunnel, RouteThatNobodyTookIsClosedAtTheTarget) {
  std::atomic<int> open{0};
  TcpTarget target([&open](int fd) {
    ++open;
    tcp_read(fd, 1);
    --open;
  });
  auto tunnel = make({.max_connections = 1});
  for (int i = 1; i <= 3; ++i) {
    auto route = dial(tunnel.get(), target.port());
    ASSERT_TRUE(route.ok()) << told(route);
    ASSERT_TRUE(eventually([&] { return target.connections() == i && open == 1; }));
    route->keep.reset();
    // The target sees the end of it, and the tunnel has room for the next one.
    ASSERT_TRUE(eventually([&open] { return open == 0; }, 3'000)) << "round " << i;
  }
  EXPECT_EQ(tunnel->stats().sessions, 1);
}

TEST_F(Tunnel, ABoundForConnections) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make({.max_connections = 2});
  auto one = dial(tunnel.get(), target.port());
  auto two = dial(tunnel.get(), target.port());
  ASSERT_TRUE(one.ok() && two.ok());
  const auto three = dial(tunnel.get(), target.port());
  ASSERT_FALSE(three.ok());
  EXPECT_EQ(three.error().code(), ErrorCode::kSshForward);
  EXPECT_NE(three.error().message().find("2 connections"), std::string::npos) << told(three);
  // A further connection beyond it is cut.
  const int first = tcp_connect(one->port);
  const int further = tcp_connect(one->port);
  EXPECT_EQ(tcp_read(further, 1), "");
  ASSERT_TRUE(tcp_send(first, "x"));
  EXPECT_EQ(tcp_read(first, 1), "x");
  ::close(first);
  ::close(further);
}

TEST_F(Tunnel, WrongKeyIsRefusedWithTheLineToAdd) {
  auto other = make_ssh_key();
  SshOptions options = standard();
  options.private_key = *other;
  options.authorize = "restrict,port-forwarding ssh-ed25519 AAAA vesto";
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshAuth) << told(route);
  EXPECT_NE(route.error().hint().find(options.authorize), std::string::npos);
  EXPECT_NE(route.error().upstream().text.find("Access denied"), std::string::npos)
      << route.error().upstream().text;
  EXPECT_EQ(tunnel.stats().sessions, 0);
}

TEST_F(Tunnel, NoKeyInAuthorizedKeysAndThenOne) {
  server().authorize("");
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  const auto refused = dial(tunnel.get(), target.port());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kSshAuth);
  authorize(target.port());
  const auto route = dial(tunnel.get(), target.port());
  EXPECT_TRUE(route.ok()) << told(route);
}

TEST_F(Tunnel, UnapprovedHostKeyEndsBeforeTheLogin) {
  SshOptions options = standard();
  options.host_key = "";
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshHostKeyNew);
  EXPECT_NE(route.error().message().find(server().fingerprint() + " (ssh-ed25519)"),
            std::string::npos)
      << told(route);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const std::string log = server().log();
  EXPECT_NE(log.find("SSH2_MSG_KEXINIT received"), std::string::npos) << log;
  EXPECT_EQ(log.find("userauth-request"), std::string::npos) << log;
  EXPECT_EQ(log.find("Failed publickey"), std::string::npos) << log;
}

TEST_F(Tunnel, ChangedHostKeyIsRefused) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  {
    const auto route = dial(tunnel.get(), target.port());
    ASSERT_TRUE(route.ok()) << told(route);
  }
  const std::string pinned = server().fingerprint();
  server().new_host_keys();
  ASSERT_NE(server().fingerprint(), pinned);
  // The old session may still be noticed as lost.
  const auto route = dial_until(tunnel.get(), target.port(), ErrorCode::kSshHostKeyChanged);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshHostKeyChanged) << told(route);
  EXPECT_NE(route.error().message().find(server().fingerprint()), std::string::npos);
  EXPECT_NE(route.error().message().find(pinned), std::string::npos);
}

TEST_F(Tunnel, ThePinDecidesWhichHostKeyIsAskedFor) {
  SshServer many({}, {"rsa", "ecdsa", "ed25519"});
  many.authorize(line_for(0));
  TcpTarget target(&TcpTarget::echo);
  for (const char* type : {"rsa", "ecdsa", "ed25519"}) {
    SshOptions options = standard();
    options.port = many.port();
    options.host_key = many.fingerprint(type);
    many.authorize(line_for(target.port()));
    SshTunnel tunnel(options);
    const auto route = dial(&tunnel, target.port());
    ASSERT_TRUE(route.ok()) << type << ": " << told(route);
    EXPECT_TRUE(tunnel.seen_host_key().starts_with(options.host_key)) << tunnel.seen_host_key();
  }
  SshOptions options = standard();
  options.port = many.port();
  options.host_key = server().fingerprint();  // of another server
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, target.port());
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshHostKeyChanged);
  EXPECT_NE(route.error().message().find(many.fingerprint("ed25519") + " (ssh-ed25519)"),
            std::string::npos)
      << told(route);
}

TEST_F(Tunnel, ForwardingForbidden) {
  SshServer closed({"AllowTcpForwarding no"});
  closed.authorize(line_for(0));
  SshOptions options = standard();
  options.port = closed.port();
  options.host_key = closed.fingerprint();
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 5439);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshForward);
  EXPECT_NE(route.error().message().find("forbids"), std::string::npos) << told(route);
  EXPECT_EQ(route.error().upstream().code, "administratively prohibited");
  EXPECT_EQ(route.error().upstream().text, "open failed");
}

TEST_F(Tunnel, PermitopenElsewhereAndTargetThatRefuses) {
  TcpTarget target(&TcpTarget::echo);
  const int nobody = unused_port();
  auto tunnel = make();
  authorize(nobody);
  const auto elsewhere = dial(tunnel.get(), target.port());
  ASSERT_FALSE(elsewhere.ok());
  EXPECT_EQ(elsewhere.error().code(), ErrorCode::kSshForward);
  EXPECT_EQ(elsewhere.error().upstream().code, "administratively prohibited");
  const auto refused = dial(tunnel.get(), nobody);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kSshForward);
  EXPECT_NE(refused.error().message().find("cannot connect"), std::string::npos) << told(refused);
  EXPECT_NE(refused.error().upstream().text.find("Connection refused"), std::string::npos)
      << refused.error().upstream().text;
  EXPECT_EQ(target.connections(), 0);
  EXPECT_EQ(tunnel->stats().sessions, 1);
}

// libssh keeps the words of the last refusal alone: with many at once one may be left without a
// reason, but none may be given another's.
TEST_F(Tunnel, ManyRefusalsAtOnceNeverHaveAnothersReason) {
  const int nobody = unused_port();
  authorize(nobody);
  auto tunnel = make();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  std::atomic<int> wrong{0};
  for (int i = 0; i < 24; ++i) {
    threads.emplace_back([&, i] {
      const auto route = dial(tunnel.get(), i % 2 == 0 ? nobody : nobody - 1);
      if (route.ok() || route.error().code() != ErrorCode::kSshForward) {
        ++wrong;
        return;
      }
      const std::string& reason = route.error().upstream().code;
      if (reason == (i % 2 == 0 ? "connect failed" : "administratively prohibited")) {
        ++right;
      } else if (!reason.empty()) {
        ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(right, 0);
}

TEST_F(Tunnel, PortsThatAreNoSshServer) {
  struct Case {
    TcpTarget::Handler handler;
    const char* words;
  };
  const std::vector<Case> cases = {
      {[](int fd) {
         tcp_read(fd, 8);
         tcp_send(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
       },
       "no SSH server"},
      {[](int) {}, "no SSH server"},                              // closes at once
      {[](int fd) { tcp_read(fd, 1'000'000); }, "says nothing"},  // silent
      {[](int fd) {
         const std::string flood(65'536, 'A');
         while (tcp_send(fd, flood)) {
         }
       },
       "no SSH server"},
      {[](int fd) {
         tcp_send(fd, "SSH-1.5-old\r\n");
         tcp_read(fd, 1'000'000);
       },
       "agreement"},
      {[](int fd) {
         tcp_send(fd, "SSH-2.0-liar\r\n" + std::string(100'000, '\xff'));
         tcp_read(fd, 1'000'000);
       },
       "agreement"},
  };
  for (const Case& tested : cases) {
    TcpTarget liar(tested.handler);
    SshOptions options = standard();
    options.port = liar.port();
    options.connect_timeout_ms = 1'500;
    SshTunnel tunnel(options);
    const auto route = dial(&tunnel, 1);
    ASSERT_FALSE(route.ok());
    EXPECT_EQ(route.error().code(), ErrorCode::kSshConnect) << told(route);
    EXPECT_NE(route.error().message().find(tested.words), std::string::npos)
        << tested.words << " / " << told(route);
  }
}

TEST_F(Tunnel, NobodyThereAndUnknownNames) {
  SshOptions options = standard();
  options.port = unused_port();
  SshTunnel refused(options);
  const auto route = dial(&refused, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshConnect);
  EXPECT_NE(route.error().message().find("refuses"), std::string::npos) << told(route);
  options.host = "bastion.invalid";
  SshTunnel unknown(options);
  const auto nameless = dial(&unknown, 1);
  ASSERT_FALSE(nameless.ok());
  EXPECT_EQ(nameless.error().code(), ErrorCode::kNetDns) << told(nameless);
}

TEST_F(Tunnel, BadTargetsAndKeysAreToldBeforeAnythingIsDialled) {
  auto tunnel = make();
  for (const int port : {0, -1, 65'536}) {
    EXPECT_EQ(dial(tunnel.get(), port).error().code(), ErrorCode::kSshForward);
  }
  EXPECT_FALSE(tunnel->dial("", 1, 1'000, {}).ok());
  EXPECT_FALSE(tunnel->dial(std::string("a\0b", 3), 1, 1'000, {}).ok());
  SshOptions options = standard();
  options.private_key = Secret(std::string("no key at all"));
  SshTunnel keyless(options);
  const auto route = dial(&keyless, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshKey);
  EXPECT_EQ(server().log().find("Connection from"), server().log().rfind("Connection from"));
}

TEST_F(Tunnel, EncryptedOperatorKeysOpenIt) {
  TcpTarget target(&TcpTarget::echo);
  const std::vector<std::vector<std::string>> kinds = {
      {"-t", "ed25519"}, {"-t", "rsa", "-b", "2048", "-m", "PEM"}, {"-t", "ecdsa", "-b", "384"}};
  for (std::vector<std::string> kind : kinds) {
    kind.insert(kind.end(), {"-N", "a passphrase of theirs"});
    SshOptions options = standard();
    options.private_key = Secret(SshServer::keygen(kind));
    options.passphrase = Secret(std::string("a passphrase of theirs"));
    const auto half = ssh_public_key(options.private_key, options.passphrase);
    ASSERT_TRUE(half.ok()) << half.error().to_string();
    server().authorize(
        authorized_keys_line(*half, {{"127.0.0.1", target.port()}}, {"127.0.0.1"}, "theirs"));
    SshTunnel tunnel(options);
    const auto route = dial(&tunnel, target.port());
    ASSERT_TRUE(route.ok()) << kind.at(1) << ": " << told(route);
  }
}

TEST_F(Tunnel, AStopEndsADial) {
  TcpTarget silent([](int fd) { tcp_read(fd, 1'000'000); });
  SshOptions options = standard();
  options.port = silent.port();
  SshTunnel tunnel(options);
  std::stop_source stop;
  std::thread later([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto route = tunnel.dial("127.0.0.1", 1, 20'000, stop.get_token());
  const auto took = std::chrono::steady_clock::now() - start;
  later.join();
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kRunInterrupted);
  EXPECT_LT(took, std::chrono::seconds(3));
  EXPECT_EQ(tunnel.dial("127.0.0.1", 1, 20'000, stop.get_token()).error().code(),
            ErrorCode::kRunInterrupted);
}

}  // namespace
}  // namespace vesto
