// A thin owner around one SQLite connection: statements with bound values, errors as Result.
//
//   VESTO_ASSIGN(auto db, Database::open(path, Access::kWrite));
//   VESTO_TRY(db->run("DELETE FROM run WHERE id = ?", {id}));
//   VESTO_TRY(db->query("SELECT id FROM run", {}, [&](const Row& row) { ids.push_back(row.text(0));
//   }));
//
// Errors: SYS-STORE (damaged, not a database, no rights), SYS-DISK (no space, file too large),
// SYS-STORE-BUSY (locked by another process for longer than kBusyTimeoutMs).
// Thread rule: one thread at a time.
#ifndef VESTO_STORE_SQLITE_H_
#define VESTO_STORE_SQLITE_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vesto::store {

constexpr int kBusyTimeoutMs = 10'000;

struct Blob {
  std::string_view bytes;
};

// One value to bind. Views must live until the call returns.
class Bind {
 public:
  // NOLINTBEGIN(google-explicit-constructor): `{id, 3}` is the point of the class.
  Bind(int64_t number) : value_(number) {}
  Bind(int number) : value_(int64_t{number}) {}
  Bind(uint64_t number) : value_(static_cast<int64_t>(number)) {}
  Bind(std::string_view text) : value_(text) {}
  Bind(const std::string& text) : value_(std::string_view(text)) {}
  Bind(const char* text) : value_(std::string_view(text)) {}
  Bind(Blob blob) : value_(blob) {}
  // NOLINTEND(google-explicit-constructor)

 private:
  friend class Database;
  std::variant<int64_t, std::string_view, Blob> value_;
};

// The current row of a query; columns count from 0. NULL reads as 0 or "".
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] int64_t number(int column) const;
  [[nodiscard]] std::string text(int column) const;  // also for blobs

 private:
  sqlite3_stmt* statement_;
};

enum class Access { kWrite, kRead };

class Database {
 public:
  // The file must be there. kRead connections refuse every write.
  static Result<std::unique_ptr<Database>> open(const std::string& path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Statements without values, one or several.
  Status exec(const char* sql);
  // One statement; returns the number of rows that it changed.
  Result<int64_t> run(std::string_view sql, std::initializer_list<Bind> values);
  // Calls `each` for every row.
  Status query(std::string_view sql, std::initializer_list<Bind> values,
               const std::function<void(const Row&)>& each);
  // The same without values, until `stop` is requested: then it gives false, and what `each` was
  // told is worth nothing. SQLite makes up damage where it was interrupted in its look at a file.
  Result<bool> query_until(const std::stop_token& stop, std::string_view sql,
                           const std::function<void(const Row&)>& each);
  // False while a transaction is open. SQLite rolls back by itself on some errors.
  [[nodiscard]] bool autocommit() const;

 private:
  Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;
  Result<Statement> prepare(std::string_view sql, std::initializer_list<Bind> values);
  [[nodiscard]] Error error(int code) const;

  sqlite3* handle_;
  std::string path_;
};

}  // namespace vesto::store

#endif  // VESTO_STORE_SQLITE_H_
