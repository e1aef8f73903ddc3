// A graph of checks and the engine that runs it: one engine for `destination test`, `source test`
// and `doctor`. A check looks at one thing, says what it saw, and leaves nothing behind. One that
// needs a failed check is not run and names what masks it; all others go on, so that one test shows
// all that is wrong.
//
//   std::vector<Check> checks = destination_checks(...);
//   const CheckReport report = run_checks(checks, {.clock = &clock, .wait_ms = 900'000});
//   if (!report.ok()) ...
//
// Thread rule: run_checks() runs every check in the calling thread, one after the other.
#ifndef VESTO_CHECK_CHECK_H_
#define VESTO_CHECK_CHECK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace vesto {

enum class CheckStatus {
  kPassed,
  kWarning,  // works, but wider or worse than it should be; `error` says why
  kFailed,
  kSkipped,  // has no meaning here, or may not be looked at; `reason` says why
  kNotRun,   // needs a check that did not pass; `reason` names it
};
std::string_view check_status_name(CheckStatus status);  // "not_run"

// One thing that was seen. Never a secret.
struct Evidence {
  std::string name;   // "database_user"
  std::string value;  // "IAMR:acme-sync"
};

// What somebody is to do, as a text to paste.
struct Fix {
  // "you", "operator", "aws_admin", "redshift_admin", "network_admin", "source_admin"
  std::string who;
  std::string kind;     // "sql", "shell", "toml", "text"
  std::string snippet;  // complete; "" where nothing can be pasted
};

struct CheckAnswer {
  CheckStatus status = CheckStatus::kPassed;
  std::vector<Evidence> evidence = {};
  std::optional<Error> error = {};  // of kFailed and kWarning
  std::optional<Fix> fix = {};
  std::string reason = {};  // of kSkipped
  // kSkipped, because a right is missing that AWS may not know of yet: where a failure is waited
  // for, this is asked again as well.
  bool refused = false;
  // Names that its texts hold and nothing else of it tells, as evidence calls them ("table",
  // "owner"): for a report without names. Never shown.
  std::vector<Evidence> names = {};
};

struct CheckLimits {
  int64_t limit_ms = 10'000;  // of this check, and of each thing that it asks
  // Ends it at once: the test was stopped, or the check has had its time. What fails after that
  // time is told by the engine as NET-TIMEOUT, unless it has a code of its own.
  std::stop_token stop;
};

struct Check {
  std::string id;     // "redshift.temp"
  std::string title;  // what it means when it passed: "May use temporary tables"
  std::string group;  // "config", "network", "identity", "warehouse", "bucket", "load", "end", ...
  std::vector<std::string> needs = {};  // ids of earlier checks
  // Runs whatever became of them: clean_up.
  bool always = false;
  int64_t limit_ms = 10'000;
  // Whether AWS may need minutes until a change is known everywhere: a failure of it is repeated.
  bool may_wait = false;
  std::function<CheckAnswer(const CheckLimits&)> run;
};

struct CheckResult {
  std::string id;
  std::string title;
  std::string group;
  std::vector<std::string> needs;
  CheckAnswer answer;
  std::string masked_by;  // kNotRun: id of the check that did not pass
  int attempts = 0;
  int64_t duration_ms = 0;
};

struct CheckReport {
  std::string kind;  // "destination"
  std::string name;  // "acme"
  int64_t started_ms = 0;
  int64_t duration_ms = 0;
  bool interrupted = false;
  bool redacted = false;             // its names are tokens (redact_report.h)
  std::vector<CheckResult> results;  // in the order of the checks

  [[nodiscard]] size_t count(CheckStatus status) const;
  // Nothing failed, and nothing was left out because something failed or was interrupted.
  [[nodiscard]] bool ok() const;
};

// What is told while it runs. Called in the thread of run_checks().
struct CheckObserver {
  std::function<void(const CheckResult&)> finished = {};  // also of those that are not run
  // A check that failed is repeated until `left_ms` are over, since AWS may not know of a change
  // yet.
  std::function<void(const CheckResult&, int64_t left_ms)> waiting = {};
};

struct CheckOptions {
  Clock* clock = nullptr;
  // For how long failures of checks with may_wait are repeated, all of them together; 0: not at
  // all.
  int64_t wait_ms = 0;
  // Ids that are wanted, with what they need; empty: all. An id may end in ".*".
  std::vector<std::string> only = {};
  std::stop_token stop = {};
  CheckObserver observer = {};
};

// Runs `checks`, which stand behind what they need. Those with may_wait that failed are repeated
// when all others have been run, with what they mask and with those that were skipped as refused;
// 5 s to 30 s lie between two attempts.
// Thread root of every check: one that throws is a failure with INT-BUG.
CheckReport run_checks(const std::vector<Check>& checks, const CheckOptions& options);

// Ids in `only` that no check has.
std::vector<std::string> unknown_ids(const std::vector<Check>& checks,
                                     const std::vector<std::string>& only);

}  // namespace vesto

#endif  // VESTO_CHECK_CHECK_H_
