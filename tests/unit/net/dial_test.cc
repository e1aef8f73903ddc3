// Names with several addresses, and the names themselves.
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "net/dial_error.h"
#include "net/probe.h"
#include "net/resolve.h"
#include "net/socket.h"
#include "tests/support/full_queue.h"
#include "tests/support/raw_server.h"
#include "tests/unit/net/probe_world.h"

namespace vesto {
namespace {

using probe_world::code;
using probe_world::to;
using testing_support::FullQueue;
using testing_support::RawServer;

Resolver gives(std::vector<std::string> addresses) {
  return [addresses](const std::string&, const WaitLimit&) { return addresses; };
}

TEST(SeveralAddresses, ADeadFirstOneHidesNoLivingOneBehindIt) {
  RawServer server([](RawServer::Connection& c) { c.write("N"); });
  const FullQueue dead("127.0.0.2", server.port());
  const FullQueue also_dead("127.0.0.3", server.port());
  ProbeOptions options = to(server.port(), "wh.example");
  options.hostaddr = "";
  options.resolver = gives({"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "RS-TLS-OFF");  // which the living one says
  EXPECT_EQ(report.address, "127.0.0.1");
  EXPECT_EQ(report.addresses.size(), 3U);
  EXPECT_GE(report.tcp_ms, 2 * 250);
  EXPECT_LT(report.tcp_ms, 3'000);
  EXPECT_EQ(server.connections(), 1);
}

TEST(SeveralAddresses, ARefusalIsNotWaitedFor) {
  RawServer server([](RawServer::Connection& c) { c.write("N"); });
  ProbeOptions options = to(server.port(), "wh.example");
  options.hostaddr = "";
  options.resolver = gives({"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  const ProbeReport report = probe(options);
  EXPECT_EQ(report.address, "127.0.0.1");
  EXPECT_LT(report.tcp_ms, 240);
}

// Also while one before it still waits: a refusal lets the next begin before its turn.
TEST(SeveralAddresses, ARefusalIsNotWaitedForBehindADeadOneEither) {
  RawServer server([](RawServer::Connection& c) { c.write("N"); });
  const FullQueue dead("127.0.0.2", server.port());
  ProbeOptions options = to(server.port(), "wh.example");
  options.hostaddr = "";
  options.resolver = gives({"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  const ProbeReport report = probe(options);
  EXPECT_EQ(report.address, "127.0.0.1");
  EXPECT_GE(report.tcp_ms, 250);
  EXPECT_LT(report.tcp_ms, 490);
}

TEST(SeveralAddresses, AllOfThemDeadIsATimeoutWithinTheLimit) {
  const FullQueue dead("127.0.0.2");
  const FullQueue also_dead("127.0.0.3", dead.port());
  ProbeOptions options = to(dead.port(), "wh.example");
  options.hostaddr = "";
  options.resolver = gives({"127.0.0.2", "127.0.0.3"});
  options.timeout_ms = 700;
  const int64_t from_ms = system_clock().monotonic_ms();
  ProbeReport report = probe(options);
  const int64_t took_ms = system_clock().monotonic_ms() - from_ms;
  ASSERT_EQ(code(report), "NET-TIMEOUT");
  EXPECT_NE(report.error->message().find("(127.0.0.2, one of 2 addresses)"), std::string::npos)
      << report.error->message();
  EXPECT_GE(took_ms, 700);
  EXPECT_LT(took_ms, 2'000);
  // One that refuses tells more than two that are silent.
  options.resolver = gives({"127.0.0.2", "127.0.0.9", "127.0.0.3"});
  report = probe(options);
  ASSERT_EQ(code(report), "NET-REFUSED");
  EXPECT_EQ(report.address, "127.0.0.9");
}

TEST(SeveralAddresses, AStopEndsTheRace) {
  const FullQueue dead("127.0.0.2");
  ProbeOptions options = to(dead.port(), "wh.example");
  options.hostaddr = "";
  options.resolver = gives({"127.0.0.2", "127.0.0.2"});
  options.timeout_ms = 60'000;
  std::stop_source stop;
  options.stop = stop.get_token();
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(code(probe(options)), "RUN-INTERRUPTED");
}

TEST(SeveralAddresses, NoMoreThanAreThere) {
  const WaitLimit limit{.deadline_ms = system_clock().monotonic_ms() + 1'000, .stop = {}};
  const auto none = dial_tcp({}, 1, limit);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().fault.kind, DialFault::Kind::kOther);
  const auto no_address = dial_tcp({"not an address"}, 1, limit);
  ASSERT_FALSE(no_address.ok());
  EXPECT_NE(no_address.error().fault.text.find("not an address"), std::string::npos);
}

TEST(Resolve, NumbersAreTheirOwnAddressAndNamesAreLookedUp) {
  const WaitLimit limit{.deadline_ms = system_clock().monotonic_ms() + 10'000, .stop = {}};
  for (const std::string address : {"127.0.0.7", "::1"}) {
    const auto found = resolve(address, limit);
    ASSERT_TRUE(found.ok()) << address;
    EXPECT_EQ(*found, std::vector<std::string>{address});
  }
  const auto named = resolve("localhost", limit);
  ASSERT_TRUE(named.ok());
  EXPECT_TRUE(named->front() == "127.0.0.1" || named->front() == "::1") << named->front();
  const auto unknown = resolve("no-such-host.invalid", limit);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code(), ErrorCode::kNetDns);
}

// All lanes of a run dial at once: none of them is refused a lookup that answers.
TEST(Resolve, ManyAtOnceAreAllAnswered) {
  std::atomic<int> answered{0};
  {
    std::vector<std::jthread> lanes;
    for (int i = 0; i < 64; ++i) {
      lanes.emplace_back([&] {
        const WaitLimit limit{.deadline_ms = system_clock().monotonic_ms() + 30'000, .stop = {}};
        if (resolve("localhost", limit).ok()) ++answered;
      });
    }
  }
  EXPECT_EQ(answered, 64);
}

TEST(Resolve, AStopComesFirst) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = resolve("localhost", {.deadline_ms = INT64_MAX, .stop = stop.get_token()});
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code(), ErrorCode::kRunInterrupted);
}

ErrorCode code_of(const DialFault& fault) {
  ProbeOptions options = to(5439, "wh.example");
  return dial_error(options, {"3.120.1.1"}, {.index = 0, .fault = fault, .our_address = ""}, 5'000)
      .code();
}

TEST(DialError, EachFaultHasItsCode) {
  EXPECT_EQ(code_of(dial_fault_of(ECONNREFUSED)), ErrorCode::kNetRefused);
  EXPECT_EQ(code_of(dial_fault_of(ETIMEDOUT)), ErrorCode::kNetTimeout);
  EXPECT_EQ(code_of(dial_fault_of(ECONNRESET)), ErrorCode::kNetReset);
  EXPECT_EQ(code_of(dial_fault_of(EPIPE)), ErrorCode::kNetReset);
  for (const int number :
       {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, EAFNOSUPPORT, ENETDOWN, EINVAL, EACCES}) {
    EXPECT_EQ(code_of(dial_fault_of(number)), ErrorCode::kNetUnreachable) << number;
  }
  EXPECT_EQ(code_of(dial_fault_of(EMFILE)), ErrorCode::kSysFiles);
  EXPECT_EQ(code_of(dial_fault_of(ENFILE)), ErrorCode::kSysFiles);
  EXPECT_EQ(code_of({.kind = DialFault::Kind::kStopped, .text = "stopped"}),
            ErrorCode::kRunInterrupted);
}

TEST(DialError, AWayThatTheSystemDoesNotKnow) {
  // A link-local address without its link: nothing is sent.
  ProbeOptions options = to(5439, "wh.example");
  options.hostaddr = "fe80::1";
  const ProbeReport report = probe(options);
  ASSERT_EQ(code(report), "NET-UNREACHABLE");
  EXPECT_EQ(report.tcp_ms, -1);
  EXPECT_NE(report.error->message().find("wh.example:5439 (fe80::1)"), std::string::npos);
  EXPECT_EQ(report.error->upstream().system, "os");
}

class NoDialer : public Dialer {
 public:
  Result<Route> dial(const std::string&, int, int64_t, const std::stop_token&) override {
    return Error(ErrorCode::kSshForward, "no");
  }
  [[nodiscard]] std::string describe() const override { return "through the test"; }
};

TEST(DialError, WhoeverHasToLetUsInIsNamed) {
  const LostRace silent{.index = 0,
                        .fault = {.kind = DialFault::Kind::kTimeout, .text = "no answer"},
                        .our_address = "10.9.9.9"};
  ProbeOptions options = to(5439, "wh.example");
  const auto hint = [&](const std::string& address) {
    return dial_error(options, {address}, silent, 5'000).hint();
  };
  EXPECT_NE(hint("10.0.0.7").find("10.0.0.7 is a private address"), std::string::npos);
  // Who is inside needs a rule for the address that is seen there; what is public comes last.
  const size_t rule = hint("10.0.0.7").find("TCP port 5439 from 10.9.9.9 (this");
  ASSERT_NE(rule, std::string::npos) << hint("10.0.0.7");
  EXPECT_LT(rule, hint("10.0.0.7").find("public access"));
  EXPECT_NE(hint("3.120.1.1").find("TCP port 5439 from 10.9.9.9 (this"), std::string::npos);
  options.public_egress = {"203.0.113.7/32", "203.0.113.8/32"};
  EXPECT_NE(hint("3.120.1.1").find("203.0.113.7/32, 203.0.113.8/32 (public"), std::string::npos);
  EXPECT_EQ(hint("10.0.0.7").find("203.0.113"), std::string::npos);
  options.server = ServerKind::kSource;
  EXPECT_EQ(hint("10.0.0.7").find("public access"), std::string::npos);
  NoDialer tunnel;
  options.dialer = &tunnel;
  EXPECT_NE(hint("3.120.1.1").find("the address of the SSH server"), std::string::npos);
  const Error error = dial_error(options, {"3.120.1.1"}, silent, 5'000);
  EXPECT_EQ(error.message(), "no answer from wh.example:5439 (3.120.1.1) within 5.0 s");
}

TEST(Probe, TcpAloneIsAskedWhereEncryptionIsNotVerified) {
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); });
  ProbeOptions options = to(server.port());
  options.tls = false;
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "none");
  EXPECT_GE(report.tcp_ms, 0);
  EXPECT_EQ(report.tls_ms, -1);
}

TEST(Probe, AStopWhileTheNameIsLookedUp) {
  ProbeOptions options = to(5439, "wh.example");
  options.hostaddr = "";
  std::stop_source stop;
  stop.request_stop();
  options.stop = stop.get_token();
  EXPECT_EQ(code(probe(options)), "RUN-INTERRUPTED");
}

TEST(Socket, PrivateAddresses) {
  for (const char* address : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.9",
                              "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1%eth0"}) {
    EXPECT_TRUE(is_private_address(address)) << address;
  }
  for (const char* address :
       {"3.120.1.1", "172.32.0.1", "100.128.0.1", "127.0.0.1", "2600::1", "::1", "", "localhost"}) {
    EXPECT_FALSE(is_private_address(address)) << address;
  }
}

}  // namespace
}  // namespace vesto
