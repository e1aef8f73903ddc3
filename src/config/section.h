// One section of the configuration, its defaults included. Plain values; any thread.
#ifndef VESTO_CONFIG_SECTION_H_
#define VESTO_CONFIG_SECTION_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "config/config.h"
#include "config/keys.h"

namespace vesto {

// Reads the settings of one section; a missing one gives its default from the table of settings.
class Section {
 public:
  // table may be nullptr: then everything has its default.
  Section(const TomlValue* table, std::string pattern)
      : table_(table), pattern_(std::move(pattern)) {}

  [[nodiscard]] std::string text(std::string_view name) const {
    const TomlValue* value = find(name);
    if (value != nullptr)
      return value->kind == TomlValue::Kind::kString ? value->text : std::string();
    const std::string_view fallback = fallback_of(name);
    return fallback.size() < 2 ? std::string()
                               : std::string(fallback.substr(1, fallback.size() - 2));
  }
  [[nodiscard]] int64_t integer(std::string_view name) const {
    const TomlValue* value = find(name);
    if (value != nullptr) return value->kind == TomlValue::Kind::kInteger ? value->integer : 0;
    return parse_int(fallback_of(name)).value_or(0);
  }
  [[nodiscard]] bool boolean(std::string_view name) const {
    const TomlValue* value = find(name);
    return value != nullptr ? value->boolean : fallback_of(name) == "true";
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> out;
    const TomlValue* value = find(name);
    if (value == nullptr || value->kind != TomlValue::Kind::kArray) return out;
    for (const TomlValue& item : value->items) {
      if (item.kind == TomlValue::Kind::kString) out.push_back(item.text);
    }
    return out;
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> choices(
      std::string_view name) const {
    std::vector<std::pair<std::string, std::string>> out;
    const TomlValue* value = find(name);
    if (value == nullptr) return out;
    for (const TomlValue::Member& member : value->members) {
      out.emplace_back(member.name, member.value.text);
    }
    return out;
  }
  // A path, relative to the file that it stands in.
  [[nodiscard]] std::string path(std::string_view name) const {
    const TomlValue* value = find(name);
    if (value == nullptr || value->kind != TomlValue::Kind::kString || value->text.empty())
      return {};
    return beside(value->origin, value->text);
  }
  [[nodiscard]] ValueRef reference(std::string_view name) const {
    const TomlValue* value = find(name);
    if (value == nullptr) return {};
    if (value->kind == TomlValue::Kind::kString)
      return {ValueRef::Kind::kText, value->text, value->origin};
    const TomlValue* env = value->find("env");
    if (env != nullptr) return {ValueRef::Kind::kEnv, env->text, env->origin};
    const TomlValue* secret = value->find("secret");
    if (secret != nullptr) return {ValueRef::Kind::kSecret, secret->text, secret->origin};
    const TomlValue* file = value->find("file");
    if (file == nullptr) return {};
    return {ValueRef::Kind::kFile, beside(file->origin, file->text), file->origin};
  }
  // Where a setting stands, or the section itself.
  [[nodiscard]] Origin origin(std::string_view name) const {
    const TomlValue* value = find(name);
    if (value != nullptr) return value->origin;
    return table_ != nullptr ? table_->origin : Origin();
  }
  [[nodiscard]] Origin table_origin() const {
    return table_ != nullptr ? table_->origin : Origin();
  }
  [[nodiscard]] bool given() const { return table_ != nullptr; }
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  [[nodiscard]] Section below(std::string_view name) const {
    return {find(name), pattern_ + "." + std::string(name)};
  }
  [[nodiscard]] const TomlValue* find(std::string_view name) const {
    return table_ == nullptr ? nullptr : table_->find(name);
  }

 private:
  static std::string beside(const Origin& origin, const std::string& path) {
    const std::filesystem::path given(path);
    if (given.is_absolute()) return path;
    return (std::filesystem::path(origin.file).parent_path() / given).lexically_normal().string();
  }
  [[nodiscard]] std::string_view fallback_of(std::string_view name) const {
    const KeySpec* spec = find_key(pattern_ + "." + std::string(name));
    return spec == nullptr ? std::string_view() : spec->fallback;
  }

  const TomlValue* table_;
  std::string pattern_;
};

}  // namespace vesto

#endif  // VESTO_CONFIG_SECTION_H_
