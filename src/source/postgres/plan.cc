#include "source/postgres/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "pg/quoting.h"
#include "schema/table_name.h"
#include "source/postgres/catalog.h"
#include "source/postgres/changed.h"
#include "source/postgres/columns.h"
#include "source/postgres/reader.h"
#include "source/postgres/selection.h"
#include "source/postgres/session.h"
#include "source/postgres/statement.h"
#include "source/postgres/window.h"

namespace vesto {

namespace {

// With less TOAST than this, no row can be so large that it matters (compression gains a factor
// of 255 at most). The price of the size tests is the SELECT form of COPY, about 15 %.
constexpr int64_t kSmallToastBytes = 1 << 20;
constexpr int kTidRangeScanVersion = 140000;  // before, each ctid range reads the whole table
constexpr int kEscapedCharVersion = 160000;
constexpr uint32_t kCharOid = 18;
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
    VESTO_TRY(is_query() ? describe_a_query() : describe_a_table());
    VESTO_ASSIGN(columns_, choose_columns(table_, request_));
    VESTO_TRY(check_rights());
    VESTO_TRY(lock());
    plan_.schema = columns_.schema;
    plan_.key_proven = key_is_enforced();
    plan_.notes = columns_.notes;
    plan_.no_key = columns_.no_key;
    sql_ascii_ = context_.connection->parameter("server_encoding") == "SQL_ASCII";
    plan_.check_utf8 = sql_ascii_ || has_raw_bytes();
    VESTO_TRY(choose_rows());
    build_ranges();
    if (mark_oversize_) plan_.oversize_marker = context_.oversize_marker;
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool is_query() const { return !request_.query.empty(); }

  Status describe_a_table() {
    VESTO_ASSIGN(const RelationInfo relation, find_relation(*context_.connection, request_.table));
    VESTO_TRY(check_kind(relation));
    VESTO_ASSIGN(table_, describe_table(*context_.connection, relation));
    if (request_.filter.empty()) return ok_status();
    return check_filter(*context_.connection, name(), request_.filter);
  }

  Status describe_a_query() {
    VESTO_ASSIGN(table_, describe_query(*context_.connection, request_.table, request_.query));
    return ok_status();
  }

  // What stands behind FROM.
  [[nodiscard]] std::string name() const {
    return is_query() ? query_from(request_.query) : relation_from(table_.relation);
  }

  // A filter may call the table by its name, also where a partition is read.
  [[nodiscard]] std::string relation_from(const RelationInfo& relation) const {
    const std::string name = quote_qualified(relation.schema, relation.name);
    if (request_.filter.empty()) return name;
    return name + " AS " + quote_identifier(table_.relation.name);
  }

  // The conditions of all ranges: those of the person, and the keys or the window of this run.
  Status choose_rows() {
    if (!request_.filter.empty()) conditions_.push_back(filter_condition(request_.filter));
    if (!request_.keys.empty()) {
      VESTO_ASSIGN(std::string wanted, keys_condition(columns_, request_.keys));
      conditions_.push_back(std::move(wanted));
      plan_.full = false;
      plan_.next = request_.from;
      plan_.from_text = fmt::format("{} rows by key", request_.keys.size());
      return ok_status();
    }
    if (!plan_.schema.cursor) return ok_status();
    VESTO_ASSIGN(WindowPlan window, plan_window(context_, request_, table_, columns_, name()));
    // The newest value was read by the table's name: a schema may be renamed under any lock.
    VESTO_TRY(check_unchanged());
    if (!window.condition.empty()) conditions_.push_back(std::move(window.condition));
    plan_.full = window.full;
    plan_.window = std::move(window.window);
    plan_.from_text = std::move(window.from_text);
    plan_.next = std::move(window.next);
    plan_.data_as_of_ms = window.data_as_of_ms;
    plan_.commit_position = window.commit_position;
    plan_.notes.insert(plan_.notes.end(), window.notes.begin(), window.notes.end());
    plan_.warnings = std::move(window.warnings);
    return ok_status();
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
    const std::string filter =
        request_.filter.empty() ? "" : " WHERE " + filter_condition(request_.filter);
    VESTO_TRY(source_exec(*context_.connection,
                          fmt::format("SELECT FROM {}{} LIMIT 0", name(), filter),
                          fmt::format("locking {}", columns_.schema.stream)));
    if (is_query()) return check_unchanged();
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

  // "char" holds any byte; before version 16 the server printed it as it is.
  [[nodiscard]] bool has_raw_bytes() const {
    return context_.connection->server_version() < kEscapedCharVersion &&
           std::any_of(
               columns_.source.begin(), columns_.source.end(), [](const ColumnInfo* column) {
                 return column->base.oid == kCharOid || column->base.element_oid == kCharOid;
               });
  }

  // What the ranges of one relation have in common.
  [[nodiscard]] ReadStatement statement(const RelationInfo& relation, bool alone) const {
    ReadStatement read;
    read.from = is_query() ? name() : relation_from(relation);
    read.columns = columns_.read;
    const bool generated = std::any_of(columns_.source.begin(), columns_.source.end(),
                                       [](const ColumnInfo* column) { return column->generated; });
    read.table_form = relation.kind == 'r' && alone && !generated && !relation.has_generated;
    read.only = relation.kind == 'r' && alone;
    read.where = conditions_;
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
    const bool by_index = !request_.keys.empty() ||
                          (plan_.window && columns_.source[plan_.window->column]->index_first);
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

  // What is behind them cannot be asked for its size.
  static bool hides_rows(const RelationInfo& relation) {
    return relation.kind == 'v' || relation.kind == 'f' || relation.kind == kQueryRelation ||
           relation.has_children;
  }

  [[nodiscard]] bool may_hold_large_rows() const {
    const bool unbounded =
        std::any_of(columns_.read.begin(), columns_.read.end(), [](const ReadColumn& column) {
          return column.size != ReadColumn::Size::kBounded && !column.key;
        });
    if (!unbounded) return false;
    const RelationInfo& relation = table_.relation;
    if (hides_rows(relation)) return true;
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
      return hides_rows(table_.relation) ? -1 : table_.relation.rows;
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
  std::vector<std::string> conditions_;
  bool sql_ascii_ = false;
  bool mark_oversize_ = false;
};

}  // namespace

Result<StreamPlan> plan_stream(const PlanContext& context, const StreamRequest& request) {
  return Planner(context, request).plan();
}

}  // namespace vesto
