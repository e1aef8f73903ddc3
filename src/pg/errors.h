// PgError of a source database as an Error of the catalogue (PG-CONNECT, PG-LOGIN, PG-PRIV ...).
// Redshift has a map of its own in redshift/.
#ifndef VESTO_PG_ERRORS_H_
#define VESTO_PG_ERRORS_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "pg/connection.h"

namespace vesto {

// `doing`: "reading public.orders", for the message.
Error pg_source_error(const PgError& error, std::string_view doing);
// The same for an attempt to connect: no answer is PG-CONNECT, not PG-READ.
// Of kReach: what was found about the way, behind what was tried ("connecting to h:5432/d as u:
// ..."). Of kLost: why the tunnel under the connection was cut. Nothing for all else.
std::optional<Error> reach_error(const PgError& error, std::string_view doing);
Error pg_connect_error(const PgError& error, std::string_view doing);

}  // namespace vesto

#endif  // VESTO_PG_ERRORS_H_
