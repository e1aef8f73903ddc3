// The first packet of a connection: start-up parameters, or a request for TLS, GSS or cancelling.
// Pure; any thread.
#ifndef VESTO_SANDBOX_WIRE_STARTUP_H_
#define VESTO_SANDBOX_WIRE_STARTUP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

inline constexpr size_t kMaxStartupBytes = 10'000;  // PostgreSQL's own bound

using Settings = std::vector<std::pair<std::string, std::string>>;  // in the order given

struct StartupPacket {
  enum class Kind { kTls, kGss, kCancel, kStart };
  Kind kind = Kind::kStart;
  std::string cancel_body;  // kCancel: pid and key, 8 bytes, as received
  std::string user;         // kStart
  std::string database;     // kStart; the user's name where none was given
  Settings parameters;      // kStart: all but user and database
};

// `packet` is what follows the length. Errors: 08P01 and 0A000 as PostgreSQL words them.
SqlResult<StartupPacket> parse_startup(std::string_view packet);

// What to set on the session of the parameters that a client sent: the known ones by name (also
// those inside "options"), vendor ones swallowed. Errors: 42704 for a parameter that Redshift does
// not know, as it refuses the login then.
SqlResult<Settings> startup_settings(const Settings& parameters);

// The settings of PostgreSQL's "options" string: -c name=value, -cname=value, --name=value.
// Backslash escapes the next character. Nothing: malformed.
std::optional<Settings> parse_options(std::string_view options);

// The answer to an md5 password request. stored: what pg_authid keeps, "md5" and 32 digits.
std::string md5_answer(std::string_view stored, std::string_view salt);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_WIRE_STARTUP_H_
