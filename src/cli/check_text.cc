#include "cli/check_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/strings.h"
#include "cli/exit_codes.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

constexpr size_t kTitleColumns = 36;

std::string said(const CheckResult& result) {
  const CheckAnswer& answer = result.answer;
  if (answer.status == CheckStatus::kNotRun) {
    return answer.reason.empty() ? "not run" : "not run: " + answer.reason;
  }
  if (answer.status == CheckStatus::kSkipped) return "skipped: " + answer.reason;
  if (answer.error) return std::string(answer.error->name());
  std::vector<std::string> values;
  for (const Evidence& one : answer.evidence) {
    values.push_back(replace_all(one.name, "_", " ") + " " + printable(one.value, false));
  }
  return join(values, ", ");
}

std::string who_text(const std::string& who) {
  if (who == "aws_admin") return "An AWS admin";
  if (who == "redshift_admin") return "A Redshift admin";
  if (who == "source_admin") return "An admin of the source";
  if (who == "network_admin") return "A network admin";
  if (who == "operator") return "Whoever runs Vesto";
  return "You";
}

std::string indented(std::string_view text, size_t columns) {
  std::string out;
  for (const std::string& line : split(text, '\n')) {
    if (!line.empty()) out += std::string(columns, ' ') + line + "\n";
  }
  return out;
}

std::string line_of(const Terminal& terminal, const CheckResult& result) {
  return fmt::format("  {} {:<{}}  {}\n", shape(terminal, shape_of(result.answer.status)),
                     result.title, kTitleColumns, said(result));
}

// Where there is nothing to paste.
std::string who_must_act(const CheckAnswer& answer) {
  if (!answer.fix) return who_acts(answer.error->blame());
  std::string who = who_text(answer.fix->who);
  who[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(who[0])));
  return who;
}

}  // namespace

std::string who_acts(Blame blame) {
  switch (blame) {
    case Blame::kConfig:
      return "whoever runs Vesto";
    case Blame::kCustomer:
      return "whoever administers AWS and Redshift";
    case Blame::kSource:
      return "whoever administers the source";
    case Blame::kDestination:
      return "whoever administers Redshift";
    case Blame::kNetwork:
      return "whoever administers the network";
    case Blame::kAws:
      return "nobody, it is on AWS's side";
    case Blame::kVesto:
      return "the makers of Vesto";
  }
  return "";
}

Shape shape_of(CheckStatus status) {
  switch (status) {
    case CheckStatus::kPassed:
      return Shape::kDone;
    case CheckStatus::kWarning:
      return Shape::kWarning;
    case CheckStatus::kFailed:
      return Shape::kFailed;
    case CheckStatus::kSkipped:
    case CheckStatus::kNotRun:
      break;
  }
  return Shape::kNone;
}

std::string group_title(const std::string& group) {
  if (group == "end") return "Afterwards";
  std::string title = group;
  if (!title.empty()) title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

std::string result_text(const Terminal& terminal, const CheckResult& result) {
  std::string out = line_of(terminal, result);
  if (!result.answer.error) return out;
  out += indented(error_text(*result.answer.error), 6);
  if (const auto& fix = result.answer.fix; fix && !fix->snippet.empty()) {
    out += fmt::format("      {} should {}:\n", who_text(fix->who),
                       fix->kind == "toml" ? "write" : "run");
    out += indented(fix->snippet, 10);
  } else {
    out += fmt::format("      Who must act: {}.\n", who_must_act(result.answer));
  }
  return out;
}

std::string result_lines(const Terminal& terminal, const std::vector<CheckResult>& results) {
  std::string out;
  for (const CheckResult& one : results) out += line_of(terminal, one);
  return out;
}

std::string counts_text(const CheckReport& report) {
  const std::pair<CheckStatus, const char*> kWords[] = {{CheckStatus::kPassed, "passed"},
                                                        {CheckStatus::kWarning, "warning"},
                                                        {CheckStatus::kFailed, "failed"},
                                                        {CheckStatus::kSkipped, "skipped"},
                                                        {CheckStatus::kNotRun, "not run"}};
  std::vector<std::string> parts;
  for (const auto& [status, word] : kWords) {
    const size_t count = report.count(status);
    if (count == 0) continue;
    const bool plural = status == CheckStatus::kWarning && count > 1;
    parts.push_back(fmt::format("{} {}{}", count, word, plural ? "s" : ""));
  }
  return fmt::format("{} in {:.1f} s.\n", join(parts, ", "),
                     static_cast<double>(report.duration_ms) / 1000);
}

int checks_exit_code(const CheckReport& report, bool strict) {
  // To run it again is of use only where all that failed may go by itself.
  int temporary = kExitOk;
  for (const CheckResult& result : report.results) {
    const CheckAnswer& answer = result.answer;
    if (answer.status != CheckStatus::kFailed || !answer.error) continue;
    const int code = exit_code_of(*answer.error);
    if (code != kExitTemporary) return code;
    temporary = code;
  }
  if (temporary != kExitOk) return temporary;
  if (!report.ok()) return kExitNeedsAction;
  return strict && report.count(CheckStatus::kWarning) > 0 ? kExitWarnings : kExitOk;
}

}  // namespace vesto::cli
