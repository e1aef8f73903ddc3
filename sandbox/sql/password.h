// What the warehouse keeps of a user's password, and how that lives in pg_authid.
//
//   md5      md5 of the password followed by the user's name; the login by method 5
//   sha256   SHA-256 of the password followed by a salt of 32 bytes; the login by method 13
//
// PostgreSQL takes no digest of Redshift's second form. It does take a SCRAM verifier as it is, and
// that has fields for a salt and a digest: so they stand there, and ALTER, RENAME, DROP and
// ROLLBACK treat them as any password. Nobody logs in to PostgreSQL itself by it.
// Pure but for new_sha256 (a random salt); any thread. Source: AWS "CREATE USER".
#ifndef VESTO_SANDBOX_SQL_PASSWORD_H_
#define VESTO_SANDBOX_SQL_PASSWORD_H_

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

struct Sha256Password {
  std::string digest;  // 32 bytes
  std::string salt;    // 32 bytes
};

// "md5" and 32 digits. user: the name in full, as the client says it at login.
std::string md5_password(std::string_view password, std::string_view user);
Sha256Password new_sha256(std::string_view password);

// For pg_authid, and back; nothing: what stands there is no such password.
std::string keep_sha256(const Sha256Password& password);
std::optional<Sha256Password> kept_sha256(std::string_view kept);

// What pg_authid is to keep for PASSWORD 'given'. Errors: 22023 for a clear text out of Redshift's
// range and for an md5 digest that no password can have.
SqlResult<std::string> password_to_keep(std::string_view given, std::string_view user);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_PASSWORD_H_
