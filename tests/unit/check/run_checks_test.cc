// The engine of checks: what runs, what is left out and why, what is waited for.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <new>
#include <thread>

#include "check/check.h"

namespace vesto {
namespace {

class FakeClock final : public Clock {
 public:
  int64_t wall_ms() override { return 1'000'000 + now_ms; }
  int64_t monotonic_ms() override { return now_ms; }
  int64_t boottime_ms() override { return now_ms; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    if (on_sleep) on_sleep();
    if (stop.stop_requested()) return false;
    now_ms += duration_ms;
    sleeps.push_back(duration_ms);
    return true;
  }
  int64_t now_ms = 0;
  std::vector<int64_t> sleeps;
  std::function<void()> on_sleep;
};

CheckAnswer passed() { return {.status = CheckStatus::kPassed}; }
CheckAnswer failed(ErrorCode code) {
  return {.status = CheckStatus::kFailed, .error = Error(code, "it failed")};
}

class RunChecks : public testing::Test {
 protected:
  // A check whose answers are given in turn; the last one stays.
  Check& add(const std::string& id, std::vector<std::string> needs,
             std::vector<CheckAnswer> answers) {
    Check check;
    check.id = id;
    check.title = "Title of " + id;
    check.group = "group";
    check.needs = std::move(needs);
    check.run = [this, id, answers = std::move(answers)](const CheckLimits&) {
      const size_t turn = static_cast<size_t>(ran_[id]++);
      order_.push_back(id);
      clock_.now_ms += 3;
      return answers[std::min(turn, answers.size() - 1)];
    };
    checks_.push_back(std::move(check));
    return checks_.back();
  }

  std::map<std::string, CheckResult> run(CheckOptions options = {}) {
    options.clock = &clock_;
    report_ = run_checks(checks_, options);
    std::map<std::string, CheckResult> results;
    for (const CheckResult& one : report_.results) results[one.id] = one;
    return results;
  }

  FakeClock clock_;
  std::vector<Check> checks_;
  std::map<std::string, int> ran_;
  std::vector<std::string> order_;
  CheckReport report_;
};

TEST_F(RunChecks, AllThatPassIsOk) {
  add("a", {}, {passed()});
  add("b", {"a"}, {passed()});
  const auto results = run();
  EXPECT_TRUE(report_.ok());
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(results.at("b").attempts, 1);
  EXPECT_EQ(results.at("b").duration_ms, 3);
  EXPECT_EQ(report_.duration_ms, 6);
  EXPECT_EQ(report_.started_ms, 1'000'000);
}

TEST_F(RunChecks, WhatNeedsAFailureIsNotRunAndNamesItsRoot) {
  add("a", {}, {failed(ErrorCode::kNetDns)});
  add("b", {"a"}, {passed()});
  add("c", {"b"}, {passed()});
  add("other", {}, {passed()});
  const auto results = run();
  EXPECT_FALSE(report_.ok());
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "other"}));
  EXPECT_EQ(results.at("b").answer.status, CheckStatus::kNotRun);
  EXPECT_EQ(results.at("b").masked_by, "a");
  EXPECT_EQ(results.at("c").masked_by, "a");
  EXPECT_EQ(results.at("c").answer.reason, "needs \"Title of a\"");
}

TEST_F(RunChecks, SkippedAndWarningMaskNothing) {
  add("skipped", {}, {{.status = CheckStatus::kSkipped, .reason = "not here"}});
  add("warned", {},
      {{.status = CheckStatus::kWarning, .error = Error(ErrorCode::kAwsTrustLoose, "loose")}});
  add("behind", {"skipped", "warned"}, {passed()});
  const auto results = run();
  EXPECT_EQ(results.at("behind").answer.status, CheckStatus::kPassed);
  EXPECT_TRUE(report_.ok());
  EXPECT_EQ(report_.count(CheckStatus::kWarning), 1U);
}

TEST_F(RunChecks, WhatAlwaysRunsIsLastAndRunsAfterFailures) {
  add("a", {}, {failed(ErrorCode::kNetDns)});
  add("end", {"a"}, {passed()}).always = true;
  add("b", {}, {passed()});
  const auto results = run();
  EXPECT_EQ(order_, (std::vector<std::string>{"a", "b", "end"}));
  EXPECT_EQ(results.at("end").answer.status, CheckStatus::kPassed);
}

TEST_F(RunChecks, ADenialIsWaitedForWithWhatItMasks) {
  const CheckAnswer denied = failed(ErrorCode::kAwsAssumeDenied);
  add("role", {}, {denied, denied, denied, passed()}).may_wait = true;
  add("behind", {"role"}, {passed()});
  add("other", {}, {failed(ErrorCode::kNetDns)});
  std::vector<std::string> finished;
  std::vector<int64_t> left_ms;
  CheckOptions options{.wait_ms = 60'000};
  options.observer.finished = [&](const CheckResult& one) { finished.push_back(one.id); };
  options.observer.waiting = [&](const CheckResult& one, int64_t left) {
    EXPECT_EQ(one.id, "role");
    EXPECT_EQ(one.answer.error->name(), "AWS-ASSUME-DENIED");
    left_ms.push_back(left);
  };
  const auto results = run(options);
  EXPECT_EQ(results.at("role").answer.status, CheckStatus::kPassed);
  EXPECT_EQ(results.at("role").attempts, 4);
  EXPECT_EQ(results.at("behind").answer.status, CheckStatus::kPassed);
  EXPECT_TRUE(results.at("behind").masked_by.empty());
  // What does not wait is told at once, and asked once.
  EXPECT_EQ(finished, (std::vector<std::string>{"other", "role", "behind"}));
  EXPECT_EQ(results.at("other").attempts, 1);
  EXPECT_EQ(clock_.sleeps, (std::vector<int64_t>{5'000, 7'500, 11'250}));
  ASSERT_EQ(left_ms.size(), 3U);
  EXPECT_EQ(left_ms[0], 60'000);
}

// What was skipped for want of a right is looked at again with the right.
TEST_F(RunChecks, WhatWasRefusedAndSkippedIsAskedAgainAfterTheWait) {
  const CheckAnswer denied = failed(ErrorCode::kAwsAssumeDenied);
  const CheckAnswer refused{
      .status = CheckStatus::kSkipped, .reason = "may not be asked", .refused = true};
  add("status", {}, {refused, refused, passed()}).may_wait = true;
  add("elsewhere", {}, {{.status = CheckStatus::kSkipped, .reason = "not here"}, passed()})
      .may_wait = true;
  add("role", {}, {denied, denied, passed()}).may_wait = true;
  std::vector<std::string> finished;
  CheckOptions options{.wait_ms = 60'000};
  options.observer.finished = [&](const CheckResult& one) { finished.push_back(one.id); };
  const auto results = run(options);
  EXPECT_EQ(results.at("status").answer.status, CheckStatus::kPassed);
  EXPECT_EQ(results.at("elsewhere").answer.status, CheckStatus::kSkipped);
  EXPECT_EQ(finished, (std::vector<std::string>{"elsewhere", "status", "role"}));
}

TEST_F(RunChecks, NobodyWaitsForWhatIsSkipped) {
  const CheckAnswer refused{
      .status = CheckStatus::kSkipped, .reason = "may not be asked", .refused = true};
  add("status", {}, {refused}).may_wait = true;
  std::vector<std::string> finished;
  CheckOptions options{.wait_ms = 60'000};
  options.observer.finished = [&](const CheckResult& one) { finished.push_back(one.id); };
  EXPECT_EQ(run(options).at("status").attempts, 1);
  EXPECT_TRUE(clock_.sleeps.empty());
  EXPECT_EQ(finished, (std::vector<std::string>{"status"}));
}

TEST_F(RunChecks, TheWaitHasABound) {
  add("role", {}, {failed(ErrorCode::kAwsAssumeDenied)}).may_wait = true;
  add("behind", {"role"}, {passed()});
  const auto results = run({.wait_ms = 900'000});
  EXPECT_EQ(results.at("role").answer.status, CheckStatus::kFailed);
  EXPECT_EQ(results.at("behind").masked_by, "role");
  int64_t slept_ms = 0;
  for (const int64_t one : clock_.sleeps) slept_ms += one;
  EXPECT_LE(slept_ms, 900'000);
  EXPECT_GT(slept_ms, 850'000);
  EXPECT_LE(*std::max_element(clock_.sleeps.begin(), clock_.sleeps.end()), 30'000);
}

TEST_F(RunChecks, OnlyWhatMayPassByItselfIsWaitedFor) {
  add("wrong", {}, {failed(ErrorCode::kCfgValue)}).may_wait = true;
  add("denied", {}, {failed(ErrorCode::kS3Denied)});  // but is not said to wait
  run({.wait_ms = 60'000});
  EXPECT_TRUE(clock_.sleeps.empty());
  add("role", {}, {failed(ErrorCode::kS3Denied)}).may_wait = true;
  run({.wait_ms = 0});
  EXPECT_TRUE(clock_.sleeps.empty());
}

// A trust policy that is on its way mends neither a Deny nor what narrows who asks.
TEST_F(RunChecks, NobodyWaitsForAPolicyThatNoAllowHelpsAgainst) {
  const std::string start =
      "User: arn:aws:iam::1:user/u is not authorized to perform: sts:AssumeRole ";
  const auto refused = [&](const std::string& why) {
    CheckAnswer answer = failed(ErrorCode::kAwsAssumeDenied);
    answer.error->with_upstream(
        {.system = "aws", .code = "AccessDenied", .text = start + why, .request_id = ""});
    return answer;
  };
  add("deny", {}, {refused("with an explicit deny in an identity-based policy")}).may_wait = true;
  add("boundary", {}, {refused("because no permissions boundary allows the sts:AssumeRole action")})
      .may_wait = true;
  run({.wait_ms = 60'000});
  EXPECT_TRUE(clock_.sleeps.empty());
  add("lacks", {}, {refused("because no identity-based policy allows the sts:AssumeRole action")})
      .may_wait = true;
  EXPECT_GT(run({.wait_ms = 60'000}).at("lacks").attempts, 1);
}

// The configuration is read before the test begins: what is to be written into it helps the next.
TEST_F(RunChecks, NobodyWaitsForTheConfiguration) {
  CheckAnswer key = failed(ErrorCode::kS3Kms);
  key.fix = Fix{.who = "you", .kind = "toml", .snippet = "kms_key_arn = \"arn\""};
  add("put", {}, {key}).may_wait = true;
  const auto results = run({.wait_ms = 60'000});
  EXPECT_TRUE(clock_.sleeps.empty());
  EXPECT_EQ(results.at("put").attempts, 1);
  EXPECT_EQ(results.at("put").answer.fix->snippet, key.fix->snippet);
}

TEST_F(RunChecks, AStopEndsTheWaitAndStillCleansUp) {
  std::stop_source stop;
  add("role", {}, {failed(ErrorCode::kAwsAssumeDenied)}).may_wait = true;
  add("end", {}, {passed()}).always = true;
  clock_.on_sleep = [&] { stop.request_stop(); };
  const auto results = run({.wait_ms = 60'000, .stop = stop.get_token()});
  EXPECT_TRUE(report_.interrupted);
  EXPECT_FALSE(report_.ok());
  EXPECT_EQ(results.at("role").answer.status, CheckStatus::kFailed);
  EXPECT_EQ(results.at("end").answer.status, CheckStatus::kPassed);
}

TEST_F(RunChecks, AStopLeavesTheRestOut) {
  std::stop_source stop;
  add("a", {}, {passed()});
  checks_[0].run = [&](const CheckLimits&) {
    stop.request_stop();
    return passed();
  };
  add("b", {}, {passed()});
  add("end", {}, {passed()}).always = true;
  const auto results = run({.stop = stop.get_token()});
  EXPECT_EQ(results.at("b").answer.status, CheckStatus::kNotRun);
  EXPECT_EQ(results.at("b").answer.reason, "interrupted");
  EXPECT_EQ(order_, (std::vector<std::string>{"end"}));
  EXPECT_FALSE(report_.ok());
}

TEST_F(RunChecks, OnlyTakesWhatIsNeededAlong) {
  add("a.one", {}, {passed()});
  add("a.two", {"a.one"}, {passed()});
  add("b.one", {"a.two"}, {passed()});
  add("b.two", {}, {passed()});
  add("end", {}, {passed()}).always = true;
  run({.only = {"b.one"}});
  EXPECT_EQ(order_, (std::vector<std::string>{"a.one", "a.two", "b.one", "end"}));
  order_.clear();
  run({.only = {"b.*"}});
  EXPECT_EQ(order_, (std::vector<std::string>{"a.one", "a.two", "b.one", "b.two", "end"}));
  EXPECT_EQ(unknown_ids(checks_, {"b.*", "c.*", "a.one", "a"}),
            (std::vector<std::string>{"c.*", "a"}));
}

TEST_F(RunChecks, WhatThrowsHasFailed) {
  add("a", {}, {passed()});
  checks_[0].run = [](const CheckLimits&) -> CheckAnswer { throw std::bad_alloc(); };
  const auto results = run();
  ASSERT_TRUE(results.at("a").answer.error);
  EXPECT_EQ(results.at("a").answer.error->name(), "SYS-MEMORY");
}

// Waits until it is told to stop, as all that asks a server does.
CheckAnswer stopped_only(const CheckLimits& limits, ErrorCode code) {
  while (!limits.stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return {.status = CheckStatus::kFailed, .error = Error(code, "the request was stopped")};
}

TEST_F(RunChecks, ACheckThatHasNoEndIsCutOffAndTheOthersGoOn) {
  Check& slow = add("slow", {}, {passed()});
  slow.limit_ms = 100;
  slow.run = [](const CheckLimits& limits) {
    return stopped_only(limits, ErrorCode::kRunInterrupted);
  };
  add("other", {}, {passed()});
  const auto results = run();
  const CheckAnswer& answer = results.at("slow").answer;
  ASSERT_TRUE(answer.error);
  EXPECT_EQ(answer.error->code(), ErrorCode::kNetTimeout);
  EXPECT_NE(answer.error->message().find("no answer within 0.1 s"), std::string::npos)
      << answer.error->message();
  EXPECT_EQ(results.at("other").answer.status, CheckStatus::kPassed);
  EXPECT_FALSE(report_.interrupted);
}

TEST_F(RunChecks, WhatFailedByItselfKeepsItsCodeAlsoWhenTheTimeIsUp) {
  Check& slow = add("slow", {}, {passed()});
  slow.limit_ms = 100;
  slow.run = [](const CheckLimits& limits) { return stopped_only(limits, ErrorCode::kS3Denied); };
  EXPECT_EQ(run().at("slow").answer.error->code(), ErrorCode::kS3Denied);
}

TEST_F(RunChecks, AConnectionThatAStopCutIsNoFault) {
  std::stop_source stop;
  Check& slow = add("slow", {}, {passed()});
  slow.run = [&stop](const CheckLimits& limits) {
    stop.request_stop();
    return stopped_only(limits, ErrorCode::kRsConnection);
  };
  add("end", {}, {failed(ErrorCode::kCleanLeft)}).always = true;
  CheckOptions options;
  options.stop = stop.get_token();
  const auto results = run(options);
  EXPECT_EQ(results.at("slow").answer.error->code(), ErrorCode::kRunInterrupted);
  EXPECT_EQ(results.at("end").answer.error->code(), ErrorCode::kCleanLeft);
  EXPECT_TRUE(report_.interrupted);
}

TEST_F(RunChecks, ATestThatIsStoppedIsNoTimeout) {
  std::stop_source stop;
  Check& slow = add("slow", {}, {passed()});
  slow.run = [&stop](const CheckLimits& limits) {
    stop.request_stop();
    return stopped_only(limits, ErrorCode::kRunInterrupted);
  };
  CheckOptions options;
  options.stop = stop.get_token();
  EXPECT_EQ(run(options).at("slow").answer.error->code(), ErrorCode::kRunInterrupted);
}

}  // namespace
}  // namespace vesto
