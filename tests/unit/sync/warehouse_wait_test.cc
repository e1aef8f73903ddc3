// What a run waits for, how long, what it says of it, and what it never waits for.
#include "sync/warehouse_wait.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/error_causes.h"
#include "sync/run_context.h"
#include "tests/support/fake_redshift.h"

namespace vesto {
namespace {

using testing::FakeClock;
using testing::FakeWarehouse;

Error refused() {
  Error error(ErrorCode::kNetRefused, "warehouse:5439 refuses the connection");
  error.with_upstream({"os", "111", "Connection refused", ""}).in("destination.rs (vesto.toml:9)");
  return error;
}

Error answered(ErrorCode code, const std::string& state, const std::string& text) {
  Error error(code, text);
  error.with_upstream({"redshift", state, text, ""});
  return error;
}

WarehouseInfo cluster(const std::string& status, const std::string& availability = "") {
  return {.status = status, .availability = availability};
}

struct WarehouseWaitTest : ::testing::Test {
  WarehouseWaitTest() : warehouse(clock) {}

  // Fails with `failures` one after the other, then connects; each attempt takes 100 ms.
  RedshiftConnector dial() {
    return [this](int64_t timeout_ms) -> Result<std::unique_ptr<RedshiftSession>> {
      clock.now_ms += 100;
      ++dials;
      if (on_dial) on_dial();
      if (failures.empty()) return warehouse.connector()(timeout_ms);
      Error error = failures.front();
      if (failures.size() > 1 || !forever) failures.pop_front();
      return error;
    };
  }
  void start(int64_t wait_ms, bool may_ask = true) {
    WarehouseWaitOptions options{
        .care = {.wait_ms = wait_ms, .name = "shop", .region = "eu-west-1"},
        .clock = &clock,
        .stop = stop.get_token()};
    if (may_ask) {
      options.care.ask = [this](const std::stop_token&) -> Result<WarehouseInfo> {
        ++asked;
        if (on_ask) on_ask();
        if (!answer) return *denial;
        return *answer;
      };
    }
    options.tell = [this](const std::optional<WarehouseWaiting>& now) {
      told.push_back(now ? now->reason : "over");
      if (now) last = *now;
    };
    wait.emplace(std::move(options));
    connect = wait->connector(dial());
  }
  std::string code_of_connecting() {
    auto session = connect(60'000);
    return session.ok() ? "connected" : std::string(session.error().name());
  }

  [[nodiscard]] std::string last_told() const { return told.empty() ? "" : told.back(); }

  FakeClock clock;
  FakeWarehouse warehouse;
  std::stop_source stop;
  std::deque<Error> failures;
  bool forever = false;  // the last failure stays
  std::optional<WarehouseInfo> answer;
  std::optional<Error> denial = Error(ErrorCode::kRsCredDenied, "not authorized");
  std::function<void()> on_dial;
  std::function<void()> on_ask;
  int dials = 0;
  int asked = 0;
  std::vector<std::string> told;
  WarehouseWaiting last;
  std::optional<WarehouseWait> wait;
  RedshiftConnector connect;
};

TEST_F(WarehouseWaitTest, AClusterThatIsResumedIsWaitedFor) {
  failures = {refused(), refused(), refused()};
  answer = cluster("resuming");
  start(900'000);
  const int64_t from_ms = clock.now_ms;
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(dials, 4);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(clock.now_ms - from_ms, 3 * 5'000 + 4 * 100);
  EXPECT_EQ(told, (std::vector<std::string>{"the cluster is being resumed", "over"}));
  EXPECT_EQ(last.limit_ms, 900'000);
  EXPECT_EQ(last.since_ms, clock.start_wall_ms + from_ms + 100);
}

TEST_F(WarehouseWaitTest, AChangeOfReasonIsTold) {
  failures = {refused(), refused(), refused()};
  answer = cluster("Paused");
  start(900'000);
  on_dial = [this] {
    if (dials == 2) answer = cluster("resuming");
  };
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(told, (std::vector<std::string>{"the cluster is paused", "the cluster is being resumed",
                                            "over"}));
}

// Its hint names the rule for who is inside: a warehouse that is not public may be reached there.
TEST(NotPublic, APrivateAddressKeepsItsHint) {
  const auto silent = [](const char* cause) {
    return Error(ErrorCode::kNetTimeout, "no answer")
        .with_hint("a rule first")
        .because(cause_named(cause))
        .with_upstream({.system = "os", .code = "", .text = "", .request_id = ""});
  };
  const Error inside = not_public(silent("private-address"));
  EXPECT_EQ(inside.cause(), cause_named("not-publicly-accessible"));
  EXPECT_EQ(inside.hint(), "a rule first");
  EXPECT_EQ(not_public(silent("no-inbound-rule")).hint().find("a rule"), std::string::npos);
}

TEST_F(WarehouseWaitTest, TheBoundEndsAPause) {
  failures = {refused()};
  forever = true;
  answer = cluster("paused", "Unavailable");
  start(900'000);
  const int64_t from_ms = clock.now_ms;
  auto session = connect(60'000);
  ASSERT_FALSE(session.ok());
  const Error& error = session.error();
  EXPECT_EQ(error.name(), "RS-PAUSED");
  EXPECT_EQ(exit_code_of(error), 5);
  EXPECT_NE(error.message().find("the cluster is paused; it was waited for 15m 0s"),
            std::string::npos)
      << error.message();
  EXPECT_NE(error.hint().find("--cluster-identifier shop"), std::string::npos);
  EXPECT_EQ(error.upstream().text, "Connection refused");
  EXPECT_EQ(error.context(), refused().context());
  // 30 s at most between two attempts, and the last one when the time is up.
  EXPECT_GE(clock.now_ms - from_ms, 900'000);
  EXPECT_LT(clock.now_ms - from_ms, 901'000);
  EXPECT_GE(dials, 900 / 31);
  EXPECT_LE(dials, 50);
  EXPECT_EQ(last_told(), "over");
}

// Nobody answers: an attempt takes a minute, so AWS alone is asked until it says otherwise.
TEST_F(WarehouseWaitTest, ASilentWarehouseIsDialledAgainOnceAwsSaysThatItIsThere) {
  failures = {Error(ErrorCode::kNetTimeout, "no answer")};
  answer = cluster("paused");
  start(900'000);
  const int64_t from_ms = clock.now_ms;
  on_ask = [this, from_ms] {
    if (clock.now_ms - from_ms >= 300'000) answer = cluster("available", "Available");
  };
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(dials, 2);
  EXPECT_LT(clock.now_ms - from_ms, 331'000);
  failures = {Error(ErrorCode::kNetTimeout, "no answer")};
  on_ask = nullptr;
  answer = cluster("paused");
  EXPECT_EQ(code_of_connecting(), "RS-PAUSED");
  EXPECT_EQ(dials, 3);
  EXPECT_EQ(last_told(), "over");
}

TEST_F(WarehouseWaitTest, WithoutAWaitTheReasonIsSaidAtOnce) {
  failures = {refused()};
  answer = cluster("paused");
  start(0);
  const int64_t from_ms = clock.now_ms;
  EXPECT_EQ(code_of_connecting(), "RS-PAUSED");
  EXPECT_EQ(clock.now_ms - from_ms, 100);
  EXPECT_TRUE(told.empty());
  failures = {refused()};
  answer = cluster("rebooting");
  EXPECT_EQ(code_of_connecting(), "RS-WAKING");
}

TEST_F(WarehouseWaitTest, WhatAwsSaysDecides) {
  const std::vector<std::pair<WarehouseInfo, std::string>> cases = {
      {cluster("paused"), "the cluster is paused"},
      {cluster("resuming"), "the cluster is being resumed"},
      {cluster("resizing"), "the cluster is being resized"},
      {cluster("available, resize-cleanup"), "the cluster is being resized"},
      {cluster("rebooting"), "the cluster is restarted"},
      {cluster("modifying"), "the cluster is being changed"},
      {cluster("creating"), "the cluster is being made"},
      {cluster("available", "Maintenance"), "the cluster is under maintenance"},
      {cluster("available", "Unavailable"), "the cluster is not available at the moment"},
      {cluster("available", "Available"), ""},
      {cluster("available"), ""},
      {cluster("available", "Failed"), ""},
      {cluster("deleting"), ""},
      {cluster("storage-full", "Unavailable"), ""},
      {cluster("hardware-failure"), ""},
      {cluster("paused-ish"), ""},
      {cluster(""), ""},
      {{.status = "MODIFYING", .resource_arn = "arn:w"}, "the workgroup is being changed"},
      {{.status = "AVAILABLE", .resource_arn = "arn:w"}, ""},
      {{.status = "DELETING", .resource_arn = "arn:w"}, ""},
  };
  for (const auto& [info, reason] : cases) {
    const auto away = warehouse_away(info);
    EXPECT_EQ(away ? away->reason : "", reason) << info.status << " " << info.availability;
    EXPECT_EQ(away && away->paused, info.status == "paused");
  }
}

// The failure stays as it is, at once: AWS says that the warehouse is there, or may not be asked.
TEST_F(WarehouseWaitTest, AnAvailableOrUnknownWarehouseIsNotWaitedFor) {
  forever = true;
  failures = {refused()};
  answer = cluster("available", "Available");
  start(900'000);
  const int64_t from_ms = clock.now_ms;
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  answer.reset();
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  EXPECT_EQ(asked, 2);
  // A role that may not ask is not asked again; another fault may pass.
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  EXPECT_EQ(asked, 2);
  start(900'000);
  denial = Error(ErrorCode::kNetTimeout, "no answer of AWS");
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  EXPECT_EQ(asked, 4);
  start(900'000, /*may_ask=*/false);
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  EXPECT_EQ(asked, 4);
  EXPECT_EQ(clock.now_ms - from_ms, 6 * 100);
  EXPECT_TRUE(told.empty());
}

TEST_F(WarehouseWaitTest, OtherFailuresAreNotAskedAbout) {
  forever = true;
  answer = cluster("resuming");
  const std::vector<Error> others = {
      Error(ErrorCode::kRsLoginPassword, "m"),
      Error(ErrorCode::kNetTlsCa, "m"),
      Error(ErrorCode::kNetWrongPort, "m"),
      Error(ErrorCode::kSshHostKeyChanged, "m"),
      Error(ErrorCode::kRsTlsOff, "m"),
      answered(ErrorCode::kRsConnLimit, "53300", "too many connections"),
      answered(ErrorCode::kRsConnLimit, "XX000", "connection limit exceeded"),
  };
  for (const Error& error : others) {
    failures = {error};
    start(900'000);
    EXPECT_EQ(code_of_connecting(), error.name());
  }
  EXPECT_EQ(asked, 0);
}

TEST_F(WarehouseWaitTest, AServerThatStartsUpNeedsNobodyToBeAsked) {
  failures = {answered(ErrorCode::kRsConnection, "57P03", "the database system is starting up"),
              answered(ErrorCode::kRsConnection, "57P03", "the database system is starting up")};
  start(60'000, /*may_ask=*/false);
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(told, (std::vector<std::string>{"the warehouse starts up", "over"}));
  forever = true;
  failures = {answered(ErrorCode::kRsConnection, "57P03", "the database system is starting up")};
  answer = cluster("available", "Available");
  start(60'000);
  EXPECT_EQ(code_of_connecting(), "RS-WAKING");
}

// A restart in the middle of a run, seen by somebody who may not ask.
TEST_F(WarehouseWaitTest, WhatWasReachedInThisRunIsWaitedFor) {
  start(60'000, /*may_ask=*/false);
  EXPECT_EQ(code_of_connecting(), "connected");
  failures = {refused(), refused()};
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(told.size(), 2U);
  failures = {refused()};
  forever = true;
  auto session = connect(60'000);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().name(), "RS-WAKING");
  EXPECT_NE(session.error().message().find("was reached before"), std::string::npos);
  // That it comes back is a guess of ours: where nothing may be waited for, the failure stands.
  start(0, /*may_ask=*/false);
  failures.clear();
  EXPECT_EQ(code_of_connecting(), "connected");
  told.clear();
  const int64_t from_ms = clock.now_ms;
  failures = {refused()};
  EXPECT_EQ(code_of_connecting(), "NET-REFUSED");
  EXPECT_EQ(clock.now_ms - from_ms, 100);
  EXPECT_TRUE(told.empty());
}

// Of a warehouse that was reached before, only one that answers is waited for: behind silence may
// be a link that died.
TEST_F(WarehouseWaitTest, WhichFailuresOfAReachedWarehouseAreWaitedFor) {
  const std::vector<std::pair<Error, bool>> cases = {
      {refused(), true},
      {Error(ErrorCode::kNetReset, "cut"), true},
      {Error(ErrorCode::kSshForward, "the bastion met a refusal"), true},
      {Error(ErrorCode::kRsConnection, "lost"), true},
      {answered(ErrorCode::kRsConnection, "57P01", "terminating connection"), true},
      {answered(ErrorCode::kRsConnection, "08006", "connection failure"), true},
      {Error(ErrorCode::kNetTimeout, "no answer"), false},
      {Error(ErrorCode::kNetUnreachable, "no route"), false},
      {Error(ErrorCode::kNetDns, "no such name"), false},
      {answered(ErrorCode::kRsConnLimit, "53300", "too many connections"), false},
      {Error(ErrorCode::kRsLoginPassword, "no"), false},
  };
  for (const auto& [error, waited] : cases) {
    start(60'000, /*may_ask=*/false);
    told.clear();
    ASSERT_EQ(code_of_connecting(), "connected");
    failures = {error};
    const int64_t from_ms = clock.now_ms;
    EXPECT_EQ(code_of_connecting(), waited ? "connected" : error.name()) << error.to_string();
    EXPECT_EQ(clock.now_ms - from_ms, waited ? 1'000 + 2 * 100 : 100) << error.to_string();
    EXPECT_EQ(told.size(), waited ? 2U : 0U) << error.to_string();
    failures.clear();
  }
}

// The services of AWS and Google are asked by HTTP: that they cannot be reached says nothing of the
// warehouse.
TEST_F(WarehouseWaitTest, AFailureOfAwssServicesIsNotTheWarehouses) {
  Error error(ErrorCode::kNetTimeout, "sts.amazonaws.com does not answer");
  error.with_upstream({"curl", "28", "timed out", ""});
  failures = {error};
  answer = cluster("paused");
  start(900'000);
  EXPECT_EQ(code_of_connecting(), "NET-TIMEOUT");
  EXPECT_EQ(asked, 0);
}

TEST_F(WarehouseWaitTest, AWaitEndsWithTheFirstFailureOfAnotherKind) {
  failures = {refused(), Error(ErrorCode::kRsLoginPassword, "no")};
  answer = cluster("resuming");
  start(900'000);
  EXPECT_EQ(code_of_connecting(), "RS-LOGIN-PASSWORD");
  EXPECT_EQ(dials, 2);
  EXPECT_EQ(told, (std::vector<std::string>{"the cluster is being resumed", "over"}));
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(WarehouseWaitTest, AServerThatShutsDownIsWaitedForAsOneThatStarts) {
  failures = {answered(ErrorCode::kRsConnection, "57P02", "terminated by a crash")};
  start(60'000, /*may_ask=*/false);
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(told, (std::vector<std::string>{"the warehouse starts up", "over"}));
  // Where nothing may be waited for, its word still is the reason: what a check says too.
  failures = {answered(ErrorCode::kRsConnection, "57P03", "the database system is starting up")};
  start(0, /*may_ask=*/false);
  EXPECT_EQ(code_of_connecting(), "RS-WAKING");
}

// 1 s at first, then a third of what has been waited, 30 s at most; never beyond the bound.
TEST_F(WarehouseWaitTest, ThePausesGrow) {
  failures = {answered(ErrorCode::kRsConnection, "57P03", "the database system is starting up")};
  forever = true;
  start(300'000, /*may_ask=*/false);
  std::vector<int64_t> dialled_ms;
  on_dial = [&] { dialled_ms.push_back(clock.now_ms); };
  EXPECT_EQ(code_of_connecting(), "RS-WAKING");
  ASSERT_GE(dialled_ms.size(), 12U);
  EXPECT_EQ(dialled_ms[1] - dialled_ms[0], 1'000 + 100);
  int64_t longest_ms = 0;
  for (size_t i = 2; i < dialled_ms.size(); ++i) {
    longest_ms = std::max(longest_ms, dialled_ms[i] - dialled_ms[i - 1]);
  }
  EXPECT_EQ(longest_ms, 30'000 + 100);
  EXPECT_LE(dialled_ms.back() - dialled_ms.front(), 300'000 + 100);
}

// The failure is kept as upstream; where it has none of its own, its message is.
TEST_F(WarehouseWaitTest, TheLastFailureStaysVisible) {
  Error bare(ErrorCode::kNetRefused, "h:5439 refuses the connection");
  bare.in("destination.rs");
  failures = {bare};
  answer = cluster("paused");
  start(0);
  auto session = connect(60'000);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().upstream().text, "h:5439 refuses the connection");
  EXPECT_EQ(session.error().context(), bare.context());
  EXPECT_TRUE(session.error().hint().ends_with(
      "aws redshift resume-cluster --cluster-identifier shop --region eu-west-1"));
  // Without a name the catalogue's hint stands.
  const Error nameless =
      away_error({.reason = "the cluster is paused", .paused = true}, 0, "", "eu-west-1");
  EXPECT_EQ(nameless.hint(), catalog_entry(ErrorCode::kRsPaused).hint);
  EXPECT_EQ(nameless.message(), "the cluster is paused");
}

// A bastion or warehouse that is gone at COMMIT: what is looked for, and for how long at most,
// stands on the screen wherever no other wait does.
TEST_F(WarehouseWaitTest, ASearchForACommitIsToldUntilItEnds) {
  failures = {refused(), refused()};
  answer = cluster("resuming");
  start(900'000);
  wait->searching(600'000);
  EXPECT_EQ(last.limit_ms, 600'000);
  EXPECT_EQ(last.since_ms, clock.wall_ms());
  const std::string search = last_told();
  EXPECT_NE(search.find("the answer to COMMIT was lost"), std::string::npos);
  EXPECT_EQ(code_of_connecting(), "connected");
  EXPECT_EQ(last.limit_ms, 600'000);
  wait->searched();
  EXPECT_EQ(told,
            (std::vector<std::string>{search, "the cluster is being resumed", search, "over"}));
}

TEST_F(WarehouseWaitTest, AStopEndsTheWait) {
  failures = {refused()};
  forever = true;
  answer = cluster("paused");
  start(900'000);
  on_dial = [this] {
    if (dials == 3) stop.request_stop();
  };
  auto session = connect(60'000);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(dials, 3);
  EXPECT_EQ(last_told(), "over");
  // One that is asked for before an attempt, and one while it sleeps.
  std::optional<WarehouseWait> sleeping;
  WarehouseWaitOptions options{
      .care = {.wait_ms = 900'000}, .clock = &clock, .stop = stop.get_token()};
  sleeping.emplace(std::move(options));
  const Status waited =
      sleeping->wait(Error(ErrorCode::kRsResize, "resize mode"), clock.monotonic_ms());
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().name(), "RUN-INTERRUPTED");
}

TEST_F(WarehouseWaitTest, AResizeIsWaitedForWithTheSameBound) {
  start(60'000);
  const Error resize = answered(ErrorCode::kRsResize, "XX000", "system is in resize mode");
  const int64_t since_ms = clock.monotonic_ms();
  int waits = 0;
  Status waited = wait->wait(resize, since_ms);
  for (; waited.ok() && waits < 100; ++waits) waited = wait->wait(resize, since_ms);
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().name(), "RS-WAKING");
  EXPECT_EQ(clock.monotonic_ms() - since_ms, 60'000);
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(told,
            (std::vector<std::string>{"the cluster is being resized and takes no writes", "over"}));
}

}  // namespace
}  // namespace vesto
