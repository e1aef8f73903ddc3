#include "source/postgres/changed.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "pg/errors.h"
#include "pg/quoting.h"
#include "schema/table_name.h"
#include "source/postgres/catalog_row.h"
#include "source/postgres/session.h"

namespace vesto {

namespace {

constexpr uint32_t kFirstUserOid = 16384;  // below: the system's own relations

// True where a row of the catalogue, read in this snapshot as alias {0}, was replaced or deleted by
// a transaction that has committed since. Its xmax is the low half of that transaction's number;
// the snapshot's own numbers tell the high half.
std::string replaced_since(std::string_view alias) {
  return fmt::format(
      "(CASE WHEN {0}.xmax::text = '0' THEN false ELSE (SELECT coalesce(txid_status(s.n + "
      "((({0}.xmax::text::bigint - s.n + 2147483648) & 4294967295) - 2147483648)) = 'committed', "
      "false) FROM (SELECT txid_snapshot_xmax(txid_current_snapshot()) AS n) s) END)",
      alias);
}

}  // namespace

// pg_class, pg_inherits and pg_rewrite are read in the transaction's snapshot; functions tell what
// is there now: to_regclass() another table after a rename, pg_relation_filenode() another file
// after a rewrite, has_table_privilege() NULL after DROP, pg_partition_ancestors() nothing after
// DETACH. Tables that inherit from `relation` were locked with it, save for those that do so no
// longer. A relation without a row in pg_class was made after the snapshot: its rows cannot be
// seen. Indexes and new partitions of a known table are no harm: no row has gone into them that is
// not read where it was.
std::string changed_since_snapshot_sql(const RelationInfo& relation, ReadBy by) {
  const std::string own =
      by == ReadBy::kPlanner ? "t.own" : fmt::format("t.oid = {}", relation.oid);
  return fmt::format(
      "WITH RECURSIVE locked(oid) AS (SELECT l.relation FROM pg_locks l WHERE "
      "l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.database = "
      "(SELECT oid FROM pg_database WHERE datname = current_database())), "
      "heirs(oid, parent) AS (SELECT i.inhrelid, i.inhparent FROM pg_inherits i WHERE "
      "NOT coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false)), "
      "tree(oid, parent, own) AS (SELECT oid, 0::oid, oid = {0} FROM locked UNION "
      "SELECT {0}::oid, 0::oid, true UNION "
      "SELECT h.oid, h.parent, t.own FROM tree t JOIN heirs h ON h.parent = t.oid) "
      "SELECT n.nspname, c.relname, t.oid::regclass::text FROM tree t LEFT JOIN pg_class c "
      "ON c.oid = t.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE t.oid >= {1} AND ("
      "(c.oid IS NULL AND pg_index_has_property(t.oid, 'clusterable') IS NULL AND NOT EXISTS "
      "(SELECT FROM pg_partition_ancestors(t.oid) a JOIN pg_class k ON k.oid = a.relid)) OR "
      "(c.relkind IN ('r','p','m','f') AND ((c.relfilenode <> 0 AND c.relfilenode IS "
      "DISTINCT FROM pg_relation_filenode(c.oid)) OR "
      "has_table_privilege(c.oid, 'SELECT') IS NULL OR "
      "(t.parent <> 0 AND c.relispartition AND NOT EXISTS (SELECT FROM "
      "pg_partition_ancestors(c.oid) a WHERE a.relid = t.parent)))) OR "
      "(c.relkind = 'v' AND EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND {3})) OR "
      "({2} AND t.oid NOT IN (SELECT oid FROM locked)) OR "
      "CASE WHEN (t.oid = {0} OR (t.own AND c.relispartition)) AND "
      "has_schema_privilege(n.oid, 'USAGE') THEN to_regclass(format('%I.%I', n.nspname, "
      "c.relname)) IS DISTINCT FROM c.oid ELSE false END) ORDER BY t.oid LIMIT 1",
      relation.oid, kFirstUserOid, own, replaced_since("w"));
}

std::optional<std::string> changed_relation(const PgAnswer& answer) {
  if (answer.rows.empty()) return std::nullopt;
  const CatalogRow& row = answer.rows.front();
  if (text_at(row, 1).empty()) return text_at(row, 2);
  return table_name_text(text_at(row, 0), text_at(row, 1));
}

Result<std::optional<std::string>> changed_since_snapshot(PgConnection& connection,
                                                          const RelationInfo& table) {
  VESTO_ASSIGN(const PgAnswer answer,
               source_exec(connection, changed_since_snapshot_sql(table, ReadBy::kPlanner),
                           kReadingCatalogue));
  return changed_relation(answer);
}

Result<std::optional<std::string>> changed_column(PgConnection& connection,
                                                  const RelationInfo& relation,
                                                  const std::vector<const ColumnInfo*>& columns) {
  constexpr std::string_view kNoColumn = "42703";
  std::vector<std::string> values;
  for (const ColumnInfo* column : columns) {
    values.push_back(fmt::format("({}, {})", quote_pg_literal(column->name), column->number));
  }
  // pg_get_object_address() reads what is there now.
  auto answer = connection.exec(fmt::format(
      "SELECT v.name FROM (VALUES {}) v(name, number) CROSS JOIN LATERAL pg_get_object_address("
      "'table column', ARRAY[{}, {}, v.name], '{{}}') x WHERE x.objid <> {} OR x.objsubid <> "
      "v.number LIMIT 1",
      join(values, ", "), quote_pg_literal(relation.schema), quote_pg_literal(relation.name),
      relation.oid));
  if (answer.ok()) {
    const auto name = answer->scalar();
    return name ? std::optional("column " + *name) : std::nullopt;
  }
  if (answer.error().sqlstate == kNoColumn) return std::optional(std::string("a column"));
  return pg_source_error(answer.error(), kReadingCatalogue);
}

}  // namespace vesto
