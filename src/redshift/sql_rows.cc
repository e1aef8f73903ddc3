#include "redshift/sql_rows.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/strings.h"
#include "encode/redshift_csv.h"
#include "encode/utf8.h"

namespace vesto::sql {

namespace {

// The columns of _vesto_rejected that hold texts of any length, in bytes.
constexpr size_t kKeyBytes = 8192;
constexpr size_t kColumnBytes = 600;
constexpr size_t kReasonBytes = 2048;

std::string text_value(std::string_view text, size_t most_bytes) {
  // What is no UTF-8 could not be stored: its bytes are shown instead.
  if (!is_utf8(text)) return literal(cut_utf8("\\x" + to_hex(text), most_bytes));
  return literal(cut_utf8(text, most_bytes));
}

}  // namespace

std::string insert_value(const ColumnType& type, std::string_view value) {
  switch (type.kind) {
    case TypeKind::kSuper:
      return "JSON_PARSE(" + literal(value) + ")";
    case TypeKind::kVarbyte:
      // kEmptyBinary is how a source prints a value of no bytes.
      return "FROM_HEX(" + literal(value == kEmptyBinary ? "" : value) + ")";
    default:
      return literal(value);
  }
}

std::optional<std::string> InsertTexts::next() {
  if (at_ >= rows_) return std::nullopt;
  std::string text = head_;
  for (bool first = true; at_ < rows_ && (first || text.size() < kInsertTextBytes); first = false) {
    if (!first) text += ", ";
    text += row_(at_++);
  }
  return text;
}

InsertTexts insert_side_rows(std::string_view table, const std::vector<ColumnDdl>& columns,
                             const std::vector<SideRow>& rows) {
  std::vector<std::string> names;
  for (const ColumnDdl& column : columns) names.push_back(ident(column.name));
  const auto one_row = [&columns, &rows](size_t index) {
    const auto row = rows[index].values();
    VESTO_CHECK(row.size() == columns.size());
    std::string out = "(";
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ", ";
      out += row[i] ? insert_value(columns[i].type, *row[i]) : "NULL";
    }
    return out + ")";
  };
  return {fmt::format("INSERT INTO {} ({}) VALUES ", table, join(names, ", ")), rows.size(),
          one_row};
}

std::string without_values(std::string_view statement) {
  constexpr std::string_view kValues = " VALUES ";
  // The first one is ours: names before it stand in quotes, and none holds this word so.
  const size_t at = statement.find(kValues);
  if (at == std::string_view::npos) return std::string(statement);
  return std::string(statement.substr(0, at)) + std::string(kValues) +
         "(NULL) /* the values are not kept */";
}

std::string create_rejected_table(std::string_view schema) {
  return fmt::format(
      "CREATE TABLE {}.{} (\"sync\" VARCHAR(256) NOT NULL, \"stream\" VARCHAR({}) NOT NULL, "
      "\"load_id\" VARCHAR(26) NOT NULL, \"run\" VARCHAR(32) NOT NULL, \"row_key\" VARCHAR({}), "
      "\"column_name\" VARCHAR({}), \"reason\" VARCHAR({}) NOT NULL, \"value\" VARCHAR({}), "
      "\"value_bytes\" BIGINT, \"rejected_at\" TIMESTAMPTZ NOT NULL) DISTSTYLE EVEN",
      ident(schema), ident(kRejectedTable), kMaxStreamBytes, kKeyBytes, kColumnBytes, kReasonBytes,
      3 * kKeptValueBytes);
}

InsertTexts insert_rejected(std::string_view schema, const RejectedLoad& load,
                            const std::vector<RejectedRow>& rows) {
  const std::string common =
      fmt::format("({}, {}, {}, {}, ", literal(load.sync), literal(load.stream),
                  literal(load.load_id.text), literal(load.run.text));
  const std::string at = timestamptz(load.rejected_at_ms);
  const auto one_row = [&rows, common, at](size_t index) {
    const RejectedRow& row = rows[index];
    return common + fmt::format("{}, {}, {}, {}, {}, {})", text_value(row.key, kKeyBytes),
                                text_value(row.column, kColumnBytes),
                                text_value(row.reason, kReasonBytes),
                                text_value(row.value, 3 * kKeptValueBytes), row.value_bytes, at);
  };
  return {fmt::format("INSERT INTO {}.{} VALUES ", ident(schema), ident(kRejectedTable)),
          rows.size(), one_row};
}

std::string select_rejected(std::string_view schema, std::string_view sync, std::string_view stream,
                            int limit) {
  const std::string of_stream = stream.empty() ? "" : " AND \"stream\" = " + literal(stream);
  return fmt::format(
      "SELECT \"stream\", \"load_id\", \"run\", \"row_key\", \"column_name\", \"reason\", "
      "\"value\", \"value_bytes\", \"rejected_at\" FROM {}.{} WHERE \"sync\" = {}{} "
      "ORDER BY \"rejected_at\" DESC, \"stream\", \"row_key\" LIMIT {}",
      ident(schema), ident(kRejectedTable), literal(sync), of_stream, limit);
}

std::string delete_rejected(std::string_view schema, std::string_view sync, std::string_view stream,
                            std::string_view newest_load_id, const std::vector<std::string>& keys) {
  std::vector<std::string> literals;
  for (const std::string& key : keys) literals.push_back(literal(key));
  return fmt::format(
      "DELETE FROM {}.{} WHERE \"sync\" = {} AND \"stream\" = {} AND \"load_id\" <= {} AND "
      "\"row_key\" IN ({})",
      ident(schema), ident(kRejectedTable), literal(sync), literal(stream), literal(newest_load_id),
      join(literals, ", "));
}

}  // namespace vesto::sql
