// The names of over 63 bytes that clients have used: short form to full name. Kept in
// pg_catalog.rs_names of the database dev, and in memory.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_SESSION_NAME_TABLE_H_
#define VESTO_SANDBOX_SESSION_NAME_TABLE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "sandbox/session/admin_link.h"

namespace vesto::sandbox {

class NameTable {
 public:
  explicit NameTable(AdminLink* admin) : admin_(admin) {}
  Result<Unit, ErrorFields> load() VESTO_EXCLUDES(mutex_);
  // Keeps the pair for good, if it is new.
  void add(const std::string& short_name, const std::string& full_name) VESTO_EXCLUDES(mutex_);
  std::optional<std::string> full(std::string_view short_name) VESTO_EXCLUDES(mutex_);
  // The text with every short name in it replaced by the full one.
  std::string restore(std::string_view text);

 private:
  AdminLink* admin_;
  Mutex mutex_;
  std::map<std::string, std::string, std::less<>> names_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_NAME_TABLE_H_
