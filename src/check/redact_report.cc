// The pass over a report; what is a name is learned in redact_learn.cc.
#include "check/redact_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/json_text.h"
#include "base/strings.h"
#include "check/redact_patterns.h"

namespace vesto {

namespace {

using check::is_word_byte;

constexpr size_t kLeastBytesAnywhere = 5;  // shorter ones are part of too many words

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t'; }

// The word that ends before `at`, with one blank between.
std::string_view word_before(std::string_view text, size_t at) {
  if (at < 2 || !is_blank(text[at - 1])) return {};
  size_t from = at - 1;
  while (from > 0 && is_word_byte(text[from - 1])) --from;
  return text.substr(from, at - 1 - from);
}

// "vesto destination test NAME": a command is lower case and has at most four words.
bool ends_command(std::string_view text, size_t at) {
  for (int i = 0; i < 4; ++i) {
    size_t end = at;
    while (end > 0 && is_blank(text[end - 1])) --end;
    if (end == at || end == 0) return false;
    size_t from = end;
    while (from > 0 && (is_word_byte(text[from - 1]) || text[from - 1] == '-')) --from;
    if (text.substr(from, end - from) == "vesto") return true;
    if (from == end) return false;
    at = from;
  }
  return false;
}

bool is_noun(std::string_view word) {
  static const std::set<std::string, std::less<>> kNouns = {
      "schema", "table",  "tables",       "relation", "column",      "columns", "user",
      "owner",  "bucket", "role",         "source",   "destination", "sync",    "secret",
      "file",   "host",   "workgroup",    "cluster",  "group",       "named",   "called",
      "login",  "prefix", "destinations", "sources",  "database",    "db",      "key"};
  return kNouns.count(std::string(to_lower_ascii(word))) > 0;
}

// One of a list: "belong to others: a (bob), b (eve)".
bool is_item(std::string_view text, size_t at, size_t end) {
  const bool first = at == 0;
  const bool before = first || text[at - 1] == '(' ||
                      (at >= 2 && text[at - 1] == ' ' &&
                       std::string_view(",:(").find(text[at - 2]) != std::string_view::npos);
  if (!before) return false;
  if (end >= text.size()) return true;
  if (std::string_view(",);").find(text[end]) != std::string_view::npos) return true;
  return text.substr(end).starts_with(" (");
}

// A part of something longer that is no prose: "a.orders", "eve@", ":5439/dev", 'a'.
bool is_joined(std::string_view text, size_t at, size_t end) {
  const char before = at > 0 ? text[at - 1] : ' ';
  const char after = end < text.size() ? text[end] : ' ';
  const bool goes_on = end + 1 < text.size() && is_word_byte(text[end + 1]);
  if (std::string_view("\"'`./=@").find(before) != std::string_view::npos) return true;
  if (before == ':' || before == '-') return true;
  if (std::string_view("\"'`@").find(after) != std::string_view::npos) return true;
  return goes_on && (after == '.' || after == '/' || after == '-');
}

bool is_target_kind(std::string_view kind) {
  return kind == "destination" || kind == "source" || kind == "sync";
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = is_word_byte(c) || c == '-' || c == '.' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

void ReportRedactor::learn_name(std::string_view kind, std::string_view name) {
  const std::string whole(trim(name));
  const bool any = std::any_of(whole.begin(), whole.end(), [](char c) { return is_word_byte(c); });
  if (!any || ours_.contains(whole)) return;
  std::string json = json_quote(whole);
  json = json.substr(1, json.size() - 2);
  // As it stands in messages, in SQL, in a shell's quotes, in a policy, in an address.
  for (const std::string& spelling :
       {whole, printable(whole, false), replace_all(whole, "\"", "\"\""),
        replace_all(whole, "'", "''"), replace_all(whole, "'", "'\\''"), json,
        percent_encoded(whole)}) {
    put(kind, spelling, whole);
  }
}

void ReportRedactor::put(std::string_view kind, std::string_view spelling,
                         const std::string& name) {
  Name entry{.kind = std::string(kind), .token_of = name};
  if (spelling.size() >= kLeastBytesAnywhere && !check::is_in_our_texts(spelling)) {
    entry.care = Care::kAnywhere;
  } else if (spelling.size() > 1 && !check::is_common_word(spelling)) {
    entry.care = Care::kWord;
  }
  // The first kind stands: that of the configuration.
  names_[lower(spelling[0])].emplace(std::string(spelling), std::move(entry));
}

std::string ReportRedactor::token(const std::string& kind, const std::string& name) {
  std::string& token = tokens_[name];
  if (token.empty()) token = fmt::format("{}-{}", kind, ++counts_[kind]);
  return token;
}

bool ReportRedactor::fits(const std::string& text, size_t at, size_t size, const Name& name,
                          Place place) const {
  const size_t end = at + size;
  const bool open_before = at == 0 || !is_word_byte(text[at - 1]) || !is_word_byte(text[at]);
  const bool open_after =
      end >= text.size() || !is_word_byte(text[end]) || !is_word_byte(text[end - 1]);
  if (name.care == Care::kAnywhere) return true;
  if (!open_before || !open_after) return false;
  if (name.care == Care::kWord || place == Place::kSnippet || size == text.size()) return true;
  if (is_joined(text, at, end) || is_item(text, at, end)) return true;
  if (is_target_kind(name.kind) && ends_command(text, at)) return true;
  const std::string_view before = word_before(text, at);
  if (is_noun(before)) return true;
  if (name.kind != "user") return false;
  const std::string_view after = std::string_view(text).substr(end);
  return at == 0 || before == "which" || after.starts_with(" may ") || after.starts_with(" owns");
}

ReportRedactor::Found ReportRedactor::known_at(const std::string& text,
                                               const std::string& lower_text, size_t at,
                                               Place place) const {
  Found best;
  const auto bucket = names_.find(lower_text[at]);
  if (bucket == names_.end()) return best;
  for (const auto& [spelling, name] : bucket->second) {
    if (spelling.size() <= best.size || at + spelling.size() > text.size()) continue;
    // Servers fold the case of what is long enough to be told again.
    const bool same = text.compare(at, spelling.size(), spelling) == 0 ||
                      (name.care == Care::kAnywhere &&
                       lower_text.compare(at, spelling.size(), to_lower_ascii(spelling)) == 0);
    if (!same || !fits(text, at, spelling.size(), name, place)) continue;
    best = {.size = spelling.size(), .kind = name.kind, .name = name.token_of};
  }
  return best;
}

// One pass: what was put in is not looked at again.
std::string ReportRedactor::redact(std::string_view given, Place place) {
  const std::string text(given);
  const std::string lower_text = to_lower_ascii(text);
  std::string out;
  size_t at = 0;
  while (at < text.size()) {
    Found found = known_at(text, lower_text, at, place);
    if (const auto match = check::match_pattern(text, at); match.size > found.size) {
      found = {
          .size = match.size, .kind = std::string(match.kind), .name = text.substr(at, match.size)};
    }
    if (found.size == 0) {
      out += text[at++];
      continue;
    }
    out += token(found.kind, found.name);
    at += found.size;
  }
  return out;
}

std::string ReportRedactor::text(std::string_view text) { return redact(text, Place::kProse); }

Error ReportRedactor::redact(const Error& error) {
  Error clean(error.code(), text(error.message()));
  clean.because(error.cause()).blamed_on(error.blame());
  if (std::string hint = text(error.hint());
      hint != error.hint() ||
      Error(error.code(), "").because(error.cause()).hint() != error.hint()) {
    clean.with_hint(std::move(hint));
  }
  Upstream upstream = error.upstream();
  upstream.text = text(upstream.text);
  clean.with_upstream(std::move(upstream));
  for (const std::string& where : error.context()) clean.in(text(where));
  return clean;
}

CheckResult ReportRedactor::redacted(const CheckResult& result) {
  learn(result);
  CheckResult clean = result;
  CheckAnswer& answer = clean.answer;
  answer.names.clear();
  for (Evidence& one : answer.evidence) one.value = redact(one.value, Place::kValue);
  if (answer.error) answer.error = redact(*answer.error);
  if (answer.fix) answer.fix->snippet = redact(answer.fix->snippet, Place::kSnippet);
  // That of what was not run holds titles alone.
  if (answer.status != CheckStatus::kNotRun) answer.reason = text(answer.reason);
  return clean;
}

CheckReport ReportRedactor::redacted(const CheckReport& report) {
  learn(report);
  CheckReport clean = report;
  clean.redacted = true;
  if (clean.kind != "host") clean.name = token(clean.kind, clean.name);
  for (CheckResult& result : clean.results) result = redacted(result);
  return clean;
}

}  // namespace vesto
