#include "cli/check_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/exit_codes.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

Shape shape_of(CheckStep::State state) {
  switch (state) {
    case CheckStep::State::kPassed:
      return Shape::kDone;
    case CheckStep::State::kFailed:
      return Shape::kFailed;
    case CheckStep::State::kNotRun:
      break;
  }
  return Shape::kNone;
}

std::string_view state_name(CheckStep::State state) {
  switch (state) {
    case CheckStep::State::kPassed:
      return "passed";
    case CheckStep::State::kFailed:
      return "failed";
    case CheckStep::State::kNotRun:
      break;
  }
  return "not_run";
}

size_t width_of(const std::vector<CheckStep>& steps) {
  size_t width = 0;
  for (const CheckStep& step : steps) width = std::max(width, step.title.size());
  return width;
}

std::string step_line(const Terminal& terminal, const CheckStep& step, size_t width) {
  std::string said = printable(step.evidence, false);
  if (step.state == CheckStep::State::kNotRun) said = "not run";
  if (step.error) said = std::string(step.error->name());
  if (step.state == CheckStep::State::kPassed && step.duration_ms >= 0) {
    said += fmt::format("{}{} ms", said.empty() ? "" : ", ", step.duration_ms);
  }
  return fmt::format("  {} {:<{}}  {}\n", shape(terminal, shape_of(step.state)), step.title, width,
                     said);
}

}  // namespace

std::string step_lines(const Terminal& terminal, const std::vector<CheckStep>& steps) {
  const size_t width = width_of(steps);
  std::string out;
  for (const CheckStep& step : steps) out += step_line(terminal, step, width);
  return out;
}

std::string checks_text(const Terminal& terminal, const std::vector<CheckStep>& steps) {
  const size_t width = width_of(steps);
  std::string out;
  for (const CheckStep& step : steps) {
    out += step_line(terminal, step, width);
    if (!step.error) continue;
    for (const std::string& line : split(error_text(*step.error), '\n')) {
      if (!line.empty()) out += "      " + line + "\n";
    }
  }
  return out;
}

std::string steps_json(const std::vector<CheckStep>& steps) {
  std::vector<std::string> checks;
  for (const CheckStep& step : steps) {
    std::string one =
        fmt::format(R"({{"id":{},"title":{},"status":"{}","evidence":{})", json_quote(step.id),
                    json_quote(step.title), state_name(step.state), json_quote(step.evidence));
    if (step.duration_ms >= 0) one += fmt::format(R"(,"duration_ms":{})", step.duration_ms);
    if (step.error) one += ",\"error\":" + error_json(*step.error);
    checks.push_back(one + "}");
  }
  return "[" + join(checks, ",") + "]";
}

std::string checks_json(std::string_view kind, std::string_view name,
                        const std::vector<CheckStep>& steps) {
  return fmt::format(
      R"({{"schema":"vesto.check_report/1","target":{{"kind":{},"name":{}}},"ok":{},"checks":{}}})"
      "\n",
      json_quote(kind), json_quote(name), all_passed(steps), steps_json(steps));
}

int checks_exit_code(const std::vector<CheckStep>& steps) {
  for (const CheckStep& step : steps) {
    if (step.error) return exit_code_for(*step.error);
  }
  return kExitOk;
}

}  // namespace vesto::cli
