// Connections to the source with every setting pinned that decides how values are printed.
// Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_SESSION_H_
#define VESTO_SOURCE_POSTGRES_SESSION_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pg/connection.h"
#include "source/postgres/postgres_source.h"

namespace vesto {

// Connects, checks the version and pins the session's settings: dates in ISO and UTC, bytes in
// hex, floats with all digits, no search path, read-only, no row filtered by a policy in silence.
Result<std::unique_ptr<PgConnection>> connect_postgres(const PostgresOptions& options);

// exec() with errors of the catalogue. `doing`: "reading the catalogue".
Result<PgAnswer> source_exec(PgConnection& connection, std::string_view sql,
                             std::string_view doing);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_SESSION_H_
