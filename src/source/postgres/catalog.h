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
  // TRUNCATE or a rewriting ALTER TABLE came after the snapshot: its rows would be missing.
  bool rewritten = false;
  int64_t rows = -1;  // pg_class.reltuples
  int64_t heap_bytes = 0;
  int64_t toast_bytes = 0;
};

struct ColumnInfo {
  int number = 0;  // attnum
  std::string name;
  std::string type;       // format_type()
  uint32_t base_oid = 0;  // domains followed to their base type
  int32_t base_typmod = -1;
  bool not_null = false;
  bool generated = false;
  bool readable = false;
  int average_bytes = 0;     // pg_stats, 0: unknown
  bool index_first = false;  // first column of an index over all rows
};

struct TableInfo {
  RelationInfo relation;
  bool schema_usable = false;
  std::vector<ColumnInfo> columns;
  std::vector<std::string> primary_key;
  std::vector<RelationInfo> leaves;  // of a partitioned table
};

// All tables that this user may read, without those of the system and without single partitions.
Result<std::vector<SourceTable>> list_tables(PgConnection& connection);

// A table by the name in the configuration: "schema.table", each part as it is or in double
// quotes. Where dots in names leave several readings, the one that exists. Errors: PG-NO-TABLE,
// with the nearest name.
Result<RelationInfo> find_relation(PgConnection& connection, std::string_view text);

// Columns and keys; leaves are not filled in yet.
Result<TableInfo> describe_table(PgConnection& connection, const RelationInfo& relation);

// Reads relation and leaves anew: to be called once the table is locked, so that `rewritten`
// cannot change any more.
Status refresh_relations(PgConnection& connection, TableInfo* table);

// "public.orders"; parts with a dot or a quote in double quotes.
std::string stream_name(std::string_view schema, std::string_view name);
// The readings of such a text as (schema, table). Empty: no schema, or broken quotes.
std::vector<std::pair<std::string, std::string>> table_name_readings(std::string_view text);
std::string_view kind_name(char relkind);  // "partitioned table"

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_CATALOG_H_
