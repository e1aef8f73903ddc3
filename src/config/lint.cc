#include "config/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "config/keys.h"
#include "config/values.h"
#include "secret/sealed_store.h"

namespace vesto {

namespace {

using Kind = TomlValue::Kind;

class Linter {
 public:
  explicit Linter(std::vector<ConfigIssue>* issues) : issues_(issues) {}

  // pattern: "destination.*.auth"; shown: "destination.acme.auth".
  void section(const TomlValue& table, const std::string& pattern, const std::string& shown) {
    for (const TomlValue::Member& member : table.members) {
      key(member, pattern, shown);
    }
    for (const KeySpec* spec : keys_below(pattern)) {
      if (spec->required && table.find(last_part(spec->path)) == nullptr) {
        missing(*spec, table.origin, shown);
      }
    }
  }

 private:
  void add(ErrorCode code, const Origin& origin, std::string message, std::string hint = "") {
    issues_->push_back(
        {.code = code, .origin = origin, .message = std::move(message), .hint = std::move(hint)});
  }

  static std::string place(const std::string& shown) {
    return shown.empty() ? std::string("the file") : shown;
  }
  static std::string joined(const std::string& head, std::string_view tail) {
    return head.empty() ? std::string(tail) : fmt::format("{}.{}", head, tail);
  }

  // A value of the right form, for the line to write.
  static std::string example_of(const KeySpec& spec) {
    switch (spec.type) {
      case KeyType::kInteger:
        return std::to_string(spec.min);
      case KeyType::kBoolean:
        return "true";
      case KeyType::kSecret:
        return R"({ secret = "NAME" })";
      case KeyType::kTextList:
        return R"(["..."])";
      case KeyType::kChoice:
        return fmt::format("\"{}\"", split(spec.choices, '|').front());
      default:
        return R"("...")";
    }
  }

  void missing(const KeySpec& spec, const Origin& origin, const std::string& shown) {
    const std::string_view name = last_part(spec.path);
    if (spec.type == KeyType::kSection) {
      add(ErrorCode::kCfgMissing, origin, fmt::format("{} is missing in {}", name, place(shown)),
          fmt::format("Add the section [{}].", joined(shown, name)));
    } else if (spec.type == KeyType::kList) {
      add(ErrorCode::kCfgMissing, origin, fmt::format("{} has no tables", place(shown)),
          fmt::format("Add [[{}]] with a name.", joined(shown, name)));
    } else {
      add(ErrorCode::kCfgMissing, origin, fmt::format("{} is missing in {}", name, place(shown)),
          fmt::format("Add: {} = {}      ({})", name, example_of(spec), spec.doc));
    }
  }

  void key(const TomlValue::Member& member, const std::string& pattern, const std::string& shown) {
    const std::string path = joined(shown, member.name);
    const KeySpec* spec = find_key(joined(pattern, member.name));
    if (spec == nullptr) spec = find_key(joined(pattern, member.name) + "[]");
    if (spec == nullptr) return unknown(member, pattern, shown);
    switch (spec->type) {
      case KeyType::kLater:
        return add(ErrorCode::kCfgNotInVersion, member.origin,
                   fmt::format("{} is not in this version", path));
      case KeyType::kSection:
        if (!is_table(member.value, path)) return;
        return section(member.value, std::string(spec->path), path);
      case KeyType::kObjects:
        return objects(member.value, *spec, path);
      case KeyType::kList:
        return list(member.value, *spec, path);
      default:
        return value(member.value, *spec, path);
    }
  }

  void unknown(const TomlValue::Member& member, const std::string& pattern,
               const std::string& shown) {
    std::vector<std::string> known;
    for (const KeySpec* spec : keys_below(pattern)) {
      if (spec->type != KeyType::kLater) known.emplace_back(last_part(spec->path));
    }
    const std::optional<std::string> better = nearest(member.name, known);
    const std::string name = std::string(cut_utf8(member.name, 100));
    add(ErrorCode::kCfgUnknownKey, member.origin,
        better ? fmt::format("\"{}\" is not a setting of {}; did you mean \"{}\"?", name,
                             place(shown), *better)
               : fmt::format("\"{}\" is not a setting of {}", name, place(shown)),
        better ? std::string() : fmt::format("Remove it. Settings here: {}.", join(known, ", ")));
  }

  bool is_table(const TomlValue& value, const std::string& path) {
    if (value.kind == Kind::kTable) return true;
    add(ErrorCode::kCfgValue, value.origin,
        fmt::format("{} must be a section, but is {}", path, kind_name(value.kind)),
        fmt::format("Write [{}].", path));
    return false;
  }

  // [sync.my.orders]: somebody gave a name with a dot.
  static bool holds_only_unknown_sections(const TomlValue& value, const KeySpec& spec) {
    if (value.kind != Kind::kTable || value.members.empty()) return false;
    return std::all_of(value.members.begin(), value.members.end(), [&](const auto& member) {
      const std::string pattern = fmt::format("{}.*.{}", spec.path, member.name);
      return member.value.kind == Kind::kTable && find_key(pattern) == nullptr &&
             find_key(pattern + "[]") == nullptr;
    });
  }

  void objects(const TomlValue& table, const KeySpec& spec, const std::string& path) {
    if (!is_table(table, path)) return;
    for (const TomlValue::Member& object : table.members) {
      const std::string shown = joined(path, cut_utf8(object.name, 100));
      if (!good_object_name(object.name)) {
        add(ErrorCode::kCfgValue, object.origin,
            fmt::format("\"{}\" cannot be the name of a {}", cut_utf8(object.name, 100), spec.path),
            "Use 1 to 64 letters, digits, _ and -.");
      } else if (holds_only_unknown_sections(object.value, spec)) {
        const std::string_view inner = object.value.members.front().name;
        add(ErrorCode::kCfgValue, object.origin,
            fmt::format("\"{}.{}\" cannot be the name of a {}: it holds a dot",
                        cut_utf8(object.name, 100), cut_utf8(inner, 100), spec.path),
            "Use 1 to 64 letters, digits, _ and -.");
      } else if (is_table(object.value, shown)) {
        section(object.value, std::string(spec.path) + ".*", shown);
      }
    }
  }

  void list(const TomlValue& array, const KeySpec& spec, const std::string& path) {
    const bool tables =
        array.kind == Kind::kArray && !array.items.empty() &&
        std::all_of(array.items.begin(), array.items.end(),
                    [](const TomlValue& item) { return item.kind == Kind::kTable; });
    if (!tables) {
      return add(ErrorCode::kCfgValue, array.origin,
                 fmt::format("{} must be a list of sections", path),
                 fmt::format("Write [[{}]], with two brackets, once for each.", path));
    }
    for (const TomlValue& item : array.items) section(item, std::string(spec.path), path);
  }

  void wrong_type(const TomlValue& value, const std::string& path, std::string_view wanted) {
    add(ErrorCode::kCfgValue, value.origin,
        fmt::format("{} must be {}, but is {}", path, wanted, kind_name(value.kind)));
  }

  void value(const TomlValue& value, const KeySpec& spec, const std::string& path) {
    switch (spec.type) {
      case KeyType::kText:
        return text(value, path);
      case KeyType::kTextList:
        return text_list(value, path);
      case KeyType::kChoice:
        return choice(value, spec, path);
      case KeyType::kInteger:
        return integer(value, spec, path);
      case KeyType::kBoolean:
        if (value.kind != Kind::kBoolean) wrong_type(value, path, "true or false");
        return;
      case KeyType::kTextOrReference:
        return value.kind == Kind::kTable ? reference(value, path) : text(value, path);
      case KeyType::kSecret:
        return secret(value, path);
      case KeyType::kLookback:
        return lookback(value, path);
      case KeyType::kDuration:
        return duration(value, spec, path);
      case KeyType::kChoiceMap:
        if (!is_table(value, path)) return;
        for (const TomlValue::Member& member : value.members) {
          choice(member.value, spec, joined(path, cut_utf8(member.name, 100)));
        }
        return;
      default:
        return;
    }
  }

  void duration(const TomlValue& value, const KeySpec& spec, const std::string& path) {
    if (value.kind != Kind::kString) return wrong_type(value, path, "a duration");
    const std::optional<int64_t> duration_ms = parse_duration_ms(value.text);
    if (duration_ms && *duration_ms >= spec.min && *duration_ms <= spec.max) return;
    add(ErrorCode::kCfgValue, value.origin,
        fmt::format("{} = \"{}\" is no duration from {} to {} minutes", path,
                    cut_utf8(value.text, 100), spec.min / 60'000, spec.max / 60'000),
        "Write a number and a unit: \"15m\", \"1h\".");
  }

  void text(const TomlValue& value, const std::string& path) {
    if (value.kind != Kind::kString) return wrong_type(value, path, "a text");
    if (trim(value.text).empty()) {
      add(ErrorCode::kCfgValue, value.origin, fmt::format("{} is empty", path));
    } else if (value.text.find('\0') != std::string::npos) {
      add(ErrorCode::kCfgValue, value.origin, fmt::format("{} holds a NUL character", path));
    }
  }

  void text_list(const TomlValue& value, const std::string& path) {
    if (value.kind != Kind::kArray) {
      wrong_type(value, path, "a list of texts");
      return;
    }
    if (value.items.empty()) {
      return add(ErrorCode::kCfgValue, value.origin, fmt::format("{} is empty", path),
                 "Name at least one, or remove the line.");
    }
    for (size_t i = 0; i < value.items.size(); ++i) {
      const TomlValue& item = value.items[i];
      text(item, path);
      for (size_t j = 0; j < i; ++j) {
        if (item.kind == Kind::kString && value.items[j].kind == Kind::kString &&
            item.text == value.items[j].text) {
          add(ErrorCode::kCfgDuplicate, item.origin,
              fmt::format("\"{}\" stands twice in {}", cut_utf8(item.text, 100), path));
          break;
        }
      }
    }
  }

  void choice(const TomlValue& value, const KeySpec& spec, const std::string& path) {
    if (value.kind != Kind::kString) return wrong_type(value, path, "a text");
    const std::vector<std::string> choices = split(spec.choices, '|');
    if (std::find(choices.begin(), choices.end(), value.text) != choices.end()) return;
    const std::vector<std::string> later = split(spec.later, '|');
    const std::string shown = std::string(cut_utf8(value.text, 100));
    if (!value.text.empty() && std::find(later.begin(), later.end(), value.text) != later.end()) {
      return add(ErrorCode::kCfgNotInVersion, value.origin,
                 fmt::format("{} = \"{}\" is not in this version", path, shown),
                 fmt::format("This version knows: {}.", join(choices, ", ")));
    }
    const std::optional<std::string> better = nearest(value.text, choices);
    add(ErrorCode::kCfgValue, value.origin,
        fmt::format("{} cannot be \"{}\"{}", path, shown,
                    better ? fmt::format("; did you mean \"{}\"?", *better) : ""),
        fmt::format("Use one of: {}.", join(choices, ", ")));
  }

  void integer(const TomlValue& value, const KeySpec& spec, const std::string& path) {
    if (value.kind != Kind::kInteger) return wrong_type(value, path, "an integer");
    if (value.integer >= spec.min && value.integer <= spec.max) return;
    if (spec.path == "version" && value.integer > spec.max) {
      return add(ErrorCode::kCfgNotInVersion, value.origin,
                 fmt::format("version {} is newer than this program (it reads version {})",
                             value.integer, spec.max),
                 "Use a newer Vesto for this file.");
    }
    add(ErrorCode::kCfgValue, value.origin,
        spec.min == spec.max
            ? fmt::format("{} must be {}", path, spec.min)
            : fmt::format("{} must lie between {} and {}", path, spec.min, spec.max));
  }

  void secret(const TomlValue& value, const std::string& path) {
    if (value.kind == Kind::kTable) return reference(value, path);
    add(ErrorCode::kCfgSecretPlain, value.origin,
        fmt::format("{} is a secret and may not stand in the file", path));
  }

  // { secret = "name" }, { env = "X" } or { file = "path" }
  void reference(const TomlValue& value, const std::string& path) {
    constexpr std::string_view kForm =
        R"(Write { secret = "NAME" }, { env = "NAME" } or { file = "path" }.)";
    size_t known = 0;
    for (const TomlValue::Member& member : value.members) {
      if (member.name != "secret" && member.name != "env" && member.name != "file") {
        add(ErrorCode::kCfgUnknownKey, member.origin,
            fmt::format("\"{}\" is no way to name a value", cut_utf8(member.name, 100)),
            std::string(kForm));
        return;
      }
      text(member.value, fmt::format("{}.{}", path, member.name));
      if (member.name == "secret") secret_name(member.value, path);
      ++known;
    }
    if (known != 1) {
      add(ErrorCode::kCfgValue, value.origin,
          fmt::format("{} must name one place: secret, env or file", path), std::string(kForm));
    }
  }

  void secret_name(const TomlValue& value, const std::string& path) {
    if (value.kind != Kind::kString || trim(value.text).empty()) return;  // said already
    if (good_secret_name(value.text)) return;
    add(ErrorCode::kCfgValue, value.origin,
        fmt::format("{}.secret: this cannot be the name of a secret", path),
        fmt::format("A name is {}; it is not the secret itself.", kSecretNameRule));
  }

  void lookback(const TomlValue& value, const std::string& path) {
    if (value.kind == Kind::kInteger) {
      if (value.integer < 0) {
        add(ErrorCode::kCfgValue, value.origin, fmt::format("{} may not be negative", path));
      }
      return;
    }
    if (value.kind != Kind::kString) return wrong_type(value, path, "a duration or an integer");
    if (!parse_duration_ms(value.text)) {
      const bool bare = parse_int(value.text).has_value();
      add(ErrorCode::kCfgValue, value.origin,
          bare ? fmt::format("{} = \"{}\" has no unit", path, value.text)
               : fmt::format("{} = \"{}\" is no duration", path, cut_utf8(value.text, 100)),
          "Write a number and a unit: \"30s\", \"10m\", \"6h\", \"2d\" (400d at most). An integer "
          "cursor takes an integer without quotes.");
    }
  }

  std::vector<ConfigIssue>* issues_;
};

}  // namespace

void lint(const TomlValue& tree, std::vector<ConfigIssue>* issues) {
  Linter(issues).section(tree, "", "");
}

}  // namespace vesto
