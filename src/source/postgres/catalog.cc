#include "source/postgres/catalog.h"

#include <fmt/format.h>

#include <map>

#include "base/strings.h"
#include "pg/errors.h"
#include "pg/quoting.h"
#include "schema/table_name.h"
#include "source/postgres/catalog_row.h"
#include "source/postgres/session.h"

namespace vesto {

namespace {

constexpr size_t kMaxKnownNames = 2000;  // that a proposal is searched in

// Relations of `from` (an alias c of pg_class and n of pg_namespace must be in it).
constexpr std::string_view kRelationColumns =
    "c.oid, n.nspname, c.relname, c.relkind, coalesce(am.amname = 'heap', false), "
    "has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'), "
    "row_security_active(c.oid), "
    "c.relkind <> 'p' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid), "
    "EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated <> ''), "
    "CASE WHEN c.relpages = 0 AND c.reltuples = 0 THEN -1 ELSE c.reltuples::bigint END, "
    "CASE WHEN c.relkind IN ('r','m') THEN coalesce(pg_relation_size(c.oid), 0) ELSE 0 END, "
    "CASE WHEN c.reltoastrelid <> 0 THEN coalesce(pg_relation_size(c.reltoastrelid), 0) ELSE 0 END";

constexpr std::string_view kRelationJoins =
    "JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam";

RelationInfo relation_of(const CatalogRow& row) {
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
  info.rows = number_at(row, 9);
  info.heap_bytes = number_at(row, 10);
  info.toast_bytes = number_at(row, 11);
  return info;
}

constexpr std::string_view kAllTables =
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN ('r','p','v','m','f') AND NOT c.relispartition "
    "AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
// Of those, behind kAllTables: what we may read.
constexpr std::string_view kAndReadable =
    " AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')";

std::string readable_tables() { return std::string(kAllTables) + std::string(kAndReadable); }

Error no_table(PgConnection& connection, std::string_view text) {
  std::string message = fmt::format("{} does not exist in the source", text);
  if (text.find('.') == std::string_view::npos) message += " (write schema.table)";
  const auto known = source_exec(
      connection,
      fmt::format("SELECT n.nspname, c.relname {} LIMIT {}", readable_tables(), kMaxKnownNames),
      kReadingCatalogue);
  if (known.ok()) {
    std::vector<std::string> names;
    for (const CatalogRow& row : known->rows) {
      names.push_back(table_name_text(text_at(row, 0), text_at(row, 1)));
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
              readable_tables()),
          kReadingCatalogue));
  std::vector<SourceTable> found;
  std::map<std::string, size_t> by_oid;
  for (const CatalogRow& row : tables.rows) {
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
      source_exec(
          connection,
          fmt::format("SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), "
                      "NOT a.attnotnull, a.attgenerated <> '', k.place "
                      "FROM pg_attribute a LEFT JOIN (SELECT i.indrelid, u.attnum, u.place "
                      "FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY "
                      "AS u(attnum, place) WHERE i.indisprimary AND u.place <= i.indnkeyatts) "
                      "k "
                      "ON k.indrelid = a.attrelid AND k.attnum = a.attnum "
                      "WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN "
                      "(SELECT c.oid {}) ORDER BY a.attrelid, a.attnum",
                      readable_tables()),
          kReadingCatalogue));
  std::map<size_t, std::map<int64_t, std::string>> keys;
  for (const CatalogRow& row : columns.rows) {
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

Result<std::vector<TableName>> list_table_names(PgConnection& connection) {
  VESTO_ASSIGN(const PgAnswer answer,
               source_exec(connection, fmt::format("SELECT n.nspname, c.relname {}", kAllTables),
                           kReadingCatalogue));
  std::vector<TableName> names;
  for (const CatalogRow& row : answer.rows) names.push_back({text_at(row, 0), text_at(row, 1)});
  return names;
}

Result<RelationInfo> find_relation(PgConnection& connection, std::string_view text) {
  const std::optional<TableName> name = parse_table_name(text);
  if (!name) return no_table(connection, text);
  VESTO_ASSIGN(
      const PgAnswer answer,
      source_exec(connection,
                  fmt::format("SELECT {} FROM pg_class c {} WHERE n.nspname = {} AND "
                              "c.relname = {}",
                              kRelationColumns, kRelationJoins, quote_pg_literal(name->schema),
                              quote_pg_literal(name->table)),
                  kReadingCatalogue));
  if (answer.rows.empty()) return no_table(connection, text);
  return relation_of(answer.rows.front());
}

namespace {

// Of a type y: what PostgresType holds besides oid and typmod.
constexpr std::string_view kTypeColumns =
    "y.typname, y.typtype, "
    // Not int2vector and oidvector, which to_json() takes for texts.
    "CASE WHEN y.typcategory = 'A' AND y.typlen = -1 AND y.oid NOT IN (22, 30) "
    "THEN y.typelem ELSE 0 END, (SELECT e.extname FROM pg_depend x JOIN pg_extension e "
    "ON e.oid = x.refobjid WHERE x.classid = 'pg_type'::regclass AND x.objid = y.oid AND "
    "x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e'), "
    "CASE WHEN y.oid = 790 THEN scale(0::money::numeric) END";

// Joins the base type as b(oid, typmod), domains followed, and its row y of pg_type.
std::string base_type_join(std::string_view type_oid, std::string_view typmod) {
  return fmt::format(
      "CROSS JOIN LATERAL (WITH RECURSIVE d(oid, typmod, level) AS ("
      "SELECT {}, {}, 0 UNION ALL SELECT t.typbasetype, "
      "CASE WHEN t.typtypmod <> -1 THEN t.typtypmod ELSE d.typmod END, d.level + 1 "
      "FROM d JOIN pg_type t ON t.oid = d.oid WHERE t.typtype = 'd' AND d.level < 32) "
      "SELECT d.oid, d.typmod FROM d ORDER BY d.level DESC LIMIT 1) b "
      "JOIN pg_type y ON y.oid = b.oid",
      type_oid, typmod);
}

void add_columns(const PgAnswer& answer, TableInfo* table) {
  for (const CatalogRow& row : answer.rows) {
    ColumnInfo& column = table->columns.emplace_back();
    column.number = static_cast<int>(number_at(row, 0));
    column.name = text_at(row, 1);
    column.type = text_at(row, 2);
    column.base.oid = static_cast<uint32_t>(number_at(row, 3));
    column.base.typmod = static_cast<int32_t>(number_at(row, 4));
    column.not_null = flag_at(row, 5);
    column.generated = flag_at(row, 6);
    column.readable = flag_at(row, 7);
    column.average_bytes = static_cast<int>(number_at(row, 8));
    column.index_first = flag_at(row, 9);
    table->schema_usable = flag_at(row, 10);
    column.base.name = text_at(row, 11);
    column.base.kind = text_at(row, 12).empty() ? 'b' : text_at(row, 12).front();
    column.base.element_oid = static_cast<uint32_t>(number_at(row, 13));
    column.base.extension = text_at(row, 14);
    column.base.money_scale = static_cast<int>(number_at(row, 15));
    column.loose_collation = flag_at(row, 16);
  }
}

Status read_columns(PgConnection& connection, TableInfo* table) {
  const uint32_t oid = table->relation.oid;
  VESTO_ASSIGN(
      const PgAnswer answer,
      source_exec(
          connection,
          fmt::format(
              "SELECT a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), b.oid, b.typmod, "
              // NULL: dropped after the snapshot; the locked table will tell.
              "a.attnotnull, a.attgenerated <> '', coalesce(has_column_privilege(a.attrelid, "
              "a.attnum, 'SELECT'), true), (SELECT max(s.avg_width) FROM pg_stats s WHERE "
              "s.schemaname = {1} AND "
              "s.tablename = {2} AND s.attname = a.attname), EXISTS (SELECT FROM pg_index i "
              "JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am am ON am.oid = x.relam "
              "WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND i.indisvalid "
              "AND i.indpred IS NULL AND am.amname = 'btree'), "
              "has_schema_privilege({1}, 'USAGE'), {3}, "
              "EXISTS (SELECT FROM pg_collation k WHERE k.oid = a.attcollation AND "
              "NOT k.collisdeterministic) "
              "FROM pg_attribute a {4} "
              "WHERE a.attrelid = {0} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
              oid, quote_pg_literal(table->relation.schema), quote_pg_literal(table->relation.name),
              kTypeColumns, base_type_join("a.atttypid", "a.atttypmod")),
          kReadingCatalogue));
  add_columns(answer, table);
  return ok_status();
}

// Columns that an index only carries (INCLUDE) belong to no key. Uniqueness that is checked at the
// end of a transaction (DEFERRABLE) is not taken for proven, nor is NOT NULL that was never
// validated (PostgreSQL 18).
Status read_keys(PgConnection& connection, TableInfo* table) {
  VESTO_ASSIGN(
      const PgAnswer answer,
      source_exec(
          connection,
          fmt::format(
              "SELECT i.indexrelid, i.indisprimary, i.indimmediate AND i.indisvalid AND "
              "bool_and(a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE "
              "k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated AND "
              "a.attnum = ANY(k.conkey))) OVER (PARTITION BY i.indexrelid), a.attname "
              "FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY "
              "AS u(attnum, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND "
              "a.attnum = u.attnum WHERE i.indrelid = {} AND i.indisunique AND i.indpred IS NULL "
              "AND i.indexprs IS NULL AND u.place <= i.indnkeyatts "
              "ORDER BY i.indexrelid, u.place",
              table->relation.oid),
          kReadingCatalogue));
  std::string index;
  for (const CatalogRow& row : answer.rows) {
    if (flag_at(row, 1)) table->primary_key.push_back(text_at(row, 3));
    if (!flag_at(row, 2)) continue;
    if (text_at(row, 0) != index) table->unique_keys.emplace_back();
    index = text_at(row, 0);
    table->unique_keys.back().push_back(text_at(row, 3));
  }
  return ok_status();
}

}  // namespace

Status describe_query_columns(PgConnection& connection, const std::vector<PgColumn>& columns,
                              TableInfo* table) {
  std::vector<std::string> values;
  for (size_t i = 0; i < columns.size(); ++i) {
    const PgColumn& column = columns[i];
    values.push_back(fmt::format("({}, {}, {}::oid, {}, {}::oid, {})", i + 1,
                                 quote_pg_literal(column.name), column.type_oid, column.typmod,
                                 column.table_oid, column.table_column));
  }
  VESTO_ASSIGN(
      const PgAnswer answer,
      source_exec(
          connection,
          fmt::format("SELECT 0, v.name, format_type(v.type, v.typmod), b.oid, b.typmod, "
                      "false, false, true, 0, false, true, {}, "
                      "EXISTS (SELECT FROM pg_attribute o JOIN pg_collation k "
                      "ON k.oid = o.attcollation WHERE o.attrelid = v.origin AND "
                      "o.attnum = v.origin_column AND NOT k.collisdeterministic) "
                      "FROM (VALUES {}) v(number, name, type, typmod, origin, "
                      "origin_column) {} ORDER BY v.number",
                      kTypeColumns, join(values, ", "), base_type_join("v.type", "v.typmod")),
          kReadingCatalogue));
  if (answer.rows.size() != columns.size()) {
    return Error(ErrorCode::kPgRead, "the server did not describe the columns of the query");
  }
  add_columns(answer, table);
  return ok_status();
}

Result<TableInfo> describe_table(PgConnection& connection, const RelationInfo& relation) {
  TableInfo table;
  table.relation = relation;
  table.server_version = connection.server_version();
  VESTO_TRY(read_columns(connection, &table));
  VESTO_TRY(read_keys(connection, &table));
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
                             table_name_text(table->relation.schema, table->relation.name)));
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
  for (const CatalogRow& row : leaves.rows) table->leaves.push_back(relation_of(row));
  return ok_status();
}

}  // namespace vesto
