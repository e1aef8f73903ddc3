// The type map PostgreSQL -> Redshift; docs/types.md shows all of it. Pure; any thread.
//
// Every type is delivered, and lossless: it maps to one that holds every value of it, save for the
// few values that the guards look for (encode/guards.h: NaN, infinities, years outside 1-9999, long
// texts). A type that is not known maps to its text.
#ifndef VESTO_SCHEMA_POSTGRES_TYPES_H_
#define VESTO_SCHEMA_POSTGRES_TYPES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/table.h"

namespace vesto {

// A type as the catalogue describes it, domains followed to their base type.
struct PostgresType {
  uint32_t oid = 0;          // pg_type.oid
  int32_t typmod = -1;       // -1: none
  std::string name;          // pg_type.typname: "hstore"
  char kind = 'b';           // pg_type.typtype: base, composite, enum, range, multirange ...
  uint32_t element_oid = 0;  // of an array; 0: not an array
  std::string extension;     // that the type belongs to: "postgis"
  // Digits of money behind the point, as the server's lc_monetary has them.
  int money_scale = 2;
};

// How PostgreSQL must print a column so that Redshift can read it.
enum class PrintForm {
  kPlain,      // as COPY prints it
  kText,       // column::text: char(n) loses its padding
  kHex,        // encode(column, 'hex'): bytea without \x
  kJson,       // to_json(column)
  kJsonTexts,  // to_json(column::text[]): every element a JSON string
  kNumeric,    // column::numeric: money without sign, commas and currency
  kTrimmed,    // trim_scale(column): equal numbers become equal texts; from PostgreSQL 13 on
};

struct MappedType {
  ColumnType type;
  PrintForm print = PrintForm::kPlain;
  bool unbounded = false;
  std::string note;  // for the plan; empty: nothing to say
};

// average_bytes: pg_stats.avg_width, 0 if unknown; it decides the first width of a text.
MappedType map_postgres_type(const PostgresType& type, int average_bytes);

}  // namespace vesto

#endif  // VESTO_SCHEMA_POSTGRES_TYPES_H_
