// The table of known causes: every one can be found, and none hides another.
#include "base/error_causes.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

#include "base/strings.h"

namespace vesto {
namespace {

// A text that the cause's own pattern fits.
std::string sample(const ErrorCause& cause) {
  std::string out;
  for (const std::string& fragment : split(cause.text, '|')) out += "x " + fragment + " ";
  return out;
}

TEST(ErrorCauses, NamesAreUniqueAndTextsAreSentences) {
  std::set<std::string_view> names;
  for (const ErrorCause& cause : error_causes()) {
    EXPECT_TRUE(names.insert(cause.name).second) << cause.name;
    EXPECT_TRUE(cause.cause.ends_with('.')) << cause.name;
    EXPECT_TRUE(cause.hint.empty() || cause.hint.find_last_of(".:") != std::string_view::npos);
    EXPECT_EQ(cause_named(cause.name), &cause);
  }
}

TEST(ErrorCauses, EveryPatternIsReachedAndIsInLowerCase) {
  for (const ErrorCause& cause : error_causes()) {
    if (cause.system.empty()) {
      EXPECT_TRUE(cause.upstream_code.empty() && cause.text.empty()) << cause.name;
      continue;
    }
    EXPECT_EQ(cause.text, to_lower_ascii(cause.text)) << cause.name;
    EXPECT_FALSE(cause.upstream_code.empty() && cause.text.empty()) << cause.name;
    const ErrorCause* found = recognise(cause.system, cause.upstream_code, sample(cause));
    ASSERT_NE(found, nullptr) << cause.name;
    EXPECT_EQ(found->name, cause.name) << "hidden by an earlier one";
  }
}

TEST(ErrorCauses, WhatNobodyKnowsHasNoCause) {
  EXPECT_EQ(recognise("redshift", "XX000", "something new"), nullptr);
  EXPECT_EQ(recognise("nobody", "", "private-address"), nullptr);
  EXPECT_EQ(recognise("", "", ""), nullptr);
}

TEST(ErrorCauses, ALastingOneWaitsForAPerson) {
  Error error(ErrorCode::kSshForward, "no way");
  EXPECT_EQ(retry_of(error), Retry::kBackoff);
  error.because(recognise("ssh-forward", "2", "connection refused"));
  EXPECT_EQ(retry_of(error), Retry::kBackoff);
  error.because(recognise("ssh-forward", "1", "open failed"));
  EXPECT_EQ(retry_of(error), Retry::kAfterFix);
}

TEST(ErrorCauses, ItsHintStandsUntilTheErrorHasOneOfItsOwn) {
  const ErrorCause* cause = cause_named("private-address");
  Error error(cause->code, "no answer");
  EXPECT_EQ(error.hint(), catalog_entry(cause->code).hint);
  error.because(nullptr).because(cause);
  EXPECT_EQ(error.hint(), cause->hint);
  EXPECT_EQ(error.cause(), cause);
  error.with_hint("Do this.");
  EXPECT_EQ(error.hint(), "Do this.");
}

}  // namespace
}  // namespace vesto
