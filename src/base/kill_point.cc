#include "base/kill_point.h"

#if defined(VESTO_KILL_POINTS)

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/strings.h"

namespace vesto::internal {

namespace {

// One wish of the environment: a name, and at which of its visits.
class Wish {
 public:
  Wish(const char* variable, int signal) : signal_(signal) {
    const char* value = std::getenv(variable);
    if (value == nullptr) return;
    const std::string_view text(value);
    const size_t mark = text.find('#');
    name_ = text.substr(0, mark);
    if (mark != std::string_view::npos) visits_ = parse_int(text.substr(mark + 1)).value_or(1);
  }
  void visit(std::string_view name) {
    if (name == name_ && visits_.fetch_sub(1) == 1) kill(getpid(), signal_);
  }

 private:
  int signal_;
  std::string name_;
  std::atomic<int64_t> visits_{1};
};

}  // namespace

void kill_point(const char* name) {
  static Wish kill_wish("VESTO_KILL_AT", SIGKILL);
  static Wish stop_wish("VESTO_STOP_AT", SIGSTOP);
  kill_wish.visit(name);
  stop_wish.visit(name);
}

}  // namespace vesto::internal

#endif
