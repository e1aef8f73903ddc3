// Connections to the source with every setting pinned that decides how values are printed.
// Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_SESSION_H_
#define VESTO_SOURCE_POSTGRES_SESSION_H_

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "pg/connection.h"
#include "source/postgres/postgres_source.h"

namespace vesto {

// Connects, checks the version and pins the session's settings: dates in ISO and UTC, intervals
// in ISO 8601, bytes in hex, floats with all digits, no search path, read-only, no row filtered by
// a policy in silence.
Result<std::unique_ptr<PgConnection>> connect_postgres(const PostgresOptions& options);

// While it lives, the token ends what the connection waits for, and all that comes after: the
// server is asked to cancel. The connection is of no use any more then.
class StopGuard {
 public:
  StopGuard(const std::stop_token& stop, PgConnection* connection)
      : callback_(stop, Interrupt{connection}) {}

 private:
  struct Interrupt {
    PgConnection* connection;
    void operator()() const { connection->interrupt(); }
  };
  std::stop_callback<Interrupt> callback_;
};

// exec() with errors of the catalogue. `doing`: "reading the catalogue".
Result<PgAnswer> source_exec(PgConnection& connection, std::string_view sql,
                             std::string_view doing);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_SESSION_H_
