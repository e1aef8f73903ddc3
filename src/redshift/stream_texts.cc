#include "redshift/stream_texts.h"

#include <fmt/core.h>

#include "redshift/sql_rows.h"

namespace vesto {

namespace {

sql::CopySource copy_source(const LoadTarget& target, const StreamLoad& stream) {
  sql::CopySource source;
  source.bucket = target.bucket;
  source.manifest_key = stream.manifest_key;
  source.region = target.region;
  source.access_key_id = target.access_key_id;
  source.has_session_token = target.has_session_token;
  source.null_marker = stream.null_marker;
  source.zstd = stream.zstd;
  return source;
}

}  // namespace

Result<StreamTexts> stream_texts(const LoadTarget& target, const StreamLoad& stream,
                                 const CatalogTable& table, size_t number) {
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
  const sql::CopySource source = copy_source(target, stream);
  const std::string stage = sql::stage_name(number);
  const std::string full_name = sql::qualified(stream.target);
  const std::string distkey = table.distkey();

  StreamTexts out;
  out.is_empty = sql::select_one(stream.target);
  out.delete_all = sql::delete_all(stream.target);
  out.copy_target = sql::copy(full_name, names, source);
  out.side_target = sql::insert_side_rows(full_name, stage_columns, stream.diverted.side);
  if (key.empty()) return out;
  // The distribution key may be a column that the stream does not have.
  bool has_distkey = false;
  for (const std::string& name : names) has_distkey = has_distkey || name == distkey;
  out.target_duplicates = sql::count_duplicate_keys(full_name, key);
  out.target_nulls = sql::count_null_keys(full_name, key);
  out.create_stage = sql::create_stage(stage, stage_columns, has_distkey ? distkey : "");
  out.copy_stage = sql::copy(sql::ident(stage), names, source);
  out.side_stage = sql::insert_side_rows(sql::ident(stage), stage_columns, stream.diverted.side);
  out.stage_duplicates = sql::count_duplicate_keys(sql::ident(stage), key);
  out.stage_nulls = sql::count_null_keys(sql::ident(stage), key);
  out.delete_matching = sql::delete_matching(stream.target, stage, key);
  out.insert = sql::insert_from_stage(stream.target, stage, names);
  return out;
}

}  // namespace vesto
