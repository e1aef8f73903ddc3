#include "check/report_json.h"

#include <fmt/format.h>

#include "base/json_text.h"
#include "base/strings.h"
#include "sync/run.h"

namespace vesto {

namespace {

std::string texts_json(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back(json_quote(text));
  return "[" + join(quoted, ",") + "]";
}

std::string evidence_json(const std::vector<Evidence>& evidence) {
  std::vector<std::string> items;
  for (const Evidence& one : evidence) {
    items.push_back(
        fmt::format(R"({{"name":{},"value":{}}})", json_quote(one.name), json_quote(one.value)));
  }
  return "[" + join(items, ",") + "]";
}

std::string result_json(const CheckResult& result) {
  const CheckAnswer& answer = result.answer;
  std::string out = fmt::format(
      R"({{"id":{},"title":{},"group":{},"status":"{}","needs":{},"attempts":{},"duration_ms":{},"evidence":{})",
      json_quote(result.id), json_quote(result.title), json_quote(result.group),
      check_status_name(answer.status), texts_json(result.needs), result.attempts,
      result.duration_ms, evidence_json(answer.evidence));
  if (!result.masked_by.empty()) out += ",\"masked_by\":" + json_quote(result.masked_by);
  if (!answer.reason.empty()) out += ",\"reason\":" + json_quote(answer.reason);
  if (answer.error) out += ",\"error\":" + error_json(*answer.error);
  if (answer.fix) {
    out += fmt::format(R"(,"fix":{{"who":{},"kind":{},"snippet":{}}})", json_quote(answer.fix->who),
                       json_quote(answer.fix->kind), json_quote(answer.fix->snippet));
  }
  return out + "}";
}

}  // namespace

std::string report_json(const CheckReport& report) {
  std::vector<std::string> checks;
  for (const CheckResult& result : report.results) checks.push_back(result_json(result));
  return fmt::format(
      R"({{"schema":"vesto.check_report/1","target":{{"kind":{},"name":{}}},"started_at":{},"duration_ms":{},"ok":{},"interrupted":{}{},"counts":{{"passed":{},"warning":{},"failed":{},"skipped":{},"not_run":{}}},"checks":[{}]}})",
      json_quote(report.kind), json_quote(report.name), json_quote(format_utc(report.started_ms)),
      report.duration_ms, report.ok(), report.interrupted,
      report.redacted ? ",\"redacted\":true" : "", report.count(CheckStatus::kPassed),
      report.count(CheckStatus::kWarning), report.count(CheckStatus::kFailed),
      report.count(CheckStatus::kSkipped), report.count(CheckStatus::kNotRun), join(checks, ","));
}

}  // namespace vesto
