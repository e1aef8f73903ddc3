// The type map PostgreSQL -> Redshift. Pure; any thread.
//
// Lossless or refused: a type maps to one that holds every value of it, save for the few values
// that the guards look for (encode/guards.h: NaN, infinities, years outside 1-9999, long texts).
#ifndef VESTO_SCHEMA_POSTGRES_TYPES_H_
#define VESTO_SCHEMA_POSTGRES_TYPES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schema/table.h"

namespace vesto {

// How PostgreSQL must print a column so that Redshift can read it.
enum class PrintForm {
  kPlain,  // as COPY prints it
  kText,   // column::text: char(n) loses its padding
  kHex,    // encode(column, 'hex'): bytea without \x
};

struct MappedType {
  ColumnType type;
  PrintForm print = PrintForm::kPlain;
  bool unbounded = false;
  std::string note;  // for the plan; empty: nothing to say
};

// The map for a base type (domains are followed before), given by its oid in pg_type and its
// typmod (-1: none). average_bytes: pg_stats.avg_width, 0 if unknown; it decides the first width of
// a text. Nothing: a type that this version does not deliver.
std::optional<MappedType> map_postgres_type(uint32_t type_oid, int32_t typmod, int average_bytes);

// The name of a column in Redshift: A-Z folded to lower case, as Redshift folds it, quoted or not.
std::string fold_column_name(std::string_view source_name);
// Names that Redshift keeps for its system columns (oid, ctid, xmin ...), already folded.
bool is_reserved_column_name(std::string_view folded_name);

}  // namespace vesto

#endif  // VESTO_SCHEMA_POSTGRES_TYPES_H_
