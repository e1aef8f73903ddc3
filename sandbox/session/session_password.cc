// The login's password: md5 (method 5), Redshift's own digest (method 13), temporary passwords.
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/session/session.h"
#include "sandbox/sql/names.h"
#include "sandbox/sql/password.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxPasswordBytes = 10'000;
constexpr size_t kServerNonceBytes = 32;
constexpr int32_t kMd5Method = 5;
constexpr int32_t kDigestMethod = 13;
constexpr int32_t kSha256 = 0;  // the only one of the method's algorithms in use

SqlError no_password(const std::string& user) {
  return {"28000", "password authentication failed for user \"" + user + "\""};
}

// A role of this full name that may log in. One that spells the short form itself is nobody: the
// short form is PostgreSQL's name for somebody else.
std::string role_is(const std::string& user) {
  return "rolcanlogin AND rolname = " + pg_literal(is_short_form(user) ? "" : short_name(user)) +
         " AND rolname <> " + pg_literal(kAdminRole);
}

}  // namespace

bool Session::read_answer(char expected, std::string_view* body) {
  if (!client_.flush()) return false;
  char type = 0;
  if (client_.read_message(&type, body, kMaxPasswordBytes) != Channel::Read::kOk) return false;
  if (type == expected) return true;
  return refuse({"08P01", "expected password response, got message type " +
                              std::to_string(static_cast<unsigned char>(type))});
}

bool Session::read_password(const std::string& salt, std::string* given) {
  MessageWriter(&client_.out(), 'R').int32(kMd5Method).bytes(salt).end();
  std::string_view body;
  if (!read_answer('p', &body)) return false;
  FieldReader reader(body);
  *given = std::string(reader.text());
  if (reader.ok() && reader.at_end()) return true;
  return refuse({"08P01", "invalid password packet size"});
}

// R: method, algorithm, salt, nonce. d: digest, the client's nonce. Each with its length before it.
bool Session::check_digest(const std::string& kept_digest, const std::string& salt) {
  const std::string nonce = random_bytes(kServerNonceBytes);
  MessageWriter(&client_.out(), 'R')
      .int32(kDigestMethod)
      .int32(kSha256)
      .int32(static_cast<int32_t>(salt.size()))
      .bytes(salt)
      .int32(static_cast<int32_t>(nonce.size()))
      .bytes(nonce)
      .end();
  std::string_view body;
  if (!read_answer('d', &body)) return false;
  FieldReader reader(body);
  const auto sized = [&reader] {
    const int32_t size = reader.int32();
    return size < 0 ? std::string_view() : reader.bytes(static_cast<size_t>(size));
  };
  const std::string_view digest = sized();
  const std::string_view client_nonce = sized();
  if (!reader.ok() || !reader.at_end() || client_nonce.empty()) {
    return refuse({"08P01", "invalid password packet size"});
  }
  if (digest == sha256(kept_digest + nonce + std::string(client_nonce))) return true;
  return refuse(no_password(user_));
}

bool Session::check_password(StartupPacket* start) {
  const auto rows = shared_->admin->rows(
      "SELECT oid, rolpassword, (SELECT pg_catalog.split_part(c, '=', 2) FROM "
      "pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c WHERE s.setrole = a.oid "
      "AND s.setdatabase = 0 AND c LIKE '" +
      std::string(kUserCaseSetting) + "=%') FROM pg_catalog.pg_authid a WHERE " +
      role_is(start->user) + " AND (rolvaliduntil IS NULL OR rolvaliduntil > now())");
  if (!rows.ok()) return refuse({"57P03", "the database system is starting up"});
  const std::string stored = rows->empty() ? "" : rows->at(0).at(1).value_or("");
  const bool temporary =
      shared_->logins != nullptr && TemporaryLogins::is_temporary_name(start->user);
  if (const auto kept = kept_sha256(stored); kept && !temporary) {
    if (!check_digest(kept->digest, kept->salt)) return false;
  } else {
    // Unknown users are asked too: the answer must not tell who exists.
    const std::string salt = random_bytes(4);
    std::string given;
    if (!read_password(salt, &given)) return false;
    if (temporary) return check_temporary_password(start, salt, given);
    const std::string expected = md5_answer(stored, salt);
    if (expected.empty() || given != expected) return refuse(no_password(start->user));
  }
  user_id_ = parse_int(rows->at(0).at(0).value_or("")).value_or(0);
  if (const std::optional<std::string>& value = rows->at(0).at(2)) {
    if (auto done = settings_.set(kCaseSetting, *value); !done.ok()) return refuse(done.error());
  }
  return true;
}

// A password that GetClusterCredentials or its kin gave out. The session's user is the database
// user behind the name, not the name itself.
bool Session::check_temporary_password(StartupPacket* start, const std::string& salt,
                                       const std::string& given) {
  for (const TemporaryLogin& login : shared_->logins->find(start->user, start->database)) {
    if (md5_answer(md5_password(login.password, start->user), salt) != given) continue;
    const std::string user = cut_name(login.database_user);
    if (user.size() > kMaxPgNameBytes) shared_->names->add(short_name(user), user);
    if (login.create_user) {
      const std::string sql =
          "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE "
          "rolname = " +
          pg_literal(short_name(user)) + ") THEN CREATE ROLE " + pg_identifier(short_name(user)) +
          " LOGIN NOSUPERUSER; END IF; END $$";
      if (!shared_->admin->rows(sql).ok())
        return refuse({"57P03", "the database system is starting up"});
    }
    const auto found =
        shared_->admin->rows("SELECT oid FROM pg_catalog.pg_authid WHERE " + role_is(user));
    if (!found.ok()) return refuse({"57P03", "the database system is starting up"});
    if (found->empty()) return refuse({"42704", "user \"" + start->user + "\" does not exist"});
    user_id_ = parse_int(found->at(0).at(0).value_or("")).value_or(0);
    start->user = user;
    user_ = user;
    return true;
  }
  return refuse(no_password(start->user));
}

}  // namespace vesto::sandbox
