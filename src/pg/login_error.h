// What libpq says when a connection cannot be made, taken apart. Inside pg/ only; pure.
#ifndef VESTO_PG_LOGIN_ERROR_H_
#define VESTO_PG_LOGIN_ERROR_H_

#include <string>
#include <string_view>

#include "pg/connection.h"

namespace vesto {

// `text`: PQerrorMessage() in PQERRORS_VERBOSE form, as it came: a password may be a word of it
// ("method"), so the caller redacts the message that comes out. With several addresses libpq writes
// a line for each; the last one that the server itself answered decides.
PgError login_error(std::string_view text);

}  // namespace vesto

#endif  // VESTO_PG_LOGIN_ERROR_H_
