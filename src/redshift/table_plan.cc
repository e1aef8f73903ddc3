#include "redshift/table_plan.h"

#include <fmt/core.h>

#include <algorithm>

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

bool is_sized(TypeKind kind) { return kind == TypeKind::kVarchar || kind == TypeKind::kVarbyte; }

// May a key lie on it: fixed size, so that it never has to be widened, and spread well enough.
bool can_be_key(TypeKind kind) {
  switch (kind) {
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
    case TypeKind::kDecimal:
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return true;
    default:
      return false;
  }
}

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
  const sql::TableKeys keys = choose_keys(schema);
  std::vector<sql::ColumnDdl> columns;
  for (size_t i = 0; i < schema.columns.size(); ++i) {
    const Column& column = schema.columns[i];
    const ColumnType type = created_type(stream, i);
    // Only keys: a source may drop any other NOT NULL later, and Redshift cannot.
    const bool text_key = is_key(schema, i) && type.kind == TypeKind::kVarchar;
    columns.push_back({column.name, type, is_key(schema, i), text_key});
    plan.after.columns.push_back(
        {column.name, "", type, is_key(schema, i), false, column.name == keys.distkey});
  }
  plan.statements.push_back(sql::create_table(stream.target, columns, keys));
  return plan;
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
    plan->statements.push_back(sql::add_column(stream.target, {column.name, type}));
    plan->after.columns.push_back({column.name, "", type, false, false, false});
    return ok_status();
  }
  if (!there->type || !holds(*there->type, column.type)) {
    return differs(stream, fmt::format("column {} is {}, the stream needs {} ({})", column.name,
                                       there->type_text, type_sql(column.type), column.source_type))
        .with_hint(fmt::format("Leave the column out (exclude = [\"{}\"]); or have the table made "
                               "anew: DROP TABLE {}; and then run with --full-refresh.",
                               column.source_name, sql::qualified(stream.target)));
  }
  if (!is_sized(column.type.kind)) return ok_status();
  const int needed = needed_bytes(stream, index);
  if (there->type->length_bytes >= needed) return ok_status();
  ColumnType wider = *there->type;
  wider.length_bytes =
      column.unbounded ? std::max(needed, created_type(stream, index).length_bytes) : needed;
  plan->statements.push_back(sql::alter_column_type(stream.target, column.name, wider));
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
    // grow: it gets the next class at once.
    if (is_key(stream.schema, column) && type.length_bytes < kWidestText) {
      type.length_bytes = varchar_size_class(type.length_bytes + 1);
    }
  } else if (type.kind == TypeKind::kVarbyte) {
    type.length_bytes = wanted <= kUsualBinary ? kUsualBinary : kWidestBinary;
  }
  return type;
}

sql::TableKeys choose_keys(const StreamSchema& schema) {
  sql::TableKeys keys;
  for (const size_t column : schema.key) {
    if (column < schema.columns.size() && can_be_key(schema.columns[column].type.kind)) {
      keys.distkey = schema.columns[column].name;
      keys.sortkey = keys.distkey;
      return keys;
    }
  }
  for (const Column& column : schema.columns) {
    if (can_be_key(column.type.kind)) {
      keys.sortkey = column.name;
      return keys;
    }
  }
  return keys;
}

Result<TablePlan> plan_table(const StreamLoad& stream, const CatalogTable* existing) {
  const StreamSchema& schema = stream.schema;
  if (schema.columns.empty()) return differs(stream, "the stream has no columns");
  if (schema.columns.size() > kMaxColumns) {
    return differs(
        stream, fmt::format("{} columns; Redshift takes {}", schema.columns.size(), kMaxColumns));
  }
  for (const size_t key : schema.key) {
    if (key >= schema.columns.size()) {
      return Error(ErrorCode::kInternal, "a key column that the stream does not have");
    }
  }
  if (existing == nullptr) return plan_new(stream);
  if (!existing->is_table) return differs(stream, "there is a view (or the like) of that name");
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
  return plan;
}

}  // namespace vesto
