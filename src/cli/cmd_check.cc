// destination test, source test: the checks of one destination or source.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "check/report_json.h"
#include "check/source_checks.h"
#include "cli/check_run.h"
#include "cli/check_text.h"
#include "cli/destination_test.h"
#include "cli/exit_codes.h"
#include "cli/signals.h"

namespace vesto::cli {

namespace {

constexpr int64_t kDefaultWaitMs = 900'000;  // IAM knows of a change everywhere by then

Status check_ids(const CheckTarget& target, const std::vector<std::string>& only) {
  const auto unknown = unknown_ids(target.checks, only);
  if (unknown.empty()) return ok_status();
  return Error(ErrorCode::kUsage, "there is no check " + join(unknown, ", "))
      .with_hint(fmt::format("vesto {} test NAME --list names them.", target.kind));
}

int tell(const Context& context, const TestedDestination& tested) {
  write_out(context.options.json ? report_json(tested.report) + "\n"
                                 : verdict_text(context, tested.report));
  return exit_code_of(context, tested);
}

}  // namespace

Result<TestedDestination> test_destination(const Context& context, const Config& config,
                                           const DestinationConfig& destination) {
  VESTO_ASSIGN(const int64_t wait_ms, wait_of(context.options, kDefaultWaitMs));
  SignalStop stop([] {});
  const SealedStore secrets = sealed_store(context);
  CheckTarget target = destination_target(context, config, destination, secrets, stop.token());
  VESTO_TRY(check_ids(target, context.options.only));
  VESTO_ASSIGN(const secret::File lock, lock_test(context, destination.name));
  std::optional<ReportRedactor> redactor = redactor_of(context, config);
  TestedDestination tested{.report = run_target(context, std::move(target),
                                                {.wait_ms = wait_ms,
                                                 .stop = stop.token(),
                                                 .live = !context.options.json,
                                                 .redactor = redactor ? &*redactor : nullptr})};
  tested.signal = stop.received();
  return tested;
}

int exit_code_of(const Context& context, const TestedDestination& tested) {
  if (tested.signal != 0) return 128 + tested.signal;
  return checks_exit_code(tested.report, context.options.strict);
}

// Only all of the checks say that a destination is ready.
std::string verdict_text(const Context& context, const CheckReport& report) {
  const Options& options = context.options;
  const std::string counts = "\n" + counts_text(report);
  const bool warned = options.strict && report.count(CheckStatus::kWarning) > 0;
  if (!report.ok() || warned) {
    return counts + fmt::format("{0} is not ready. Then again: vesto {1} test {0}\n", report.name,
                                report.kind);
  }
  const bool no_tables =
      std::any_of(report.results.begin(), report.results.end(),
                  [](const CheckResult& result) { return result.answer.reason == kNoSyncReads; });
  if (no_tables) {
    return counts +
           fmt::format("{} answers. Its tables were not looked at, as no sync reads from it.\n",
                       report.name);
  }
  if (!options.only.empty()) return counts + "The checks that were asked for passed.\n";
  return counts + fmt::format("{} is ready.\n", report.name);
}

int cmd_destination_test(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const auto destination = named_destination(context, *config);
  if (!destination.ok()) return fail(context, destination.error());
  if (context.options.list) {
    const SealedStore secrets = sealed_store(context);
    return list_checks(context,
                       destination_target(context, *config, **destination, secrets, {}).checks);
  }
  const auto tested = test_destination(context, *config, **destination);
  if (!tested.ok()) return fail(context, tested.error());
  return tell(context, *tested);
}

int cmd_source_test(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const std::string& name = context.options.name;
  const SourceConfig* source = config->find_source(name);
  if (source == nullptr) {
    return fail(context, no_object("source", name, names_of(config->sources)));
  }
  // What AWS may not know yet has no part in a source.
  const Result<int64_t> wait_ms = wait_of(context.options, 0);
  if (!wait_ms.ok()) return fail(context, wait_ms.error());
  SignalStop stop([] {});
  const SealedStore secrets = sealed_store(context);
  CheckTarget target = source_target(*config, *source, secrets, stop.token());
  if (context.options.list) return list_checks(context, target.checks);
  if (Status known = check_ids(target, context.options.only); !known.ok()) {
    return fail(context, known.error());
  }
  std::optional<ReportRedactor> redactor = redactor_of(context, *config);
  TestedDestination tested{.report = run_target(context, std::move(target),
                                                {.wait_ms = *wait_ms,
                                                 .stop = stop.token(),
                                                 .live = !context.options.json,
                                                 .redactor = redactor ? &*redactor : nullptr})};
  tested.signal = stop.received();
  return tell(context, tested);
}

}  // namespace vesto::cli
