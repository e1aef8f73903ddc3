// What the configuration asks of the columns of a stream that was planned: policies for values,
// options of the table, a key where the mode needs one.
#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "schema/unrepresentable.h"
#include "sync/plan.h"

namespace vesto {

namespace {

// What the column is to Redshift when a person asked for its text.
void make_text(Column* column) {
  constexpr int kTextBytes = 1024;
  column->type = ColumnType{.kind = TypeKind::kVarchar, .length_bytes = kTextBytes};
  column->unbounded = true;
}

// on_unrepresentable of the configuration, on the columns that it names.
Status apply_policies(const TableSpec& spec, StreamSchema* schema) {
  for (const auto& [name, policy] : spec.on_unrepresentable) {
    const auto column =
        std::find_if(schema->columns.begin(), schema->columns.end(),
                     [&source = name](const Column& one) { return one.source_name == source; });
    if (column == schema->columns.end()) {
      return Error(ErrorCode::kPgNoColumn,
                   fmt::format("table {} has no column {} (on_unrepresentable)", spec.name, name));
    }
    const bool is_cursor = schema->cursor && &schema->columns[*schema->cursor] == &*column;
    const bool changes = policy == Unrepresentable::kNull || policy == Unrepresentable::kText;
    if (spec.mode == LoadMode::kAppend && is_cursor && changes) {
      return Error(
          ErrorCode::kCfgValue,
          fmt::format("table {}: {} is the cursor of append, by which rows are found again: "
                      "on_unrepresentable may be reject or stop",
                      spec.name, name));
    }
    const auto index = static_cast<size_t>(column - schema->columns.begin());
    const auto& key = schema->key;
    const bool in_key = std::find(key.begin(), key.end(), index) != key.end();
    // The configuration knows the keys that it names; the source's primary key is known here.
    if (puts_null_into_key(policy, in_key)) {
      return Error(ErrorCode::kCfgValue, "table " + spec.name + ": " + null_in_key_text(name))
          .with_hint(null_in_key_hint());
    }
    column->on_unrepresentable = policy;
    if (policy == Unrepresentable::kNull) column->nullable = true;
    if (policy == Unrepresentable::kText && column->type.kind != TypeKind::kVarchar) {
      make_text(&*column);
    }
  }
  return ok_status();
}

// TableOptions by names of the destination. Errors: PG-NO-COLUMN.
Result<TableOptions> options_for(const TableSpec& spec, const StreamSchema& schema) {
  const auto name_of = [&](const std::string& source_name,
                           std::string_view setting) -> Result<std::string> {
    const Column* alike = nullptr;
    for (const Column& column : schema.columns) {
      if (column.source_name == source_name) return column.name;
      if (to_lower_ascii(column.source_name) == to_lower_ascii(source_name)) alike = &column;
    }
    if (alike != nullptr) return alike->name;
    return Error(ErrorCode::kPgNoColumn, fmt::format("table {} delivers no column {} ({})",
                                                     spec.name, source_name, setting));
  };
  TableOptions options;
  if (!spec.options.distkey.empty()) {
    VESTO_ASSIGN(options.distkey, name_of(spec.options.distkey, "distkey"));
  }
  for (const std::string& column : spec.options.sortkey) {
    VESTO_ASSIGN(std::string name, name_of(column, "sortkey"));
    options.sortkey.push_back(std::move(name));
  }
  for (const auto& [column, encoding] : spec.options.encode) {
    VESTO_ASSIGN(std::string name, name_of(column, "encode"));
    options.encode.emplace_back(std::move(name), encoding);
  }
  return options;
}

}  // namespace

Status settle_table(const TableSpec& spec, PlannedTable* planned) {
  VESTO_TRY(apply_policies(spec, &planned->plan.schema));
  VESTO_ASSIGN(planned->options, options_for(spec, planned->plan.schema));
  const bool merges = spec.mode == LoadMode::kUpsert || planned->mode == LoadMode::kUpsert;
  if (!merges || !planned->plan.schema.key.empty()) return ok_status();
  const std::string& why = planned->plan.no_key;
  return Error(ErrorCode::kPgNoKey, "table " + spec.name +
                                        (why.empty() ? " has no primary key, and upsert needs a key"
                                                     : ": " + why + ", and upsert needs one"));
}

}  // namespace vesto
