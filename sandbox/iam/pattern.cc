// Wildcards and policy variables.
#include <algorithm>

#include "base/strings.h"
#include "sandbox/iam/condition.h"

namespace vesto::sandbox {

namespace {

constexpr int kArnParts = 6;

void append_text(PolicyPattern& pattern, std::string_view text) {
  for (const char c : text) pattern.symbols.push_back(static_cast<unsigned char>(c));
}

// What stands between "${" and "}": a key, or a key and a default in quotes.
std::optional<std::string> variable_value(std::string_view inside, const RequestContext& context) {
  if (inside == "*" || inside == "?" || inside == "$") return std::string(inside);
  const size_t comma = inside.find(',');
  const auto* values = context.find(trim(inside.substr(0, comma)));
  if (values != nullptr && values->size() == 1) return values->front();
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view fallback = trim(inside.substr(comma + 1));
  if (fallback.size() < 2 || fallback.front() != '\'' || fallback.back() != '\'') {
    return std::nullopt;
  }
  return std::string(fallback.substr(1, fallback.size() - 2));
}

bool accepts(int symbol, unsigned char c) {
  if (symbol == PolicyPattern::kAnyOne) return true;
  if (symbol == PolicyPattern::kOneInPart) return c != ':';
  return symbol == c;
}

// All states at once, so that no pattern can make it slow: pattern times text at the most.
class Automaton {
 public:
  explicit Automaton(const PolicyPattern& pattern)
      : symbols_(pattern.symbols), now_(symbols_.size() + 1), next_(symbols_.size() + 1) {}

  bool run(std::string_view text) {
    now_[0] = 1;
    skip_runs(now_);
    for (const char c : text) {
      if (!step(static_cast<unsigned char>(c))) return false;
    }
    return now_.back() != 0;
  }

 private:
  // A run may be empty.
  void skip_runs(std::vector<char>& states) const {
    for (size_t i = 0; i < symbols_.size(); ++i) {
      if (states[i] != 0 && is_run(symbols_[i])) states[i + 1] = 1;
    }
  }

  static bool is_run(int symbol) {
    return symbol == PolicyPattern::kAny || symbol == PolicyPattern::kAnyInPart;
  }

  bool step(unsigned char c) {
    std::fill(next_.begin(), next_.end(), 0);
    bool alive = false;
    for (size_t i = 0; i < symbols_.size(); ++i) {
      if (now_[i] == 0) continue;
      if (is_run(symbols_[i])) {
        if (symbols_[i] == PolicyPattern::kAnyInPart && c == ':') continue;
        next_[i] = 1;
      } else if (accepts(symbols_[i], c)) {
        next_[i + 1] = 1;
      } else {
        continue;
      }
      alive = true;
    }
    skip_runs(next_);
    now_.swap(next_);
    return alive;
  }

  const std::vector<int>& symbols_;
  std::vector<char> now_;
  std::vector<char> next_;
};

}  // namespace

std::optional<PolicyPattern> make_pattern(std::string_view text, const RequestContext& context,
                                          bool variables, bool wildcards) {
  PolicyPattern out;
  size_t at = 0;
  while (at < text.size()) {
    const size_t close =
        variables && text.substr(at, 2) == "${" ? text.find('}', at) : std::string_view::npos;
    if (close != std::string_view::npos) {
      const auto value = variable_value(text.substr(at + 2, close - at - 2), context);
      if (!value) return std::nullopt;
      append_text(out, *value);
      at = close + 1;
      continue;
    }
    if (wildcards && text[at] == '*') {
      out.symbols.push_back(PolicyPattern::kAny);
    } else if (wildcards && text[at] == '?') {
      out.symbols.push_back(PolicyPattern::kAnyOne);
    } else {
      append_text(out, text.substr(at, 1));
    }
    ++at;
  }
  return out;
}

bool matches(const PolicyPattern& pattern, std::string_view text) {
  return Automaton(pattern).run(text);
}

bool matches_resource(std::string_view pattern, std::string_view resource,
                      const RequestContext& context, bool variables) {
  if (pattern == "*") return true;
  auto compiled = make_pattern(pattern, context, variables, true);
  if (!compiled) return false;
  std::vector<int>& symbols = compiled->symbols;
  int part = 1;
  for (size_t i = 0; i < symbols.size() && part < kArnParts; ++i) {
    if (symbols[i] == ':') {
      ++part;
    } else if (symbols[i] == PolicyPattern::kAnyOne) {
      symbols[i] = PolicyPattern::kOneInPart;
    } else if (symbols[i] == PolicyPattern::kAny && i + 1 < symbols.size() &&
               symbols[i + 1] != ':') {
      symbols[i] = PolicyPattern::kAnyInPart;
    }
  }
  return matches(*compiled, resource);
}

}  // namespace vesto::sandbox
