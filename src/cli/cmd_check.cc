// destination test: the checks of one destination.
#include <fmt/format.h>

#include <map>

#include "address/warehouse_endpoint.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "check/destination_checks.h"
#include "check/report_json.h"
#include "cli/check_text.h"
#include "cli/commands.h"
#include "cli/destination_test.h"
#include "cli/exit_codes.h"
#include "cli/signals.h"
#include "config/values.h"
#include "secret/files.h"
#include "sync/assemble.h"

namespace vesto::cli {

namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kDefaultWaitMs = 900'000;  // IAM knows of a change everywhere by then

// What has finished, as it finishes; under the titles of their groups.
class Live {
 public:
  explicit Live(const Terminal& terminal) : terminal_(terminal) {}

  void finished(const CheckResult& result) {
    head(result.group);
    // What was shown when the wait began is not shown again.
    const auto shown = shown_.find(result.id);
    const bool again = result.answer.error && shown != shown_.end() &&
                       shown->second == result.answer.error->message();
    write_out(again ? result_lines(terminal_, {result}) : result_text(terminal_, result));
  }

  void waiting(const CheckResult& result, int64_t left_ms) {
    const Error& error = *result.answer.error;
    const int64_t minute = left_ms / kMinuteMs;
    if (shown_[result.id] == error.message()) {
      if (minute == minute_) return;
      minute_ = minute;
      write_out(fmt::format("  {} still waiting for {}, {} left\n",
                            shape(terminal_, Shape::kWaiting), result.id,
                            format_duration(left_ms)));
      return;
    }
    shown_[result.id] = error.message();
    minute_ = minute;
    write_out(result_text(terminal_, result));
    write_out(fmt::format(
        "  {} waiting up to {} for AWS, which may not know of a change yet; Ctrl-C ends it\n",
        shape(terminal_, Shape::kWaiting), format_duration(left_ms)));
  }

 private:
  void head(const std::string& group) {
    if (group == group_) return;
    group_ = group;
    write_out(group_title(group) + "\n");
  }

  const Terminal& terminal_;
  std::string group_;
  std::map<std::string, std::string> shown_;  // id -> the error that stands there already
  int64_t minute_ = -1;                       // that was told last
};

int list_checks(const Context& context, const std::vector<Check>& checks) {
  std::vector<std::string> items;
  std::vector<std::vector<std::string>> rows = {{"CHECK", "MEANS", "NEEDS"}};
  for (const Check& check : checks) {
    std::vector<std::string> needs;
    for (const std::string& need : check.needs) needs.push_back(json_quote(need));
    items.push_back(fmt::format(R"({{"id":{},"title":{},"group":{},"needs":[{}],"always":{}}})",
                                json_quote(check.id), json_quote(check.title),
                                json_quote(check.group), join(needs, ","), check.always));
    rows.push_back({check.id, check.title, check.always ? "always" : join(check.needs, ", ")});
  }
  write_out(context.options.json
                ? fmt::format(R"({{"schema":"vesto.checks/1","checks":[{}]}})", join(items, ",")) +
                      "\n"
                : table_text(rows));
  return kExitOk;
}

Result<int64_t> wait_of(const Options& options) {
  if (options.wait.empty()) return kDefaultWaitMs;
  if (const auto wait_ms = parse_duration_ms(options.wait)) return *wait_ms;
  return Error(ErrorCode::kUsage, "--wait takes a duration: 30s, 15m, 0s");
}

// All that the checks of one destination stand on.
struct Ready {
  AssembledDestination to;
  DestinationUnderTest target;
};

Status make_ready(const Context& context, const Config& config,
                  const DestinationConfig& destination, const std::stop_token& stop, Ready* ready) {
  VESTO_ASSIGN(ready->to, assemble_destination(config, destination, sealed_store(context), stop));
  VESTO_ASSIGN(const std::unique_ptr<Store> store,
               open_store(data_dir(context.options), *context.clock));
  ready->target.config = &config;
  ready->target.destination = &destination;
  ready->target.to = &ready->to;
  ready->target.s3 = staging_options(destination, *ready->to.identity);
  ready->target.facts.public_egress = config.public_egress;
  ready->target.facts.account = destination.endpoint.account;
  ready->target.clock = context.clock;
  VESTO_ASSIGN(ready->target.installation, store->installation());
  return ok_status();
}

// What was understood stands there before anything is dialled.
void announce(const DestinationConfig& destination) {
  WarehouseEndpoint endpoint = destination.endpoint;
  endpoint.kind = destination.serverless ? WarehouseKind::kServerless : WarehouseKind::kProvisioned;
  endpoint.region = destination.auth.region;
  endpoint.name = destination.auth.warehouse;
  write_out(fmt::format("Testing destination {} ({})\n", destination.name,
                        describe_warehouse_endpoint(endpoint)));
}

int list_all(const Context& context, const Config& config, const DestinationConfig& destination) {
  Ready ready;
  if (Status made = make_ready(context, config, destination, {}, &ready); !made.ok()) {
    return fail(context, made.error());
  }
  return list_checks(context, destination_checks(ready.target));
}

}  // namespace

Result<TestedDestination> test_destination(const Context& context, const Config& config,
                                           const DestinationConfig& destination) {
  const Options& options = context.options;
  VESTO_ASSIGN(const int64_t wait_ms, wait_of(options));
  SignalStop stop([] {});
  Ready ready;
  VESTO_TRY(make_ready(context, config, destination, stop.token(), &ready));
  const std::vector<Check> checks = destination_checks(ready.target);
  if (const auto unknown = unknown_ids(checks, options.only); !unknown.empty()) {
    return Error(ErrorCode::kUsage, "there is no check " + join(unknown, ", "))
        .with_hint("vesto destination test NAME --list names them.");
  }
  // One test at a time: what lies there of an earlier one was left by a test that was killed.
  const auto lock = secret::take_lock(data_dir(options) + "/check.lock");
  if (!lock.ok() && lock.error().code() == ErrorCode::kSysStoreBusy) {
    return Error(ErrorCode::kRunBusy, "another destination test runs here");
  }
  if (!lock.ok()) return lock.error();
  Live live(context.terminal);
  CheckOptions run{
      .clock = context.clock, .wait_ms = wait_ms, .only = options.only, .stop = stop.token()};
  if (!options.json) {
    announce(destination);
    run.observer.finished = [&](const CheckResult& result) { live.finished(result); };
    run.observer.waiting = [&](const CheckResult& result, int64_t left_ms) {
      live.waiting(result, left_ms);
    };
  }
  TestedDestination tested{.report = run_checks(checks, run)};
  tested.report.kind = "destination";
  tested.report.name = destination.name;
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
    return counts +
           fmt::format("{0} is not ready. Then again: vesto destination test {0}\n", report.name);
  }
  if (!options.only.empty()) return counts + "The checks that were asked for passed.\n";
  return counts + fmt::format("{} is ready.\n", report.name);
}

int cmd_destination_test(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const auto destination = named_destination(context, *config);
  if (!destination.ok()) return fail(context, destination.error());
  if (context.options.list) return list_all(context, *config, **destination);
  const auto tested = test_destination(context, *config, **destination);
  if (!tested.ok()) return fail(context, tested.error());
  write_out(context.options.json ? report_json(tested->report) + "\n"
                                 : verdict_text(context, tested->report));
  return exit_code_of(context, *tested);
}

}  // namespace vesto::cli
