#include "store/health.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "store/schema.h"
#include "store/sqlite.h"

namespace vesto {

namespace {

using store::Access;
using store::Database;
using store::Row;

Result<int64_t> pragma(Database& db, const char* sql) {
  int64_t value = 0;
  VESTO_TRY(db.query(sql, {}, [&](const Row& row) { value = row.number(0); }));
  return value;
}

}  // namespace

Result<StoreHealth> look_at_store(const std::string& data_dir) {
  const std::string path = (data_dir.empty() ? "." : data_dir) + "/vesto.db";
  StoreHealth health;
  std::error_code failed;
  if (!std::filesystem::exists(path, failed) && !failed) return health;
  health.there = true;
  VESTO_ASSIGN(const std::unique_ptr<Database> db, Database::open(path, Access::kRead));
  VESTO_ASSIGN(const int64_t application, pragma(*db, "PRAGMA application_id"));
  if (application != store::kApplicationId) {
    return Error(ErrorCode::kSysStore, fmt::format("{} belongs to another program", path))
        .with_hint("Name another data directory with --data.");
  }
  VESTO_ASSIGN(health.schema_version, pragma(*db, "PRAGMA user_version"));
  VESTO_TRY(db->query("PRAGMA quick_check(1)", {}, [&](const Row& row) {
    const std::string said(row.text(0));
    if (said != "ok") health.damage = said;
  }));
  health.size_bytes = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  if (failed) health.size_bytes = 0;
  return health;
}

}  // namespace vesto
