// Questions on a terminal, one line each: stdin answers, stderr asks. A wrong answer is asked again
// with the reason, kMaxTries times in all. "later", or Ctrl-D, ends the dialogue.
// Thread rule: one thread.
#ifndef VESTO_CLI_ADD_DIALOGUE_H_
#define VESTO_CLI_ADD_DIALOGUE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vesto::cli {

constexpr int kMaxTries = 5;

// stdin and stderr are both a terminal.
bool can_ask();

class Dialogue {
 public:
  // What becomes of an answer: what was understood, as a sentence or "".
  using Take = std::function<Result<std::string>(const std::string&)>;
  struct Question {
    std::string prompt = {};
    std::string fallback = {};  // taken for an empty answer, and shown in brackets
    bool may_be_empty = false;  // an empty answer is passed over: take is not called
  };

  // The title stands above the first question below it.
  void section(std::string title) { title_ = std::move(title); }
  void say(std::string_view text);
  // True: `take` has taken an answer, or it was empty and may be. False: left() or failure().
  bool ask(const Question& question, const Take& take);
  // Yes or no; an empty answer is `fallback`. Nothing: left.
  std::optional<bool> yes(const std::string& prompt, bool fallback);

  [[nodiscard]] bool left() const { return left_; }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  void leave() { left_ = true; }
  void fail(Error error) { failure_ = std::move(error); }

 private:
  // Nothing: the end of stdin.
  std::optional<std::string> line(const std::string& prompt);
  void head();

  std::string title_;
  bool left_ = false;
  std::optional<Error> failure_;
};

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_DIALOGUE_H_
