#include "cli/doctor_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "check/report_json.h"
#include "cli/check_text.h"
#include "cli/exit_codes.h"

namespace vesto::cli {

namespace {

constexpr size_t kNameColumns = 13;
constexpr size_t kMaxCodesShown = 5;

Shape shape_of(const CheckReport& report) {
  if (!report.ok()) return Shape::kFailed;
  return report.count(CheckStatus::kWarning) > 0 ? Shape::kWarning : Shape::kDone;
}

bool is_bad(const CheckResult& result) {
  return result.answer.status == CheckStatus::kFailed ||
         result.answer.status == CheckStatus::kWarning;
}

std::string seen(const CheckResult& result, std::string_view name) {
  for (const Evidence& one : result.answer.evidence) {
    if (one.name == name) return printable(one.value, false);
  }
  return "";
}

// What one check of this machine saw, in a few words.
std::string in_short(const CheckResult& result) {
  const CheckAnswer& answer = result.answer;
  if (answer.error) return std::string(answer.error->name());
  if (answer.status == CheckStatus::kNotRun || answer.status == CheckStatus::kSkipped) {
    return result.id + ": " + answer.reason;
  }
  if (result.id == "host.disk") return seen(result, "free") + " free";
  if (result.id == "secret.readable") {
    const std::string open = seen(result, "open");
    return open + (open == "1" ? " secret opens" : " secrets open");
  }
  if (result.id == "host.clock") return "clock " + seen(result, "offset") + " off";
  if (result.id == "host.store") {
    const std::string schema = seen(result, "schema");
    return schema.empty() ? "no store yet" : "store whole (schema " + schema + ")";
  }
  if (result.id == "config.valid") return seen(result, "files");
  return result.title;
}

std::vector<std::string> codes_of(const CheckReport& report, bool warnings) {
  std::vector<std::string> codes;
  for (const CheckResult& result : report.results) {
    const bool wanted = result.answer.status == CheckStatus::kFailed ||
                        (warnings && result.answer.status == CheckStatus::kWarning);
    if (!wanted || !result.answer.error) continue;
    const std::string code(result.answer.error->name());
    if (std::find(codes.begin(), codes.end(), code) == codes.end()) codes.push_back(code);
  }
  return codes;
}

std::string codes_text(std::vector<std::string> codes) {
  if (codes.size() > kMaxCodesShown) {
    codes.resize(kMaxCodesShown);
    codes.emplace_back("...");
  }
  return join(codes, ", ");
}

// Below the line of its target.
std::string opened(const Terminal& terminal, const CheckReport& report) {
  std::string out;
  for (const CheckResult& result : report.results) {
    if (is_bad(result)) out += result_text(terminal, result);
  }
  return out;
}

// What is wrong with this machine meets each target, too: it is one problem.
bool is_of_host(const std::vector<CheckReport>& reports, const CheckReport& report,
                const CheckResult& result) {
  if (report.kind == "host" || !result.answer.error) return false;
  const auto same = [&](const CheckResult& one) {
    return one.id == result.id && one.answer.status == CheckStatus::kFailed && one.answer.error &&
           one.answer.error->code() == result.answer.error->code();
  };
  return std::any_of(reports.begin(), reports.end(), [&](const CheckReport& host) {
    return host.kind == "host" && std::any_of(host.results.begin(), host.results.end(), same);
  });
}

// The report without what the host's tells already.
CheckReport of_its_own(const std::vector<CheckReport>& reports, CheckReport report) {
  std::erase_if(report.results, [&](const CheckResult& result) {
    return result.answer.status == CheckStatus::kFailed && is_of_host(reports, report, result);
  });
  return report;
}

size_t problems_of(const CheckReport& whole, const CheckReport& own) {
  return whole.interrupted && whole.count(CheckStatus::kFailed) == 0
             ? 1
             : own.count(CheckStatus::kFailed);
}

}  // namespace

std::string host_lines(const Terminal& terminal, const CheckReport& report) {
  std::string host;
  std::string config;
  for (const CheckResult& result : report.results) {
    const std::string one =
        fmt::format(" {} {}  ", shape(terminal, shape_of(result.answer.status)), in_short(result));
    (result.group == "config" ? config : host) += one;
  }
  std::string out;
  for (const auto& [name, line] : {std::pair("Host", &host), std::pair("Config", &config)}) {
    if (line->empty()) continue;
    std::string text = fmt::format("{:<{}}{}", name, kNameColumns, *line);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out + opened(terminal, report);
}

std::string target_lines(const Terminal& terminal, const CheckReport& report) {
  const size_t good = report.count(CheckStatus::kPassed) + report.count(CheckStatus::kWarning);
  const size_t all = report.results.size() - report.count(CheckStatus::kSkipped);
  std::string line = fmt::format("{:<{}} {} {} of {}", report.name, kNameColumns,
                                 shape(terminal, shape_of(report)), good, all);
  if (const auto codes = codes_of(report, true); !codes.empty()) line += ": " + codes_text(codes);
  if (report.interrupted) line += ", interrupted";
  return line + "\n" + opened(terminal, report);
}

std::string doctor_summary(const std::vector<CheckReport>& reports, int64_t duration_ms) {
  size_t checks = 0;
  size_t problems = 0;
  size_t warnings = 0;
  std::vector<std::string> where;
  for (const CheckReport& report : reports) {
    checks += report.results.size();
    warnings += report.count(CheckStatus::kWarning);
    const CheckReport own = of_its_own(reports, report);
    problems += problems_of(report, own);
    if (const auto codes = codes_of(own, false); !codes.empty()) {
      where.push_back(report.name + ": " + codes_text(codes));
    }
  }
  const std::string time = fmt::format("{:.1f} s", static_cast<double>(duration_ms) / 1000);
  if (problems == 0) {
    const std::string but =
        warnings == 0 ? "" : ", " + count_text(static_cast<int64_t>(warnings), "warning");
    return fmt::format("No problems found{}. {} in {}.\n", but,
                       count_text(static_cast<int64_t>(checks), "check"), time);
  }
  std::string out =
      fmt::format("{} in {}", count_text(static_cast<int64_t>(problems), "problem"), time);
  if (!where.empty()) out += ": " + join(where, "; ") + " (vesto help CODE tells more)";
  return out + ".\n";
}

std::string doctor_json(const std::vector<CheckReport>& reports, int64_t duration_ms) {
  bool ok = true;
  bool redacted = false;
  std::vector<std::string> texts;
  for (const CheckReport& report : reports) {
    ok = ok && report.ok();
    redacted = redacted || report.redacted;
    texts.push_back(report_json(report));
  }
  return fmt::format(R"({{"schema":"vesto.doctor/1","ok":{}{},"duration_ms":{},"reports":[{}]}})",
                     ok, redacted ? ",\"redacted\":true" : "", duration_ms, join(texts, ","));
}

int doctor_exit_code(const std::vector<CheckReport>& reports, bool strict) {
  int code = kExitOk;
  for (const CheckReport& report : reports) {
    const int one = checks_exit_code(report, strict);
    const bool fails = one != kExitOk && one != kExitWarnings;
    if (code == kExitOk || (code == kExitWarnings && fails) ||
        (code == kExitTemporary && fails && one != kExitTemporary)) {
      code = one;
    }
  }
  return code;
}

}  // namespace vesto::cli
