#include "source/postgres/catalog.h"

#include <fmt/format.h>

#include <map>

#include "base/strings.h"
#include "pg/quoting.h"
#include "source/postgres/session.h"

namespace vesto {

namespace {

constexpr std::string_view kReadingCatalogue = "reading the catalogue of the source";
constexpr size_t kMaxKnownNames = 2000;  // that a proposal is searched in

using Row = std::vector<std::optional<std::string>>;

// A server that sends fewer columns than asked for must not be able to stop the program.
std::string text_at(const Row& row, size_t index) {
  return index < row.size() ? row[index].value_or("") : std::string();
}
bool flag_at(const Row& row, size_t index) { return text_at(row, index) == "t"; }
int64_t number_at(const Row& row, size_t index) {
  return parse_int(text_at(row, index)).value_or(0);
}

// Relations of `from` (an alias c of pg_class and n of pg_namespace must be in it).
// pg_class is read in the transaction's snapshot, pg_relation_filenode() tells the present file.
constexpr std::string_view kRelationColumns =
    "c.oid, n.nspname, c.relname, c.relkind, coalesce(am.amname = 'heap', false), "
    "has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'), "
    "row_security_active(c.oid), "
    "c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid), "
    "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> ''), "
    "c.relfilenode <> 0 AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid), "
    "CASE WHEN c.relpages = 0 AND c.reltuples = 0 THEN -1 ELSE c.reltuples::bigint END, "
    "CASE WHEN c.relkind IN ('r','m') THEN coalesce(pg_relation_size(c.oid), 0) ELSE 0 END, "
    "CASE WHEN c.reltoastrelid <> 0 THEN coalesce(pg_relation_size(c.reltoastrelid), 0) ELSE 0 END";

constexpr std::string_view kRelationJoins =
    "JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam";

RelationInfo relation_of(const Row& row) {
  RelationInfo info;
  info.oid = static_cast<uint32_t>(number_at(row, 0));
  info.schema = text_at(row, 1);
  info.name = text_at(row, 2);
  const std::string kind = text_at(row, 3);
  info.kind = kind.empty() ? ' ' : kind.front();
  info.heap = flag_at(row, 4);
  info.readable = flag_at(row, 5);
  info.row_security = flag_at(row, 6);
  info.has_children = flag_at(row, 7);
  info.has_generated = flag_at(row, 8);
  info.rewritten = flag_at(row, 9);
  info.rows = number_at(row, 10);
  info.heap_bytes = number_at(row, 11);
  info.toast_bytes = number_at(row, 12);
  return info;
}

constexpr std::string_view kReadableTables =
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition "
    "AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
    "AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')";

bool needs_quotes(std::string_view part) {
  return part.empty() || part.find_first_of("\".") != std::string_view::npos;
}

std::string name_part(std::string_view part) {
  return needs_quotes(part) ? quote_identifier(part) : std::string(part);
}

// "\"a\"\"b\"..." -> a"b, and what follows the closing quote.
std::optional<std::string> take_quoted(std::string_view* text) {
  std::string out;
  size_t at = 1;
  while (at < text->size()) {
    if ((*text)[at] != '"') {
      out += (*text)[at++];
    } else if (at + 1 < text->size() && (*text)[at + 1] == '"') {
      out += '"';
      at += 2;
    } else {
      text->remove_prefix(at + 1);
      return out;
    }
  }
  return std::nullopt;
}

// schema and table, at least one of them in quotes.
std::optional<std::pair<std::string, std::string>> quoted_reading(std::string_view text) {
  std::vector<std::string> parts;
  while (parts.size() < 2) {
    if (text.starts_with('"')) {
      auto part = take_quoted(&text);
      if (!part) return std::nullopt;
      parts.push_back(*std::move(part));
    } else {
      const size_t end = parts.empty() ? std::min(text.find('.'), text.size()) : text.size();
      parts.emplace_back(text.substr(0, end));
      text.remove_prefix(end);
    }
    if (parts.size() == 1) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  if (!text.empty()) return std::nullopt;
  return std::pair(parts[0], parts[1]);
}

Error no_table(PgConnection& connection, std::string_view text) {
  std::string message = fmt::format("{} does not exist in the source", text);
  if (text.find('.') == std::string_view::npos) message += " (write schema.table)";
  const auto known = source_exec(
      connection,
      fmt::format("SELECT n.nspname, c.relname {} LIMIT {}", kReadableTables, kMaxKnownNames),
      kReadingCatalogue);
  if (known.ok()) {
    std::vector<std::string> names;
    for (const Row& row : known->rows) {
      names.push_back(stream_name(text_at(row, 0), text_at(row, 1)));
      // A name without its schema is close to the one with it.
      if (text_at(row, 1) == text) message += fmt::format("; did you mean {}?", names.back());
    }
    if (const auto near = nearest(text, names);
        near && message.find("did you mean") == std::string::npos) {
      message += fmt::format("; did you mean {}?", *near);
    }
  }
  return Error(ErrorCode::kPgNoTable, message);
}

}  // namespace

std::string stream_name(std::string_view schema, std::string_view name) {
  return name_part(schema) + "." + name_part(name);
}

std::vector<std::pair<std::string, std::string>> table_name_readings(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> readings;
  if (text.find('"') != std::string_view::npos) {
    if (auto reading = quoted_reading(text)) readings.push_back(*std::move(reading));
  }
  for (size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', dot + 1)) {
    if (dot > 0 && dot + 1 < text.size()) {
      readings.emplace_back(std::string(text.substr(0, dot)), std::string(text.substr(dot + 1)));
    }
  }
  return readings;
}

std::string_view kind_name(char relkind) {
  switch (relkind) {
    case 'r':
      return "table";
    case 'p':
      return "partitioned table";
    case 'v':
      return "view";
    case 'm':
      return "materialized view";
    case 'f':
      return "foreign table";
    default:
      return "relation";
  }
}

Result<std::vector<SourceTable>> list_tables(PgConnection& connection) {
  VESTO_ASSIGN(
      const PgAnswer tables,
      source_exec(
          connection,
          fmt::format(
              "SELECT c.oid, n.nspname, c.relname, c.relkind, CASE WHEN c.relkind = 'p' THEN "
              "(SELECT CASE WHEN bool_and(l.reltuples >= 0) THEN sum(l.reltuples)::bigint "
              "ELSE -1 END FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid "
              "WHERE t.isleaf) WHEN c.relkind IN ('v','f') THEN -1 "
              "WHEN c.relpages = 0 AND c.reltuples = 0 THEN -1 ELSE c.reltuples::bigint END, "
              "CASE WHEN c.relkind = 'p' THEN (SELECT sum(pg_table_size(t.relid)) "
              "FROM pg_partition_tree(c.oid) t WHERE t.isleaf) ELSE pg_table_size(c.oid) END {} "
              "ORDER BY n.nspname, c.relname",
              kReadableTables),
          kReadingCatalogue));
  std::vector<SourceTable> found;
  std::map<std::string, size_t> by_oid;
  for (const Row& row : tables.rows) {
    by_oid[text_at(row, 0)] = found.size();
    SourceTable& table = found.emplace_back();
    table.schema = text_at(row, 1);
    table.name = text_at(row, 2);
    table.kind = kind_name(text_at(row, 3).empty() ? ' ' : text_at(row, 3).front());
    table.estimated_rows = parse_int(text_at(row, 4)).value_or(-1);
    table.size_bytes = number_at(row, 5);
  }
  VESTO_ASSIGN(
      const PgAnswer columns,
      source_exec(connection,
                  fmt::format("SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), "
                              "NOT a.attnotnull, a.attgenerated <> '', k.place "
                              "FROM pg_attribute a LEFT JOIN (SELECT i.indrelid, u.attnum, u.place "
                              "FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY "
                              "AS u(attnum, place) WHERE i.indisprimary) k "
                              "ON k.indrelid = a.attrelid AND k.attnum = a.attnum "
                              "WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN "
                              "(SELECT c.oid {}) ORDER BY a.attrelid, a.attnum",
                              kReadableTables),
                  kReadingCatalogue));
  std::map<size_t, std::map<int64_t, std::string>> keys;
  for (const Row& row : columns.rows) {
    const auto at = by_oid.find(text_at(row, 0));
    if (at == by_oid.end()) continue;  // made between the two statements
    found[at->second].columns.push_back(
        {text_at(row, 1), text_at(row, 2), flag_at(row, 3), flag_at(row, 4)});
    if (number_at(row, 5) > 0) keys[at->second][number_at(row, 5)] = text_at(row, 1);
  }
  for (const auto& [index, key] : keys) {
    for (const auto& [place, name] : key) found[index].primary_key.push_back(name);
  }
  return found;
}

Result<RelationInfo> find_relation(PgConnection& connection, std::string_view text) {
  const auto readings = table_name_readings(text);
  if (readings.empty()) return no_table(connection, text);
  std::vector<std::string> pairs;
  for (const auto& [schema, name] : readings) {
    pairs.push_back(fmt::format("({},{})", quote_pg_literal(schema), quote_pg_literal(name)));
  }
  VESTO_ASSIGN(const PgAnswer answer,
               source_exec(connection,
                           fmt::format("SELECT {} FROM pg_class c {} WHERE (n.nspname, c.relname) "
                                       "IN ({}) ORDER BY n.nspname",
                                       kRelationColumns, kRelationJoins, join(pairs, ",")),
                           kReadingCatalogue));
  if (answer.rows.empty()) return no_table(connection, text);
  if (answer.rows.size() > 1) {
    return Error(ErrorCode::kPgNoTable,
                 fmt::format("{} may mean several tables: write \"schema\".\"table\"", text));
  }
  return relation_of(answer.rows.front());
}

namespace {

Status read_columns(PgConnection& connection, TableInfo* table) {
  const uint32_t oid = table->relation.oid;
  VESTO_ASSIGN(
      const PgAnswer answer,
      source_exec(
          connection,
          fmt::format(
              "SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), b.oid, b.typmod, "
              "a.attnotnull, a.attgenerated <> '', has_column_privilege(a.attrelid, a.attnum, "
              "'SELECT'), (SELECT max(s.avg_width) FROM pg_stats s WHERE s.schemaname = {1} AND "
              "s.tablename = {2} AND s.attname = a.attname), EXISTS (SELECT FROM pg_index i "
              "JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam "
              "WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid "
              "AND i.indpred IS NULL AND am.amname = 'btree'), "
              "has_schema_privilege({1}, 'USAGE') "
              "FROM pg_attribute a CROSS JOIN LATERAL (WITH RECURSIVE d(oid, typmod, level) AS ("
              "SELECT a.atttypid, a.atttypmod, 0 UNION ALL SELECT t.typbasetype, "
              "CASE WHEN t.typtypmod <> -1 THEN t.typtypmod ELSE d.typmod END, d.level + 1 "
              "FROM d JOIN pg_type t ON t.oid = d.oid WHERE t.typtype = 'd' AND d.level < 32) "
              "SELECT d.oid, d.typmod FROM d ORDER BY d.level DESC LIMIT 1) b "
              "WHERE a.attrelid = {0} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
              oid, quote_pg_literal(table->relation.schema),
              quote_pg_literal(table->relation.name)),
          kReadingCatalogue));
  for (const Row& row : answer.rows) {
    ColumnInfo& column = table->columns.emplace_back();
    column.number = static_cast<int>(number_at(row, 0));
    column.name = text_at(row, 1);
    column.type = text_at(row, 2);
    column.base_oid = static_cast<uint32_t>(number_at(row, 3));
    column.base_typmod = static_cast<int32_t>(number_at(row, 4));
    column.not_null = flag_at(row, 5);
    column.generated = flag_at(row, 6);
    column.readable = flag_at(row, 7);
    column.average_bytes = static_cast<int>(number_at(row, 8));
    column.index_first = flag_at(row, 9);
    table->schema_usable = flag_at(row, 10);
  }
  return ok_status();
}

Status read_primary_key(PgConnection& connection, TableInfo* table) {
  VESTO_ASSIGN(const PgAnswer answer,
               source_exec(connection,
                           fmt::format("SELECT a.attname FROM pg_index i, unnest(i.indkey::int2[]) "
                                       "WITH ORDINALITY AS u(attnum, place), pg_attribute a "
                                       "WHERE i.indrelid = {} AND i.indisprimary AND a.attrelid = "
                                       "i.indrelid AND a.attnum = u.attnum ORDER BY u.place",
                                       table->relation.oid),
                           kReadingCatalogue));
  for (const Row& row : answer.rows) table->primary_key.push_back(text_at(row, 0));
  return ok_status();
}

}  // namespace

Result<TableInfo> describe_table(PgConnection& connection, const RelationInfo& relation) {
  TableInfo table;
  table.relation = relation;
  VESTO_TRY(read_columns(connection, &table));
  VESTO_TRY(read_primary_key(connection, &table));
  return table;
}

Status refresh_relations(PgConnection& connection, TableInfo* table) {
  VESTO_ASSIGN(const PgAnswer self,
               source_exec(connection,
                           fmt::format("SELECT {} FROM pg_class c {} WHERE c.oid = {}",
                                       kRelationColumns, kRelationJoins, table->relation.oid),
                           kReadingCatalogue));
  if (self.rows.empty()) {
    return Error(ErrorCode::kPgNoTable,
                 fmt::format("{} was dropped just now",
                             stream_name(table->relation.schema, table->relation.name)));
  }
  table->relation = relation_of(self.rows.front());
  table->leaves.clear();
  if (table->relation.kind != 'p') return ok_status();
  VESTO_ASSIGN(const PgAnswer leaves,
               source_exec(connection,
                           fmt::format("SELECT {} FROM pg_partition_tree({}) t JOIN pg_class c "
                                       "ON c.oid = t.relid {} WHERE t.isleaf AND c.relkind <> 'p' "
                                       "ORDER BY c.oid",
                                       kRelationColumns, table->relation.oid, kRelationJoins),
                           kReadingCatalogue));
  for (const Row& row : leaves.rows) table->leaves.push_back(relation_of(row));
  return ok_status();
}

}  // namespace vesto
