// What the SQL front of the sandbox makes of a client's text: PostgreSQL statements that may be
// sent on, together with all that the session has to know about them.
//
// translate() is pure: it reads no catalogue and keeps no state. It works by allow-list; what
// nobody thought of is refused with Redshift's text (0A000 or 42601 where none is known).
#ifndef VESTO_SANDBOX_SQL_STATEMENT_H_
#define VESTO_SANDBOX_SQL_STATEMENT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

enum class StatementClass {
  kEmpty,  // only blanks and comments
  kBegin,  // the session opens the level that fits the isolation
  kCommit,
  kRollback,
  kLock,  // LOCK TABLE: passes through and takes no snapshot
  kSelect,
  kInsert,
  kUpdate,
  kDelete,
  kMerge,
  kCopy,         // COPY ... FROM 's3://...'; run by CopyExecutor
  kCreateTable,  // also CREATE TABLE AS and CREATE TEMP TABLE
  kDdl,          // every other statement that changes the catalogue
  kTruncate,     // commits by itself in Redshift
  kSet,          // SET and RESET; Redshift-only names are answered by the session
  kShow,
  kDeclareCursor,
  kFetch,
  kCloseCursor,
  kPrepare,  // SQL-level PREPARE, EXECUTE, DEALLOCATE
  kExplain,
  kVacuum,  // VACUUM, ANALYZE: answered, hardly executed
  kCancel,  // CANCEL pid / pg_cancel_backend goes through kSelect
  kOther,
};

// A table as named in a statement, already folded, cut and mapped (see names.h).
struct TableRef {
  std::string schema;  // empty: by search_path
  std::string name;
  bool operator==(const TableRef&) const = default;
};

// The options of a COPY FROM, parsed; what is absent keeps Redshift's default.
struct CopyStatement {
  TableRef table;
  std::vector<std::string> columns;  // empty: all, in table order
  std::string from;                  // s3://bucket/key-or-prefix
  // Credentials: exactly one form.
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  std::string iam_role;  // an ARN, or "default"; several joined by commas: a chain
  std::optional<std::string> region;
  bool manifest = false;
  enum class Format { kDelimited, kCsv, kJson, kAvro, kParquet, kOrc, kFixedWidth };
  Format format = Format::kDelimited;
  std::optional<std::string> csv_quote;
  std::optional<std::string> delimiter;
  enum class Compression { kNone, kGzip, kZstd, kBzip2, kLzop };
  Compression compression = Compression::kNone;
  std::optional<std::string> null_as;
  std::optional<std::string> date_format;
  std::optional<std::string> time_format;
  std::optional<std::string> encoding;
  int ignore_header_lines = 0;
  long max_error_rows = 0;
  bool ignore_blank_lines = false;
  bool accept_any_date = false;
  std::optional<std::string> accept_inv_chars;  // the replacement character, "" = default
  bool blanks_as_null = false;
  bool empty_as_null = false;
  bool escape = false;
  bool explicit_ids = false;
  bool fill_record = false;
  bool remove_quotes = false;
  bool round_dec = false;
  bool trim_blanks = false;
  bool truncate_columns = false;
  bool no_load = false;
  bool ignore_all_errors = false;
  // JSON and AVRO: "auto", "auto ignorecase", "noshred" or s3://bucket/jsonpaths; "" is "auto".
  std::string json_option;
  std::string fixed_width;  // "name:width,..."
  // delimiter, csv_quote, null_as: escapes such as \t, \001 and \\ are resolved already; \N stays
  // those two characters.
};

struct Statement {
  StatementClass cls = StatementClass::kOther;
  // The command tag to answer with when PostgreSQL's own differs; empty: PostgreSQL's own.
  std::string tag;
  // What PostgreSQL is to run, in order, as one client statement. Only the last one's rows and tag
  // reach the client. Empty where the session answers by itself.
  std::vector<std::string> pg_sql;
  // Permanent or temporary tables whose rows or definition it changes: the isolation locks.
  std::vector<TableRef> writes;
  std::optional<CopyStatement> copy;
  // kSet / kShow: lower-case name and value (RESET: no value).
  std::string setting_name;
  std::optional<std::string> setting_value;
  int parameter_count = 0;  // highest $n
  // Texts to send as NOTICE/INFO (severity, text) before the tag.
  std::vector<std::pair<std::string, std::string>> notices;
  // The client's own text of this one statement (no blanks or semicolon around it): for faults,
  // logs and messages. Empty: the session takes the whole query string.
  std::string text;
  // Not empty: refused inside a transaction block and in a string of several statements, with
  // 25001 "<this> cannot run inside a transaction block", e.g. "VACUUM", "ALTER TABLE ALTER
  // COLUMN".
  std::string no_transaction;
  // Identifiers of over 63 bytes that were mapped: (short, full). The session keeps them.
  std::vector<std::pair<std::string, std::string>> long_names;

  // --- Added by the SQL front, for the session ---
  // False: rows of pg_sql's statements (calls of pg_catalog.rs_... functions, say) are dropped,
  // Describe answers NoData, and the client gets `tag` alone. True: SELECT, SHOW, FETCH, EXPLAIN,
  // EXECUTE: rows and tag of the last one go to the client.
  bool returns_rows = false;
  bool has_secret = false;  // `text` holds keys or a password: nothing may log or keep it
  bool commits = false;     // TRUNCATE, VACUUM: the transaction is committed with it
  bool read_only = false;   // BEGIN ... READ ONLY
  // kPrepare: the name in object_name, the prepared text's class in `inner`, its targets in
  // `writes`: the session keeps both until DEALLOCATE, for EXECUTE (whose `inner` is kOther, whose
  // `writes` is empty). kDeclareCursor, kFetch, kCloseCursor: the cursor's name (empty: ALL).
  // kExplain: `inner` alone.
  std::string object_name;
  StatementClass inner = StatementClass::kOther;
  bool set_local = false;  // kSet: SET LOCAL
  // Every table that its text names, read or written, views and catalogue relations included.
  std::vector<TableRef> tables;
};

struct TranslateOptions {
  bool case_sensitive_identifier = false;
  bool serverless = false;
};

// Longest text of one simple query or one Parse, in bytes. Above: 42601, as in Redshift.
inline constexpr size_t kMaxStatementBytes = 16777216;
// What has to go through PostgreSQL's grammar as one tree: at most so many tokens (54000 above).
// A multi-row INSERT ... VALUES is taken apart and may have as many as fit into the text.
inline constexpr size_t kMaxTreeTokens = 300000;

// PostgreSQL's connection must run with standard_conforming_strings = on, backslash_quote any.
//
// Splits `sql` (a simple query may hold several statements) and translates each.
// Errors: 42601 with Redshift's wording, 0A000 for what Redshift does not have.
// 22021 for text that is not UTF-8, 54001 for nesting beyond kMaxTreeDepth (render.h).
// Memory: 12 bytes a token, and for one tree of kMaxTreeTokens about 200 MB; else little.
SqlResult<std::vector<Statement>> translate(std::string_view sql, const TranslateOptions& options);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_STATEMENT_H_
