#include "sandbox/session/isolation.h"

#include "sandbox/wire/pg_link.h"

namespace vesto::sandbox {

std::string begin_sql(Isolation isolation, bool read_only) {
  std::string sql = isolation == Isolation::kSerializable ? "BEGIN ISOLATION LEVEL SERIALIZABLE"
                                                          : "BEGIN ISOLATION LEVEL REPEATABLE READ";
  if (read_only) sql += " READ ONLY";
  return sql;
}

bool needs_snapshot(StatementClass cls, bool several) {
  switch (cls) {
    case StatementClass::kLock:
      return several;
    case StatementClass::kEmpty:
    case StatementClass::kBegin:
    case StatementClass::kCommit:
    case StatementClass::kRollback:
    case StatementClass::kSet:
    case StatementClass::kShow:
    case StatementClass::kCloseCursor:
      return false;
    default:
      return true;
  }
}

std::string table_name_sql(const TableRef& table) {
  return (table.schema.empty() ? "" : pg_identifier(table.schema) + ".") +
         pg_identifier(table.name);
}

namespace {

std::string one_lock(int space, bool shared, const TableRef& table) {
  return "SELECT pg_catalog.rs_lock(" + std::to_string(space) + "," + (shared ? "true" : "false") +
         "," + pg_literal(table_name_sql(table)) + "," + pg_literal(pg_identifier(table.name)) +
         ");";
}

}  // namespace

std::string lock_sql(Isolation isolation, StatementClass cls, const std::vector<TableRef>& writes) {
  if (cls == StatementClass::kLock) return {};
  std::string sql;
  for (const TableRef& table : writes) {
    if (isolation == Isolation::kSnapshot) {
      const bool adds_only = cls == StatementClass::kInsert || cls == StatementClass::kCopy;
      sql += one_lock(1, adds_only, table);
    }
    sql += one_lock(2, false, table);
  }
  return sql;
}

std::string_view class_name(StatementClass cls) {
  switch (cls) {
    case StatementClass::kEmpty:
      return "empty";
    case StatementClass::kBegin:
      return "begin";
    case StatementClass::kCommit:
      return "commit";
    case StatementClass::kRollback:
      return "rollback";
    case StatementClass::kLock:
      return "lock";
    case StatementClass::kSelect:
      return "select";
    case StatementClass::kInsert:
      return "insert";
    case StatementClass::kUpdate:
      return "update";
    case StatementClass::kDelete:
      return "delete";
    case StatementClass::kMerge:
      return "merge";
    case StatementClass::kCopy:
      return "copy";
    case StatementClass::kCreateTable:
      return "create_table";
    case StatementClass::kDdl:
      return "ddl";
    case StatementClass::kTruncate:
      return "truncate";
    case StatementClass::kSet:
      return "set";
    case StatementClass::kShow:
      return "show";
    case StatementClass::kDeclareCursor:
      return "declare_cursor";
    case StatementClass::kFetch:
      return "fetch";
    case StatementClass::kCloseCursor:
      return "close_cursor";
    case StatementClass::kPrepare:
      return "prepare";
    case StatementClass::kExplain:
      return "explain";
    case StatementClass::kVacuum:
      return "vacuum";
    case StatementClass::kCancel:
      return "cancel";
    case StatementClass::kOther:
      return "other";
  }
  return "other";
}

}  // namespace vesto::sandbox
