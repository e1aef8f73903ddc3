#include "schema/table.h"

#include <fmt/format.h>

namespace vesto {

std::string type_sql(const ColumnType& type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
      return "BOOLEAN";
    case TypeKind::kSmallint:
      return "SMALLINT";
    case TypeKind::kInteger:
      return "INTEGER";
    case TypeKind::kBigint:
      return "BIGINT";
    case TypeKind::kDecimal:
      return fmt::format("DECIMAL({},{})", type.precision, type.scale);
    case TypeKind::kReal:
      return "REAL";
    case TypeKind::kDouble:
      return "DOUBLE PRECISION";
    case TypeKind::kVarchar:
      return fmt::format("VARCHAR({})", type.length_bytes);
    case TypeKind::kDate:
      return "DATE";
    case TypeKind::kTimestamp:
      return "TIMESTAMP";
    case TypeKind::kTimestampTz:
      return "TIMESTAMPTZ";
    case TypeKind::kTime:
      return "TIME";
    case TypeKind::kSuper:
      return "SUPER";
    case TypeKind::kVarbyte:
      return fmt::format("VARBYTE({})", type.length_bytes);
    case TypeKind::kGeometry:
      return "GEOMETRY";
    case TypeKind::kGeography:
      return "GEOGRAPHY";
  }
  return "";
}

int varchar_size_class(int length_bytes) {
  for (const int size : {256, 1024, 4096, 16384}) {
    if (length_bytes <= size) return size;
  }
  return kMaxVarcharBytes;
}

}  // namespace vesto
