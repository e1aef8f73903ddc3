// The Source interface: where rows come from. A source prints Redshift CSV itself, since the
// fastest ones can (PostgreSQL prints the rows and Vesto moves the bytes).
//
//   source->identity(), source->tables()           what is there
//   auto snapshot = source->open_snapshot(n)       one consistent moment for all streams of a run
//   auto plan = snapshot->plan(request)            schema, ranges, the position after this read
//   auto reader = snapshot->open(plan, range)      one lane; its own connection, same moment
//   while (reader->read(&chunk)) ...               rows as CSV
//
// Thread rule: Source and SourceSnapshot are used by one thread, but SourceSnapshot::open and the
// readers that it returns may be used by one lane each, at the same time.
#ifndef VESTO_SOURCE_SOURCE_H_
#define VESTO_SOURCE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encode/chunk.h"
#include "schema/table.h"
#include "schema/table_name.h"

namespace vesto {

// How far a stream is committed: opaque to all but its source. At most 4,096 bytes.
struct Position {
  std::string text;  // "" = nothing read yet, or a stream without a cursor
  bool operator==(const Position&) const = default;
};

struct SourceColumn {
  std::string name;
  std::string type;  // format_type()
  bool nullable = true;
  bool generated = false;
};

struct SourceTable {
  std::string schema;
  std::string name;
  std::string kind;  // "table", "partitioned table", "view", "materialized view", "foreign table"
  int64_t estimated_rows = -1;  // -1: never analyzed
  int64_t size_bytes = 0;
  std::vector<SourceColumn> columns;
  std::vector<std::string> primary_key;
};

struct SourceIdentity {
  std::string id;       // stable for this database: "<system identifier>/<database>"
  std::string version;  // "PostgreSQL 15.20"
  std::string user;
};

// What the configuration asks of one table.
struct StreamRequest {
  std::string table;                      // "public.orders"
  std::vector<std::string> key;           // empty: the primary key
  std::string cursor;                     // empty: no cursor, every run reads all
  std::optional<int64_t> lookback_ms;     // for times
  std::optional<int64_t> lookback_units;  // for integers
  std::vector<std::string> exclude;
  // A condition in the source's own SQL that rows must meet; "": all rows.
  std::string filter = {};
  // A SELECT in the source's own SQL that stands in the place of a table; `table` is then no more
  // than its name. "": a table.
  std::string query = {};
  // Rows are only ever added, so no key is needed; the window replaces what was read before.
  bool append = false;
  // The cursor is written once, at or after the begin of its transaction: a read ends where the
  // oldest open transaction began, and the next begins there.
  bool cursor_is_immutable = false;
  // Only the rows with these keys (the texts of the key columns, in the key's order), whatever the
  // cursor says; StreamPlan::next stays `from`. At most kMaxWantedKeys.
  std::vector<std::vector<std::string>> keys = {};
  Position from;  // committed position; "" = full copy
};
inline constexpr size_t kMaxWantedKeys = 10'000;

// Which rows a read that is not full holds: those whose cursor is `from` or more, and those without
// a value in it if `with_nulls`. `from` "": all rows; those read before had no value.
struct ReadWindow {
  size_t column = 0;  // index into StreamSchema::columns
  std::string from;   // the source's text, which Redshift reads as the same value
  bool with_nulls = false;
  bool operator==(const ReadWindow&) const = default;
};

// One piece of a stream that one lane reads.
struct ReadRange {
  std::string sql;  // the COPY statement, with the NULL marker in it
  int64_t estimated_bytes = 0;
  // Asked after the last row: tells whether the rows were those of the table that was planned.
  std::shared_ptr<const std::string> check_sql;
};

// Rows may be missed, or were, until somebody acts.
struct ReadWarning {
  std::string text;      // what is so and what follows from it, without a full stop at its end
  std::string fix = {};  // what a person does about it; "": nothing, or `statement` is all of it
  std::string statement = {};  // of the source's own SQL, complete, that mends it alone; "": none
  bool operator==(const ReadWarning&) const = default;
};
// As one text for people: "... are missed. Fix: GRANT ...;".
std::string warning_text(const ReadWarning& warning);

struct StreamPlan {
  StreamSchema schema;
  std::vector<ReadRange> ranges;  // largest first, at least one
  // Where the stream stands once everything of this read is committed.
  Position next;
  // The source enforces the key: a primary key, or a unique index over columns that are not null
  // (checked at once, without a condition or an expression), in all of the table.
  bool key_proven = false;
  std::string no_key;  // why the table's own key cannot be that of the stream; "": nothing to say
  bool full = true;    // false: only the window after request.from
  // `next` must be committed even if no row is read: it says what no older position does.
  bool commit_position = false;
  std::string from_text;  // where that window begins, for people: "updated_at >= 2026-11-22 ..."
  std::optional<ReadWindow> window;  // the same for the destination; nothing: full, or by keys
  // The source does not promise valid UTF-8: for GuardLimits::check_utf8.
  bool check_utf8 = false;
  // Stands in rows that are too large to be fetched: for GuardLimits::oversize_marker. "": in none.
  std::string oversize_marker;
  // The moment up to which the stream is read, where that is not the snapshot's; 0: it is.
  int64_t data_as_of_ms = 0;
  int64_t estimated_rows = -1;
  int64_t estimated_bytes = 0;
  std::vector<std::string> notes;  // for the plan: "numeric without precision is kept as text"
  // What every run says as well, since rows may be missed until somebody acts. Those that are alike
  // for all streams that they meet are said once.
  std::vector<ReadWarning> warnings;
};

// Some of a stream's rows, which both sides can name: those whose texts of `columns` (usually the
// key) hash to `value` by their lowest `bits`. 0 bits: all rows. schema/sums.h says which columns.
struct RowBucket {
  std::vector<size_t> columns;  // indexes into StreamSchema::columns
  int bits = 0;                 // at most kMaxBucketBits
  uint32_t value = 0;           // below 2^bits
};

class RangeReader {
 public:
  virtual ~RangeReader() = default;
  // Clears `chunk` and fills it with whole rows until kChunkBytes or the end. False: there was
  // nothing left, and the source has confirmed that the read is complete.
  // Errors: PG-READ, PG-CHANGED, SRC-ROW-TOO-LARGE, RUN-INTERRUPTED.
  virtual Result<bool> read(Chunk* chunk) = 0;
  // Ends a read() that waits in another thread. Any thread.
  virtual void cancel() = 0;
};

class SourceSnapshot {
 public:
  virtual ~SourceSnapshot() = default;
  // The moment all readers see, by the source's clock.
  [[nodiscard]] virtual int64_t data_as_of_ms() const = 0;
  // Errors: PG-NO-TABLE, PG-NO-COLUMN, PG-NO-KEY, PG-TYPE, PG-RLS, PG-PRIV, PG-LOCKED,
  // PG-CHANGED, CFG-VALUE, CFG-MISSING, of this stream alone; PG-READ, RUN-INTERRUPTED.
  virtual Result<StreamPlan> plan(const StreamRequest& request) = 0;
  virtual Result<std::unique_ptr<RangeReader>> open(const ReadRange& range) = 0;

  // For a comparison with the destination; `plan` is one of this snapshot.
  // A range that gives one row: count(*), the sum of the keys' hashes, the sum of the rows' hashes
  // (as far as schema/sums.h can sum), and for each column count(c) and its sum. A sum is NULL
  // where there is no value, 0 where there is no sum.
  virtual Result<ReadRange> sums(const StreamPlan& plan);
  // What to read instead of plan.ranges for the rows of one bucket.
  virtual Result<std::vector<ReadRange>> bucket(const StreamPlan& plan, const RowBucket& bucket);
};

inline std::string warning_text(const ReadWarning& warning) {
  const std::string& fix = warning.statement.empty() ? warning.fix : warning.statement;
  return fix.empty() ? warning.text : warning.text + ". Fix: " + fix;
}

// A source that cannot be compared needs no more.
inline Result<ReadRange> SourceSnapshot::sums(const StreamPlan& plan) {
  return Error(ErrorCode::kInternal, plan.schema.stream + ": this source cannot be compared");
}
inline Result<std::vector<ReadRange>> SourceSnapshot::bucket(const StreamPlan& plan,
                                                             const RowBucket& /*bucket*/) {
  return Error(ErrorCode::kInternal, plan.schema.stream + ": this source cannot be compared");
}

class Source {
 public:
  virtual ~Source() = default;
  virtual Result<SourceIdentity> identity() = 0;
  virtual Result<std::vector<SourceTable>> tables() = 0;  // that this user may read
  // Of all tables, also those that this user may not read: a pattern must not pass over them.
  virtual Result<std::vector<TableName>> table_names() = 0;
  // null_marker: what stands for NULL in the CSV; random for each run, 12+ of [a-z0-9].
  virtual Result<std::unique_ptr<SourceSnapshot>> open_snapshot(std::string_view null_marker) = 0;
};

}  // namespace vesto

#endif  // VESTO_SOURCE_SOURCE_H_
