// What the cluster's pg_catalog holds beyond PostgreSQL's, for those who write SQL against it.
//
// Views in the place of catalogue relations. translate() replaces a reference to `schema.name`
// (or to the bare name, where no schema is given) by pg_catalog.<view>; the view has Redshift's
// columns, shows names of over 63 bytes in full, and hides what Redshift does not have (indexes,
// TOAST).
//
// Functions that translate() may call in pg_sql (all in pg_catalog; each raises Redshift's error):
//   rs_set_table_attributes(tbl text, diststyle text, distkey text, sortkeys text[],
//                           interleaved bool)
//     After CREATE TABLE, in the same list. tbl is the quoted name, '"s"."t"'. diststyle: 'AUTO',
//     'EVEN', 'KEY', 'ALL' or NULL (keep). distkey: column or NULL. sortkeys: NULL keeps,
//     '{}' removes. Raises 42703 for a column that is not there. Also for ALTER DISTSTYLE/SORTKEY.
//   rs_copy_table_attributes(tbl text, source text)
//     After CREATE TABLE (LIKE source).
//   rs_set_encoding(tbl text, col text, encoding text)
//   rs_set_varbyte_length(tbl text, col text, size int)
//   rs_check_widen(tbl text, col text, type text, size int)
//     Before ALTER COLUMN TYPE varchar(size)/varbyte(size): refuses as Redshift does (sort or dist
//     key, same size, shrinking below the data, other types).
//   rs_check_drop_column(tbl text, col text)
//     Before DROP COLUMN: "cannot drop sortkey column" / "cannot drop distkey column".
// rs_pg_format_type(oid, int) is PostgreSQL's own format_type; the one of that name shows super and
// binary varying.
// Functions that a client calls: getdate(), pg_last_copy_count(), pg_last_copy_id(),
// pg_last_query_id(), pg_last_unload_count(), format_encoding(int), nvl, len, ... as in bootstrap.
#ifndef VESTO_SANDBOX_CLUSTER_CATALOG_NAMES_H_
#define VESTO_SANDBOX_CLUSTER_CATALOG_NAMES_H_

#include <array>
#include <string_view>

namespace vesto::sandbox {

struct CatalogView {
  std::string_view schema;  // "pg_catalog" or "information_schema"
  std::string_view name;
  std::string_view view;  // in pg_catalog
};

// References to the left are to be replaced by the right.
inline constexpr std::array kCatalogViews = {
    CatalogView{"pg_catalog", "pg_class", "rs_pg_class"},
    CatalogView{"pg_catalog", "pg_attribute", "rs_pg_attribute"},
    CatalogView{"pg_catalog", "pg_namespace", "rs_pg_namespace"},
    CatalogView{"pg_catalog", "pg_attrdef", "rs_pg_attrdef"},
    CatalogView{"pg_catalog", "pg_proc", "rs_pg_proc"},
    CatalogView{"pg_catalog", "pg_tables", "rs_pg_tables"},
    CatalogView{"pg_catalog", "pg_views", "rs_pg_views"},
    CatalogView{"pg_catalog", "pg_stat_activity", "rs_pg_stat_activity"},
    CatalogView{"information_schema", "columns", "rs_is_columns"},
    CatalogView{"information_schema", "tables", "rs_is_tables"},
    CatalogView{"information_schema", "views", "rs_is_views"},
    CatalogView{"information_schema", "schemata", "rs_is_schemata"},
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CLUSTER_CATALOG_NAMES_H_
