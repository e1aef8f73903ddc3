#include "source/postgres/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "pg/quoting.h"
#include "schema/table_name.h"
#include "source/postgres/catalog.h"
#include "source/postgres/columns.h"
#include "source/postgres/cursor.h"
#include "source/postgres/reader.h"
#include "source/postgres/session.h"
#include "source/postgres/statement.h"

namespace vesto {

namespace {

// With less TOAST than this, no row can be so large that it matters (compression gains a factor
// of 255 at most). The price of the size tests is the SELECT form of COPY, about 15 %.
constexpr int64_t kSmallToastBytes = 1 << 20;
constexpr int kTidRangeScanVersion = 140000;  // before, each ctid range reads the whole table
constexpr int kEscapedCharVersion = 160000;
constexpr uint32_t kCharOid = 18;
constexpr std::string_view kPlanning = "planning the read";

// "10m", "2h", "90s": as the configuration writes it.
std::string whole_duration(int64_t duration_ms) {
  if (duration_ms % 3'600'000 == 0 && duration_ms > 0)
    return fmt::format("{}h", duration_ms / 3'600'000);
  if (duration_ms % 60'000 == 0) return fmt::format("{}m", duration_ms / 60'000);
  return fmt::format("{}s", duration_ms / 1000);
}

class Planner {
 public:
  Planner(const PlanContext& context, const StreamRequest& request)
      : context_(context), request_(request) {}

  [[nodiscard]] bool key_is_enforced() const {
    // Tables that inherit are not bound by their parent's keys.
    if (table_.relation.has_children && table_.relation.kind != 'p') return false;
    std::vector<std::string> key;
    for (const size_t index : columns_.schema.key) {
      if (columns_.schema.columns[index].nullable) return false;
      key.push_back(columns_.schema.columns[index].source_name);
    }
    const auto in_key = [&key](const std::string& name) {
      return std::find(key.begin(), key.end(), name) != key.end();
    };
    return std::any_of(table_.unique_keys.begin(), table_.unique_keys.end(),
                       [&in_key](const std::vector<std::string>& unique) {
                         return std::all_of(unique.begin(), unique.end(), in_key);
                       });
  }

  Result<StreamPlan> plan() {
    VESTO_ASSIGN(const RelationInfo relation, find_relation(*context_.connection, request_.table));
    VESTO_TRY(check_kind(relation));
    VESTO_ASSIGN(table_, describe_table(*context_.connection, relation));
    VESTO_ASSIGN(columns_, choose_columns(table_, request_));
    VESTO_TRY(check_rights());
    VESTO_TRY(lock());
    plan_.schema = columns_.schema;
    plan_.key_proven = key_is_enforced();
    plan_.notes = columns_.notes;
    plan_.no_key = columns_.no_key;
    sql_ascii_ = context_.connection->parameter("server_encoding") == "SQL_ASCII";
    plan_.check_utf8 = sql_ascii_ || has_raw_bytes();
    if (plan_.schema.cursor) VESTO_TRY(plan_window());
    build_ranges();
    if (mark_oversize_) plan_.oversize_marker = context_.oversize_marker;
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::string name() const {
    return quote_qualified(table_.relation.schema, table_.relation.name);
  }

  Status check_kind(const RelationInfo& relation) const {
    if (std::string_view("rpvmf").find(relation.kind) != std::string_view::npos) {
      return ok_status();
    }
    return Error(ErrorCode::kPgNoTable,
                 fmt::format("{} is no table", table_name_text(relation.schema, relation.name)));
  }

  Status check_rights() const {
    const bool readable = std::all_of(columns_.source.begin(), columns_.source.end(),
                                      [](const ColumnInfo* column) { return column->readable; });
    const std::string user = quote_identifier(context_.user);
    if (!table_.schema_usable || !readable) {
      std::string grants;
      if (!table_.schema_usable) {
        grants = fmt::format("GRANT USAGE ON SCHEMA {} TO {}; ",
                             quote_identifier(table_.relation.schema), user);
      }
      if (!readable) grants += fmt::format("GRANT SELECT ON {} TO {};", name(), user);
      return Error(ErrorCode::kPgPriv, fmt::format("the user {} may not read {}", context_.user,
                                                   columns_.schema.stream))
          .with_hint(std::string(trim(grants)));
    }
    if (table_.relation.row_security) {
      return Error(ErrorCode::kPgRls,
                   fmt::format("row-level security hides rows of {} from the user {}",
                               columns_.schema.stream, context_.user))
          .with_hint(fmt::format("ALTER ROLE {} BYPASSRLS; or read as the table's owner.", user));
    }
    return ok_status();
  }

  // ACCESS SHARE on the table and all that belongs to it, held until the snapshot's end.
  Status lock() {
    VESTO_TRY(source_exec(*context_.connection, fmt::format("SELECT FROM {} LIMIT 0", name()),
                          fmt::format("locking {}", columns_.schema.stream)));
    VESTO_TRY(refresh_relations(*context_.connection, &table_));
    VESTO_TRY(check_unchanged());
    VESTO_ASSIGN(const std::optional<std::string> column,
                 changed_column(*context_.connection, table_.relation, columns_.source));
    if (!column) return ok_status();
    return Error(ErrorCode::kPgChanged,
                 fmt::format("{} of {} was renamed, dropped or made anew after this run took its "
                             "snapshot",
                             *column, columns_.schema.stream));
  }

  Status check_unchanged() const {
    VESTO_ASSIGN(const std::optional<std::string> changed,
                 changed_since_snapshot(*context_.connection, table_.relation));
    return changed ? changed_error(*changed, columns_.schema.stream) : ok_status();
  }

  Status plan_window() {
    const ColumnInfo& cursor = *columns_.source[*plan_.schema.cursor];
    VESTO_ASSIGN(const CursorKind kind, cursor_kind(cursor));
    VESTO_ASSIGN(const Lookback lookback, lookback_for(request_, kind));
    CursorPosition next;
    next.cursor = cursor.name;
    next.type = cursor_type_name(kind);
    // A view or a foreign table says nothing about the rows behind it.
    if (std::string_view("rpm").find(table_.relation.kind) != std::string_view::npos) {
      next.relation = table_.relation.oid;
    }
    next.timeline = context_.timeline;
    VESTO_ASSIGN(const PgAnswer newest,
                 source_exec(*context_.connection, newest_value_sql(name(), cursor.name, kind),
                             fmt::format("reading the newest {}", cursor.name)));
    if (newest.rows.empty() || newest.rows.front().size() != 3) {
      return Error(ErrorCode::kPgRead, "the server did not tell the newest value of the cursor");
    }
    next.value = newest.rows.front()[0];
    next.as_of = newest.rows.front()[2].value_or("");
    if (newest.rows.front()[1] == "t") {
      plan_.notes.push_back(fmt::format(
          "column {}: the newest value lies in the future; rows newer than now are read again",
          cursor.name));
    }
    // The newest value was read by the table's name: a schema may be renamed under any lock.
    VESTO_TRY(check_unchanged());
    VESTO_ASSIGN(const std::optional<CursorPosition> from, committed_position(next));
    VESTO_TRY(find_oldest(kind, from, &next));
    VESTO_TRY(choose_window(kind, lookback, from, next));
    plan_.next = Position{position_text(next)};
    note_cursor(kind, cursor);
    note_search(cursor);
    return ok_status();
  }

  // What is committed, if it is of the same cursor; `next` says of which.
  Result<std::optional<CursorPosition>> committed_position(const CursorPosition& next) {
    if (request_.from.text.empty()) return std::optional<CursorPosition>();
    auto from = parse_position(request_.from.text);
    if (from && from->cursor == next.cursor && from->type == next.type) return from;
    plan_.notes.push_back(
        "the committed position belongs to another cursor: all rows are read again");
    return std::optional<CursorPosition>();
  }

  // Of a prepared transaction only the moment of PREPARE is known, and its rows hold that of its
  // begin. Either it was open when the committed position was taken, and that one's `oldest` covers
  // it, or it began later than that.
  Status find_oldest(CursorKind kind, const std::optional<CursorPosition>& from,
                     CursorPosition* next) {
    next->oldest = context_.open.oldest;
    next->hidden = context_.open.hidden || !context_.open.oldest;
    if (!context_.open.oldest_prepared) return ok_status();
    const bool covered = from && from->oldest && !from->hidden;
    VESTO_ASSIGN(
        const PgAnswer oldest,
        source_exec(*context_.connection,
                    oldest_sql(next->oldest, from, *context_.open.oldest_prepared, covered),
                    kPlanning));
    next->oldest = oldest.scalar();
    if (kind == CursorKind::kInteger || kind == CursorKind::kNumeric) return ok_status();
    if (covered) {
      plan_.notes.push_back(
          "a prepared transaction is open: until it ends, each run reads again what changed since "
          "the run before it began");
    } else {
      plan_.warnings.push_back(
          "a prepared transaction is open, and PostgreSQL does not tell when it began: if that was "
          "more than a day before its PREPARE, rows that it commits may be missed. Fix: COMMIT "
          "PREPARED or ROLLBACK PREPARED (see pg_prepared_xacts), then one run with "
          "--full-refresh");
    }
    return ok_status();
  }

  void warn(std::string_view text) {
    plan_.warnings.push_back(fmt::format("{}: {}", columns_.schema.stream, text));
    plan_.commit_position = true;  // or each run would say it again
  }

  Status choose_window(CursorKind kind, const Lookback& lookback,
                       const std::optional<CursorPosition>& from, const CursorPosition& next) {
    if (!from) return ok_status();
    if (from->timeline != 0 && next.timeline != 0 && from->timeline != next.timeline) {
      warn(fmt::format(
          "the source's timeline went from {} to {}: it was restored, or a standby took over. If "
          "commits were lost by that, one run with --full-refresh is needed",
          from->timeline, next.timeline));
    }
    if (from->relation != 0 && next.relation != 0 && from->relation != next.relation) {
      warn(
          "another table has this name since the last run: all rows are read again. Rows that "
          "only the former one had stay in the destination until a run with --full-refresh");
      return ok_status();
    }
    if (!from->value) return ok_status();  // there was no row with a value: all are new
    const ColumnInfo& cursor = *columns_.source[*plan_.schema.cursor];
    VESTO_ASSIGN(
        const PgAnswer start,
        source_exec(*context_.connection, window_start_sql(*from, kind, lookback), kPlanning));
    if (!start.scalar()) return Error(ErrorCode::kPgRead, "the server gave no start of the window");
    VESTO_ASSIGN(const bool behind, went_back(kind, *from, next, *start.scalar()));
    if (behind) return ok_status();
    window_ = window_condition(cursor.name, kind, *start.scalar(), !cursor.not_null);
    plan_.full = false;
    const bool number = kind == CursorKind::kInteger || kind == CursorKind::kNumeric;
    plan_.from_text =
        fmt::format("{} >= {} (lookback {})", cursor.name, *start.scalar(),
                    number ? std::to_string(lookback.units) : whole_duration(lookback.ms));
    return ok_status();
  }

  // Whether all rows must be read: the newest value lies before the window. If it went back at all,
  // a person must hear of it: the rows were deleted, or the source is an older one of itself.
  Result<bool> went_back(CursorKind kind, const CursorPosition& from, const CursorPosition& next,
                         std::string_view start) {
    bool back = true;
    bool outside = true;
    if (next.value) {
      VESTO_ASSIGN(const PgAnswer answer,
                   source_exec(*context_.connection,
                               went_back_sql(*from.value, *next.value, start, kind), kPlanning));
      if (answer.rows.empty() || answer.rows.front().size() != 2) {
        return Error(ErrorCode::kPgRead, "the server did not compare the values of the cursor");
      }
      back = answer.rows.front()[0] == "t";
      outside = answer.rows.front()[1] == "t";
    }
    if (back) {
      warn(
          fmt::format("the newest value of {} went back from {} to {}{}. If the source was "
                      "restored from a backup, one run with --full-refresh is needed",
                      next.cursor, *from.value, next.value.value_or("none"),
                      outside ? ": all rows are read again" : ""));
    }
    return back && outside;
  }

  void note_cursor(CursorKind kind, const ColumnInfo& cursor) {
    if (!cursor.not_null) {
      plan_.notes.push_back(fmt::format(
          "column {}: rows without a value in the cursor are read in each run", cursor.name));
    }
    if (kind == CursorKind::kTimestamp) {
      plan_.notes.push_back(fmt::format(
          "column {}: a time without a zone may be any writer's local time, so each run reads the "
          "rows of the last 12 hours (26 where clocks are ahead of UTC) again",
          cursor.name));
    }
    const bool number = kind == CursorKind::kInteger || kind == CursorKind::kNumeric;
    if (number) return;
    if (context_.open.hidden) {
      plan_.warnings.push_back(
          "a session of the source has track_activities off, which hides when its transactions "
          "began: rows that it commits later than lookback allows are missed. Fix: set "
          "track_activities = on for all roles and databases");
    }
    if (context_.open.oldest) return;
    plan_.warnings.push_back(
        context_.open.standby
            ? "the source is a standby, which does not know the open transactions: rows that "
              "commit later than lookback allows are missed"
            : fmt::format("begins of open transactions are hidden from {0}: rows that commit later "
                          "than lookback allows are missed. Fix: GRANT pg_read_all_stats TO {1};",
                          context_.user, quote_identifier(context_.user)));
  }

  // "char" holds any byte; before version 16 the server printed it as it is.
  [[nodiscard]] bool has_raw_bytes() const {
    return context_.connection->server_version() < kEscapedCharVersion &&
           std::any_of(
               columns_.source.begin(), columns_.source.end(), [](const ColumnInfo* column) {
                 return column->base.oid == kCharOid || column->base.element_oid == kCharOid;
               });
  }

  void note_search(const ColumnInfo& cursor) {
    const bool known = table_.relation.kind != 'v' && table_.relation.kind != 'f';
    if (!known || cursor.index_first) return;
    plan_.notes.push_back(
        fmt::format("column {}: no index begins with the cursor, so each run reads the whole table "
                    "to find its newest value and its new rows",
                    cursor.name));
  }

  // What the ranges of one relation have in common.
  [[nodiscard]] ReadStatement statement(const RelationInfo& relation, bool alone) const {
    ReadStatement read;
    read.schema = relation.schema;
    read.table = relation.name;
    read.columns = columns_.read;
    const bool generated = std::any_of(columns_.source.begin(), columns_.source.end(),
                                       [](const ColumnInfo* column) { return column->generated; });
    read.table_form = relation.kind == 'r' && alone && !generated && !relation.has_generated;
    read.only = relation.kind == 'r' && alone;
    if (!window_.empty()) read.where.push_back(window_);
    read.null_marker = context_.null_marker;
    if (sql_ascii_) read.encoding = "SQL_ASCII";
    if (mark_oversize_) read.oversize_marker = context_.oversize_marker;
    read.max_row_bytes = context_.max_row_bytes;
    return read;
  }

  void add_ranges(const RelationInfo& relation, bool alone) {
    const int64_t total_bytes = relation.heap_bytes + relation.toast_bytes;
    std::vector<BlockRange> pieces(1);
    // A window behind an index is found by the index, not by reading blocks.
    const bool by_index = !window_.empty() && columns_.source[*plan_.schema.cursor]->index_first;
    if (relation.heap && alone && !by_index && (relation.kind == 'r' || relation.kind == 'm') &&
        context_.connection->server_version() >= kTidRangeScanVersion) {
      pieces = cut_blocks(relation.heap_bytes, total_bytes, context_.block_bytes);
    }
    const auto check =
        std::make_shared<const std::string>(changed_since_snapshot_sql(relation, ReadBy::kLane));
    for (const BlockRange& piece : pieces) {
      ReadStatement read = statement(relation, alone);
      if (const std::string blocks = block_condition(piece); !blocks.empty()) {
        read.where.push_back(blocks);
      }
      const int64_t bytes = plan_.full ? total_bytes / static_cast<int64_t>(pieces.size()) : 0;
      plan_.ranges.push_back({copy_statement(read), bytes, check});
      plan_.estimated_bytes += bytes;
    }
  }

  [[nodiscard]] bool may_hold_large_rows() const {
    const bool unbounded =
        std::any_of(columns_.read.begin(), columns_.read.end(), [](const ReadColumn& column) {
          return column.size != ReadColumn::Size::kBounded && !column.key;
        });
    if (!unbounded) return false;
    const RelationInfo& relation = table_.relation;
    // Views, foreign tables and parents hide what is behind them.
    if (relation.kind == 'v' || relation.kind == 'f' || relation.has_children) return true;
    int64_t most = relation.toast_bytes;
    for (const RelationInfo& leaf : table_.leaves) {
      most = std::max(most, leaf.kind == 'f' ? kSmallToastBytes + 1 : leaf.toast_bytes);
    }
    return most > kSmallToastBytes;
  }

  void build_ranges() {
    mark_oversize_ = may_hold_large_rows();
    const RelationInfo& relation = table_.relation;
    const bool by_leaf =
        !table_.leaves.empty() &&
        std::all_of(table_.leaves.begin(), table_.leaves.end(), [](const RelationInfo& leaf) {
          return leaf.readable && !leaf.row_security && (leaf.kind == 'r' || leaf.kind == 'f');
        });
    if (by_leaf) {
      for (const RelationInfo& leaf : table_.leaves) add_ranges(leaf, !leaf.has_children);
    } else {
      add_ranges(relation, relation.kind != 'p' && !relation.has_children);
    }
    std::stable_sort(plan_.ranges.begin(), plan_.ranges.end(),
                     [](const ReadRange& a, const ReadRange& b) {
                       return a.estimated_bytes > b.estimated_bytes;
                     });
    if (plan_.full) plan_.estimated_rows = estimated_rows();
  }

  [[nodiscard]] int64_t estimated_rows() const {
    if (table_.leaves.empty()) {
      const bool hidden = table_.relation.kind == 'v' || table_.relation.kind == 'f';
      return hidden || table_.relation.has_children ? -1 : table_.relation.rows;
    }
    int64_t rows = 0;
    for (const RelationInfo& leaf : table_.leaves) {
      if (leaf.rows < 0) return -1;
      rows += leaf.rows;
    }
    return rows;
  }

  const PlanContext& context_;
  const StreamRequest& request_;
  TableInfo table_;
  StreamColumns columns_;
  StreamPlan plan_;
  std::string window_;
  bool sql_ascii_ = false;
  bool mark_oversize_ = false;
};

}  // namespace

Result<StreamPlan> plan_stream(const PlanContext& context, const StreamRequest& request) {
  return Planner(context, request).plan();
}

}  // namespace vesto
