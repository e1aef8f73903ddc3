// Redshift's answers as errors of the catalogue, and what the load does about each.
//
// Matching goes by SQLSTATE first, then by a fragment of the text: everything that fails in the
// compute layer is XX000, and current servers add ` in context "...", at line n` to their texts.
// Sources: Redshift Developer Guide (S3ServiceException errors, Load error reference, Managing
// concurrent write operations) and texts recorded by other people's loaders.
// Pure functions; any thread.
#ifndef VESTO_REDSHIFT_ERRORS_H_
#define VESTO_REDSHIFT_ERRORS_H_

#include <string>
#include <string_view>

#include "base/error.h"
#include "pg/connection.h"

namespace vesto {

// The error of a login. `doing` says what was tried ("connecting to host:5439/dev as etl"), for the
// message; `user` is for the hint of RS-LOGIN-DIGEST, which then holds the very statement to run.
// Everything that came from the server has passed redact().
Error redshift_login_error(const PgError& answer, std::string_view doing,
                           std::string_view user = {});
// The error of a statement on a standing connection: no answer in time is RS-TIMEOUT, anything else
// that is no answer of the server RS-CONNECTION, or SSH-LOST where its tunnel was cut; what became
// of the statement is then unknown.
Error redshift_error(const PgError& answer, std::string_view doing);

// What a failing statement of the load means for the transaction.
enum class AfterFault {
  kRepeat,      // roll back and send the same transaction again, with a wait
  kLeaveGroup,  // roll back; the stream leaves, the others are loaded without it
  kStop,        // the same would happen to every stream
};
AfterFault after_fault(const Error& error);

// Why it is tried again and what is waited for meanwhile, for a log: the catalogue's title, or more
// where the answer says it.
std::string_view waits_for(const Error& error);

// Of NET-TIMEOUT where TCP and TLS stand and the server is silent: no inbound rule is missing.
inline constexpr std::string_view kSilentServerHint =
    "The way there is open and encryption stands, so no inbound rule is missing: the warehouse "
    "does "
    "not finish the login. It may be starting, out of connections or hung: look at its state in "
    "the "
    "AWS console; the next run tries again.";

// The statement was refused because the thing is there already (42P07, 42701, 42P06).
bool already_there(const Error& error);
// ALTER COLUMN TYPE to the size that the column has already: as good as done.
bool same_size(const Error& error);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_ERRORS_H_
