#include "store/health.h"

#include <filesystem>
#include <system_error>

#include "store/schema.h"
#include "store/sqlite.h"

namespace vesto {

using store::Access;
using store::Database;
using store::Row;

Result<StoreHealth> look_at_store(const std::string& data_dir, const std::stop_token& stop) {
  const std::string path = (data_dir.empty() ? "." : data_dir) + "/vesto.db";
  StoreHealth health;
  std::error_code failed;
  if (!std::filesystem::exists(path, failed) && !failed) return health;
  health.there = true;
  VESTO_ASSIGN(const std::unique_ptr<Database> db, Database::open(path, Access::kRead));
  VESTO_ASSIGN(health.schema_version, store::version_of_ours(*db, path));
  VESTO_ASSIGN(health.looked_through,
               db->query_until(stop, "PRAGMA quick_check(1)", [&](const Row& row) {
                 const std::string said(row.text(0));
                 if (said != "ok") health.damage = said;
               }));
  if (!health.looked_through) health.damage.clear();
  health.size_bytes = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  if (failed) health.size_bytes = 0;
  return health;
}

}  // namespace vesto
