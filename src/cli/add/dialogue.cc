#include "cli/add/dialogue.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/strings.h"
#include "cli/add/answers.h"
#include "cli/terminal.h"

namespace vesto::cli {

bool can_ask() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

void Dialogue::head() {
  if (title_.empty()) return;
  write_err(fmt::format("\n{}\n", title_));
  title_.clear();
}

void Dialogue::say(std::string_view text) {
  if (text.empty()) return;
  head();
  write_err(fmt::format("  {}\n", printable(text, false)));
}

std::optional<std::string> Dialogue::line(const std::string& prompt) {
  write_err("  " + prompt);
  std::string text;
  // A terminal gives a line at a time; Ctrl-D on an empty one gives nothing.
  while (text.size() <= kMaxAnswerBytes) {
    std::string some(kMaxAnswerBytes + 2, '\0');
    const ssize_t got = ::read(STDIN_FILENO, some.data(), some.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      write_err("\n");
      return std::nullopt;
    }
    text.append(some, 0, static_cast<size_t>(got));
    if (text.ends_with('\n')) break;
  }
  return std::string(trim(text));
}

bool Dialogue::ask(const Question& question, const Take& take) {
  head();
  const std::string prompt = question.fallback.empty()
                                 ? question.prompt + ": "
                                 : fmt::format("{} [{}]: ", question.prompt, question.fallback);
  for (int tries = 1;; ++tries) {
    std::optional<std::string> answer = line(prompt);
    if (!answer || *answer == "later") {
      left_ = true;
      return false;
    }
    if (answer->empty()) answer = question.fallback;
    if (answer->empty() && question.may_be_empty) return true;
    const Result<std::string> taken =
        answer->empty() ? Result<std::string>(Error(ErrorCode::kCfgMissing, "This is needed")
                                                  .with_hint("\"later\" keeps what is there."))
                        : take(*answer);
    if (taken.ok()) {
      say(*taken);
      return true;
    }
    if (tries == kMaxTries) {
      failure_ = taken.error();
      return false;
    }
    // The catalogue's own hint is for a file: here the place is the question.
    const bool own_hint = taken.error().hint() != catalog_entry(taken.error().code()).hint;
    say(sentence(taken.error().message()) + (own_hint ? " " + taken.error().hint() : ""));
  }
}

std::optional<bool> Dialogue::yes(const std::string& prompt, bool fallback) {
  bool yes = fallback;
  const Question question{.prompt = prompt, .fallback = fallback ? "Y/n" : "y/N"};
  const bool asked = ask(question, [&](const std::string& text) -> Result<std::string> {
    const std::string lower = to_lower_ascii(text);
    if (lower == "y/n") {  // the fallback itself
      yes = fallback;
      return std::string();
    }
    yes = lower == "y" || lower == "yes";
    if (yes || lower == "n" || lower == "no") return std::string();
    return Error(ErrorCode::kCfgValue, "Answer yes or no");
  });
  if (!asked) return std::nullopt;
  return yes;
}

}  // namespace vesto::cli
