// stl_load_errors, sys_load_error_detail and sys_load_history: what a COPY leaves for people to
// read, written on a connection of its own.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_SESSION_SYSTEM_LOG_H_
#define VESTO_SANDBOX_SESSION_SYSTEM_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/copy/copy_executor.h"
#include "sandbox/session/admin_link.h"

namespace vesto::sandbox {

struct LoadRecord {
  int64_t user_id = 0;
  int64_t query_id = 0;
  int64_t session_pid = 0;
  int64_t table_oid = 0;
  std::string database;
  std::string table;
  std::string source;  // s3://...
  std::string format;  // "CSV"
  int64_t started_ms = 0;
  int64_t ended_ms = 0;
  bool completed = false;
  int64_t rows_loaded = 0;
  int64_t rows_skipped = 0;
};

class SystemLog {
 public:
  explicit SystemLog(AdminLink* admin) : admin_(admin) {}
  // Failures to write are logged and otherwise ignored: the COPY's own outcome stands.
  void write(const LoadRecord& record, const std::vector<LoadError>& errors);
  // Temporary tables, and tables named _vesto_stage_... or _vesto_check_..., that exist now.
  // -1: cannot be told.
  int64_t left_tables();
  // Removes entries of more than seven days, as Redshift does.
  void prune();

 private:
  AdminLink* admin_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_SYSTEM_LOG_H_
