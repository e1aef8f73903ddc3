// What of a source's tables has changed since the snapshot that a run reads. Inside source/postgres
// only.
#ifndef VESTO_SOURCE_POSTGRES_CHANGED_H_
#define VESTO_SOURCE_POSTGRES_CHANGED_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "source/postgres/catalog.h"

namespace vesto {

// Who asks: the connection that plans, whose locks hold the table and all that belongs to it, or a
// lane, which has read `relation` by its name and locks no more than it reads.
enum class ReadBy { kPlanner, kLane };

// A SELECT that names a relation whose rows the snapshot cannot see any more although it should, or
// that is not the one which the snapshot's catalogue describes: TRUNCATE, a rewriting ALTER TABLE,
// DROP, DETACH PARTITION, NO INHERIT, a rename of a table or a schema, or a new definition of a
// view came after the snapshot. Looks at every relation that this session has locked (also those
// behind views), at all that inherit from them, at what inherits from `relation`, and at the names
// of `relation` and its partitions. Sound only while the locks of the read are held. No row: all
// are as they were.
std::string changed_since_snapshot_sql(const RelationInfo& relation, ReadBy by);
// The name in its answer.
std::optional<std::string> changed_relation(const PgAnswer& answer);
// Asks it for ReadBy::kPlanner: to be called once the table is locked.
Result<std::optional<std::string>> changed_since_snapshot(PgConnection& connection,
                                                          const RelationInfo& table);

// One of `columns` whose name now stands for another column of the table, or for none: renamed, or
// dropped and made anew, after the snapshot: "column v", or "a column". To be called once the table
// is locked.
Result<std::optional<std::string>> changed_column(PgConnection& connection,
                                                  const RelationInfo& relation,
                                                  const std::vector<const ColumnInfo*>& columns);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_CHANGED_H_
