// The configuration as Vesto understands it, with defaults and origins.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "config/config.h"
#include "config/edit.h"
#include "config/keys.h"
#include "config/values.h"

namespace vesto {

namespace {

struct Shown {
  std::string path;    // "destination.acme.auth.user"
  std::string value;   // as TOML
  std::string json;    // as JSON
  std::string origin;  // "vesto.toml:3:1" or "default"
};
struct ShownSection {
  std::string heading;  // "[source.shop]"; "" for the head of the file
  std::vector<Shown> settings;
};

std::string json_value(const TomlValue& value) {
  if (value.kind == TomlValue::Kind::kTable) {
    std::vector<std::string> members;
    for (const TomlValue::Member& member : value.members) {
      members.push_back(json_quote(member.name) + ":" + json_value(member.value));
    }
    return "{" + join(members, ",") + "}";
  }
  if (value.kind == TomlValue::Kind::kArray) {
    std::vector<std::string> items;
    for (const TomlValue& item : value.items) items.push_back(json_value(item));
    return "[" + join(items, ",") + "]";
  }
  return toml_value(value);
}

bool needs_settings(std::string_view section) {
  const std::vector<const KeySpec*> keys = keys_below(section);
  return std::any_of(keys.begin(), keys.end(), [](const KeySpec* key) { return key->required; });
}

class Collector {
 public:
  explicit Collector(std::vector<ShownSection>* out) : out_(out) {}

  // table may be nullptr: only defaults.
  void section(const TomlValue* table, const std::string& pattern, const std::string& shown,
               const std::string& heading) {
    const size_t index = out_->size();
    out_->push_back({.heading = heading, .settings = {}});
    for (const KeySpec* key : keys_below(pattern)) {
      const std::string name(last_part(key->path));
      const std::string path = shown.empty() ? name : fmt::format("{}.{}", shown, name);
      const TomlValue* value = table == nullptr ? nullptr : table->find(name);
      switch (key->type) {
        case KeyType::kLater:
          break;
        case KeyType::kSection:
          // A section that is left out and could not stand empty (ssh) is no set of defaults.
          if (value == nullptr && needs_settings(key->path)) break;
          section(value, std::string(key->path), path, "[" + path + "]");
          break;
        case KeyType::kObjects:
          if (value == nullptr) break;
          for (const TomlValue::Member& object : value->members) {
            const std::string inner = path + "." + object.name;
            section(&object.value, std::string(key->path) + ".*", inner, "[" + inner + "]");
          }
          break;
        case KeyType::kList:
          if (value == nullptr) break;
          for (size_t i = 0; i < value->items.size(); ++i) {
            section(&value->items[i], std::string(key->path), fmt::format("{}[{}]", path, i),
                    "[[" + path + "]]");
          }
          break;
        default:
          setting(*key, value, path, index);
      }
    }
  }

 private:
  void setting(const KeySpec& key, const TomlValue* value, const std::string& path, size_t index) {
    if (value == nullptr && key.fallback.empty()) return;
    std::vector<Shown>& settings = (*out_)[index].settings;
    if (value == nullptr) {
      // Defaults are written the same way in TOML and JSON.
      settings.push_back({path, std::string(key.fallback), std::string(key.fallback), "default"});
      return;
    }
    settings.push_back({path, toml_value(*value), json_value(*value), value->origin.text()});
  }

  std::vector<ShownSection>* out_;
};

std::vector<ShownSection> collect(const LoadedConfig& loaded) {
  std::vector<ShownSection> sections;
  Collector(&sections).section(&loaded.tree, "", "", "");
  return sections;
}

}  // namespace

// A TOML basic string is written like a JSON string, but for DEL, which TOML wants escaped.
std::string toml_value(const TomlValue& value) {
  switch (value.kind) {
    case TomlValue::Kind::kString:
      return replace_all(json_quote(value.text), "\x7F", "\\u007f");
    case TomlValue::Kind::kInteger:
      return std::to_string(value.integer);
    case TomlValue::Kind::kBoolean:
      return value.boolean ? "true" : "false";
    case TomlValue::Kind::kArray: {
      std::vector<std::string> items;
      for (const TomlValue& item : value.items) items.push_back(toml_value(item));
      return "[" + join(items, ", ") + "]";
    }
    case TomlValue::Kind::kTable: {
      std::vector<std::string> members;
      for (const TomlValue::Member& member : value.members) {
        members.push_back((good_object_name(member.name) ? member.name : json_quote(member.name)) +
                          " = " + toml_value(member.value));
      }
      return "{ " + join(members, ", ") + " }";
    }
    default:
      return value.text;
  }
}

std::string config_as_toml(const LoadedConfig& loaded, bool with_origin) {
  std::string out;
  for (const ShownSection& section : collect(loaded)) {
    if (!section.heading.empty()) out += "\n" + section.heading + "\n";
    for (const Shown& setting : section.settings) {
      std::string line = fmt::format("{} = {}", last_part(setting.path), setting.value);
      if (with_origin) line = fmt::format("{:<50} # {}", line, setting.origin);
      out += line + "\n";
    }
  }
  return out;
}

std::string config_as_json(const LoadedConfig& loaded) {
  std::vector<std::string> settings;
  for (const ShownSection& section : collect(loaded)) {
    for (const Shown& setting : section.settings) {
      settings.push_back(fmt::format(R"({{"path":{},"value":{},"origin":{}}})",
                                     json_quote(setting.path), setting.json,
                                     json_quote(setting.origin)));
    }
  }
  return fmt::format(R"({{"schema":"vesto.config/1","settings":[{}]}})", join(settings, ",")) +
         "\n";
}

}  // namespace vesto
