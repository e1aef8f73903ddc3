#include "sandbox/control/faults.h"

#include <regex.h>

#include <vector>

#include "base/mutex.h"
#include "sandbox/control/fault_parser.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxRules = 1000;
constexpr size_t kMaxCounts = 10000;            // names in the counts; a new one beyond is dropped
constexpr size_t kMaxSubjectBytes = 1U << 16U;  // the rest of a longer subject is not searched

// A POSIX extended regular expression. std::regex recurses for every character of its subject, and
// SQL texts are long enough to end the stack by that.
class Pattern {
 public:
  static Result<std::shared_ptr<const Pattern>, std::string> make(const std::string& text) {
    std::shared_ptr<Pattern> pattern(new Pattern());
    const int code = ::regcomp(&pattern->regex_, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
      char problem[256];
      ::regerror(code, &pattern->regex_, problem, sizeof(problem));
      return "match is no regular expression: " + std::string(problem);
    }
    pattern->compiled_ = true;
    return std::shared_ptr<const Pattern>(pattern);
  }
  ~Pattern() {
    if (compiled_) ::regfree(&regex_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  [[nodiscard]] bool found_in(std::string_view subject) const {
    const std::string text(subject.substr(0, kMaxSubjectBytes));
    return ::regexec(&regex_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  Pattern() = default;
  regex_t regex_{};
  bool compiled_ = false;
};

class FaultTable final : public Faults {
 public:
  std::optional<FaultAction> hit(std::string_view kind, std::string_view subject) override {
    Lock lock(mutex_);
    count_locked(kind);
    std::optional<FaultAction> action;
    for (Rule& rule : rules_) {
      if (rule.fault.on != kind) continue;
      if (rule.pattern && !rule.pattern->found_in(subject)) continue;
      ++rule.seen;  // every rule counts the calls that match it, also where another one acts
      const bool due = rule.seen >= rule.fault.nth && rule.seen - rule.fault.nth < rule.fault.count;
      if (due && !action) action = rule.fault.then;
    }
    return action;
  }

  void count(std::string_view name) override {
    Lock lock(mutex_);
    count_locked(name);
  }

  Result<Unit, std::string> add(std::string_view json_body) override {
    VESTO_ASSIGN(FaultRule fault, parse_fault(json_body));
    std::shared_ptr<const Pattern> pattern;
    if (!fault.match.empty()) {
      VESTO_ASSIGN(pattern, Pattern::make(fault.match));
    }
    Lock lock(mutex_);
    if (rules_.size() >= kMaxRules) return std::string("too many faults; DELETE /v1/faults first");
    rules_.push_back(Rule{std::move(fault), std::move(pattern), 0});
    return Unit{};
  }

  void clear() override {
    Lock lock(mutex_);
    rules_.clear();
  }

  std::map<std::string, uint64_t> counts() override {
    Lock lock(mutex_);
    return {counts_.begin(), counts_.end()};
  }

 private:
  struct Rule {
    FaultRule fault;
    std::shared_ptr<const Pattern> pattern;
    uint64_t seen = 0;
  };

  void count_locked(std::string_view name) VESTO_REQUIRES(mutex_) {
    const auto it = counts_.find(name);
    if (it != counts_.end()) {
      ++it->second;
    } else if (counts_.size() < kMaxCounts) {
      counts_.emplace(std::string(name), 1);
    }
  }

  Mutex mutex_;
  std::vector<Rule> rules_ VESTO_GUARDED_BY(mutex_);
  std::map<std::string, uint64_t, std::less<>> counts_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Faults> make_faults() { return std::make_unique<FaultTable>(); }

}  // namespace vesto::sandbox
