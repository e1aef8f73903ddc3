// Target tables: made and widened before the load, since Redshift allows no ALTER COLUMN TYPE in a
// transaction. Each statement stands by itself and may be sent again.
#include <fmt/core.h>

#include <utility>

#include "base/kill_point.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"
#include "redshift/table_plan.h"

namespace vesto {

namespace {

// Columns of the stream that the table does not have yet.
std::vector<std::string> added_columns(const StreamLoad& stream, const CatalogTable* existing) {
  std::vector<std::string> added;
  if (existing == nullptr) return added;
  for (const Column& column : stream.schema.columns) {
    if (existing->find(column.name) == nullptr) added.push_back(column.name);
  }
  return added;
}

// A lock on a target is waited for once more after left-over sessions were ended.
constexpr int kDdlWaits = 2;

// Whether the target has rows decides what may be done with it.
bool needs_look(const StreamLoad& stream, const CatalogTable& existing) {
  const bool append_all = stream.mode == LoadMode::kAppend && stream.full;
  return (!stream.known_target || append_all) && existing.is_table;
}

Error with_owner(Error error, const StreamLoad& stream, const CatalogTable* table) {
  if (error.code() != ErrorCode::kRsOwner || table == nullptr) return error;
  const std::string hand_over =
      fmt::format("ALTER TABLE {} OWNER TO the user of this destination; it belongs to {} now.",
                  sql::qualified(stream.target), sql::ident(table->owner));
  if (stream.known_target) return std::move(error.with_hint(hand_over));
  // Somebody made it: it is asked for only where the configuration means it.
  error.blamed_on(Blame::kConfig);
  return std::move(
      error.with_hint("Name another target = \"...\". Or, if it is to be used: " + hand_over));
}

}  // namespace

Error table_gone(const StreamLoad& stream) {
  return Error(ErrorCode::kRsTableDiffers,
               fmt::format("table {}.{} is gone, and only the changes since the last run were read",
                           stream.target.schema, stream.target.table))
      .with_hint("Run with --full-refresh for this table: it is made anew and filled.");
}

Status RedshiftLoader::Impl::read_tables(const std::vector<StreamLoad>& group,
                                         const std::vector<size_t>& streams) {
  std::map<std::string, std::vector<std::string>> wanted;
  for (const size_t index : streams) {
    wanted[group[index].target.schema].push_back(group[index].target.table);
  }
  for (const auto& [schema, tables] : wanted) {
    VESTO_ASSIGN(const Catalog catalog, read_catalog(schema, tables));
    if (!catalog.schema_exists) {
      return Error(ErrorCode::kRsNoSchema, "the schema " + schema + " does not exist");
    }
    note_tables(catalog, schema, tables);
  }
  return ok_status();
}

void RedshiftLoader::Impl::note_tables(const Catalog& catalog, const std::string& schema,
                                       const std::vector<std::string>& tables) {
  login_user_ = catalog.user;
  for (const std::string& table : tables) {
    asked_[{schema, table}] = true;
    const CatalogTable* found = catalog.find(table);
    if (found == nullptr) {
      tables_.erase({schema, table});
    } else {
      tables_[{schema, table}] = *found;
    }
  }
}

bool RedshiftLoader::Impl::is_prepared(const StreamLoad& stream) const {
  const CatalogTable* existing = find_table(stream.target);
  if (existing == nullptr || needs_look(stream, *existing) || doubted_) return false;
  const Result<TablePlan> plan = plan_table(stream, existing);
  return plan.ok() && plan->empty();
}

Error append_full(const StreamLoad& stream) {
  return Error(ErrorCode::kRsAppendFull,
               fmt::format("table {}.{} holds rows, and the whole of {} was read: appended, every "
                           "row could be there twice",
                           stream.target.schema, stream.target.table, stream.schema.stream))
      .with_hint("Run once with --full-refresh for this table: it replaces what the target holds.");
}

// To be let in is not what a table needs that is somebody's, and that this sync has never filled.
Error RedshiftLoader::Impl::denied_look(Error denied, const StreamLoad& stream,
                                        const CatalogTable& existing) const {
  const bool somebodys = existing.owner != login_user_ && !stream.known_target;
  if (denied.code() != ErrorCode::kRsPriv || login_user_.empty() || !somebodys) return denied;
  Error error(ErrorCode::kRsOwner,
              fmt::format("table {}.{} belongs to {}, and this sync has not filled it",
                          stream.target.schema, stream.target.table, existing.owner));
  error.with_upstream(denied.upstream());
  return with_owner(std::move(error), stream, &existing);
}

Status RedshiftLoader::Impl::check_target(const StreamLoad& stream, const CatalogTable* existing) {
  if (existing == nullptr) return stream.full ? ok_status() : Status(table_gone(stream));
  if (!needs_look(stream, *existing)) return ok_status();
  VESTO_TRY(set_timeout(kDdlTimeoutMs));
  const Result<ExecResult> any = exec(sql::select_one(stream.target));
  if (!any.ok()) return denied_look(any.error(), stream, *existing);
  if (any->rows.empty()) return ok_status();
  if (stream.known_target) return append_full(stream);
  // A table that the sync has never delivered into, but which holds rows, is somebody's: nothing in
  // it is merged, replaced or altered before they say so.
  return Error(ErrorCode::kRsTableForeign,
               fmt::format("table {}.{} holds rows that this sync did not deliver",
                           stream.target.schema, stream.target.table));
}

void RedshiftLoader::Impl::tell_added(const StreamLoad& stream,
                                      const std::vector<std::string>& added) const {
  if (added.empty() || stream.full || !context.warn) return;
  context.warn(
      fmt::format("table {}: new in {}.{}: {}; rows that were delivered before hold NULL there "
                  "until they change: "
                  "vesto run {} --table {} --full-refresh fills them",
                  stream.schema.stream, stream.target.schema, stream.target.table,
                  join(added, ", "), target.sync_name, stream.schema.stream));
}

// Sends what plan_table() wants. Where somebody else was faster, or the answer was lost, the
// catalogue is read again and only what is still missing is sent.
Status RedshiftLoader::Impl::prepare_stream(const StreamLoad& stream) {
  const std::pair<std::string, std::string> name{stream.target.schema, stream.target.table};
  constexpr int kPlans = 4;
  for (int attempt = 1;; ++attempt) {
    if (!asked_[name]) VESTO_TRY(read_tables({stream}, {0}));
    const CatalogTable* existing = find_table(stream.target);
    VESTO_TRY(check_target(stream, existing));
    const std::vector<std::string> added = added_columns(stream, existing);
    VESTO_ASSIGN(const TablePlan plan, plan_table(stream, existing));
    tell_doubted(stream.target, plan);
    VESTO_ASSIGN(const bool done, send_steps(stream, plan, attempt < kPlans));
    if (!done) continue;
    tables_[name] = plan.after;
    asked_[name] = true;
    tell_added(stream, added);
    return ok_status();
  }
}

Result<std::vector<std::pair<size_t, Error>>> RedshiftLoader::Impl::prepare(
    const std::vector<StreamLoad>& group) {
  std::vector<size_t> all;
  for (size_t i = 0; i < group.size(); ++i) all.push_back(i);
  if (!std::exchange(read_ahead_, false)) {
    VESTO_TRY(repeat(kDdlWaits, [&] { return read_tables(group, all); }));
  }
  std::vector<std::pair<size_t, Error>> failed;
  for (const size_t index : all) {
    const StreamLoad& stream = group[index];
    Status done = repeat(kDdlWaits, [&] { return prepare_stream(stream); });
    if (done.ok()) continue;
    Error error = with_owner(std::move(done).error(), stream, find_table(stream.target));
    error.in("table " + stream.schema.stream);
    if (after_fault(error) != AfterFault::kLeaveGroup) return error;
    failed.emplace_back(index, std::move(error));
  }
  return failed;
}

}  // namespace vesto
