#include "redshift/table_keys.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxSortkeys = 400;
constexpr std::array<std::string_view, 13> kEncodings = {
    "az64",     "bytedict", "delta", "delta32k",  "lzo",     "mostly8", "mostly16",
    "mostly32", "raw",      "zstd",  "runlength", "text255", "text32k"};

// May Vesto itself choose it: fixed size, so that it never has to be widened, and spread well
// enough.
bool is_good_key(TypeKind kind) {
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

bool can_be_key(TypeKind kind) { return can_compare(kind) && kind != TypeKind::kVarbyte; }

Result<const Column*> find_column(const StreamLoad& stream, std::string_view setting,
                                  const std::string& name) {
  const auto& columns = stream.schema.columns;
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  if (found != columns.end()) return &*found;
  return Error(ErrorCode::kCfgValue,
               fmt::format("{} names column {}, which is not delivered", setting, name))
      .with_hint("Name a column of the table that exclude does not leave out.");
}

Status check_key(const StreamLoad& stream, std::string_view setting, const std::string& name) {
  VESTO_ASSIGN(const Column* column, find_column(stream, setting, name));
  if (can_be_key(column->type.kind)) return ok_status();
  return Error(ErrorCode::kCfgValue, fmt::format("{} names column {}, and {} cannot be a key",
                                                 setting, name, type_sql(column->type)))
      .with_hint("Name a column of another type.");
}

}  // namespace

sql::TableKeys choose_keys(const StreamSchema& schema) {
  sql::TableKeys keys;
  for (const size_t column : schema.key) {
    if (column < schema.columns.size() && is_good_key(schema.columns[column].type.kind)) {
      keys.distkey = schema.columns[column].name;
      keys.sortkey = {keys.distkey};
      return keys;
    }
  }
  for (const Column& column : schema.columns) {
    if (is_good_key(column.type.kind)) {
      keys.sortkey = {column.name};
      return keys;
    }
  }
  return keys;
}

Result<sql::TableKeys> table_keys(const StreamLoad& stream) {
  sql::TableKeys keys = choose_keys(stream.schema);
  const TableOptions& options = stream.options;
  if (!options.distkey.empty()) {
    VESTO_TRY(check_key(stream, "distkey", options.distkey));
    keys.distkey = options.distkey;
  }
  if (options.sortkey.size() > kMaxSortkeys) {
    return Error(ErrorCode::kCfgValue, fmt::format("sortkey names {} columns; Redshift takes {}",
                                                   options.sortkey.size(), kMaxSortkeys));
  }
  for (const std::string& name : options.sortkey) VESTO_TRY(check_key(stream, "sortkey", name));
  if (!options.sortkey.empty()) keys.sortkey = options.sortkey;
  return keys;
}

Result<std::map<std::string, std::string>> table_encodings(const StreamLoad& stream) {
  std::map<std::string, std::string> out;
  for (const auto& [name, text] : stream.options.encode) {
    VESTO_TRY(find_column(stream, "encode", name));
    std::string encoding = to_lower_ascii(text);
    if (std::find(kEncodings.begin(), kEncodings.end(), encoding) == kEncodings.end()) {
      return Error(ErrorCode::kCfgValue, fmt::format("encode of column {}: \"{}\" is no encoding",
                                                     name, cut_utf8(text, 40)))
          .with_hint("One of " + join({kEncodings.begin(), kEncodings.end()}, ", ") + ".");
    }
    out[name] = std::move(encoding);
  }
  return out;
}

}  // namespace vesto
