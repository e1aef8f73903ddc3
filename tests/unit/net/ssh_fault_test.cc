// What a tunnel says of a bastion that is slow, cuts, refuses or cannot, and of its own faults.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <new>
#include <thread>

#include "net/ssh_connection.h"
#include "tests/unit/net/ssh_world.h"

namespace {

// Memory runs out in every thread but those that say otherwise, once.
std::atomic<bool> no_memory{false};
thread_local bool has_memory = false;

void* allocate(std::size_t size) {
  if (!has_memory && no_memory.exchange(false)) throw std::bad_alloc();
  void* got = std::malloc(size == 0 ? 1 : size);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* given) noexcept { std::free(given); }
void operator delete[](void* given) noexcept { std::free(given); }
void operator delete(void* given, std::size_t /*size*/) noexcept { std::free(given); }
void operator delete[](void* given, std::size_t /*size*/) noexcept { std::free(given); }

namespace vesto {
namespace {

using testing_support::tcp_connect;
using testing_support::tcp_read;
using testing_support::tcp_send;
using testing_support::unused_port;

// All numbers below it belong to nobody who gives them back.
constexpr int kTaken = 64;

void take_low_numbers() {
  static const bool done = [] {
    int last = 0;
    while (last >= 0 && last < kTaken) last = ::dup(2);
    ::close(last);
    return last >= kTaken;
  }();
  ASSERT_TRUE(done);
}

class SshFault : public SshTest {
 protected:
  void SetUp() override {
    has_memory = true;
    take_low_numbers();
    SshTest::SetUp();
  }
};

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

TEST_F(SshFault, ADialThatTookTooLongTellsTheServerAndTheStage) {
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

TEST_F(SshFault, ALoginThatTakesTooLongIsToldAsOne) {
  // sshd asks this command for the user's keys, and waits for it.
  use_server({"AuthorizedKeysCommand /usr/bin/sleep 20",
              "AuthorizedKeysCommandUser " + SshServer::user()});
  server().authorize("");
  const Error login = short_dial(standard(), server().port());
  EXPECT_EQ(login.code(), ErrorCode::kSshConnect);
  EXPECT_NE(login.message().find("the login"), std::string::npos) << login.to_string();
}

TEST_F(SshFault, AForwardingThatIsNotAnsweredNamesBothEnds) {
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
TEST_F(SshFault, ACutWhileHostKeysAreComparedIsNoChangedKey) {
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

TEST_F(SshFault, ACutOfOneTypeDoesNotHideThePinnedKeyOfAnother) {
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

TEST_F(SshFault, ARefusalWhileHostKeysAreComparedIsNoChangedKey) {
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
TEST_F(SshFault, MaxStartupsIsNoChangedKeyAndIsToldByItsName) {
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

struct Refusal {
  std::string reason;
  std::string hint;
};

Refusal refusal_of(SshTunnel* tunnel, const std::string& host, int port) {
  const auto route = tunnel->dial(host, port, 20'000, {});
  EXPECT_FALSE(route.ok());
  if (route.ok()) return {};
  EXPECT_EQ(route.error().code(), ErrorCode::kSshForward) << route.error().to_string();
  return {route.error().upstream().code, route.error().hint()};
}

TEST_F(SshFault, EachRefusalOfAForwardingHasItsOwnHint) {
  server().authorize(line_for(0));  // every target
  auto tunnel = make();
  const int nobody = unused_port();
  const Refusal refused = refusal_of(tunnel.get(), "127.0.0.1", nobody);
  EXPECT_EQ(refused.reason, "connect failed");
  EXPECT_NE(refused.hint.find("nobody listens on 127.0.0.1:" + std::to_string(nobody)),
            std::string::npos)
      << refused.hint;
  const Refusal unknown = refusal_of(tunnel.get(), "warehouse.invalid", 5439);
  EXPECT_EQ(unknown.reason, "connect failed");
  EXPECT_NE(unknown.hint.find("does not know the name in warehouse.invalid:5439"),
            std::string::npos)
      << unknown.hint;
  authorize(nobody);  // of another target: forbidden, on a session of its own
  auto bound = make();
  const Refusal forbidden = refusal_of(bound.get(), "127.0.0.1", 5439);
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

TEST_F(SshFault, ARefusedKeyNamesTheAddressThatFromHasToTake) {
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

TEST_F(SshFault, AServerThatWantsMoreThanAKeyIsToldSo) {
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

TEST_F(SshFault, AFaultOfTheThreadIsToldAndTheNextDialStartsAnew) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  const auto before = dial(tunnel.get(), target.port());
  ASSERT_TRUE(before.ok()) << told(before);
  no_memory = true;
  ASSERT_TRUE(eventually([] { return !no_memory; })) << "the thread asked for no memory";
  ASSERT_TRUE(eventually([&] { return before->failure().has_value(); }));
  EXPECT_EQ(before->failure()->code(), ErrorCode::kSysMemory);
  const auto after = dial(tunnel.get(), target.port());
  ASSERT_TRUE(after.ok()) << told(after);
  const int fd = tcp_connect(after->port);
  ASSERT_TRUE(tcp_send(fd, "anew"));
  EXPECT_EQ(tcp_read(fd, 4), "anew");
  ::close(fd);
  EXPECT_EQ(tunnel->stats().sessions, 2);
}

TEST_F(SshFault, ADialUnderWayIsToldTheFaultOfTheThread) {
  TcpTarget silent([](int fd) { tcp_read(fd, 1'000'000); });
  SshOptions options = standard();
  options.port = silent.port();
  SshTunnel tunnel(options);
  std::optional<Result<Route>> waiting;
  std::thread dialler([&] {
    has_memory = true;
    waiting = dial(&tunnel, 1);
  });
  EXPECT_TRUE(eventually([&] { return silent.connections() == 1; }));
  no_memory = true;
  dialler.join();
  ASSERT_FALSE(waiting->ok());
  EXPECT_EQ(waiting->error().code(), ErrorCode::kSysMemory) << told(*waiting);
  EXPECT_FALSE(no_memory);
}

// No number for a file can be had, whichever is given back, until it goes.
class NoOpenFile {
 public:
  NoOpenFile() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit now = before_;
    now.rlim_cur = kTaken;
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  ~NoOpenFile() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoOpenFile(const NoOpenFile&) = delete;
  NoOpenFile& operator=(const NoOpenFile&) = delete;

 private:
  rlimit before_ = {};
};

int64_t cpu_ms() {
  timespec used = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * 1'000 + used.tv_nsec / 1'000'000;
}

// A socket that is connected later, when there is no number for another one.
bool connect_it(int fd, int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

TEST_F(SshFault, NoOpenFileForAMomentIsWaitedForWithoutSpinning) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(route.ok()) << told(route);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    const NoOpenFile none;
    ASSERT_TRUE(connect_it(fd, route->port));
    const int64_t before_ms = cpu_ms();
    std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
    EXPECT_LT(cpu_ms() - before_ms, 300);
    EXPECT_FALSE(route->failure().has_value());
  }
  ASSERT_TRUE(tcp_send(fd, "late"));
  EXPECT_EQ(tcp_read(fd, 4), "late");
  ::close(fd);
}

TEST_F(SshFault, NoOpenFileForLongEndsTheConnectionWithTheReason) {
  TcpTarget target(&TcpTarget::echo);
  auto tunnel = make();
  const auto idle = dial(tunnel.get(), target.port());
  const auto route = dial(tunnel.get(), target.port());
  ASSERT_TRUE(idle.ok() && route.ok());
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  {
    const NoOpenFile none;
    ASSERT_TRUE(connect_it(fd, route->port));
    const auto start = std::chrono::steady_clock::now();
    bool failed = false;
    EXPECT_EQ(tcp_read(fd, 1, &failed), "");
    EXPECT_TRUE(failed);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(6));
    ASSERT_TRUE(route->failure().has_value());
    EXPECT_EQ(route->failure()->code(), ErrorCode::kSysMemory);
    EXPECT_NE(route->failure()->hint().find("open files"), std::string::npos);
    // Nobody came to the other one: it has not failed.
    EXPECT_FALSE(idle->failure().has_value());
    // A dial that needs a port of its own says the same.
    const auto third = dial(tunnel.get(), target.port());
    ASSERT_FALSE(third.ok());
    EXPECT_EQ(third.error().code(), ErrorCode::kSysMemory) << told(third);
  }
  ::close(fd);
  const auto again = dial(tunnel.get(), target.port());
  EXPECT_TRUE(again.ok()) << told(again);
}

}  // namespace
}  // namespace vesto
