// A TOML file read section by section, every mistake with its line. The first mistake is kept; what
// is read after it is empty, so that the caller need ask only at the end.
// Thread rule: one thread.
#ifndef VESTO_SANDBOX_IAM_TOML_SECTION_H_
#define VESTO_SANDBOX_IAM_TOML_SECTION_H_

#include <toml++/toml.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/iam/policy.h"

namespace vesto::sandbox {

// Whether brackets or the parts of a dotted key nest deeper than toml++ can be trusted with (it
// calls itself for each). The line, or nothing.
std::optional<int> find_deep_toml(std::string_view text);

class TomlProblems {
 public:
  explicit TomlProblems(std::string file) : file_(std::move(file)) {}
  void add(int line, std::string_view message);
  [[nodiscard]] bool any() const { return first_.has_value(); }
  [[nodiscard]] const std::string& first() const { return *first_; }  // only if any()

 private:
  std::string file_;
  std::optional<std::string> first_;
};

// One table. `problems` and the table must outlive it.
class TomlSection {
 public:
  TomlSection(const toml::table& table, TomlProblems& problems)
      : table_(table), problems_(problems) {}

  [[nodiscard]] bool has(const char* name) const { return table_.contains(name); }
  std::string text(const char* name, bool required);  // required: and not empty
  int64_t integer(const char* name, int64_t otherwise, int64_t least, int64_t most);
  bool flag(const char* name, bool otherwise);
  std::vector<std::string> texts(const char* name, size_t most);
  std::map<std::string, std::string> text_map(const char* name, size_t most);
  // JSON in a text, or the same as a table.
  std::optional<IamPolicy> policy(const char* name, PolicyKind kind, bool required);
  // A list of such policies, or of { name = "...", document = ... }.
  std::vector<std::pair<std::string, IamPolicy>> policies(const char* name, size_t most);
  // Tables of a list, each read by `read(TomlSection&)` and then checked for unknown keys.
  template <typename Read>
  void each(const char* name, size_t most, const Read& read) {
    for (const toml::table* table : tables(name, most)) {
      TomlSection section(*table, problems_);
      read(section);
      section.finish();
    }
  }
  // Unknown keys are a mistake.
  void finish();
  void fail(std::string_view message) { fail_at(table_, message); }
  // A mistake in the value of this key.
  void fail_key(const char* name, std::string_view message);

 private:
  const toml::node* find(const char* name, bool required);
  std::vector<const toml::table*> tables(const char* name, size_t most);
  std::optional<IamPolicy> policy_of(const toml::node& node, PolicyKind kind);
  void fail_at(const toml::node& node, std::string_view message);

  const toml::table& table_;
  TomlProblems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_TOML_SECTION_H_
