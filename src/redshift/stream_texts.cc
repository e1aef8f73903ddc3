#include "redshift/stream_texts.h"

#include <fmt/core.h>

#include <algorithm>

#include "redshift/table_plan.h"

namespace vesto {

namespace {

bool stands_in(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Columns that neither the stream has nor had.
bool has_columns_of_others(const StreamLoad& stream, const CatalogTable& table) {
  const std::vector<Column>& columns = stream.schema.columns;
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const CatalogColumn& there) {
    const bool ours = std::any_of(columns.begin(), columns.end(), [&there](const Column& column) {
      return column.name == there.name;
    });
    return !ours && !stands_in(stream.former, there.name);
  });
}

std::vector<std::string> former_in(const StreamLoad& stream, const CatalogTable& table) {
  std::vector<std::string> out;
  for (const CatalogColumn& there : table.columns) {
    if (stands_in(stream.former, there.name)) out.push_back(there.name);
  }
  return out;
}

}  // namespace

sql::CopySource copy_source(const LoadTarget& target, const CopyAccess& access,
                            const StreamLoad& stream) {
  sql::CopySource source;
  source.bucket = target.bucket;
  source.manifest_key = stream.manifest_key;
  source.region = target.region;
  source.iam_role = access.iam_role;
  source.access_key_id = access.keys.access_key_id;
  source.has_session_token = !access.keys.session_token.empty();
  source.null_marker = stream.null_marker;
  source.zstd = stream.zstd;
  return source;
}

std::string copy_text(const LoadTarget& target, const CopyAccess& access, const StreamLoad& stream,
                      const StreamTexts& texts, const std::string& into) {
  std::vector<std::string> names;
  names.reserve(texts.columns.size());
  for (const sql::ColumnDdl& column : texts.columns) names.push_back(column.name);
  return sql::copy(into, names, copy_source(target, access, stream));
}

Result<StreamTexts> stream_texts(const StreamLoad& stream, const CatalogTable& table,
                                 size_t number) {
  const StreamSchema& schema = stream.schema;
  std::vector<std::string> names;
  std::vector<sql::ColumnDdl> stage_columns;
  for (const Column& column : schema.columns) {
    const CatalogColumn* there = table.find(column.name);
    if (there == nullptr || !there->type) {
      return Error(ErrorCode::kRsTableDiffers,
                   fmt::format("table {}.{} has no column {} that the stream can be loaded into",
                               stream.target.schema, stream.target.table, column.name));
    }
    names.push_back(column.name);
    // The target's own types: what COPY accepts here, the INSERT takes unchanged.
    stage_columns.push_back({column.name, *there->type});
  }
  std::vector<sql::KeyColumn> key;
  for (const size_t index : schema.key) {
    if (index >= stage_columns.size()) {
      return Error(ErrorCode::kInternal, "a key column that the stream does not have");
    }
    const bool text = stage_columns[index].type.kind == TypeKind::kVarchar;
    stage_columns[index].case_sensitive = text;
    key.push_back({names[index], text});
  }
  const std::string stage = sql::stage_name(number);
  const std::string distkey = table.distkey();

  StreamTexts out;
  out.target = sql::qualified(stream.target);
  out.stage = sql::ident(stage);
  out.is_empty = sql::select_one(stream.target);
  out.delete_all = sql::delete_all(stream.target);
  if (stream.window) {
    VESTO_TRY(check_window(stream, table));
    const LoadWindow& window = *stream.window;
    out.delete_window =
        sql::delete_window(stream.target, names[window.column], stage_columns[window.column].type,
                           window.from, window.with_nulls);
  }
  if (!key.empty()) {
    // The distribution key may be a column that the stream does not have.
    bool has_distkey = false;
    for (const std::string& name : names) has_distkey = has_distkey || name == distkey;
    out.create_stage = sql::create_stage(stage, stage_columns, has_distkey ? distkey : "");
    out.keeps_columns = has_columns_of_others(stream, table);
    if (out.keeps_columns) {
      out.take_matching =
          sql::update_matching(stream.target, stage, key, names, former_in(stream, table));
      out.insert = sql::insert_missing(stream.target, stage, key, names);
    } else {
      out.take_matching = sql::delete_matching(stream.target, stage, key);
      out.insert = sql::insert_from_stage(stream.target, stage, names);
    }
  }
  out.columns = std::move(stage_columns);
  out.key = std::move(key);
  return out;
}

}  // namespace vesto
