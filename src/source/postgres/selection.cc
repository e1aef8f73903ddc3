#include "source/postgres/selection.h"

#include <fmt/format.h>

#include <set>

#include "base/strings.h"
#include "encode/redshift_csv.h"
#include "pg/errors.h"
#include "pg/quoting.h"

namespace vesto {

namespace {

constexpr uint32_t kBooleanArrayOid = 1000;

// A mistake in the text is one of the configuration; what the text names and the server has not, or
// does not show, has codes of its own.
Error selection_error(const PgError& error, std::string_view what) {
  Error made = pg_source_error(error, what);
  const std::string_view group = std::string_view(error.sqlstate).substr(0, 2);
  const bool mistake = error.kind == PgError::Kind::kServer && made.code() == ErrorCode::kPgRead &&
                       (group == "42" || group == "0A" || group == "25");
  if (!mistake) return made;
  return Error(ErrorCode::kCfgValue, made.message()).with_upstream(made.upstream());
}

// The text of a key column as a literal that the column's type reads.
std::string key_literal(const ReadColumn& column, std::string_view text) {
  if (column.print != PrintForm::kHex) return quote_pg_literal(text);
  return quote_pg_literal(text == kEmptyBinary ? "\\x" : "\\x" + std::string(text));
}

}  // namespace

std::string query_from(std::string_view query) {
  return fmt::format("(\n{}\n) AS vesto_query", query);
}

Result<TableInfo> describe_query(PgConnection& connection, std::string_view name,
                                 std::string_view query) {
  const std::string doing = fmt::format("reading the query of {}", name);
  auto columns = connection.describe("SELECT * FROM " + query_from(query));
  if (!columns.ok()) return selection_error(columns.error(), doing);
  std::set<std::string> names;
  for (const PgColumn& column : columns.value()) {
    if (names.insert(column.name).second) continue;
    return Error(ErrorCode::kCfgValue,
                 fmt::format("{}: two columns have the name {}", doing, column.name))
        .with_hint("Name each column of the query: SELECT a.id, b.id AS b_id ...");
  }
  TableInfo table;
  table.relation.kind = kQueryRelation;
  table.relation.name = name;
  table.relation.readable = true;
  table.server_version = connection.server_version();
  table.schema_usable = true;
  VESTO_TRY(describe_query_columns(connection, columns.value(), &table));
  return table;
}

// In brackets of both kinds: a text with brackets that do not match fits into one at the most.
Status check_filter(PgConnection& connection, std::string_view from, std::string_view filter) {
  constexpr std::string_view kDoing = "reading the filter";
  const auto condition =
      connection.describe(fmt::format("SELECT FROM {} WHERE {}", from, filter_condition(filter)));
  if (!condition.ok()) return selection_error(condition.error(), kDoing);
  const auto value = connection.describe(fmt::format("SELECT ARRAY[\n{}\n] FROM {}", filter, from));
  if (!value.ok()) return selection_error(value.error(), kDoing);
  if (value.value().size() == 1 && value.value()[0].type_oid == kBooleanArrayOid) {
    return ok_status();
  }
  return Error(ErrorCode::kCfgValue, fmt::format("{}: it is not one condition", kDoing));
}

std::string filter_condition(std::string_view filter) { return fmt::format("(\n{}\n)", filter); }

Result<std::string> keys_condition(const StreamColumns& columns,
                                   const std::vector<std::vector<std::string>>& keys) {
  const std::vector<size_t>& key = columns.schema.key;
  if (key.empty() || keys.empty() || keys.size() > kMaxWantedKeys) {
    return Error(ErrorCode::kCfgValue,
                 fmt::format("{}: rows are found by a key, at most {} at a time",
                             columns.schema.stream, kMaxWantedKeys));
  }
  std::vector<std::string> names;
  for (const size_t index : key) {
    const ReadColumn& column = columns.read[index];
    // money is compared by the number that it prints.
    names.push_back(quote_identifier(column.name) +
                    (column.print == PrintForm::kNumeric ? "::numeric" : ""));
  }
  std::vector<std::string> rows;
  for (const std::vector<std::string>& wanted : keys) {
    if (wanted.size() != key.size()) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("{}: a key has {} values, the stream's has {}",
                               columns.schema.stream, wanted.size(), key.size()));
    }
    std::vector<std::string> values;
    for (size_t i = 0; i < key.size(); ++i) {
      values.push_back(key_literal(columns.read[key[i]], wanted[i]));
    }
    rows.push_back("(" + join(values, ", ") + ")");
  }
  return fmt::format("({}) IN ({})", join(names, ", "), join(rows, ", "));
}

}  // namespace vesto
