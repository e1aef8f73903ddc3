// The text of a TOML file line by line, as far as it takes to cut tables out of it. What a line
// holds is the parser's matter: here it only counts where strings and brackets end.
#include <algorithm>

#include "base/strings.h"
#include "config/edit.h"

namespace vesto {

namespace {

struct Item {
  enum class Kind { kBlank, kComment, kHeader, kPair };
  Kind kind = Kind::kBlank;
  size_t begin = 0;
  size_t end = 0;                      // behind its line end
  std::vector<std::string> path = {};  // of a header
};

// The place behind the string that begins at `at`.
size_t skip_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool multi = text.substr(at, 3) == three;
  at += multi ? 3 : 1;
  while (at < text.size()) {
    if (text[at] == '\\' && quote == '"') {
      at += 2;
    } else if (multi && text.substr(at, 3) == three) {
      at += 3;
      // Up to two quotes may stand right before the closing ones.
      while (at < text.size() && text[at] == quote) ++at;
      return at;
    } else if (!multi && (text[at] == quote || text[at] == '\n')) {
      return at + 1;
    } else {
      ++at;
    }
  }
  return text.size();
}

size_t line_end(std::string_view text, size_t at) {
  const size_t found = text.find('\n', at);
  return found == std::string_view::npos ? text.size() : found + 1;
}

// The place behind the statement that begins at `at`, its line end included.
size_t skip_pair(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = skip_string(text, at);
      continue;
    }
    if (c == '#') {
      at = line_end(text, at);
      if (depth <= 0) return at;
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    ++at;
    if (c == '\n' && depth <= 0) return at;
  }
  return text.size();
}

// ["destination", "acme", "auth"] of "[destination.acme.auth]  # comment".
std::vector<std::string> header_path(std::string_view line) {
  std::vector<std::string> path;
  const auto parsed = parse_toml(line, "");
  const auto* tree = std::get_if<TomlValue>(&parsed);
  while (tree != nullptr) {
    if (tree->kind == TomlValue::Kind::kArray && tree->items.size() == 1) {
      tree = &tree->items.front();
      continue;
    }
    if (tree->members.size() != 1) break;
    path.push_back(tree->members.front().name);
    tree = &tree->members.front().value;
  }
  return path;
}

std::vector<Item> items_of(std::string_view text) {
  std::vector<Item> items;
  size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (at < text.size()) {
    Item item{.kind = Item::Kind::kBlank, .begin = at, .end = line_end(text, at)};
    const std::string_view line = trim(text.substr(at, item.end - at));
    if (line.starts_with('#')) {
      item.kind = Item::Kind::kComment;
    } else if (line.starts_with('[')) {
      item.kind = Item::Kind::kHeader;
      item.path = header_path(line);
    } else if (!line.empty()) {
      item.kind = Item::Kind::kPair;
      item.end = skip_pair(text, at);
    }
    at = item.end;
    items.push_back(std::move(item));
  }
  return items;
}

using Flags = std::vector<bool>;

size_t next_header(const std::vector<Item>& items, size_t from) {
  while (from < items.size() && items[from].kind != Item::Kind::kHeader) ++from;
  return from;
}

// Marks the table whose header is items[header], with its comments.
void mark_table(const std::vector<Item>& items, size_t header, Flags* gone) {
  size_t first = header;
  while (first > 0 && items[first - 1].kind == Item::Kind::kComment) --first;
  const size_t next = next_header(items, header + 1);
  size_t last = header;
  for (size_t i = header + 1; i < next; ++i) {
    if (items[i].kind == Item::Kind::kPair) last = i;
  }
  size_t below = last + 1;
  while (below < next && items[below].kind == Item::Kind::kComment) ++below;
  // Comments that touch the next header are that one's.
  if (below < next || next == items.size()) last = below - 1;
  for (size_t i = first; i <= last; ++i) (*gone)[i] = true;
}

// Blank lines below what goes, or above it where nothing else follows.
void mark_blanks(const std::vector<Item>& items, Flags* gone) {
  for (size_t i = 1; i < items.size(); ++i) {
    if (items[i].kind == Item::Kind::kBlank && (*gone)[i - 1]) (*gone)[i] = true;
  }
  size_t end = items.size();
  while (end > 0 && (*gone)[end - 1]) --end;
  const bool blank_before =
      end < items.size() && end > 0 && items[end - 1].kind == Item::Kind::kBlank;
  if (blank_before) (*gone)[end - 1] = true;
}

}  // namespace

std::string append_section(std::string_view text, std::string_view section) {
  const size_t first_end = text.find('\n');
  const bool crlf =
      first_end != std::string_view::npos && first_end > 0 && text[first_end - 1] == '\r';
  const std::string_view newline = crlf ? "\r\n" : "\n";
  std::string out(text);
  if (!out.empty() && !out.ends_with('\n')) out += newline;
  if (!out.empty()) out += newline;
  out += crlf ? replace_all(section, "\n", "\r\n") : std::string(section);
  return out;
}

CutText cut_destination(std::string_view text, std::string_view name) {
  const std::vector<Item> items = items_of(text);
  Flags gone(items.size(), false);
  for (size_t i = 0; i < items.size(); ++i) {
    const std::vector<std::string>& path = items[i].path;
    if (path.size() >= 2 && path[0] == "destination" && path[1] == name) {
      mark_table(items, i, &gone);
    }
  }
  CutText out;
  if (std::find(gone.begin(), gone.end(), true) == gone.end()) {
    out.text = text;
    return out;
  }
  mark_blanks(items, &gone);
  out.text = text.substr(0, items.front().begin);  // a byte order mark
  for (size_t i = 0; i < items.size(); ++i) {
    const Item& item = items[i];
    if (!gone[i]) {
      out.text += text.substr(item.begin, item.end - item.begin);
    } else if (out.line == 0) {
      out.line = 1 + static_cast<int>(std::count(
                         text.begin(), text.begin() + static_cast<ptrdiff_t>(item.begin), '\n'));
    }
  }
  return out;
}

}  // namespace vesto
