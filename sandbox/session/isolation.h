// Redshift's two isolation levels on PostgreSQL (docs/ARCHITECTURE.md shows the table of what waits
// and what fails). A transaction runs as SERIALIZABLE or REPEATABLE READ; LOCK takes no snapshot;
// before the first other statement `SELECT 1` takes it; only then come advisory locks, one space
// for the intent to change rows (1) and one for the write phase (2), each with the table's OID.
//
// Pure; any thread.
#ifndef VESTO_SANDBOX_SESSION_ISOLATION_H_
#define VESTO_SANDBOX_SESSION_ISOLATION_H_

#include <string>
#include <vector>

#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

enum class Isolation { kSerializable, kSnapshot };

std::string begin_sql(Isolation isolation, bool read_only);

// Whether the transaction's snapshot must stand before a statement of this class. `several`: it is
// one of several in a simple query (there, LOCK too takes one, as in Redshift).
bool needs_snapshot(StatementClass cls, bool several);

// The locks of a statement that writes these tables: SQL that returns their OIDs, or nothing.
std::string lock_sql(Isolation isolation, StatementClass cls, const std::vector<TableRef>& writes);

// The quoted name of a table for PostgreSQL: "s"."t" or "t".
std::string table_name_sql(const TableRef& table);

// "insert", "copy", ...: the class as it is counted, statement.insert.
std::string_view class_name(StatementClass cls);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_ISOLATION_H_
