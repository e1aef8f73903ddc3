// Names: folding, cutting at 127 bytes, and the short form of names that PostgreSQL cannot hold.
//
// Redshift folds A-Z also inside double quotes (unless enable_case_sensitive_identifier) and cuts
// names at 127 bytes without a word; PostgreSQL cuts at 63. A name of 64 to 127 bytes therefore
// lives in PostgreSQL as `<at most 40 bytes>~<22 base32 characters of its SHA-256>`. Pure; any
// thread. Source: AWS "Names and identifiers".
#ifndef VESTO_SANDBOX_SQL_NAMES_H_
#define VESTO_SANDBOX_SQL_NAMES_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

inline constexpr size_t kMaxNameBytes = 127;
inline constexpr size_t kMaxPgNameBytes = 63;
// Redshift's setting that keeps the case of quoted names, and the name under which PostgreSQL keeps
// what ALTER USER has set for it: there it must hold a dot.
inline constexpr std::string_view kCaseSetting = "enable_case_sensitive_identifier";
inline constexpr std::string_view kUserCaseSetting = "vesto.enable_case_sensitive_identifier";

// A-Z to a-z; other bytes stay.
std::string fold_name(std::string_view name);
// At most 127 bytes, no character split.
std::string cut_name(std::string_view name);
// The name under which PostgreSQL knows `full` (already folded and cut): itself up to 63 bytes.
std::string short_name(std::string_view full);
// True for texts of exactly the short form: a user's own name may not look like that.
bool is_short_form(std::string_view name);

// Puts full names in the place of short ones in `text` (an error's message, a view's text).
// `full_of` answers the full name for a short one, or nothing.
std::string restore_long_names(
    std::string_view text,
    const std::function<std::optional<std::string>(std::string_view)>& full_of);

// A name quoted for PostgreSQL: always in double quotes.
std::string quote_name(std::string_view name);
// A literal for PostgreSQL: '...', or E'...' where a backslash occurs, so that it reads the same
// under either setting of standard_conforming_strings. The text holds no NUL.
std::string quote_literal(std::string_view text);

// Short and full name, as Statement::long_names keeps them.
using LongName = std::pair<std::string, std::string>;

// Folds, cuts and maps the names of one statement and keeps the long ones.
class NameMapper {
 public:
  explicit NameMapper(bool case_sensitive) : case_sensitive_(case_sensitive) {}
  // `name` as the client wrote it, quotes taken off. Error: 42602 for a name of the short form.
  SqlResult<std::string> map(std::string_view name, bool quoted);
  // The same for the name of a user or group: in quotes it keeps its case.
  SqlResult<std::string> map_user(std::string_view name, bool quoted);
  // The full name for one that map() or map_user() gave.
  [[nodiscard]] std::string full(std::string_view mapped) const;
  [[nodiscard]] bool case_sensitive() const { return case_sensitive_; }
  std::vector<LongName> take_long_names() { return std::move(long_names_); }

 private:
  SqlResult<std::string> finish(std::string folded);
  bool case_sensitive_;
  std::vector<LongName> long_names_;
  std::unordered_set<std::string> known_;  // the short names among them
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_NAMES_H_
