// CREATE TABLE with Redshift's attributes, and column definitions as ALTER TABLE ADD uses them.
//
// Attributes (DISTSTYLE, DISTKEY, SORTKEY, ENCODE, BACKUP, IDENTITY) are taken out of the text and
// recorded by calls of pg_catalog.rs_... functions (sandbox/cluster/catalog_names.h); PRIMARY KEY,
// UNIQUE and FOREIGN KEY are informational in Redshift and dropped, but a primary key's columns
// become NOT NULL. Source: AWS "CREATE TABLE", "CREATE TABLE AS". Internal to sandbox/sql.
#ifndef VESTO_SANDBOX_SQL_CREATE_TABLE_H_
#define VESTO_SANDBOX_SQL_CREATE_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "sandbox/sql/cursor.h"
#include "sandbox/sql/render.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

// One column as its definition says; what PostgreSQL need not know is edited away.
struct ColumnAttributes {
  std::string name;
  std::string type;  // first word, lower case: "super", "varbyte", ...
  int varbyte_length = 0;
  std::string encoding;
  bool distkey = false;
  bool sortkey = false;
  bool not_null = false;
  bool primary_key = false;
  bool unique_or_reference = false;
  bool identity = false;
  size_t default_from = 0;  // tokens of the DEFAULT's value; 0: none
  size_t default_to = 0;
  size_t end = 0;  // index of the token behind the definition
};

// Parses `name type attributes...` up to ',' or ')' or the end of the statement.
SqlResult<ColumnAttributes> parse_column(Cursor* cursor, Edits* edits);

// What stands behind the columns, and in ALTER TABLE.
struct TableAttributes {
  std::optional<std::string> diststyle;  // AUTO, EVEN, KEY, ALL
  std::optional<std::string> distkey;
  std::optional<std::vector<std::string>> sortkeys;  // empty: AUTO
  bool interleaved = false;
};

// pg_catalog.rs_set_table_attributes(...) for the table `"s"."t"`; "" where nothing is set.
std::string attributes_call(const std::string& table, const TableAttributes& attributes);

// The cursor stands behind CREATE. Returns false, untouched, if this is no CREATE TABLE.
SqlResult<bool> translate_create_table(Cursor* cursor, Statement* out);

// Is it one of Redshift's column encodings (lower case)? "auto" is not.
bool is_encoding(const std::string& name);

// The name for use inside of a call: 'text' literal of "s"."t", without the database.
std::string table_literal(const QualifiedName& name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_CREATE_TABLE_H_
