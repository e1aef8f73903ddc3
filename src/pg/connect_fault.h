// Why a connection was not made, where libpq's words do not tell.
// Thread rule: any thread.
#ifndef VESTO_PG_CONNECT_FAULT_H_
#define VESTO_PG_CONNECT_FAULT_H_

#include "net/probe.h"
#include "pg/connection.h"

namespace vesto {

// The server as the probe (net/probe.h) is asked about it; `options` outlives what comes out.
ProbeOptions probe_options(const PgOptions& options);

// Whether libpq takes the host for the folder or the name of a Unix socket.
bool is_unix_socket(const PgOptions& options);

// `fault` as libpq gave it, or the exact reason (kReach) that a probe of the same way finds. Where
// the probe finds nothing wrong, `fault` stays as it is. Blocks for twice kReachTimeoutMs at most.
PgError explain_connect_fault(const PgOptions& options, PgError fault);

}  // namespace vesto

#endif  // VESTO_PG_CONNECT_FAULT_H_
