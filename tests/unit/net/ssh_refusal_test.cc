// What a tunnel says of a bastion that is slow, cuts in between, refuses or cannot.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "net/ssh_connection.h"
#include "tests/unit/net/ssh_world.h"

namespace vesto {
namespace {

using testing_support::tcp_connect;
using testing_support::tcp_read;
using testing_support::tcp_send;
using testing_support::unused_port;

class SshRefusal : public SshTest {};

// Bytes both ways until one side ends; at most 30 s of silence.
void relay(int client, int port) {
  const int server = tcp_connect(port);
  std::string block(65'536, '\0');
  pollfd both[2] = {{.fd = client, .events = POLLIN, .revents = 0},
                    {.fd = server, .events = POLLIN, .revents = 0}};
  while (server >= 0 && ::poll(both, 2, 30'000) > 0) {
    bool ended = false;
    for (int i = 0; i < 2; ++i) {
      if (both[i].revents == 0) continue;
      const ssize_t got = ::recv(both[i].fd, block.data(), block.size(), 0);
      ended =
          ended || got <= 0 || !tcp_send(both[1 - i].fd, block.substr(0, static_cast<size_t>(got)));
    }
    if (ended) break;
  }
  ::close(server);
}

// A listener of the test's own; its port in `*port`.
int listen_on(int* port, int backlog) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* general = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(fd, general, size), 0);
  EXPECT_EQ(::listen(fd, backlog), 0);
  ::getsockname(fd, general, &size);
  *port = ntohs(address.sin_port);
  return fd;
}

// A connection that sshd has taken and that says nothing; -1 if it takes none within 10 s.
int a_login_under_way(int port) {
  for (int tries = 0; tries < 200; ++tries) {
    const int fd = tcp_connect(port);
    if (tcp_read(fd, 4) == "SSH-") return fd;
    ::close(fd);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return -1;
}

// What a dial of 700 ms to this port says, while the tunnel itself would wait for 20 s.
Error short_dial(SshOptions options, int port) {
  options.port = port;
  SshTunnel tunnel(options);
  const auto start = std::chrono::steady_clock::now();
  const auto route = tunnel.dial("127.0.0.1", 1, 700, {});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  EXPECT_FALSE(route.ok());
  const Error error = route.ok() ? Error(ErrorCode::kInternal, "a route") : route.error();
  EXPECT_NE(error.message().find("127.0.0.1:" + std::to_string(port)), std::string::npos)
      << error.to_string();
  EXPECT_NE(error.message().find("0.7 s"), std::string::npos) << error.to_string();
  return error;
}

TEST_F(SshRefusal, ADialThatTookTooLongTellsTheServerAndTheStage) {
  // Its queue is full: who comes is not answered.
  int port = 0;
  const int full = listen_on(&port, 0);
  const int filler = tcp_connect(port);
  const Error tcp = short_dial(standard(), port);
  EXPECT_EQ(tcp.code(), ErrorCode::kSshConnect);
  EXPECT_NE(tcp.message().find("does not answer (TCP)"), std::string::npos) << tcp.to_string();
  ::close(filler);
  ::close(full);

  TcpTarget silent([](int fd) { tcp_read(fd, 1'000'000); });
  const Error mute = short_dial(standard(), silent.port());
  EXPECT_EQ(mute.code(), ErrorCode::kSshConnect);
  EXPECT_NE(mute.message().find("says nothing"), std::string::npos) << mute.to_string();

  TcpTarget greeting([](int fd) {
    tcp_send(fd, "SSH-2.0-slow\r\n");
    tcp_read(fd, 1'000'000);
  });
  const Error keys = short_dial(standard(), greeting.port());
  EXPECT_EQ(keys.code(), ErrorCode::kSshConnect);
  EXPECT_NE(keys.message().find("key exchange"), std::string::npos) << keys.to_string();
}

TEST_F(SshRefusal, ALoginThatTakesTooLongIsToldAsOne) {
  // sshd asks this command for the user's keys, and waits for it.
  use_server({"AuthorizedKeysCommand /usr/bin/sleep 20",
              "AuthorizedKeysCommandUser " + SshServer::user()});
  server().authorize("");
  const Error login = short_dial(standard(), server().port());
  EXPECT_EQ(login.code(), ErrorCode::kSshConnect);
  EXPECT_NE(login.message().find("the login"), std::string::npos) << login.to_string();
}

TEST_F(SshRefusal, AForwardingThatIsNotAnsweredNamesBothEnds) {
  int port = 0;
  const int full = listen_on(&port, 0);
  const int filler = tcp_connect(port);
  auto tunnel = make();
  const auto late = dial(tunnel.get(), port, 1'500);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), ErrorCode::kSshForward);
  EXPECT_NE(late.error().message().find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  EXPECT_NE(late.error().message().find("127.0.0.1:" + std::to_string(server().port())),
            std::string::npos)
      << told(late);
  EXPECT_NE(late.error().hint().find("security group"), std::string::npos) << late.error().hint();
  ::close(filler);
  ::close(full);
}

// The first connection shows a key that is not the pinned one; the next ones, which would ask for
// the other types, do not get so far.
TEST_F(SshRefusal, ACutWhileHostKeysAreComparedIsNoChangedKey) {
  SshOptions options = standard();
  SshServer other({}, {"ed25519"});
  options.host_key = other.fingerprint();
  std::atomic<int> seen{0};
  TcpTarget cutting([&](int fd) {
    if (++seen == 1) relay(fd, server().port());
  });
  options.port = cutting.port();
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshConnect) << told(route);
  EXPECT_NE(route.error().message().find(server().fingerprint()), std::string::npos);
  EXPECT_NE(route.error().message().find("all its host keys"), std::string::npos) << told(route);
  EXPECT_EQ(route.error().retry(), Retry::kBackoff);
  EXPECT_EQ(seen, 9) << "one, and each of the four other types twice";

  // With nothing cut it is one.
  options.port = server().port();
  SshTunnel straight(options);
  const auto changed = dial(&straight, 1);
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().code(), ErrorCode::kSshHostKeyChanged) << told(changed);
}

TEST_F(SshRefusal, ACutOfOneTypeDoesNotHideThePinnedKeyOfAnother) {
  SshServer many({}, {"rsa", "ed25519"});
  many.authorize(line_for(0));
  TcpTarget target(&TcpTarget::echo);
  SshOptions options = standard();
  options.host_key = many.fingerprint("rsa");
  std::atomic<int> seen{0};
  TcpTarget cutting([&](int fd) {
    const int number = ++seen;  // 1: ed25519; 2 and 3: ecdsa, cut; the last: rsa
    if (number != 2 && number != 3) relay(fd, many.port());
  });
  options.port = cutting.port();
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  EXPECT_TRUE(tunnel.seen_host_key().starts_with(options.host_key)) << tunnel.seen_host_key();
}

TEST_F(SshRefusal, ARefusalWhileHostKeysAreComparedIsNoChangedKey) {
  SshOptions options = standard();
  SshServer other({}, {"ed25519"});
  options.host_key = other.fingerprint();
  const int listener = listen_on(&options.port, 4);
  std::thread once([&, listener] {
    const int fd = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    relay(fd, server().port());
    ::close(fd);
  });
  {
    SshTunnel tunnel(options);
    const auto route = dial(&tunnel, 1);
    ASSERT_FALSE(route.ok());
    EXPECT_EQ(route.error().code(), ErrorCode::kSshConnect) << told(route);
  }
  once.join();
}

// The same with sshd's own limit: beyond three logins under way it hangs up.
TEST_F(SshRefusal, MaxStartupsIsNoChangedKeyAndIsToldByItsName) {
  SshServer narrow({"MaxStartups 3:100:3", "LoginGraceTime 30"}, {"ed25519"});
  SshOptions options = standard();
  std::vector<int> held;  // of the thread of the second connection, and then of this one
  std::atomic<int> seen{0};
  TcpTarget between([&](int fd) {
    if (++seen == 2) {
      for (int i = 0; i < 3; ++i) held.push_back(a_login_under_way(narrow.port()));
    }
    relay(fd, narrow.port());
  });
  options.port = between.port();  // the pin is of the other server
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshConnect) << told(route);
  ASSERT_GE(seen, 2);
  // The very first connection meets the limit.
  options.port = narrow.port();
  SshTunnel again(options);
  const auto full = dial(&again, 1);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code(), ErrorCode::kSshConnect) << told(full);
  EXPECT_NE(full.error().message().find("MaxStartups"), std::string::npos) << told(full);
  for (const int fd : held) ::close(fd);
}

struct Told {
  std::string reason;
  std::string hint;
};

Told refusal_of(SshTunnel* tunnel, const std::string& host, int port) {
  const auto route = tunnel->dial(host, port, 20'000, {});
  EXPECT_FALSE(route.ok());
  if (route.ok()) return {};
  EXPECT_EQ(route.error().code(), ErrorCode::kSshForward) << route.error().to_string();
  return {route.error().upstream().code, route.error().hint()};
}

TEST_F(SshRefusal, EachRefusalOfAForwardingHasItsOwnHint) {
  server().authorize(line_for(0));  // every target
  auto tunnel = make();
  const int nobody = unused_port();
  const Told refused = refusal_of(tunnel.get(), "127.0.0.1", nobody);
  EXPECT_EQ(refused.reason, "connect failed");
  EXPECT_NE(refused.hint.find("nobody listens on 127.0.0.1:" + std::to_string(nobody)),
            std::string::npos)
      << refused.hint;
  const Told unknown = refusal_of(tunnel.get(), "warehouse.invalid", 5439);
  EXPECT_EQ(unknown.reason, "connect failed");
  EXPECT_NE(unknown.hint.find("does not know the name in warehouse.invalid:5439"),
            std::string::npos)
      << unknown.hint;
  authorize(nobody);  // of another target: forbidden, on a session of its own
  auto bound = make();
  const Told forbidden = refusal_of(bound.get(), "127.0.0.1", 5439);
  EXPECT_EQ(forbidden.reason, "administratively prohibited");
  EXPECT_NE(forbidden.hint.find("permitopen=\"127.0.0.1:5439\""), std::string::npos)
      << forbidden.hint;
  EXPECT_NE(forbidden.hint.find("AllowTcpForwarding"), std::string::npos) << forbidden.hint;
}

// What this machine's network cannot bring about, in the words of sshd 9.2 (glibc's strerror and
// gai_strerror).
TEST(SshRefusalHint, ForEachReason) {
  struct Case {
    const char* code;
    const char* words;
    const char* hint;
  };
  const std::vector<Case> cases = {
      {"1", "open failed", "permitopen=\"wh:5439\""},
      {"2", "Connection timed out", "security group"},
      {"2", "Connection refused", "nobody listens"},
      {"2", "No route to host", "route tables"},
      {"2", "Network is unreachable", "route tables"},
      {"2", "Name or service not known", "does not know the name"},
      {"2", "Temporary failure in name resolution", "does not know the name"},
      {"2", "open failed", "Try from the SSH server itself"},
      {"3", "unknown channel type", "cannot forward TCP"},
      {"4", "open failed", "has no room"},
  };
  for (const Case& tested : cases) {
    const std::string hint = ssh_refusal_hint(tested.code, tested.words, "wh:5439");
    EXPECT_NE(hint.find(tested.hint), std::string::npos) << tested.words << " / " << hint;
  }
  EXPECT_EQ(ssh_refusal_hint("", "whatever", "wh:5439"), "");
  EXPECT_EQ(ssh_refusal_hint("77", "whatever", "wh:5439"), "");
}

TEST_F(SshRefusal, ARefusedKeyNamesTheAddressThatFromHasToTake) {
  auto other = make_ssh_key();
  SshOptions options = standard();
  options.private_key = *other;
  options.authorize = "restrict ssh-ed25519 AAAA vesto";
  {
    SshTunnel tunnel(options);
    const auto route = dial(&tunnel, 1);
    ASSERT_FALSE(route.ok());
    EXPECT_EQ(route.error().code(), ErrorCode::kSshAuth);
    EXPECT_NE(route.error().hint().find("from="), std::string::npos) << route.error().hint();
    EXPECT_NE(route.error().hint().find("127.0.0.1"), std::string::npos) << route.error().hint();
  }
  options.public_egress = {"203.0.113.7/32", "2001:db8::/48"};
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_NE(route.error().hint().find("203.0.113.7/32, 2001:db8::/48"), std::string::npos)
      << route.error().hint();
  EXPECT_TRUE(route.error().hint().ends_with(options.authorize)) << route.error().hint();
}

TEST_F(SshRefusal, AServerThatWantsMoreThanAKeyIsToldSo) {
  use_server({"AuthenticationMethods publickey,publickey"});
  SshOptions options = standard();
  options.authorize = "restrict ssh-ed25519 AAAA vesto";
  SshTunnel tunnel(options);
  const auto route = dial(&tunnel, 1);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().code(), ErrorCode::kSshAuth);
  EXPECT_NE(route.error().hint().find("AuthenticationMethods"), std::string::npos)
      << route.error().hint();
}

}  // namespace
}  // namespace vesto
