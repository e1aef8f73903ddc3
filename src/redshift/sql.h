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
inline constexpr std::string_view kLoadsTable = "_vesto_loads";
inline constexpr std::string_view kStatusView = "_vesto_sync_status";
inline constexpr size_t kMaxStreamBytes = 600;     // VARCHAR of "stream"
inline constexpr size_t kMaxPositionBytes = 4096;  // VARCHAR of "position"
// Redshift takes 16 MB of statement text; 500 rows of state are below 3 MB.
inline constexpr size_t kRowsPerInsert = 500;

struct StateRow {
  std::string stream;  // kHeaderStream: the header
  LoadId load_id;
  std::string writer;
  int schema_version = 1;
  std::string position;
  int64_t changed_at_ms = 0;
};

std::string state_table_name(const SyncId& sync);  // _vesto_state_1a2b3c4d
std::string create_schema(std::string_view schema);
std::string create_state_table(const TargetName& state);
std::string insert_state_rows(const TargetName& state, const std::vector<StateRow>& rows);
std::string delete_state_rows(const TargetName& state, const std::vector<std::string>& streams);
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
};
// How a table lies on the nodes: explicit, so that Redshift does not promote a column to a key by
// itself (such a column refuses to be widened).
struct TableKeys {
  std::string distkey;  // "": DISTSTYLE EVEN
  std::string sortkey;  // "": none is named
};
std::string create_table(const TargetName& table, const std::vector<ColumnDdl>& columns,
                         const TableKeys& keys);
std::string add_column(const TargetName& table, const ColumnDdl& column);
// VARCHAR and VARBYTE only; Redshift refuses it inside a transaction.
std::string alter_column_type(const TargetName& table, std::string_view column,
                              const ColumnType& type);

// --- one stream's load ---
struct CopySource {
  std::string bucket;
  std::string manifest_key;
  std::string region;
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
std::string count_null_keys(std::string_view table, const std::vector<KeyColumn>& key);
std::string delete_matching(const TargetName& table, std::string_view stage,
                            const std::vector<KeyColumn>& key);
std::string insert_from_stage(const TargetName& table, std::string_view stage,
                              const std::vector<std::string>& columns);
std::string delete_all(const TargetName& table);
std::string last_copy_count();
// The newest row of the load error views for the session `pid`: file, line, column, reason. Two
// texts: SYS_LOAD_ERROR_DETAIL exists everywhere, STL_LOAD_ERRORS on provisioned clusters.
std::array<std::string, 2> last_load_error(int pid);

}  // namespace vesto::sql

#endif  // VESTO_REDSHIFT_SQL_H_
