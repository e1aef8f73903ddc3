// Redshift's types in PostgreSQL's terms, and back. Pure; any thread.
// Source: AWS "Data types", "Unsupported PostgreSQL data types".
#ifndef VESTO_SANDBOX_SQL_TYPES_H_
#define VESTO_SANDBOX_SQL_TYPES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

// A type as it is written: its name as PostgreSQL's grammar reports it ("int4", "varchar", "super")
// and its modifiers.
struct TypeText {
  std::string name;
  bool pg_catalog = false;  // the grammar's own types, or spelt pg_catalog.name
  std::vector<int> modifiers;
  bool array = false;
};

struct PgType {
  std::string name;  // in pg_catalog
  std::vector<int> modifiers;
  bool array = false;
  bool leader_only = false;  // oid, regclass, name, ...: not together with tables of users
};

// `column`: "table.column" for a column's definition; empty: a cast.
// Errors: 0A000 `Column "t.c" has unsupported type "x".`, 42704 `type "x" does not exist`, 22023
// for lengths out of range.
SqlResult<PgType> pg_type_for(const TypeText& type, std::string_view column);

// What a client sees in the place of PostgreSQL's type: jsonb -> super (4000), bytea -> varbyte
// (6551), text -> varchar for results, others as they are.
struct RedshiftType {
  uint32_t oid = 0;
  int32_t modifier = -1;
  int16_t size_bytes = -1;  // typlen of RowDescription
};
RedshiftType redshift_type(uint32_t pg_oid, int32_t pg_modifier, int16_t pg_size);

// The same for names in catalogue texts: "jsonb" -> "super", "bytea" -> "varbyte".
std::string redshift_type_name(std::string_view pg_name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_TYPES_H_
