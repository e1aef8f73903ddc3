// A configuration file as plain values, each with its place. toml++ stays behind tree.cc.
// Plain values; any thread.
#ifndef VESTO_CONFIG_TREE_H_
#define VESTO_CONFIG_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace vesto {

// Where something stands. Lines and columns count from 1; 0: the file as a whole.
struct Origin {
  std::string file = {};
  int line = 0;
  int column = 0;
  // "conf.d/acme.toml:14:3"
  [[nodiscard]] std::string text() const;
  // "conf.d/acme.toml:14"
  [[nodiscard]] std::string line_text() const;
};

// One thing that is wrong with the configuration. Holds no secret.
struct ConfigIssue {
  ErrorCode code = ErrorCode::kCfgSyntax;
  Origin origin = {};
  std::string message = {};
  std::string hint = {};     // "" = the catalogue's
  std::string excerpt = {};  // the line of the file, values left out; only for CFG-SYNTAX
  bool warning = false;      // said by `config check`; nothing is refused for it
};

struct TomlValue {
  enum class Kind { kString, kInteger, kFloat, kBoolean, kTime, kArray, kTable };
  struct Member;

  Kind kind = Kind::kTable;
  Origin origin;
  std::string text;  // kString; kFloat and kTime as written by toml++
  int64_t integer = 0;
  bool boolean = false;
  std::vector<TomlValue> items;  // kArray
  std::vector<Member> members;   // kTable, by name

  // The member with this name, or nullptr.
  [[nodiscard]] const TomlValue* find(std::string_view name) const;
};

struct TomlValue::Member {
  std::string name;
  Origin origin;  // of the key
  TomlValue value;
};

constexpr size_t kMaxConfigBytes = size_t{4} << 20;

// What the kind is called on screens: "a text", "an integer".
std::string_view kind_name(TomlValue::Kind kind);

// Parses one file. A text that is not TOML (or larger than kMaxConfigBytes) gives one issue of
// CFG-SYNTAX with line and column.
std::variant<TomlValue, ConfigIssue> parse_toml(std::string_view text, const std::string& file);

}  // namespace vesto

#endif  // VESTO_CONFIG_TREE_H_
