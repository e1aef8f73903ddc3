#include "sandbox/sql/render.h"

#include <algorithm>
#include <unordered_set>

#include "base/strings.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/keywords.h"

namespace vesto::sandbox {
namespace {

// Estimates from above how deep the tree of a token sequence gets. Each bracket and each
// CASE ... END is a level; in it every word of the grammar and every operator may add one more, a
// comma and the like start anew. What a SELECT costs stays until its bracket is closed.
class DepthGauge {
 public:
  void open_bracket() { open(false, 1); }
  void open_case() { open(true, kCaseLevels); }
  // A bracket closes whatever CASE is left open in it; END closes nothing but a CASE.
  void close_bracket() {
    while (levels_.size() > 1 && levels_.back().is_case) pop();
    if (levels_.size() > 1) pop();
  }
  void close_case() {
    if (levels_.back().is_case) pop();
  }
  void deepen() { add(&levels_.back().loose, 1); }
  void select() { add(&levels_.back().fixed, kSelectLevels); }
  void separator() {
    total_ -= levels_.back().loose;
    levels_.back().loose = 0;
  }
  // Chains that no comma ends: set operations, joins.
  void chain() { highest_ = std::max(highest_, total_ + ++chained_); }
  void set_operation() {
    separator();
    total_ -= levels_.back().fixed - 1;
    levels_.back().fixed = 1;
    chain();
  }
  [[nodiscard]] size_t highest() const { return highest_; }

 private:
  // A sub-select takes as much stack as so many operators, a CASE as so many.
  static constexpr size_t kSelectLevels = 4;
  static constexpr size_t kCaseLevels = 2;
  struct Level {
    size_t fixed = 1;
    size_t loose = 0;
    bool is_case = false;
  };
  void add(size_t* part, size_t count) {
    *part += count;
    total_ += count;
    highest_ = std::max(highest_, total_ + chained_);
  }
  void open(bool is_case, size_t cost) {
    levels_.push_back({0, 0, is_case});
    add(&levels_.back().fixed, cost);
  }
  void pop() {
    total_ -= levels_.back().fixed + levels_.back().loose;
    levels_.pop_back();
  }
  std::vector<Level> levels_ = {Level{}};
  size_t total_ = 1;
  size_t chained_ = 0;
  size_t highest_ = 0;
};

const std::unordered_set<std::string_view>& deepening_words() {
  static const std::unordered_set<std::string_view> words = {
      "not",   "is",      "isnull", "notnull",  "collate",  "at",     "like",
      "ilike", "similar", "in",     "between",  "operator", "escape", "exists",
      "any",   "all",     "some",   "distinct", "over"};
  return words;
}

bool is_plain_ascii_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
  });
}

}  // namespace

void Edits::remove(size_t index, size_t count) {
  for (size_t i = index; i < index + count; ++i) removed_[i] = true;
}
void Edits::replace(size_t index, size_t count, std::string text) {
  remove(index, count);
  insert(index, text);
}
void Edits::insert(size_t index, std::string_view text) {
  std::string& at = inserted_[index];
  at += ' ';
  at += text;
}

size_t Rendered::token_at(size_t offset, size_t otherwise) const {
  auto after = std::upper_bound(
      marks.begin(), marks.end(), offset,
      [](size_t value, const std::pair<uint32_t, uint32_t>& mark) { return value < mark.first; });
  return after == marks.begin() ? otherwise : std::prev(after)->second;
}

class Renderer {
 public:
  Renderer(const Source& source, const Edits& edits, NameMapper* names)
      : source_(source), edits_(edits), names_(names) {}

  SqlResult<Rendered> run(size_t from, size_t to) {
    if (to - from > kMaxTreeTokens) {
      return make_sql_error("54000", "statement is too complex");
    }
    auto inserted = edits_.inserted_.lower_bound(from);
    auto removed = edits_.removed_.lower_bound(from);
    for (size_t i = from; i <= to; ++i) {
      if (inserted != edits_.inserted_.end() && inserted->first == i) {
        out_.sql += inserted->second;
        ++inserted;
      }
      if (i == to) break;
      if (removed != edits_.removed_.end() && removed->first == i) {
        ++removed;
        continue;
      }
      out_.sql += ' ';
      out_.marks.emplace_back(static_cast<uint32_t>(out_.sql.size()), static_cast<uint32_t>(i));
      VESTO_TRY(token(i));
    }
    if (gauge_.highest() > kMaxTreeDepth) {
      return make_sql_error("54001", "stack depth limit exceeded");
    }
    return std::move(out_);
  }

 private:
  SqlStatus token(size_t index) {
    const Token& token = source_.token(index);
    switch (token.kind) {
      case TokenKind::kWord:
        return word(index);
      case TokenKind::kQuoted: {
        VESTO_ASSIGN(const std::string name, names_->map(quoted_value(source_.text, token), true));
        out_.sql += quote_name(name);
        return Unit{};
      }
      case TokenKind::kString:
      case TokenKind::kDollar: {
        VESTO_ASSIGN(const std::string value, string_value(source_.text, token));
        out_.sql += quote_literal(value);
        return Unit{};
      }
      case TokenKind::kOperator:
        gauge_.deepen();
        break;
      case TokenKind::kPunct:
        punct(source_.text[token.begin]);
        break;
      default:
        break;
    }
    out_.sql += source_.raw(index);
    return Unit{};
  }

  void punct(char c) {
    if (c == '(' || c == '[') gauge_.open_bracket();
    if (c == ')' || c == ']') gauge_.close_bracket();
    if (c == ',') gauge_.separator();
  }

  SqlStatus word(size_t index) {
    const std::string_view raw = source_.raw(index);
    const std::string lower = to_lower_ascii(raw);
    const bool label = index > source_.first &&
                       (source_.is_word(index - 1, "as") || source_.is_punct(index - 1, '.'));
    if (!label && is_reserved_only_by_redshift(lower)) return source_.error_at(index);
    if (!label && (lower == "timestamp" || lower == "interval") && !is_type(index)) {
      return source_.error_at(index);
    }
    if (!label) gauge(lower);  // x.end is a column
    const bool first = index == source_.first;
    if (!is_plain_ascii_name(lower) || lower.size() > kMaxPgNameBytes ||
        (!first && is_keyword_only_of_postgres(lower) && !is_context_keyword(index, lower))) {
      VESTO_ASSIGN(const std::string name, names_->map(raw, false));
      out_.sql += quote_name(name);
    } else {
      out_.sql += lower;
    }
    return Unit{};
  }

  // TIMESTAMP and INTERVAL are reserved: in a query they are a literal's type, or a cast's.
  [[nodiscard]] bool is_type(size_t index) const {
    const bool query = !source_.is_word(source_.first, "create") &&
                       !source_.is_word(source_.first, "alter") &&
                       !source_.is_word(source_.first, "prepare");
    if (!query || source_.is_operator(index - 1, "::")) return true;
    if (source_.is_string(index + 1) || source_.is_punct(index + 1, '(')) return true;
    return source_.is_word(index + 1, "with") || source_.is_word(index + 1, "without");
  }

  // current_schema() and its like stay words where they are called.
  [[nodiscard]] bool is_context_keyword(size_t index, std::string_view lower) const {
    return lower.substr(0, 8) == "current_" && source_.is_punct(index + 1, '(');
  }

  void gauge(std::string_view lower) {
    if (lower == "case") {
      gauge_.open_case();
    } else if (lower == "end") {
      gauge_.close_case();
    } else if (lower == "and" || lower == "or" || lower == "when" || lower == "then" ||
               lower == "else") {
      gauge_.separator();
    } else if (lower == "union" || lower == "intersect" || lower == "except" || lower == "minus") {
      gauge_.set_operation();
    } else if (lower == "join") {
      gauge_.chain();
    } else if (lower == "select" || lower == "with") {
      gauge_.select();
    } else if (deepening_words().count(lower) > 0) {
      gauge_.deepen();
    }
  }

  const Source& source_;
  const Edits& edits_;
  NameMapper* names_;
  Rendered out_;
  DepthGauge gauge_;
};

SqlResult<Rendered> render(const Source& source, size_t from, size_t to, const Edits& edits,
                           NameMapper* names) {
  return Renderer(source, edits, names).run(from, to);
}

}  // namespace vesto::sandbox
