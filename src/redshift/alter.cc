// Tables are altered: plain statements one by one, a change of type in a transaction of its own,
// and what stands in the way is named.
#include <fmt/core.h>

#include "base/kill_point.h"
#include "base/log.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"

namespace vesto {

namespace {

// What Redshift says of values that it cannot cast, or of a cast that it has not.
bool is_about_values(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kRsCopyData:
    case ErrorCode::kRsSql:
    case ErrorCode::kRsTableDiffers:
      return true;
    default:
      return false;
  }
}

// What Redshift says of a value ends with the value: invalid input syntax for integer: "abc".
std::string_view without_value(std::string_view message) {
  return message.substr(0, message.find(": \""));
}

std::string rewritten_text(const StreamLoad& stream, const ColumnRewrite& rewrite) {
  return fmt::format(
      "table {}: column {} of {}.{} was made anew as {} with its values cast from {}, and stands "
      "at the end of the table now; what was said of that column alone (grants, comment, encoding) "
      "is to be said again",
      stream.schema.stream, rewrite.column, stream.target.schema, stream.target.table,
      type_sql(rewrite.to), rewrite.from_text);
}

}  // namespace

// False: somebody else was faster, and the catalogue is to be read again.
Result<bool> RedshiftLoader::Impl::send_steps(const StreamLoad& stream, const TablePlan& plan,
                                              bool may_plan_again) {
  bool& asked = asked_[{stream.target.schema, stream.target.table}];
  for (const TableStep& step : plan.steps) {
    asked = false;
    VESTO_TRY(set_timeout(kDdlTimeoutMs));
    auto done = exec(step.sql);
    VESTO_KILL_POINT("prepare.after_ddl");
    if (done.ok() || same_size(done.error())) continue;
    if (already_there(done.error()) && may_plan_again) return false;
    return refused(stream, step.column, std::move(done).error());
  }
  for (const ColumnRewrite& rewrite : plan.rewrites) {
    asked = false;
    VESTO_ASSIGN(const bool done, send_rewrite(stream, rewrite, may_plan_again));
    if (!done) return false;
  }
  return true;
}

// Redshift has ADD, DROP and RENAME COLUMN in a transaction. The ADD takes the table's lock, which
// is waited for as for all DDL; the UPDATE after it may take its time.
Status RedshiftLoader::Impl::send_casts(const StreamLoad& stream, const ColumnRewrite& rewrite) {
  VESTO_TRY(set_timeout(kDdlTimeoutMs));
  VESTO_TRY(exec("BEGIN"));
  VESTO_TRY(exec(rewrite.statements[0]));
  VESTO_TRY(set_timeout(kMergeTimeoutMs));
  auto cast = exec(rewrite.statements[1]);
  VESTO_KILL_POINT("prepare.after_ddl");
  if (!cast.ok()) {
    if (!is_about_values(cast.error())) return cast.error();
    const Column* column = nullptr;
    for (const Column& one : stream.schema.columns) {
      if (one.name == rewrite.column) column = &one;
    }
    return Error(ErrorCode::kRsTableDiffers,
                 fmt::format("table {}.{}: column {} is {}, the stream needs {}, and its values "
                             "cannot be cast: {}",
                             stream.target.schema, stream.target.table, rewrite.column,
                             rewrite.from_text, type_sql(rewrite.to),
                             without_value(cast.error().message())))
        .with_hint(fmt::format("Leave the column out (exclude = [\"{}\"]); or have the table made "
                               "anew: DROP TABLE {}; and then run with --full-refresh.",
                               column == nullptr ? rewrite.column : column->source_name,
                               sql::qualified(stream.target)));
  }
  VESTO_TRY(exec(rewrite.statements[2]));
  VESTO_TRY(exec(rewrite.statements[3]));
  VESTO_KILL_POINT("prepare.after_ddl");
  return ok_status();
}

Result<bool> RedshiftLoader::Impl::send_rewrite(const StreamLoad& stream,
                                                const ColumnRewrite& rewrite, bool may_plan_again) {
  VESTO_ASSIGN(const std::vector<std::string> views, views_of(stream.target, rewrite.column));
  if (!views.empty()) return view_dep(stream.target, rewrite.column, views);
  Status done = send_casts(stream, rewrite);
  if (!done.ok()) {
    roll_back();
    if (already_there(done.error()) && may_plan_again) return false;
    return refused(stream, rewrite.column, std::move(done).error());
  }
  doubted_ = {stream.target, rewrite.column, rewritten_text(stream, rewrite)};
  auto committed = exec("COMMIT");
  VESTO_KILL_POINT("prepare.after_ddl");
  if (!committed.ok()) return std::move(committed).error();
  if (committed->tag != "COMMIT") {
    doubted_.reset();
    return Error(ErrorCode::kRsSql, "COMMIT was answered with " + committed->tag);
  }
  if (context.warn) context.warn(doubted_->text);
  doubted_.reset();
  return true;
}

void RedshiftLoader::Impl::tell_doubted(const TargetName& table, const TablePlan& plan) {
  if (!doubted_ || !(doubted_->table == table)) return;
  bool still_to_do = false;
  for (const ColumnRewrite& rewrite : plan.rewrites) {
    still_to_do = still_to_do || rewrite.column == doubted_->column;
  }
  if (!still_to_do && context.warn) context.warn(doubted_->text);
  doubted_.reset();
}

Result<std::vector<std::string>> RedshiftLoader::Impl::views_of(const TargetName& table,
                                                                const std::string& column) {
  std::vector<std::string> out;
  VESTO_TRY(set_timeout(kDdlTimeoutMs));
  auto answer = exec(sql::bound_views(table.schema, {table.table}));
  if (!answer.ok()) {
    const Error& error = answer.error();
    // A warehouse that does not answer this question will say itself that a view is in the way.
    if (error.code() != ErrorCode::kRsSql && error.code() != ErrorCode::kRsPriv) return error;
    log_info("redshift: the views of a column cannot be told", {{"error", error.to_string()}});
    return out;
  }
  for (const auto& row : answer->rows) {
    if (row.size() != 4 || row[1] != column) continue;
    out.push_back(row[2].value_or("") + "." + row[3].value_or(""));
  }
  return out;
}

Error RedshiftLoader::Impl::refused(const StreamLoad& stream, const std::string& column,
                                    Error error) {
  if (column.empty()) return error;
  const bool view = error.code() == ErrorCode::kRsViewDep;
  if (!view && error.code() != ErrorCode::kRsKeyColumn) return error;
  if (!error.upstream().system.empty()) roll_back();
  if (session_ == nullptr) return error;
  Upstream upstream = error.upstream();
  if (view) {
    auto views = views_of(stream.target, column);
    return view_dep(stream.target, column, views.ok() ? *views : std::vector<std::string>())
        .with_upstream(std::move(upstream));
  }
  // Redshift may have made it a key since the catalogue was read.
  CatalogColumn is;
  is.name = column;
  if (read_tables({stream}, {0}).ok()) {
    const CatalogTable* table = find_table(stream.target);
    const CatalogColumn* found = table == nullptr ? nullptr : table->find(column);
    if (found != nullptr) is = *found;
  }
  return key_column(stream.target, is).with_upstream(std::move(upstream));
}

}  // namespace vesto
