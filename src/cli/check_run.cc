#include "cli/check_run.h"

#include <fmt/format.h>

#include <map>

#include "address/warehouse_endpoint.h"
#include "base/json_text.h"
#include "base/private_dir.h"
#include "base/strings.h"
#include "check/destination_checks.h"
#include "check/source_checks.h"
#include "cli/check_text.h"
#include "cli/exit_codes.h"
#include "config/values.h"

namespace vesto::cli {

namespace {

constexpr int64_t kMinuteMs = 60'000;

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

// What was understood, so that it stands there before anything is dialled.
std::string described(const DestinationConfig& destination) {
  WarehouseEndpoint endpoint = destination.endpoint;
  endpoint.kind = destination.serverless ? WarehouseKind::kServerless : WarehouseKind::kProvisioned;
  endpoint.region = destination.auth.region;
  endpoint.name = destination.auth.warehouse;
  return describe_warehouse_endpoint(endpoint);
}

}  // namespace

CheckTarget destination_target(const Context& context, const Config& config,
                               const DestinationConfig& destination, const SealedStore& secrets,
                               const std::stop_token& stop, check::StoreLook* store) {
  const DestinationUnderTest target{.config = &config,
                                    .destination = &destination,
                                    .secrets = &secrets,
                                    .data_dir = data_dir(context.options),
                                    .clock = context.clock,
                                    .stop = stop,
                                    .store = store};
  return {.kind = "destination",
          .name = destination.name,
          .heading =
              fmt::format("Testing destination {} ({})", destination.name, described(destination)),
          .checks = destination_checks(target)};
}

CheckTarget source_target(const Config& config, const SourceConfig& source,
                          const SealedStore& secrets, const std::stop_token& stop) {
  const SourceUnderTest target{
      .config = &config, .source = &source, .secrets = &secrets, .stop = stop};
  return {.kind = "source",
          .name = source.name,
          .heading = fmt::format("Testing source {} (PostgreSQL, {}:{}/{})", source.name,
                                 source.host, source.port, source.database),
          .checks = source_checks(target)};
}

Result<int64_t> wait_of(const Options& options, int64_t otherwise_ms) {
  if (options.wait.empty()) return otherwise_ms;
  if (const auto wait_ms = parse_duration_ms(options.wait)) return *wait_ms;
  return Error(ErrorCode::kUsage, "--wait takes a duration: 30s, 15m, 0s");
}

Result<secret::File> lock_test(const Context& context, const std::string& destination,
                               int wait_ms) {
  const std::string dir = data_dir(context.options);
  VESTO_TRY(make_private_dir(dir));
  const std::string path = check_lock_path(dir, check_sync(destination));
  auto lock = secret::take_lock(path, wait_ms);
  if (!lock.ok() && lock.error().code() == ErrorCode::kSysStoreBusy) {
    return Error(ErrorCode::kRunBusy,
                 fmt::format("destination {} is being tested just now", destination))
        .with_hint(fmt::format("Wait until that test is done, or find it with: fuser '{}'", path));
  }
  return lock;
}

std::optional<ReportRedactor> redactor_of(const Context& context, const Config& config) {
  if (!context.options.redact) return std::nullopt;
  std::optional<ReportRedactor> redactor(std::in_place);
  redactor->learn(config);
  for (const std::string& file : config_files(context.options)) redactor->learn_path(file);
  redactor->learn_path(data_dir(context.options));
  return redactor;
}

CheckReport run_target(const Context& context, CheckTarget target, const TargetRun& run) {
  CheckOptions options{.clock = context.clock,
                       .wait_ms = run.wait_ms,
                       .only = context.options.only,
                       .stop = run.stop};
  Live live(context.terminal);
  if (run.live) {
    const auto shown = [&](const CheckResult& result) {
      return run.redactor == nullptr ? result : run.redactor->redacted(result);
    };
    write_out((run.redactor == nullptr ? target.heading : run.redactor->text(target.heading)) +
              "\n");
    options.observer.finished = [&live, shown](const CheckResult& result) {
      live.finished(shown(result));
    };
    options.observer.waiting = [&live, shown](const CheckResult& result, int64_t left_ms) {
      live.waiting(shown(result), left_ms);
    };
  }
  CheckReport report = run_checks(target.checks, options);
  target.checks.clear();
  report.kind = target.kind;
  report.name = target.name;
  return run.redactor == nullptr ? report : run.redactor->redacted(report);
}

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

}  // namespace vesto::cli
