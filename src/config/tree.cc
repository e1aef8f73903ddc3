#include "config/tree.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <sstream>

#include "base/strings.h"
#include "config/depth.h"

namespace vesto {

namespace {

Origin origin_of(const toml::source_region& source, const std::string& file) {
  return {.file = file,
          .line = static_cast<int>(source.begin.line),
          .column = static_cast<int>(source.begin.column)};
}

template <typename T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// Depth is bounded by toml++ (256).
TomlValue convert(const toml::node& node, const std::string& file) {
  TomlValue out;
  out.origin = origin_of(node.source(), file);
  if (const auto* table = node.as_table()) {
    out.kind = TomlValue::Kind::kTable;
    for (const auto& [key, value] : *table) {
      out.members.push_back({.name = std::string(key.str()),
                             .origin = origin_of(key.source(), file),
                             .value = convert(value, file)});
    }
  } else if (const auto* array = node.as_array()) {
    out.kind = TomlValue::Kind::kArray;
    for (const toml::node& item : *array) out.items.push_back(convert(item, file));
  } else if (const auto* text = node.as_string()) {
    out.kind = TomlValue::Kind::kString;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = TomlValue::Kind::kInteger;
    out.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = TomlValue::Kind::kBoolean;
    out.boolean = boolean->get();
  } else if (const auto* number = node.as_floating_point()) {
    out.kind = TomlValue::Kind::kFloat;
    out.text = fmt::format("{}", number->get());
  } else {
    out.kind = TomlValue::Kind::kTime;
    if (const auto* date = node.as_date()) out.text = printed(date->get());
    if (const auto* time = node.as_time()) out.text = printed(time->get());
    if (const auto* moment = node.as_date_time()) out.text = printed(moment->get());
  }
  return out;
}

// The parser's sentence without any piece of the file in it: that could be a secret.
std::string without_values(std::string_view description) {
  std::string out;
  size_t at = 0;
  while (at < description.size()) {
    const char c = description[at];
    const size_t end = c == '\'' || c == '"' ? description.find(c, at + 1) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += c;
      ++at;
      continue;
    }
    const std::string_view quoted = description.substr(at, end - at + 1);
    out += quoted.size() > 3 ? std::string_view("'...'") : quoted;
    at = end + 1;
  }
  return out;
}

std::string_view line_of(std::string_view text, int line) {
  size_t start = 0;
  for (int i = 1; i < line; ++i) {
    const size_t next = text.find('\n', start);
    if (next == std::string_view::npos) return {};
    start = next + 1;
  }
  return trim(text.substr(start, text.find('\n', start) - start));
}

// A basic or literal string that does not end in the line.
bool has_open_quote(std::string_view line) {
  char open = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (open == '"' && c == '\\') {
      ++i;
    } else if (open != 0) {
      if (c == open) open = 0;
    } else if (c == '"' || c == '\'') {
      open = c;
    } else if (c == '#') {
      return false;
    }
  }
  return open != 0;
}

// The line with what follows its first "=" left out.
std::string excerpt_of(std::string_view text, int line) {
  const std::string_view found = line_of(text, line);
  const size_t equals = found.find('=');
  if (equals != std::string_view::npos) {
    return std::string(trim(found.substr(0, equals))) + " = ...";
  }
  // Without a key nothing tells what it is; a header may be shown, a value may not.
  return found.starts_with('[') ? std::string(cut_utf8(found, 80)) : std::string();
}

}  // namespace

std::string Origin::text() const {
  if (line == 0) return file;
  return fmt::format("{}:{}:{}", file, line, column);
}

std::string Origin::line_text() const {
  if (line == 0) return file;
  return fmt::format("{}:{}", file, line);
}

const TomlValue* TomlValue::find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

std::string_view kind_name(TomlValue::Kind kind) {
  switch (kind) {
    case TomlValue::Kind::kString:
      return "a text";
    case TomlValue::Kind::kInteger:
      return "an integer";
    case TomlValue::Kind::kFloat:
      return "a number with a fraction";
    case TomlValue::Kind::kBoolean:
      return "true or false";
    case TomlValue::Kind::kTime:
      return "a date or time";
    case TomlValue::Kind::kArray:
      return "a list";
    case TomlValue::Kind::kTable:
      return "a section";
  }
  return "a value";
}

std::variant<TomlValue, ConfigIssue> parse_toml(std::string_view text, const std::string& file) {
  if (text.size() > kMaxConfigBytes) {
    return ConfigIssue{
        .code = ErrorCode::kCfgSyntax,
        .origin = {.file = file},
        .message = fmt::format("the file is larger than {}", format_bytes(kMaxConfigBytes))};
  }
  if (const std::optional<TextPlace> place = find_too_deep(text)) {
    return ConfigIssue{
        .code = ErrorCode::kCfgSyntax,
        .origin = {.file = file, .line = place->line, .column = place->column},
        .message = fmt::format("more than {} levels are nested here", kMaxTomlDepth)};
  }
  try {
    const toml::table table = toml::parse(text);
    return convert(table, file);
  } catch (const toml::parse_error& error) {
    const Origin origin = origin_of(error.source(), file);
    const bool open_quote = error.description().find("string") != std::string_view::npos &&
                            has_open_quote(line_of(text, origin.line));
    return ConfigIssue{.code = ErrorCode::kCfgSyntax,
                       .origin = origin,
                       .message = open_quote ? "a quote is not closed in this line"
                                             : without_values(error.description()),
                       .hint = "",
                       .excerpt = excerpt_of(text, origin.line)};
  } catch (const std::exception& error) {
    return ConfigIssue{.code = ErrorCode::kCfgSyntax,
                       .origin = {.file = file},
                       .message = without_values(error.what())};
  }
}

}  // namespace vesto
