// The TCP connection below a PgConnection. Inside pg/ only.
//
// libpq alone would give the addresses of a name one after the other, each as long as TCP tries, so
// a first one that drops everything hides the rest. Here each address is a connection attempt of
// libpq's own (PGconn with hostaddr), the attempts race (net/socket.h), and the first whose TCP
// stands goes on to TLS and login; nothing has been sent on the others. So nothing is dialled
// twice, verify-full still checks the name, and a cancel request goes to the address that won.
// Thread rule: any thread.
#ifndef VESTO_PG_DIAL_H_
#define VESTO_PG_DIAL_H_

#include <libpq-fe.h>

#include <cstdint>
#include <memory>

#include "pg/connection.h"

namespace vesto {

struct PgConnFinish {
  void operator()(PGconn* conn) const { PQfinish(conn); }
};
using PgConnPtr = std::unique_ptr<PGconn, PgConnFinish>;

// A connection whose TCP stands (or that of a Unix socket); PQconnectPoll() is to be called when it
// is writable. `route`: of options.dialer, or nullptr. Ends at `deadline_ms` (monotonic); the
// name lookup and TCP after 20 s each at most; options.stop ends it.
// Errors: kReach with NET-DNS, NET-REFUSED, NET-TIMEOUT, ...; kInterrupted; those of login_error()
// where libpq does not begin; for a route or a Unix socket kRefused, kTimeout, kLost, to be looked
// into.
PgResult<PgConnPtr> dial_pg(const PgOptions& options, const Route* route, int64_t deadline_ms);

}  // namespace vesto

#endif  // VESTO_PG_DIAL_H_
