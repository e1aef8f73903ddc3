#include "store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>

namespace vesto::store {

namespace {

bool out_of_space(int system_errno) {
  return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
}

// What SQLite's result and the system's errno say together.
ErrorCode code_of(int code, int system_errno) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return ErrorCode::kSysDisk;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kSysStoreBusy;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      // The shared-memory file could not grow; SQLite keeps no errno for it.
      if (code == SQLITE_IOERR_SHMSIZE) return ErrorCode::kSysDisk;
      // A quota and a file-size limit report as I/O errors.
      return out_of_space(system_errno) ? ErrorCode::kSysDisk : ErrorCode::kSysStore;
    default:
      return ErrorCode::kSysStore;
  }
}

// sqlite3_system_errno() may have been overwritten by the rollback; the files remember their own.
int errno_of(sqlite3* handle) {
  int found = sqlite3_system_errno(handle);
  sqlite3_file* log = nullptr;
  int last = 0;
  if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK &&
      out_of_space(last)) {
    found = last;
  }
  if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr &&
      log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK &&
      out_of_space(last)) {
    found = last;
  }
  return found;
}

Error make_error(sqlite3* handle, int code, const std::string& path) {
  const int system_errno = handle != nullptr ? errno_of(handle) : errno;
  const ErrorCode meaning = code_of(code, system_errno);
  const std::string text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  std::string message;
  std::string hint;
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      message = fmt::format("the local store {} is damaged", path);
      hint = fmt::format(
          "Move {0} away (mv {0} {0}.damaged) and run again: progress is kept in the destination, "
          "only the run history is lost.",
          path);
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      message = fmt::format("the local store {} may not be written", path);
      break;
    default:
      message = meaning == ErrorCode::kSysDisk
                    ? fmt::format("no space is left for the local store {}", path)
                : meaning == ErrorCode::kSysStoreBusy
                    ? fmt::format("the local store {} was locked by another process for {} s", path,
                                  kBusyTimeoutMs / 1000)
                    : fmt::format("the local store {} cannot be used", path);
  }
  Error error(meaning, std::move(message));
  error.with_upstream(
      {.system = "sqlite", .code = std::to_string(code), .text = text, .request_id = ""});
  if (!hint.empty()) error.with_hint(std::move(hint));
  return error;
}

}  // namespace

int64_t Row::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Row::text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (bytes == nullptr || size <= 0) return {};
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

void Database::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Access access) {
  sqlite3* handle = nullptr;
  // Readers open for writing too: a read-only connection cannot make the shared-memory file.
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  if (code != SQLITE_OK) {
    Error error = make_error(handle, code, path);
    sqlite3_close(handle);
    return error;
  }
  std::unique_ptr<Database> db(new Database(handle, path));
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  // A store from a stranger must not run code of its schema.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  VESTO_TRY(
      db->exec(access == Access::kRead ? "PRAGMA query_only = ON" : "PRAGMA synchronous = FULL"));
  return db;
}

Database::~Database() { sqlite3_close(handle_); }

Status Database::exec(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return ok_status();
}

Result<Database::Statement> Database::prepare(std::string_view sql,
                                              std::initializer_list<Bind> values) {
  sqlite3_stmt* raw = nullptr;
  int code = sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  Statement statement(raw);
  if (code != SQLITE_OK) return error(code);
  int index = 0;
  for (const Bind& bind : values) {
    ++index;
    if (const auto* number = std::get_if<int64_t>(&bind.value_)) {
      code = sqlite3_bind_int64(raw, index, *number);
    } else if (const auto* text = std::get_if<std::string_view>(&bind.value_)) {
      const char* data = text->data() == nullptr ? "" : text->data();
      code = sqlite3_bind_text64(raw, index, data, text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
      const std::string_view bytes = std::get<Blob>(bind.value_).bytes;
      const char* data = bytes.data() == nullptr ? "" : bytes.data();
      code = sqlite3_bind_blob64(raw, index, data, bytes.size(), SQLITE_STATIC);
    }
    if (code != SQLITE_OK) return error(code);
  }
  return statement;
}

Result<int64_t> Database::run(std::string_view sql, std::initializer_list<Bind> values) {
  VESTO_ASSIGN(const Statement statement, prepare(sql, values));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
  if (code != SQLITE_DONE) return error(code);
  return int64_t{sqlite3_changes64(handle_)};
}

Status Database::query(std::string_view sql, std::initializer_list<Bind> values,
                       const std::function<void(const Row&)>& each) {
  VESTO_ASSIGN(const Statement statement, prepare(sql, values));
  int code = sqlite3_step(statement.get());
  while (code == SQLITE_ROW) {
    each(Row(statement.get()));
    code = sqlite3_step(statement.get());
  }
  if (code != SQLITE_DONE) return error(code);
  return ok_status();
}

Result<bool> Database::query_until(const std::stop_token& stop, std::string_view sql,
                                   const std::function<void(const Row&)>& each) {
  constexpr int kStepsBetween = 1000;
  std::stop_token asked = stop;
  const auto is_over = [](void* token) {
    return static_cast<std::stop_token*>(token)->stop_requested() ? 1 : 0;
  };
  sqlite3_progress_handler(handle_, kStepsBetween, is_over, &asked);
  Status done = ok_status();
  {
    // PRAGMA quick_check goes through all pages in one step, in which it looks for an interrupt
    // alone.
    const std::stop_callback on_stop(stop, [this] { sqlite3_interrupt(handle_); });
    done = query(sql, {}, each);
  }
  sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
  if (stop.stop_requested()) return false;
  if (!done.ok()) return std::move(done).error();
  return true;
}

bool Database::autocommit() const { return sqlite3_get_autocommit(handle_) != 0; }

Error Database::error(int code) const { return make_error(handle_, code, path_); }

}  // namespace vesto::store
