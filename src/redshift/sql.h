// Every statement that is sent to Redshift, as text built from values. Pure: no connection, no
// clock; golden tests, `sync plan --sql` and the loader read the same texts.
//
// Rules of the dialect (Amazon Redshift Database Developer Guide: Names and identifiers, Literals,
// COPY, CREATE TABLE, DELETE):
// - every identifier is quoted; Redshift folds quoted ones as well, so names come in lower case;
// - a backslash is an escape character inside '...', so both ' and \ are doubled;
// - secrets stand as {{SECRET:name}} and are put in by fill_secrets() (redshift/fill_secrets.h).
// Thread rule: pure functions, any thread.
#ifndef VESTO_REDSHIFT_SQL_H_
#define VESTO_REDSHIFT_SQL_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "schema/table.h"

namespace vesto::sql {

// --- words ---
std::string ident(std::string_view name);        // "a""b"
std::string literal(std::string_view text);      // 'a''b\\c'
std::string qualified(const TargetName& table);  // "schema"."table"
std::string timestamp(int64_t wall_ms);          // '2026-11-22 01:26:56.123', UTC
std::string timestamptz(int64_t wall_ms);        // '2026-11-22 01:26:56.123+00'; 0: NULL

// --- session ---
std::string set_statement_timeout(int64_t timeout_ms);
std::string terminate_backend(int pid);

// --- state of one sync ---
inline constexpr std::string_view kHeaderStream = "*";
inline constexpr std::string_view kStatePrefix = "_vesto_state_";  // of state_table_name()
inline constexpr std::string_view kLoadsTable = "_vesto_loads";
inline constexpr std::string_view kStatusView = "_vesto_sync_status";
inline constexpr size_t kMaxStreamBytes = 600;     // VARCHAR of "stream"
inline constexpr size_t kMaxPositionBytes = 4096;  // VARCHAR of "position"
// Redshift takes 16 MB of statement text; 500 rows of state are below 5 MB, 500 moved positions
// below 12 MB, also where every character has to be doubled.
inline constexpr size_t kRowsPerInsert = 500;

// "schema_version" of the row that holds a stream's position. A row of the same stream with a lower
// one is a piece of what is kept of its columns: 0, -1, -2 ... in the order of the text.
inline constexpr int kPositionPart = 1;

struct StateRow {
  std::string stream;  // kHeaderStream: the header
  LoadId load_id;
  std::string writer;
  int schema_version = kPositionPart;
  std::string position;  // or a piece, at most kMaxPositionBytes
  int64_t changed_at_ms = 0;
};

std::string state_table_name(const SyncId& sync);  // _vesto_state_1a2b3c4d
std::string create_schema(std::string_view schema);
std::string create_state_table(const TargetName& state);
std::string insert_state_rows(const TargetName& state, const std::vector<StateRow>& rows);
// Of exactly these streams: Redshift's = alone would take "a " for "a".
std::string delete_state_rows(const TargetName& state, const std::vector<std::string>& streams);
struct PositionMove {
  StateRow row;
  std::string from;  // the position that the row must still have
};
// Moves the positions of streams that have their rows already, in one statement. All rows are of
// one load; what else is kept of the streams stays. Its tag must be UPDATE with their number: a row
// that is not there, or has another position than the plan rests on, is not counted. No name may
// end in a blank.
std::string update_positions(const TargetName& state, const std::vector<PositionMove>& moves);
// Columns: stream, load_id, schema_version, position.
std::string select_state(const TargetName& state);
std::string select_fence(const TargetName& state);  // the header row's load id
std::string lock_table(const TargetName& table);
// Compare and set: its tag must be exactly UPDATE 1.
std::string move_fence(const TargetName& state, const LoadId& seen, const LoadId& next,
                       const InstallationId& writer, int64_t now_ms);

// --- shared tables of a schema ---
struct LoadsRow {
  std::string sync;
  std::string stream;
  LoadId load_id;
  RunId run;
  std::string mode;
  uint64_t rows_read = 0;
  uint64_t rows_copied = 0;
  uint64_t rows_inserted = 0;
  uint64_t rows_updated = 0;
  uint64_t rows_deleted = 0;
  uint64_t rows_rejected = 0;
  uint64_t bytes_staged = 0;
  int64_t data_as_of_ms = 0;
  int64_t started_ms = 0;
  int64_t committed_ms = 0;
};
std::string create_loads_table(std::string_view schema);
// The columns that a CREATE TABLE of Vesto's own makes, in their order; schema and table are plain
// names in it.
std::vector<std::string> columns_made(std::string_view create);
std::string create_status_view(std::string_view schema);
std::string insert_loads(std::string_view schema, const std::vector<LoadsRow>& rows);

// --- target tables ---
// A column as CREATE TABLE writes it.
struct ColumnDdl {
  std::string name;
  ColumnType type;
  bool not_null = false;
  // COLLATE CASE_SENSITIVE, whatever the database's default: for texts that are compared.
  bool case_sensitive = false;
  std::string encode = {};  // "zstd"; "": Redshift chooses
};
// How a table lies on the nodes: explicit, so that Redshift does not promote a column to a key by
// itself (such a column refuses to be widened).
struct TableKeys {
  std::string distkey;               // "": DISTSTYLE EVEN
  std::vector<std::string> sortkey;  // empty: none is named; several: COMPOUND SORTKEY
  bool operator==(const TableKeys&) const = default;
};
std::string create_table(const TargetName& table, const std::vector<ColumnDdl>& columns,
                         const TableKeys& keys);
std::string add_column(const TargetName& table, const ColumnDdl& column);
// VARCHAR and VARBYTE only; Redshift refuses it inside a transaction.
std::string alter_column_type(const TargetName& table, std::string_view column,
                              const ColumnType& type);

// A column made anew with another type: ADD, UPDATE, DROP, RENAME, for one transaction. `temporary`
// is the new column's name until then. Nothing is cut: a text that does not fit fails the UPDATE.
// `from`: what the column is now; nothing: a type that Vesto does not write.
std::array<std::string, 4> rewrite_column(const TargetName& table, std::string_view column,
                                          std::string_view temporary,
                                          const std::optional<ColumnType>& from,
                                          const ColumnType& to);
// What a person runs so that a column is no key any more; each on its own.
std::string drop_sortkey(const TargetName& table);
std::string drop_distkey(const TargetName& table);
// Views bound to columns of the tables: table, column, view (its schema and name). Redshift keeps
// them in pg_depend as PostgreSQL 8 does; a view WITH NO SCHEMA BINDING is not in there.
std::string bound_views(std::string_view schema, const std::vector<std::string>& tables);

// --- one stream's load ---
struct CopySource {
  std::string bucket;
  std::string manifest_key;
  std::string region;
  std::string iam_role = {};  // in the place of keys
  std::string access_key_id;
  bool has_session_token = false;
  std::string null_marker;
  bool zstd = false;
};
// Names of the placeholders for COPY's secrets.
inline constexpr std::string_view kCopySecret = "copy_secret";
inline constexpr std::string_view kCopyToken = "copy_token";

// A key column; text is compared by octet_length as well, since Redshift's = ignores trailing
// blanks.
struct KeyColumn {
  std::string name;
  bool is_text = false;
};

std::string stage_name(size_t number);  // _vesto_stage_1
std::string create_stage(std::string_view stage, const std::vector<ColumnDdl>& columns,
                         std::string_view distkey);
// `table`: already quoted, "s"."orders" or "_vesto_stage_1".
std::string copy(std::string_view table, const std::vector<std::string>& columns,
                 const CopySource& source);
std::string select_one(const TargetName& table);  // a row if the table has any
std::string count_duplicate_keys(std::string_view table, const std::vector<KeyColumn>& key);
// A table whose keys are to be single; `table` is already quoted.
struct KeyedTable {
  std::string table;
  std::vector<KeyColumn> key;
};
// The same of several tables by one statement. Rows: the table's place in the list, from 0; count.
std::string count_duplicate_keys(const std::vector<KeyedTable>& tables);
std::string count_null_keys(std::string_view table, const std::vector<KeyColumn>& key);
// Up to kKeysNamed keys of those that the two above count: one column for each of `key`.
inline constexpr int kKeysNamed = 3;
std::string duplicate_keys(std::string_view table, const std::vector<KeyColumn>& key);
std::string null_keys(std::string_view table, const std::vector<KeyColumn>& key);
std::string delete_matching(const TargetName& table, std::string_view stage,
                            const std::vector<KeyColumn>& key);
// The same rows, with the stage's values in `columns` that are not of the key, and NULL in
// `former`. What else the table has keeps its values.
std::string update_matching(const TargetName& table, std::string_view stage,
                            const std::vector<KeyColumn>& key,
                            const std::vector<std::string>& columns,
                            const std::vector<std::string>& former);
// Rows of the stage whose key the table has not.
std::string insert_missing(const TargetName& table, std::string_view stage,
                           const std::vector<KeyColumn>& key,
                           const std::vector<std::string>& columns);
std::string insert_from_stage(const TargetName& table, std::string_view stage,
                              const std::vector<std::string>& columns);
std::string delete_all(const TargetName& table);
// "-12.5": what may stand as a number in a statement.
bool is_plain_number(std::string_view text);
// Rows whose `column` is `from` or more, and those without a value if `with_nulls`. A plain number
// stands as a number, anything else as a literal, which Redshift reads as the column's type.
std::string delete_window(const TargetName& table, std::string_view column, const ColumnType& type,
                          std::string_view from, bool with_nulls);
std::string last_copy_count();
// The newest row of the load error views for the session `pid`: file, line, column, reason. Two
// texts: SYS_LOAD_ERROR_DETAIL exists everywhere, STL_LOAD_ERRORS on provisioned clusters.
std::array<std::string, 2> last_load_error(int pid);
// The field that was refused, as far as the view keeps it (1,024 characters). It may hold anything
// and is for comparing, never for showing. Provisioned clusters only.
std::string last_refused_field(int pid);

}  // namespace vesto::sql

#endif  // VESTO_REDSHIFT_SQL_H_
