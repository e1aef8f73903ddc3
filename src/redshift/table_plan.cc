#include "redshift/table_plan.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error_causes.h"
#include "base/strings.h"
#include "redshift/table_keys.h"

namespace vesto {

namespace {

constexpr int kNarrowestText = 1024;
constexpr int kWidestText = 65'535;
constexpr int kUsualBinary = 64'000;
constexpr int kWidestBinary = 1'024'000;
constexpr size_t kMaxColumns = 1600;

bool is_key(const StreamSchema& schema, size_t column) {
  return std::find(schema.key.begin(), schema.key.end(), column) != schema.key.end();
}

int measured(const StreamLoad& stream, size_t column) {
  if (column >= stream.widths.size()) return 0;
  return static_cast<int>(std::min<uint32_t>(stream.widths[column], kWidestBinary));
}

bool names(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_sized(TypeKind kind) { return kind == TypeKind::kVarchar || kind == TypeKind::kVarbyte; }

int integer_digits(TypeKind kind) {
  switch (kind) {
    case TypeKind::kSmallint:
      return 5;
    case TypeKind::kInteger:
      return 10;
    case TypeKind::kBigint:
      return 19;
    default:
      return 0;
  }
}

// Whether every value of `from` is held by `to` unchanged. Sizes of texts are looked at elsewhere.
bool holds(const ColumnType& to, const ColumnType& from) {
  if (to.kind == from.kind) {
    if (to.kind != TypeKind::kDecimal) return true;
    return to.scale >= from.scale && to.precision - to.scale >= from.precision - from.scale;
  }
  const int digits = integer_digits(from.kind);
  if (digits > 0 && integer_digits(to.kind) >= digits) return true;
  if (digits > 0 && to.kind == TypeKind::kDecimal) return to.precision - to.scale >= digits;
  return to.kind == TypeKind::kDouble && from.kind == TypeKind::kReal;
}

// The size that a column which stands already must have at least: what the values need, not what a
// new column would get, so that a narrower one that somebody made stays as it is.
int needed_bytes(const StreamLoad& stream, size_t column) {
  const Column& source = stream.schema.columns[column];
  if (!source.unbounded) return source.type.length_bytes;
  if (column >= stream.widths.size()) return created_type(stream, column).length_bytes;
  return std::min(measured(stream, column),
                  source.type.kind == TypeKind::kVarchar ? kWidestText : kWidestBinary);
}

Error differs(const StreamLoad& stream, std::string message) {
  return Error(ErrorCode::kRsTableDiffers,
               fmt::format("table {}.{}: {}", stream.target.schema, stream.target.table, message));
}

Result<TablePlan> plan_new(const StreamLoad& stream) {
  const StreamSchema& schema = stream.schema;
  TablePlan plan;
  VESTO_ASSIGN(plan.keys, table_keys(stream));
  VESTO_ASSIGN(const auto encodings, table_encodings(stream));
  std::vector<sql::ColumnDdl> columns;
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    const ColumnType type = created_type(stream, i);
    // Only keys: a source may drop any other NOT NULL later, and Redshift cannot.
    const bool text_key = is_key(schema, i) && type.kind == TypeKind::kVarchar;
    const auto encoding = encodings.find(column.name);
    columns.push_back({column.name, type, is_key(schema, i), text_key,
                       encoding == encodings.end() ? "" : encoding->second});
    plan.after.columns.push_back({.name = column.name,
                                  .type_text = "",
                                  .type = type,
                                  .not_null = is_key(schema, i),
                                  .has_default = false,
                                  .distkey = column.name == plan.keys.distkey,
                                  .sortkey = names(plan.keys.sortkey, column.name)});
  }
  plan.steps.push_back({sql::create_table(stream.target, columns, plan.keys), ""});
  return plan;
}

// A name for the column that takes the place of `column`: always the same for the same table, none
// of its columns or of the stream's, and at most 127 bytes.
std::string temporary_name(const CatalogTable& table, const StreamSchema& schema,
                           const std::string& column) {
  constexpr size_t kShownBytes = 100;
  const std::string base = "_vesto_new_" + std::string(cut_utf8(column, kShownBytes));
  const auto taken = [&](const std::string& name) {
    return table.find(name) != nullptr ||
           std::any_of(schema.columns.begin(), schema.columns.end(),
                       [&](const Column& c) { return c.name == name; });
  };
  std::string name = base;
  for (int n = 2; taken(name); ++n) name = fmt::format("{}_{}", base, n);
  return name;
}

bool has_casts(const std::optional<ColumnType>& type) {
  if (!type) return true;
  return type->kind != TypeKind::kVarbyte && type->kind != TypeKind::kGeometry &&
         type->kind != TypeKind::kGeography;
}

// Why the column cannot be made anew, whoever wants it; "": it can.
std::string why_no_rewrite(const StreamLoad& stream, const CatalogColumn& there, size_t index) {
  if (is_key(stream.schema, index)) return "it is in the key";
  if (there.not_null) return "it is NOT NULL";
  if (there.has_default) return "it has a DEFAULT";
  if (!has_casts(there.type) || !has_casts(stream.schema.columns[index].type)) {
    return "no cast keeps its values";
  }
  return "";
}

Status plan_rewrite(const StreamLoad& stream, const CatalogColumn& there, size_t index,
                    TablePlan* plan) {
  const Column& column = stream.schema.columns[index];
  const std::string why_not = why_no_rewrite(stream, there, index);
  if (!stream.rewrite_types || !why_not.empty()) {
    return type_differs(stream, there, index, why_not);
  }
  if (there.distkey || there.sortkey) return key_column(stream.target, there);
  ColumnType to = created_type(stream, index);
  // Only new rows were measured.
  if (to.kind == TypeKind::kVarchar && column.unbounded) to.length_bytes = kWidestText;
  plan->rewrites.push_back(
      {column.name, there.type_text, to,
       sql::rewrite_column(stream.target, column.name,
                           temporary_name(plan->after, stream.schema, column.name), there.type,
                           to)});
  for (CatalogColumn& after : plan->after.columns) {
    if (after.name == column.name) after.type = to;
  }
  return ok_status();
}

// One column of the stream against the table; adds what has to be done.
Status plan_column(const StreamLoad& stream, const CatalogTable& existing, size_t index,
                   TablePlan* plan) {
  const Column& column = stream.schema.columns[index];
  const CatalogColumn* there = existing.find(column.name);
  if (there == nullptr) {
    if (is_key(stream.schema, index)) {
      return differs(stream, fmt::format("the key column {} is missing", column.name));
    }
    const ColumnType type = created_type(stream, index);
    plan->steps.push_back({sql::add_column(stream.target, {column.name, type}), column.name});
    CatalogColumn added;
    added.name = column.name;
    added.type = type;
    plan->after.columns.push_back(std::move(added));
    return ok_status();
  }
  if (!there->type || !holds(*there->type, column.type)) {
    return plan_rewrite(stream, *there, index, plan);
  }
  if (!is_sized(column.type.kind)) return ok_status();
  const int needed = needed_bytes(stream, index);
  if (there->type->length_bytes >= needed) return ok_status();
  ColumnType wider = *there->type;
  wider.length_bytes =
      column.unbounded ? std::max(needed, created_type(stream, index).length_bytes) : needed;
  plan->steps.push_back({sql::alter_column_type(stream.target, column.name, wider), column.name});
  for (CatalogColumn& after : plan->after.columns) {
    if (after.name == column.name) after.type = wider;
  }
  return ok_status();
}

}  // namespace

ColumnType created_type(const StreamLoad& stream, size_t column) {
  const Column& source = stream.schema.columns[column];
  ColumnType type = source.type;
  if (!source.unbounded) return type;
  const int wanted = std::max(measured(stream, column), type.length_bytes);
  if (type.kind == TypeKind::kVarchar) {
    type.length_bytes = varchar_size_class(std::clamp(wanted, kNarrowestText, kWidestText));
    // A key may become a sort or distribution key by Redshift's own choice and then refuses to
    // grow: it gets the next class at once, as what a person made one.
    const bool chosen =
        source.name == stream.options.distkey || names(stream.options.sortkey, source.name);
    if ((chosen || is_key(stream.schema, column)) && type.length_bytes < kWidestText) {
      type.length_bytes = varchar_size_class(type.length_bytes + 1);
    }
  } else if (type.kind == TypeKind::kVarbyte) {
    type.length_bytes = wanted <= kUsualBinary ? kUsualBinary : kWidestBinary;
  }
  return type;
}

Result<TablePlan> plan_table(const StreamLoad& stream, const CatalogTable* existing) {
  const StreamSchema& schema = stream.schema;
  if (schema.columns.empty()) return differs(stream, "the stream has no columns");
  if (schema.columns.size() > kMaxColumns) {
    return Error(ErrorCode::kRs1600Columns,
                 fmt::format("table {}.{}: {} columns; Redshift takes {}", stream.target.schema,
                             stream.target.table, schema.columns.size(), kMaxColumns))
        .because(cause_named("too-many-columns"));
  }
  for (const size_t key : schema.key) {
    if (key >= schema.columns.size()) {
      return Error(ErrorCode::kInternal, "a key column that the stream does not have");
    }
  }
  if (existing == nullptr) return plan_new(stream);
  if (!existing->is_table) return no_table(stream.target);
  TablePlan plan;
  plan.after = *existing;
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    VESTO_TRY(plan_column(stream, *existing, i, &plan));
  }
  for (const CatalogColumn& column : existing->columns) {
    const bool ours = std::any_of(schema.columns.begin(), schema.columns.end(),
                                  [&](const Column& c) { return c.name == column.name; });
    if (!ours && column.not_null && !column.has_default) {
      return differs(stream, fmt::format("column {} is NOT NULL and the stream has no such column",
                                         column.name));
    }
  }
  if (stream.window) VESTO_TRY(check_window(stream, plan.after));
  return plan;
}

std::vector<std::string> TablePlan::texts() const {
  std::vector<std::string> out;
  for (const TableStep& step : steps) out.push_back(step.sql);
  for (const ColumnRewrite& rewrite : rewrites) {
    out.emplace_back("BEGIN");
    out.insert(out.end(), rewrite.statements.begin(), rewrite.statements.end());
    out.emplace_back("COMMIT");
  }
  return out;
}

Error type_differs(const StreamLoad& stream, const CatalogColumn& there, size_t column,
                   std::string_view why_not) {
  const Column& source = stream.schema.columns[column];
  std::string message = fmt::format("column {} is {}, the stream needs {} ({})", source.name,
                                    there.type_text, type_sql(source.type), source.source_type);
  std::string hint = fmt::format(
      "Leave the column out (exclude = [\"{}\"]); or have the table made anew: DROP TABLE {}; and "
      "then run with --full-refresh",
      source.source_name, sql::qualified(stream.target));
  if (why_not.empty() && !stream.rewrite_types) {
    hint += "; or have the column made anew with its values cast: on_type_change = \"rewrite\"";
  } else if (!why_not.empty() && stream.rewrite_types) {
    message += fmt::format("; it cannot be made anew: {}", why_not);
  }
  return differs(stream, message).with_hint(hint + ".").because(cause_named("column-types-differ"));
}

Error no_table(const TargetName& name) {
  return Error(ErrorCode::kRsTableDiffers,
               fmt::format("table {}.{}: there is a view (or the like) of that name", name.schema,
                           name.table))
      .with_hint(
          "Give the table another target (target = \"...\"), or have the view's owner drop or "
          "rename it.");
}

Error key_column(const TargetName& table, const CatalogColumn& is) {
  const bool unknown = !is.sortkey && !is.distkey;
  std::string what = "a sort or distribution key";
  if (is.sortkey && is.distkey) what = "a sort key and the distribution key";
  if (is.sortkey && !is.distkey) what = "a sort key";
  if (!is.sortkey && is.distkey) what = "the distribution key";
  std::string lines;
  if (is.sortkey || unknown) lines += sql::drop_sortkey(table) + "; ";
  if (is.distkey || unknown) lines += sql::drop_distkey(table) + "; ";
  return Error(ErrorCode::kRsKeyColumn,
               fmt::format("table {}.{}: column {} has to be altered, and it is {} (Redshift may "
                           "have chosen it by itself)",
                           table.schema, table.table, is.name, what))
      .with_hint(lines + "each on its own, outside a transaction; then run again.");
}

Error view_dep(const TargetName& table, const std::string& column,
               const std::vector<std::string>& views) {
  std::string which = "a view is bound to it";
  if (views.size() == 1) which = fmt::format("view {} is bound to it", views.front());
  if (views.size() > 1) which = fmt::format("views {} are bound to it", join(views, ", "));
  return Error(ErrorCode::kRsViewDep,
               fmt::format("table {}.{}: column {} has to be altered, and {}", table.schema,
                           table.table, column, which));
}

Status check_window(const StreamLoad& stream, const CatalogTable& table) {
  const LoadWindow& window = *stream.window;
  if (window.column >= stream.schema.columns.size()) {
    return Error(ErrorCode::kInternal, "a window over a column that the stream does not have");
  }
  const std::string& name = stream.schema.columns[window.column].name;
  const CatalogColumn* there = table.find(name);
  const TypeKind kind = there != nullptr && there->type ? there->type->kind : TypeKind::kVarchar;
  if (window.from.empty()) return ok_status();  // only those without a value
  switch (kind) {
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
    case TypeKind::kDecimal:
      if (sql::is_plain_number(window.from)) return ok_status();
      return Error(ErrorCode::kSrcValue,
                   fmt::format("table {}.{}: rows from \"{}\" on cannot be told by column {}",
                               stream.target.schema, stream.target.table,
                               cut_utf8(window.from, 100), name))
          .with_hint(
              "Correct the cursor's greatest value in the source, then run once with "
              "--full-refresh.");
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return ok_status();
    default:
      break;
  }
  return differs(stream,
                 fmt::format("the cursor column {} is {} there: what was read again cannot be told "
                             "by comparing texts",
                             name, there == nullptr ? "missing" : there->type_text))
      .with_hint(
          "Choose a cursor of integer, numeric(p,s), date or timestamp type; or use mode = "
          "\"upsert\".");
}

}  // namespace vesto
