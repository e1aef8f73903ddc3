#include "schema/table_name.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

// Takes one name off `text`, quoted or not; nothing if there is none.
std::optional<std::string> take_name(std::string_view* text) {
  std::string name;
  if (!text->starts_with('"')) {
    const size_t end = std::min(text->find('.'), text->size());
    name = std::string(text->substr(0, end));
    text->remove_prefix(end);
    if (name.empty() || name.find('"') != std::string::npos) return std::nullopt;
    return name;
  }
  for (size_t at = 1; at < text->size(); ++at) {
    if ((*text)[at] != '"') {
      name += (*text)[at];
    } else if (at + 1 < text->size() && (*text)[at + 1] == '"') {
      name += '"';
      ++at;
    } else {
      text->remove_prefix(at + 1);
      if (name.empty()) return std::nullopt;
      return name;
    }
  }
  return std::nullopt;
}

std::string part_text(std::string_view part) {
  if (!part.empty() && part.find_first_of("\".") == std::string_view::npos) {
    return std::string(part);
  }
  return "\"" + replace_all(part, "\"", "\"\"") + "\"";
}

// Linear: at a mismatch only the last star takes one character more.
bool matches(std::string_view pattern, std::string_view name) {
  size_t at = 0;
  size_t in_name = 0;
  size_t star = std::string_view::npos;
  size_t star_name = 0;
  while (in_name < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_name = in_name;
    } else if (at < pattern.size() && pattern[at] == name[in_name]) {
      ++at;
      ++in_name;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_name = ++star_name;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace

bool is_table_pattern(std::string_view text) {
  return text.find('*') != std::string_view::npos && text.find('"') == std::string_view::npos;
}

bool matches_table_pattern(std::string_view pattern, const TableName& table) {
  const std::optional<TableName> parts = parse_table_name(pattern);
  return parts && matches(parts->schema, table.schema) && matches(parts->table, table.table);
}

bool is_query_name(std::string_view text) {
  constexpr size_t kMaxBytes = 63;
  return !text.empty() && text.size() <= kMaxBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

std::optional<TableName> parse_table_name(std::string_view text) {
  std::string_view rest = text;
  const std::optional<std::string> schema = take_name(&rest);
  if (!schema || !rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<std::string> table = take_name(&rest);
  if (!table || !rest.empty()) return std::nullopt;
  return TableName{.schema = *schema, .table = *table};
}

std::string table_name_text(std::string_view schema, std::string_view table) {
  return part_text(schema) + "." + part_text(table);
}

std::string normal_table_name(std::string_view text) {
  const std::optional<TableName> name = parse_table_name(text);
  return name ? table_name_text(name->schema, name->table) : std::string(text);
}

bool same_table(std::string_view one, std::string_view other) {
  return normal_table_name(one) == normal_table_name(other);
}

}  // namespace vesto
