#include "check/clock_check.h"

#include <gtest/gtest.h>

#include "tests/support/scripted_http.h"

namespace vesto {
namespace {

using check::clock_ahead_ms;
using check::clock_answer;
using testing_support::HttpScript;
using testing_support::InstantClock;
using testing_support::ScriptedHttp;

constexpr int64_t kDateMs = 1'369'353'600'000;
constexpr const char* kDate = "Fri, 24 May 2013 00:00:00 GMT";

TEST(ClockCheck, OffsetIsReadFromTheDateOfAnyAnswer) {
  HttpScript script;
  ScriptedHttp http(script);
  InstantClock late(kDateMs + 500 + 400'000);
  script.answer(403, "", {{"date", kDate}});
  auto ahead_ms = clock_ahead_ms(http, late, "https://s3.example/", {});
  ASSERT_TRUE(ahead_ms.ok());
  EXPECT_EQ(*ahead_ms, std::optional<int64_t>(400'000));
  ASSERT_EQ(script.sent.size(), 1U);
  EXPECT_EQ(script.sent[0].method, "HEAD");
  EXPECT_EQ(script.sent[0].headers.count("authorization"), 0U);
  InstantClock early(kDateMs + 500 - 90'000);
  script.answer(405, "", {{"date", kDate}});
  ahead_ms = clock_ahead_ms(http, early, "https://s3.example/", {});
  ASSERT_TRUE(ahead_ms.ok());
  EXPECT_EQ(*ahead_ms, std::optional<int64_t>(-90'000));
}

TEST(ClockCheck, NothingIsSaidWithoutADate) {
  HttpScript script;
  ScriptedHttp http(script);
  InstantClock clock(kDateMs);
  for (const char* date : {"", "yesterday", "Fri, 24 May 2013 25:00:00 GMT"}) {
    script.answer(200, "", {{"date", date}});
    const auto ahead_ms = clock_ahead_ms(http, clock, "https://s3.example/", {});
    ASSERT_TRUE(ahead_ms.ok()) << date;
    EXPECT_EQ(*ahead_ms, std::nullopt) << date;
  }
  script.fail(ErrorCode::kNetTimeout);
  EXPECT_FALSE(clock_ahead_ms(http, clock, "https://s3.example/", {}).ok());
}

TEST(ClockCheck, BoundsOfWarningAndFailure) {
  EXPECT_EQ(clock_answer(60'000).status, CheckStatus::kPassed);
  EXPECT_EQ(clock_answer(-60'000).status, CheckStatus::kPassed);
  EXPECT_EQ(clock_answer(60'001).status, CheckStatus::kWarning);
  EXPECT_EQ(clock_answer(-300'000).status, CheckStatus::kWarning);
  const CheckAnswer ahead = clock_answer(300'001);
  EXPECT_EQ(ahead.status, CheckStatus::kFailed);
  EXPECT_EQ(ahead.error->code(), ErrorCode::kSysClockSkew);
  EXPECT_EQ(ahead.error->message(), "this machine's clock is 300 s ahead of that of AWS");
  const CheckAnswer behind = clock_answer(-400'400);
  EXPECT_EQ(behind.status, CheckStatus::kFailed);
  EXPECT_EQ(behind.error->message(), "this machine's clock is 400 s behind that of AWS");
  ASSERT_EQ(behind.evidence.size(), 1U);
  EXPECT_EQ(behind.evidence[0].value, "-400 s");
}

}  // namespace
}  // namespace vesto
