#include "source/postgres/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "pg/quoting.h"
#include "source/postgres/catalog.h"
#include "source/postgres/columns.h"
#include "source/postgres/cursor.h"
#include "source/postgres/session.h"
#include "source/postgres/statement.h"

namespace vesto {

namespace {

// With less TOAST than this, no row can be so large that it matters (compression gains a factor
// of 255 at most). The price of the size tests is the SELECT form of COPY, about 15 %.
constexpr int64_t kSmallToastBytes = 1 << 20;
constexpr int kTidRangeScanVersion = 140000;  // before, each ctid range reads the whole table
constexpr std::string_view kPlanning = "planning the read";

class Planner {
 public:
  Planner(const PlanContext& context, const StreamRequest& request)
      : context_(context), request_(request) {}

  [[nodiscard]] bool key_is_enforced() const {
    const auto& primary = table_.primary_key;
    // Tables that inherit are not bound by their parent's primary key.
    if (primary.empty() || (table_.relation.has_children && table_.relation.kind != 'p')) {
      return false;
    }
    std::vector<std::string> key;
    for (const size_t index : columns_.schema.key) {
      if (columns_.schema.columns[index].nullable) return false;
      key.push_back(columns_.schema.columns[index].source_name);
    }
    return std::all_of(primary.begin(), primary.end(), [&key](const std::string& name) {
      return std::find(key.begin(), key.end(), name) != key.end();
    });
  }

  Result<PlannedStream> plan() {
    VESTO_ASSIGN(const RelationInfo relation, find_relation(*context_.connection, request_.table));
    VESTO_TRY(check_kind(relation));
    VESTO_ASSIGN(table_, describe_table(*context_.connection, relation));
    VESTO_ASSIGN(columns_, choose_columns(table_, request_));
    VESTO_TRY(check_rights());
    VESTO_TRY(lock());
    plan_.schema = columns_.schema;
    plan_.key_proven = key_is_enforced();
    plan_.notes = columns_.notes;
    plan_.check_utf8 = context_.connection->parameter("server_encoding") == "SQL_ASCII";
    if (plan_.schema.cursor) VESTO_TRY(plan_window());
    build_ranges();
    PlannedStream planned;
    if (mark_oversize_) {
      planned.oversize = std::make_shared<const OversizeRows>(
          OversizeRows{context_.oversize_marker, context_.max_row_bytes, plan_.schema});
    }
    planned.plan = std::move(plan_);
    return planned;
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
                 fmt::format("{} is no table", stream_name(relation.schema, relation.name)));
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
    bool rewritten = table_.relation.rewritten;
    for (const RelationInfo& leaf : table_.leaves) rewritten = rewritten || leaf.rewritten;
    if (!rewritten) return ok_status();
    return Error(ErrorCode::kPgRead,
                 fmt::format("{} was truncated or rewritten after this run took its snapshot",
                             columns_.schema.stream));
  }

  Status plan_window() {
    const ColumnInfo& cursor = *columns_.source[*plan_.schema.cursor];
    VESTO_ASSIGN(const CursorKind kind, cursor_kind(cursor));
    VESTO_ASSIGN(const Lookback lookback, lookback_for(request_, kind));
    CursorPosition next;
    next.cursor = cursor.name;
    next.type = cursor_type_name(kind);
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
    VESTO_TRY(find_oldest(lookback, &next));
    VESTO_TRY(choose_window(kind, lookback));
    plan_.next = Position{position_text(next)};
    note_cursor(kind, cursor);
    return ok_status();
  }

  Status find_oldest(const Lookback& lookback, CursorPosition* next) {
    next->oldest = context_.open.oldest;
    if (!context_.open.oldest_prepared) return ok_status();
    const auto or_null = [](const std::optional<std::string>& text) {
      return (text ? quote_pg_literal(*text) : std::string("NULL")) + "::timestamptz";
    };
    VESTO_ASSIGN(const PgAnswer oldest,
                 source_exec(*context_.connection,
                             fmt::format("SELECT least({}, {} - interval '{} milliseconds')::text",
                                         or_null(context_.open.oldest),
                                         or_null(context_.open.oldest_prepared), lookback.ms),
                             kPlanning));
    next->oldest = oldest.scalar();
    return ok_status();
  }

  Status choose_window(CursorKind kind, const Lookback& lookback) {
    if (request_.from.text.empty()) return ok_status();
    const ColumnInfo& cursor = *columns_.source[*plan_.schema.cursor];
    const auto from = parse_position(request_.from.text);
    if (!from || from->cursor != cursor.name || from->type != cursor_type_name(kind)) {
      plan_.notes.push_back(
          "the committed position belongs to another cursor: all rows are read again");
      return ok_status();
    }
    if (!from->value) return ok_status();  // there was no row with a value: all are new
    VESTO_ASSIGN(
        const PgAnswer start,
        source_exec(*context_.connection, window_start_sql(*from, kind, lookback), kPlanning));
    if (!start.scalar()) return Error(ErrorCode::kPgRead, "the server gave no start of the window");
    window_ = window_condition(cursor.name, kind, *start.scalar(), !cursor.not_null);
    plan_.full = false;
    return ok_status();
  }

  void note_cursor(CursorKind kind, const ColumnInfo& cursor) {
    if (!cursor.not_null) {
      plan_.notes.push_back(fmt::format(
          "column {}: rows without a value in the cursor are read in each run", cursor.name));
    }
    const bool number = kind == CursorKind::kInteger || kind == CursorKind::kNumeric;
    if (number || context_.open.oldest) return;
    plan_.notes.push_back(
        context_.open.standby
            ? "the source is a standby, which does not know the open transactions: rows that "
              "commit later than lookback allows are missed"
            : fmt::format("begins of open transactions are hidden from {0}: rows that commit later "
                          "than lookback allows are missed (GRANT pg_read_all_stats TO {1})",
                          context_.user, quote_identifier(context_.user)));
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
    if (plan_.check_utf8) read.encoding = "SQL_ASCII";
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
    for (const BlockRange& piece : pieces) {
      ReadStatement read = statement(relation, alone);
      if (const std::string blocks = block_condition(piece); !blocks.empty()) {
        read.where.push_back(blocks);
      }
      const int64_t bytes = plan_.full ? total_bytes / static_cast<int64_t>(pieces.size()) : 0;
      plan_.ranges.push_back({copy_statement(read), bytes});
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
  bool mark_oversize_ = false;
};

}  // namespace

Result<PlannedStream> plan_stream(const PlanContext& context, const StreamRequest& request) {
  return Planner(context, request).plan();
}

}  // namespace vesto
