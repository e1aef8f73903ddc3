// What becomes of a tunnel whose own thread has no memory or no file left.
#include <gtest/gtest.h>
#include <netinet/in.h>
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
    EXPECT_EQ(route->failure()->code(), ErrorCode::kSysFiles);
    EXPECT_NE(route->failure()->hint().find("open files"), std::string::npos);
    // Nobody came to the other one: it has not failed.
    EXPECT_FALSE(idle->failure().has_value());
    // A dial that needs a port of its own says the same.
    const auto third = dial(tunnel.get(), target.port());
    ASSERT_FALSE(third.ok());
    EXPECT_EQ(third.error().code(), ErrorCode::kSysFiles) << told(third);
  }
  ::close(fd);
  const auto again = dial(tunnel.get(), target.port());
  EXPECT_TRUE(again.ok()) << told(again);
}

}  // namespace
}  // namespace vesto
