// Which functions a client may call, by name. Everything else is 42883. Pure; any thread.
// Source: AWS "SQL functions reference" and "Leader node-only functions".
#ifndef VESTO_SANDBOX_SQL_FUNCTIONS_H_
#define VESTO_SANDBOX_SQL_FUNCTIONS_H_

#include <string_view>

namespace vesto::sandbox {

enum class FunctionKind {
  kUnknown,
  kEverywhere,
  kLeader,     // refused together with tables of users (0A000)
  kDatePart,   // its first argument may be a bare word: dateadd(day, ...)
  kRewritten,  // nvl, nvl2, decode, listagg, median: written in PostgreSQL's terms by the walk
};

FunctionKind function_kind(std::string_view name);

// Is an unqualified relation of this name one of the catalogue's (pg_class, svv_columns, ...)?
bool is_catalog_relation(std::string_view schema, std::string_view name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_FUNCTIONS_H_
