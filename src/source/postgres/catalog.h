// What PostgreSQL's catalogue says about tables. Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_CATALOG_H_
#define VESTO_SOURCE_POSTGRES_CATALOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "schema/postgres_types.h"
#include "source/source.h"

namespace vesto {

// One relation that rows are read from: a table, or one leaf of a partitioned table.
struct RelationInfo {
  uint32_t oid = 0;
  std::string schema;
  std::string name;
  char kind = 'r';            // pg_class.relkind
  bool heap = false;          // kept by the heap access method: has blocks that ctid ranges can cut
  bool readable = false;      // SELECT on the whole table and USAGE on its schema
  bool row_security = false;  // policies filter what this user sees
  bool has_children = false;  // inherited by other tables
  bool has_generated = false;
  int64_t rows = -1;  // pg_class.reltuples
  int64_t heap_bytes = 0;
  int64_t toast_bytes = 0;
};

struct ColumnInfo {
  int number = 0;  // attnum
  std::string name;
  std::string type;   // format_type()
  PostgresType base;  // domains followed to their base type
  bool not_null = false;
  bool generated = false;
  bool readable = false;
  int average_bytes = 0;         // pg_stats, 0: unknown
  bool index_first = false;      // first column of an index over all rows
  bool loose_collation = false;  // texts of other bytes may be equal (not deterministic)
};

struct TableInfo {
  RelationInfo relation;
  int server_version = 0;  // 150004
  bool schema_usable = false;
  std::vector<ColumnInfo> columns;
  std::vector<std::string> primary_key;
  // What the server holds to be unique at once, in all of the table, by columns that are never
  // NULL: its primary key and unique indexes without a condition or an expression.
  std::vector<std::vector<std::string>> unique_keys;
  std::vector<RelationInfo> leaves;  // of a partitioned table
};

// All tables that this user may read, without those of the system and without single partitions.
Result<std::vector<SourceTable>> list_tables(PgConnection& connection);

// The same with those that it may not read.
Result<std::vector<TableName>> list_table_names(PgConnection& connection);

// A table by the name in the configuration (schema/table_name.h). Errors: PG-NO-TABLE, with the
// nearest name.
Result<RelationInfo> find_relation(PgConnection& connection, std::string_view text);

// Columns and keys; leaves are not filled in yet.
Result<TableInfo> describe_table(PgConnection& connection, const RelationInfo& relation);

// The columns of a query as if they were those of a table; of what it cannot know (NOT NULL,
// indexes, widths) nothing is said. Errors: PG-READ.
Status describe_query_columns(PgConnection& connection, const std::vector<PgColumn>& columns,
                              TableInfo* table);

// Reads relation and leaves anew: to be called once the table is locked, so that nothing of it can
// change any more. Errors: PG-NO-TABLE.
Status refresh_relations(PgConnection& connection, TableInfo* table);

std::string_view kind_name(char relkind);  // "partitioned table"

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_CATALOG_H_
