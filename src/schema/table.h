// Logical types and tables: what a stream looks like on its way from a source into Redshift.
// Plain values; any thread.
#ifndef VESTO_SCHEMA_TABLE_H_
#define VESTO_SCHEMA_TABLE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vesto {

inline constexpr int kMaxVarcharBytes = 65535;     // r_Character_types
inline constexpr int kMaxVarbyteBytes = 1024000;   // r_VARBYTE_type (newer servers take more)
inline constexpr int kMaxGeometryBytes = 1048447;  // copy-usage_notes-spatial-data
inline constexpr int kMaxDecimalPrecision = 38;    // r_Numeric_types201
inline constexpr int kMaxIdentifierBytes = 127;    // r_names

// The column types that Vesto creates in Redshift.
enum class TypeKind {
  kBoolean,
  kSmallint,
  kInteger,
  kBigint,
  kDecimal,  // precision 1-38, scale 0-37
  kReal,
  kDouble,
  kVarchar,  // length_bytes 1-65535
  kDate,
  kTimestamp,
  kTimestampTz,
  kTime,
  kSuper,
  kVarbyte,  // length_bytes 1-1024000
  kGeometry,
  kGeography,
};

// Redshift cannot compare, group or sort by these: no key can hold one (r_SUPER_type,
// geospatial-overview).
constexpr bool can_compare(TypeKind kind) {
  return kind != TypeKind::kSuper && kind != TypeKind::kGeometry && kind != TypeKind::kGeography;
}

struct ColumnType {
  TypeKind kind = TypeKind::kVarchar;
  int precision = 0;
  int scale = 0;
  int length_bytes = 0;
  bool operator==(const ColumnType&) const = default;
};

// "VARCHAR(1024)", "DECIMAL(12,2)", "TIMESTAMPTZ": as written in DDL.
std::string type_sql(const ColumnType& type);

// What becomes of a value that the column's type in Redshift cannot hold.
enum class Unrepresentable {
  kReject,  // its row is kept aside, with the reason
  kStop,    // the stream fails
  kNull,    // NULL stands in its place, and is counted
  kText,    // the column was made VARCHAR, so that it can hold the source's text
};

struct Column {
  std::string name;         // in the destination, already folded
  std::string source_name;  // in the source, as it is
  std::string source_type;  // "numeric(12,2)", for people
  // The source's own number of the column, which a rename does not change; 0: it has none.
  int source_number = 0;
  ColumnType type;
  bool nullable = true;
  // The source type does not bound the length: values must be measured (text, json, bytea ...).
  bool unbounded = false;
  Unrepresentable on_unrepresentable = Unrepresentable::kReject;
  bool operator==(const Column&) const = default;
};

// How a person wants a table of ours to be made, by names of the destination. Only CREATE TABLE
// looks at it.
struct TableOptions {
  std::string distkey;                                      // "": Vesto chooses
  std::vector<std::string> sortkey;                         // empty: Vesto chooses
  std::vector<std::pair<std::string, std::string>> encode;  // column, encoding: "zstd"
  bool operator==(const TableOptions&) const = default;
};

struct TargetName {
  std::string schema;
  std::string table;
  bool operator==(const TargetName&) const = default;
};

// A stream: one table of the source and how it is delivered.
struct StreamSchema {
  std::string stream;  // "public.orders", as in the state table and on every screen
  std::vector<Column> columns;
  std::vector<size_t> key;       // indexes into columns; empty: no key
  std::optional<size_t> cursor;  // index into columns
};

// Smallest size class (256, 1024, 4096, 16384, 65535) that holds `length_bytes`.
int varchar_size_class(int length_bytes);

}  // namespace vesto

#endif  // VESTO_SCHEMA_TABLE_H_
