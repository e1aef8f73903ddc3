// What stands in a schema of the destination: one query over pg_namespace, pg_class and
// pg_attribute (Redshift Developer Guide: PG_ATTRIBUTE with attisdistkey and attsortkeyord). It
// takes no snapshot of user tables and sees tables that the user may not read.
// Thread rule: plain values, any thread.
#ifndef VESTO_REDSHIFT_CATALOG_H_
#define VESTO_REDSHIFT_CATALOG_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "redshift/session.h"
#include "schema/table.h"

namespace vesto {

struct CatalogColumn {
  std::string name;
  std::string type_text;           // format_type(): "character varying(256)"
  std::optional<ColumnType> type;  // nothing: a type that Vesto does not write
  bool not_null = false;
  bool has_default = false;
  bool distkey = false;
  bool sortkey = false;  // one of them, at any place
};

struct CatalogTable {
  std::string name;
  std::string owner;
  bool is_table = true;  // false: a view, an external table ...
  std::vector<CatalogColumn> columns;

  [[nodiscard]] const CatalogColumn* find(std::string_view column) const;
  [[nodiscard]] std::string distkey() const;  // "" = none
};

struct Catalog {
  std::string user;
  std::string database;
  bool schema_exists = false;
  std::map<std::string, CatalogTable, std::less<>> tables;

  [[nodiscard]] const CatalogTable* find(std::string_view table) const;
};

// "character varying(256)" -> VARCHAR(256). Nothing for types that Vesto does not write.
std::optional<ColumnType> parse_redshift_type(std::string_view text);

// The query for `tables` of `schema`; it always gives a row, also without the schema.
std::string catalog_sql(std::string_view schema, const std::vector<std::string>& tables);
// Errors: RS-SQL if the answer has another shape.
Result<Catalog> parse_catalog(const ExecResult& answer);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_CATALOG_H_
