#include "cli/check_text.h"

#include <gtest/gtest.h>

#include "cli/doctor_text.h"
#include "cli/exit_codes.h"
#include "sync/run.h"

namespace vesto::cli {
namespace {

CheckResult result_of(CheckStatus status, std::optional<ErrorCode> code = std::nullopt) {
  CheckResult result;
  result.answer.status = status;
  if (code) result.answer.error = Error(*code, "x");
  return result;
}

CheckReport report_of(std::vector<CheckResult> results) {
  CheckReport report;
  report.results = std::move(results);
  return report;
}

const CheckResult kPassed = result_of(CheckStatus::kPassed);
const CheckResult kWarned = result_of(CheckStatus::kWarning, ErrorCode::kAwsTrustLoose);
const CheckResult kDown = result_of(CheckStatus::kFailed, ErrorCode::kNetTimeout);
const CheckResult kDenied = result_of(CheckStatus::kFailed, ErrorCode::kAwsAssumeDenied);
const CheckResult kSetting = result_of(CheckStatus::kFailed, ErrorCode::kCfgValue);
const CheckResult kMasked = result_of(CheckStatus::kNotRun);

TEST(ExitCodeOfChecks, WhatSomebodyMustMendGoesBeforeWhatMayGoByItself) {
  ASSERT_EQ(exit_code_of(*kDown.answer.error), kExitTemporary);
  EXPECT_EQ(checks_exit_code(report_of({kPassed}), false), kExitOk);
  EXPECT_EQ(checks_exit_code(report_of({kPassed, kDown, kMasked}), false), kExitTemporary);
  EXPECT_EQ(checks_exit_code(report_of({kDown, kPassed, kDenied}), false), kExitNeedsAction);
  EXPECT_EQ(checks_exit_code(report_of({kDenied, kDown}), false), kExitNeedsAction);
  EXPECT_EQ(checks_exit_code(report_of({kDown, kSetting, kDenied}), false), kExitConfig);
  EXPECT_EQ(checks_exit_code(report_of({kMasked}), false), kExitNeedsAction);
  EXPECT_EQ(checks_exit_code(report_of({kWarned, kPassed}), false), kExitOk);
  EXPECT_EQ(checks_exit_code(report_of({kWarned, kPassed}), true), kExitWarnings);
  EXPECT_EQ(checks_exit_code(report_of({kWarned, kDown}), true), kExitTemporary);
}

TEST(ExitCodeOfChecks, OfSeveralReportsLikewise) {
  const CheckReport down = report_of({kDown});
  const CheckReport denied = report_of({kDenied});
  const CheckReport warned = report_of({kWarned});
  EXPECT_EQ(doctor_exit_code({}, true), kExitOk);
  EXPECT_EQ(doctor_exit_code({warned, down}, true), kExitTemporary);
  EXPECT_EQ(doctor_exit_code({down, warned}, true), kExitTemporary);
  EXPECT_EQ(doctor_exit_code({down, denied}, true), kExitNeedsAction);
  EXPECT_EQ(doctor_exit_code({denied, down}, false), kExitNeedsAction);
  EXPECT_EQ(doctor_exit_code({warned, report_of({kPassed})}, true), kExitWarnings);
}

TEST(ResultText, SaysWhoMustActWhereNothingCanBePasted) {
  const Terminal plain;
  CheckResult down = kDown;
  EXPECT_NE(result_text(plain, down).find("Who must act: whoever administers the network."),
            std::string::npos);
  down.answer.fix = Fix{.who = "aws_admin", .kind = "text", .snippet = ""};
  EXPECT_NE(result_text(plain, down).find("Who must act: an AWS admin."), std::string::npos);
  down.answer.fix->snippet = "aws s3 ls";
  const std::string pasted = result_text(plain, down);
  EXPECT_NE(pasted.find("An AWS admin should run:"), std::string::npos);
  EXPECT_EQ(pasted.find("Who must act"), std::string::npos);
  EXPECT_EQ(result_text(plain, kPassed).find("Who must act"), std::string::npos);
}

}  // namespace
}  // namespace vesto::cli
