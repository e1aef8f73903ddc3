// Every setting, in one table: it drives the check of the files, the defaults, `config show`, the
// starter file and docs/settings.md.
#ifndef VESTO_CONFIG_KEYS_H_
#define VESTO_CONFIG_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

enum class KeyType {
  kSection,   // a TOML table with the keys below it
  kObjects,   // a table of named objects: "destination.*"
  kList,      // an array of tables: "sync.*.table[]"
  kText,      // non-empty text
  kTextList,  // non-empty list of texts
  kChoice,    // one of `choices`
  kInteger,   // min to max
  kBoolean,
  kTextOrReference,  // text, or as kSecret
  kSecret,           // { secret = "name" }, { env = "X" } or { file = "path" }
  kLookback,         // "10m", or an integer
  kDuration,         // "1h"; min and max in milliseconds
  kChoiceMap,        // a table of names (columns), each with one of `choices`
  kLater,            // known, but not in this version: everything at and below it is refused
};

struct KeySpec {
  std::string_view path = {};  // "destination.*.auth.user"; * stands for the object's name
  KeyType type = KeyType::kText;
  bool required = false;
  std::string_view fallback = {};  // the default as TOML; "" = none
  std::string_view choices = {};   // "a|b"
  std::string_view later = {};     // choices of later versions, "c|d"
  int64_t min = 0;
  int64_t max = 0;
  std::string_view since = {};  // first version with this setting
  std::string_view doc = {};    // one sentence or two
};

const std::vector<KeySpec>& config_keys();
// The setting with this pattern, or nullptr.
const KeySpec* find_key(std::string_view pattern);
// "destination.*.auth.user" -> "destination.*.auth"; "version" -> "".
std::string_view parent_path(std::string_view pattern);
// "destination.*.auth.user" -> "user"; "sync.*.table[]" -> "table".
std::string_view last_part(std::string_view pattern);
// Settings right below `pattern`, in the table's order.
std::vector<const KeySpec*> keys_below(std::string_view pattern);

// docs/settings.md.
std::string settings_markdown();

}  // namespace vesto

#endif  // VESTO_CONFIG_KEYS_H_
