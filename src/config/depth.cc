#include "config/depth.h"

#include <algorithm>
#include <string>

namespace vesto {

namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<TextPlace> scan() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      step(c);
      if (brackets_ > kMaxTomlDepth || dots_ >= kMaxTomlDepth) return place();
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void step(char c) {
    if (c == '.') {
      ++dots_;
    } else if (c == '[' || c == '{') {
      ++brackets_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      brackets_ = std::max(brackets_ - 1, 0);
      dots_ = 0;
    } else if (c == '=' || c == ',' || c == '\n') {
      dots_ = 0;
    }
  }

  // Moves behind the string that begins here.
  void skip_string(char quote) {
    const std::string three(3, quote);
    const bool multiline = text_.substr(at_, 3) == three;
    at_ += multiline ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && quote == '"') {
        at_ += 2;
      } else if (!multiline && (c == quote || c == '\n')) {
        // A line end breaks the string, and with it the file.
        at_ += c == quote ? 1 : 0;
        return;
      } else if (multiline && text_.substr(at_, 3) == three) {
        at_ += 3;
        // Up to two quotes may stand before the closing three.
        for (int i = 0; i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) ++at_;
        return;
      } else {
        ++at_;
      }
    }
    at_ = text_.size();
  }

  [[nodiscard]] TextPlace place() const {
    const std::string_view before = text_.substr(0, at_);
    const size_t line_start = before.rfind('\n');
    return {.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
            .column = static_cast<int>(line_start == std::string_view::npos ? at_ + 1
                                                                            : at_ - line_start)};
  }

  std::string_view text_;
  size_t at_ = 0;
  int brackets_ = 0;
  int dots_ = 0;
};

}  // namespace

std::optional<TextPlace> find_too_deep(std::string_view text) { return Scanner(text).scan(); }

}  // namespace vesto
