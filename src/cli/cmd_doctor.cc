// doctor: this machine, the configuration, every destination and every source, one after the other.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "check/host_checks.h"
#include "cli/check_run.h"
#include "cli/doctor_text.h"
#include "cli/exit_codes.h"
#include "cli/signals.h"

namespace vesto::cli {

namespace {

// What keeps a destination from being tested, as its only check. Another test that runs tells
// itself how it stands: that is no failure.
Check locked_out(const Error& error) {
  Check check = lock_check();
  check.run = [error](const CheckLimits&) {
    if (error.code() == ErrorCode::kRunBusy) {
      return CheckAnswer{.status = CheckStatus::kSkipped, .reason = error.message()};
    }
    return CheckAnswer{.status = CheckStatus::kFailed, .error = error};
  };
  return check;
}

// Whether any check of the target is asked for.
bool is_asked_for(const CheckTarget& target, const std::vector<std::string>& only) {
  return only.empty() || unknown_ids(target.checks, only).size() < only.size();
}

// Those of `only` that no target has.
std::vector<std::string> unknown_everywhere(const std::vector<CheckTarget>& targets,
                                            const std::vector<std::string>& only) {
  std::vector<Check> all;
  for (const CheckTarget& target : targets) {
    all.insert(all.end(), target.checks.begin(), target.checks.end());
  }
  return unknown_ids(all, only);
}

class Doctor {
 public:
  Doctor(const Context& context, const LoadedConfig& loaded)
      : context_(context),
        loaded_(loaded),
        secrets_(sealed_store(context)),
        stop_([] {}),
        redactor_(redactor_of(context, loaded.config)) {
    if (redactor_) redactor_->learn(loaded);
    targets_.push_back({.kind = "host",
                        .name = "host",
                        .heading = "",
                        .checks = host_checks({.loaded = &loaded,
                                               .secrets = &secrets_,
                                               .data_dir = data_dir(context.options),
                                               .store = &store_})});
    if (!loaded.issues.empty()) return;
    for (const DestinationConfig& destination : loaded.config.destinations) {
      targets_.push_back(destination_target(context, loaded.config, destination, secrets_,
                                            stop_.token(), &store_));
      std::vector<Check>& checks = targets_.back().checks;
      checks.insert(checks.begin(), lock_check());
    }
    for (const SourceConfig& source : loaded.config.sources) {
      targets_.push_back(source_target(loaded.config, source, secrets_, stop_.token()));
    }
  }

  [[nodiscard]] const std::vector<CheckTarget>& targets() const { return targets_; }

  // Each check stands once, however many targets have it.
  [[nodiscard]] std::vector<Check> all_checks() const {
    std::vector<Check> all;
    for (const CheckTarget& target : targets_) {
      for (const Check& check : target.checks) {
        const bool known = std::any_of(all.begin(), all.end(),
                                       [&](const Check& one) { return one.id == check.id; });
        if (!known) all.push_back(check);
      }
    }
    return all;
  }

  int run(int64_t wait_ms) {
    const int64_t from_ms = context_.clock->monotonic_ms();
    std::vector<CheckReport> reports;
    for (CheckTarget& target : targets_) {
      if (stop_.token().stop_requested()) break;
      if (!is_asked_for(target, context_.options.only)) continue;
      std::optional<Result<secret::File>> lock;
      if (target.kind == "destination") {
        // Not waited for: many destinations may be tested at once, and it is no failure.
        lock.emplace(lock_test(context_, target.name, 0));
        if (!lock->ok()) target.checks = {locked_out(lock->error())};
      }
      reports.push_back(one_report(std::move(target), wait_ms, lock && !lock->ok()));
      if (!context_.options.json) tell(reports.back());
    }
    const int64_t took_ms = context_.clock->monotonic_ms() - from_ms;
    write_out(context_.options.json ? doctor_json(reports, took_ms) + "\n"
                                    : doctor_summary(reports, took_ms));
    if (stop_.received() != 0) return 128 + stop_.received();
    return doctor_exit_code(reports, context_.options.strict);
  }

 private:
  CheckReport one_report(CheckTarget target, int64_t wait_ms, bool all_of_it) {
    const TargetRun run{.wait_ms = wait_ms,
                        .stop = stop_.token(),
                        .live = false,
                        .redactor = redactor_ ? &*redactor_ : nullptr};
    if (!all_of_it || target.kind != "destination") {
      return run_target(context_, std::move(target), run);
    }
    Context unlimited = context_;
    unlimited.options.only.clear();
    return run_target(unlimited, std::move(target), run);
  }

  void tell(const CheckReport& report) const {
    write_out(report.kind == "host" ? host_lines(context_.terminal, report)
                                    : target_lines(context_.terminal, report));
  }

  const Context& context_;
  const LoadedConfig& loaded_;
  const SealedStore secrets_;
  check::StoreLook store_;
  SignalStop stop_;
  std::optional<ReportRedactor> redactor_;  // one for all reports: a name has one token
  std::vector<CheckTarget> targets_;
};

}  // namespace

int cmd_doctor(const Context& given) {
  Context context = given;
  std::vector<std::string>& only = context.options.only;
  only.insert(only.end(), context.options.names.begin(), context.options.names.end());
  const LoadedConfig loaded = load_config(config_files(context.options));
  if (loaded.issues.empty()) set_up_log(context, loaded.config);
  // Where the configuration cannot be used, that is what there is to say, whatever was asked for.
  if (!loaded.issues.empty() && !only.empty()) only.emplace_back("config.valid");
  const Result<int64_t> wait_ms = wait_of(context.options, 0);
  if (!wait_ms.ok()) return fail(context, wait_ms.error());
  Doctor doctor(context, loaded);
  if (context.options.list) return list_checks(context, doctor.all_checks());
  const auto unknown = unknown_everywhere(doctor.targets(), only);
  if (!unknown.empty() && loaded.issues.empty()) {
    return fail(context, Error(ErrorCode::kUsage, "there is no check " + join(unknown, ", "))
                             .with_hint("vesto doctor --list names them."));
  }
  return doctor.run(*wait_ms);
}

}  // namespace vesto::cli
