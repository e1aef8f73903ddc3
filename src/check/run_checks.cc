#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "aws/aws_errors.h"
#include "base/check.h"
#include "base/error_causes.h"
#include "base/kill_point.h"
#include "base/strings.h"
#include "base/thread_root.h"
#include "base/timed_stop.h"
#include "check/check.h"

namespace vesto {

namespace {

constexpr int64_t kFirstPauseMs = 5'000;
constexpr int64_t kLongestPauseMs = 30'000;
// What a check asks has its limit too, and knows better what did not answer: it speaks first.
constexpr int64_t kGraceMs = 500;

// What AWS also answers while a change of a policy is not known everywhere yet, and what a
// warehouse answers that is on its way. Not a name or a key that is wrong, nor a policy that no
// change of the role or of its user helps against: nobody should wait for these.
bool may_pass_by_itself(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kAwsAssumeDenied:
      return !is_beyond_an_allow(refusal_in(error.upstream().text));
    case ErrorCode::kRsCredDenied:
    case ErrorCode::kRsWaking:
    case ErrorCode::kS3Denied:
    case ErrorCode::kS3Kms:
    case ErrorCode::kRsCopyS3:
      return true;
    default:
      return false;
  }
}

// What is to be written into the configuration only the next test reads.
bool needs_configuration(const CheckAnswer& answer) {
  return answer.fix && answer.fix->who == "you";
}

bool matches(std::string_view id, std::string_view pattern) {
  if (pattern.ends_with(".*")) return id.starts_with(pattern.substr(0, pattern.size() - 1));
  return id == pattern;
}

// A check that was cut off says so, and what kept it: that it was stopped is no fault of anybody.
void tell_time_is_up(const Check& check, CheckAnswer* answer) {
  if (answer->status != CheckStatus::kFailed || !answer->error) return;
  if (answer->error->code() != ErrorCode::kRunInterrupted) return;
  Error error(ErrorCode::kNetTimeout,
              fmt::format("no answer within {}: {}", format_duration(check.limit_ms),
                          answer->error->message()));
  for (const std::string& where : answer->error->context()) error.in(where);
  // The client gives a silent service up after ten seconds, too: who is first must not matter.
  if (answer->error->upstream().system == "curl") error.because(cause_named("curl-silent"));
  error.with_upstream(answer->error->upstream());
  answer->error = std::move(error);
}

// Whatever a check makes of it that it was stopped in the middle: a lost connection is none.
void tell_stopped(CheckAnswer* answer) {
  if (answer->status != CheckStatus::kFailed || !answer->error) return;
  if (answer->error->code() == ErrorCode::kRunInterrupted) return;
  *answer = CheckAnswer{
      .status = CheckStatus::kFailed,
      .error = Error(ErrorCode::kRunInterrupted, "the check was stopped before it had its answer")};
}

class Runner {
 public:
  Runner(const std::vector<Check>& checks, const CheckOptions& options)
      : checks_(checks), options_(options) {
    for (size_t i = 0; i < checks.size(); ++i) {
      for (const std::string& need : checks[i].needs) {
        VESTO_CHECK(index_.contains(need));  // stands before what needs it
      }
      VESTO_CHECK(index_.emplace(checks[i].id, i).second);
    }
  }

  CheckReport run();

 private:
  void choose();
  void first_round();
  void wait_for_aws();
  void last_round();
  void attempt(size_t i);
  // Runs `i`, or leaves it out because of what it needs. False: its end is not known yet.
  bool settle(size_t i);
  void tell(size_t i);
  [[nodiscard]] bool waits(size_t i) const;
  // Was skipped for a right that may come while others wait for theirs. Nobody waits for it alone.
  [[nodiscard]] bool is_held(size_t i) const;
  [[nodiscard]] std::optional<std::string> mask_of(size_t i) const;
  [[nodiscard]] int64_t now_ms() const { return options_.clock->monotonic_ms(); }

  const std::vector<Check>& checks_;
  const CheckOptions& options_;
  std::map<std::string, size_t> index_;
  std::vector<bool> wanted_;
  std::vector<bool> told_;
  CheckReport report_;
};

// Those that are wanted and all that they need.
void Runner::choose() {
  wanted_.assign(checks_.size(), options_.only.empty());
  for (size_t i = checks_.size(); i-- > 0;) {
    const bool named =
        std::any_of(options_.only.begin(), options_.only.end(),
                    [&](const std::string& pattern) { return matches(checks_[i].id, pattern); });
    if (named || checks_[i].always) wanted_[i] = true;
    // Needs stand before, so one pass from the end meets them all.
    if (!wanted_[i] || checks_[i].always) continue;
    for (const std::string& need : checks_[i].needs) wanted_[index_.at(need)] = true;
  }
}

// The check that keeps `i` from running: not what it needs, but what that needs in turn.
std::optional<std::string> Runner::mask_of(size_t i) const {
  if (checks_[i].always) return std::nullopt;
  for (const std::string& need : checks_[i].needs) {
    const CheckResult& needed = report_.results[index_.at(need)];
    if (needed.answer.status == CheckStatus::kFailed) return needed.id;
    if (needed.answer.status == CheckStatus::kNotRun) {
      return needed.masked_by.empty() ? needed.id : needed.masked_by;
    }
  }
  return std::nullopt;
}

void Runner::attempt(size_t i) {
  const Check& check = checks_[i];
  CheckResult& result = report_.results[i];
  const int64_t from_ms = now_ms();
  ++result.attempts;
  VESTO_KILL_POINT(("check.before:" + check.id).c_str());
  const TimedStop limit(
      {.limit_ms = check.limit_ms + kGraceMs, .after_stop_ms = 0, .stop = options_.stop});
  const Status ran = thread_root(
      [&] { result.answer = check.run({.limit_ms = check.limit_ms, .stop = limit.token()}); });
  if (!ran.ok()) {
    result.answer = CheckAnswer{.status = CheckStatus::kFailed, .error = ran.error()};
  }
  if (!options_.stop.stop_requested()) {
    tell_time_is_up(check, &result.answer);
  } else if (!check.always) {
    report_.interrupted = true;
    tell_stopped(&result.answer);
  }
  VESTO_KILL_POINT(("check.after:" + check.id).c_str());
  result.masked_by.clear();
  result.duration_ms += now_ms() - from_ms;
}

bool Runner::waits(size_t i) const {
  const CheckAnswer& answer = report_.results[i].answer;
  return checks_[i].may_wait && options_.wait_ms > 0 && answer.status == CheckStatus::kFailed &&
         answer.error && may_pass_by_itself(*answer.error) && !needs_configuration(answer);
}

bool Runner::is_held(size_t i) const {
  const CheckAnswer& answer = report_.results[i].answer;
  return options_.wait_ms > 0 && answer.status == CheckStatus::kSkipped && answer.refused;
}

bool Runner::settle(size_t i) {
  CheckResult& result = report_.results[i];
  const auto leave_out = [&](std::string masked_by, std::string reason) {
    result.answer = CheckAnswer{.status = CheckStatus::kNotRun, .reason = std::move(reason)};
    result.masked_by = std::move(masked_by);
  };
  if (const auto mask = mask_of(i)) {
    const auto at = index_.find(*mask);
    leave_out(*mask, "needs \"" + checks_[at->second].title + "\"");
    return !waits(at->second);
  }
  if (options_.stop.stop_requested() && !checks_[i].always) {
    report_.interrupted = true;
    leave_out("", "interrupted");
    return true;
  }
  attempt(i);
  return !waits(i) && !is_held(i);
}

void Runner::tell(size_t i) {
  if (told_[i]) return;
  told_[i] = true;
  if (options_.observer.finished) options_.observer.finished(report_.results[i]);
}

void Runner::first_round() {
  for (size_t i = 0; i < checks_.size(); ++i) {
    if (!wanted_[i] || checks_[i].always) continue;
    if (settle(i)) tell(i);
  }
}

// All that waits is asked again in each turn, with what it masks.
void Runner::wait_for_aws() {
  const int64_t until_ms = now_ms() + options_.wait_ms;
  int64_t pause_ms = kFirstPauseMs;
  while (true) {
    bool any = false;
    const int64_t left_ms = until_ms - now_ms();
    for (size_t i = 0; i < checks_.size(); ++i) {
      if (!wanted_[i] || told_[i] || !waits(i)) continue;
      any = true;
      if (options_.observer.waiting && left_ms > 0) {
        options_.observer.waiting(report_.results[i], left_ms);
      }
    }
    if (!any || left_ms <= 0) return;
    if (!options_.clock->sleep_ms(std::min(pause_ms, left_ms), options_.stop)) {
      report_.interrupted = true;
      return;
    }
    pause_ms = std::min(pause_ms * 3 / 2, kLongestPauseMs);
    for (size_t i = 0; i < checks_.size(); ++i) {
      if (!wanted_[i] || told_[i] || checks_[i].always) continue;
      if (settle(i)) tell(i);
    }
  }
}

// What still waits has failed, and what always runs does so last.
void Runner::last_round() {
  for (size_t i = 0; i < checks_.size(); ++i) {
    if (!wanted_[i] || told_[i]) continue;
    if (checks_[i].always) attempt(i);
    tell(i);
  }
}

CheckReport Runner::run() {
  choose();
  told_.assign(checks_.size(), false);
  report_.started_ms = options_.clock->wall_ms();
  const int64_t from_ms = now_ms();
  for (const Check& check : checks_) {
    report_.results.push_back({.id = check.id,
                               .title = check.title,
                               .group = check.group,
                               .needs = check.needs,
                               .answer = {},
                               .masked_by = {}});
  }
  first_round();
  wait_for_aws();
  last_round();
  std::vector<CheckResult> wanted;
  for (size_t i = 0; i < checks_.size(); ++i) {
    if (wanted_[i]) wanted.push_back(std::move(report_.results[i]));
  }
  report_.results = std::move(wanted);
  report_.duration_ms = now_ms() - from_ms;
  return std::move(report_);
}

}  // namespace

std::string_view check_status_name(CheckStatus status) {
  switch (status) {
    case CheckStatus::kPassed:
      return "passed";
    case CheckStatus::kWarning:
      return "warning";
    case CheckStatus::kFailed:
      return "failed";
    case CheckStatus::kSkipped:
      return "skipped";
    case CheckStatus::kNotRun:
      break;
  }
  return "not_run";
}

size_t CheckReport::count(CheckStatus status) const {
  return static_cast<size_t>(
      std::count_if(results.begin(), results.end(),
                    [status](const CheckResult& one) { return one.answer.status == status; }));
}

bool CheckReport::ok() const {
  return !interrupted && count(CheckStatus::kFailed) == 0 && count(CheckStatus::kNotRun) == 0;
}

CheckReport run_checks(const std::vector<Check>& checks, const CheckOptions& options) {
  return Runner(checks, options).run();
}

std::vector<std::string> unknown_ids(const std::vector<Check>& checks,
                                     const std::vector<std::string>& only) {
  std::vector<std::string> unknown;
  for (const std::string& pattern : only) {
    const bool known = std::any_of(checks.begin(), checks.end(),
                                   [&](const Check& check) { return matches(check.id, pattern); });
    if (!known) unknown.push_back(pattern);
  }
  return unknown;
}

}  // namespace vesto
