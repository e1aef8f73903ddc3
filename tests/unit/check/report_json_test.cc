#include "check/report_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vesto {
namespace {

TEST(ReportJson, HoldsWhatAProgramNeeds) {
  CheckReport report;
  report.kind = "destination";
  report.name = "a\"cme";
  report.started_ms = 1'700'000'000'000;
  report.duration_ms = 42;
  CheckResult temp{.id = "redshift.temp",
                   .title = "May use temporary tables",
                   .group = "warehouse",
                   .needs = {"redshift.login"},
                   .answer = {},
                   .masked_by = {}};
  temp.answer = {.status = CheckStatus::kFailed,
                 .evidence = {{"database_user", "IAMR:acme\n"}},
                 .error = Error(ErrorCode::kRsPrivTemp, "may not"),
                 .fix = Fix{.who = "redshift_admin", .kind = "sql", .snippet = "GRANT \"x\";"}};
  CheckResult merge = temp;
  merge.id = "redshift.merge";
  merge.answer = {.status = CheckStatus::kNotRun, .reason = "needs it"};
  merge.masked_by = "redshift.temp";
  report.results = {temp, merge};
  const auto json = nlohmann::json::parse(report_json(report));
  EXPECT_EQ(json["schema"], "vesto.check_report/1");
  EXPECT_EQ(json["target"]["name"], "a\"cme");
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["counts"]["failed"], 1);
  EXPECT_EQ(json["counts"]["not_run"], 1);
  const auto& check = json["checks"][0];
  EXPECT_EQ(check["status"], "failed");
  EXPECT_EQ(check["evidence"][0]["value"], "IAMR:acme\n");
  EXPECT_EQ(check["error"]["code"], "RS-PRIV-TEMP");
  EXPECT_EQ(check["fix"]["snippet"], "GRANT \"x\";");
  EXPECT_FALSE(check.contains("masked_by"));
  EXPECT_EQ(json["checks"][1]["masked_by"], "redshift.temp");
  EXPECT_EQ(json["checks"][1]["status"], "not_run");
}

}  // namespace
}  // namespace vesto
