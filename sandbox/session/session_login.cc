// Login: TLS, start-up parameters, md5 password, and what the client is told then.
#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/session/session.h"
#include "sandbox/sql/names.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kLoginLimitMs = 60'000;
constexpr size_t kMaxPasswordBytes = 10'000;
constexpr int kMaxRequests = 4;  // TLS and GSS requests before the start-up packet
constexpr std::string_view kServerVersion = "8.0.2";

// Settings that PostgreSQL itself knows; the others are kept by the session.
constexpr std::array<std::string_view, 6> kPgSettings = {"application_name",  "search_path",
                                                         "statement_timeout", "datestyle",
                                                         "timezone",          "extra_float_digits"};

// In every session. In the start-up packet, so that RESET ALL comes back to them.
Settings fixed_settings(Isolation isolation) {
  return {{"client_encoding", "UTF8"},
          {"standard_conforming_strings", "on"},
          {"escape_string_warning", "off"},
          {"bytea_output", "hex"},
          {"datestyle", "ISO, MDY"},
          {"timezone", "UTC"},
          {"extra_float_digits", "0"},
          {"default_transaction_isolation",
           isolation == Isolation::kSerializable ? "serializable" : "repeatable read"},
          {"vesto.isolation",
           isolation == Isolation::kSerializable ? "Serializable" : "Snapshot Isolation"}};
}

SqlError no_password(const std::string& user) {
  return {"28000", "password authentication failed for user \"" + user + "\""};
}

}  // namespace

bool Session::refuse(const SqlError& error) {
  write_error(&client_.out(), 'E', to_fields(error, "FATAL"));
  client_.flush();
  return false;
}

bool Session::login() {
  client_.set_read_timeout_ms(kLoginLimitMs);
  StartupPacket start;
  if (!read_start(&start)) return false;
  user_ = start.user;
  database_ = start.database;
  std::string drop;
  if (auto fault = inject("pg.connect", user_ + "@" + database_, &drop)) {
    if (fault->kind == Step::Kind::kFailed) {
      fault->error.severity = "FATAL";
      write_error(&client_.out(), 'E', fault->error);
      client_.flush();
    }
    return false;
  }
  if (!check_password(&start) || !open_backend(start)) return false;
  if (drop == "during") return false;
  write_login_answer(start);
  client_.set_read_timeout_ms(0);
  logged_in_ = client_.flush();
  return logged_in_ && drop.empty();
}

bool Session::read_start(StartupPacket* start) {
  for (int i = 0; i < kMaxRequests; ++i) {
    std::string_view body;
    if (client_.read_packet(&body, kMaxStartupBytes) != Channel::Read::kOk) return false;
    auto parsed = parse_startup(body);
    if (!parsed.ok()) return refuse(parsed.error());
    switch (parsed->kind) {
      case StartupPacket::Kind::kTls:
        client_.out() += client_.is_tls() ? 'N' : 'S';
        if (!client_.flush()) return false;
        if (!client_.is_tls() && !client_.start_tls(*shared_->tls)) return false;
        break;
      case StartupPacket::Kind::kGss:
        client_.out() += 'N';
        if (!client_.flush()) return false;
        break;
      case StartupPacket::Kind::kCancel:
        send_cancel(shared_->cluster->address(), parsed->cancel_body);
        return false;
      case StartupPacket::Kind::kStart:
        *start = std::move(parsed).value();
        if (!client_.is_tls()) {
          return refuse({"28000", "no pg_hba.conf entry for host \"127.0.0.1\", user \"" +
                                      start->user + "\", database \"" + start->database +
                                      "\", SSL off"});
        }
        return true;
    }
  }
  return false;
}

bool Session::read_password(const std::string& salt, std::string* given) {
  MessageWriter(&client_.out(), 'R').int32(5).bytes(salt).end();
  if (!client_.flush()) return false;
  char type = 0;
  std::string_view body;
  if (client_.read_message(&type, &body, kMaxPasswordBytes) != Channel::Read::kOk) return false;
  FieldReader reader(body);
  *given = std::string(reader.text());
  if (type == 'p' && reader.ok()) return true;
  return refuse({"08P01", "expected password response, got message type " +
                              std::to_string(static_cast<unsigned char>(type))});
}

bool Session::check_password(StartupPacket* start) {
  const auto rows = shared_->admin->rows(
      "SELECT oid, rolpassword, (SELECT pg_catalog.split_part(c, '=', 2) FROM "
      "pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c WHERE s.setrole = a.oid "
      "AND s.setdatabase = 0 AND c LIKE '" +
      std::string(kUserCaseSetting) +
      "=%') FROM pg_catalog.pg_authid a WHERE rolcanlogin AND rolname = " +
      pg_literal(start->user) + " AND rolname <> " + pg_literal(kAdminRole) +
      " AND (rolvaliduntil IS NULL OR rolvaliduntil > now())");
  if (!rows.ok()) return refuse({"57P03", "the database system is starting up"});
  // Unknown users are asked too: the answer must not tell who exists.
  const std::string salt = random_bytes(4);
  std::string given;
  if (!read_password(salt, &given)) return false;
  if (shared_->logins != nullptr && TemporaryLogins::is_temporary_name(start->user)) {
    return check_temporary_password(start, salt, given);
  }
  const std::string stored = rows->empty() ? "" : rows->at(0).at(1).value_or("");
  const std::string expected = md5_answer(stored, salt);
  if (expected.empty() || given != expected) return refuse(no_password(start->user));
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
    // As pg_authid would keep it: md5 of the password followed by the name.
    const std::string stored = md5_answer("md5" + login.password, start->user);
    if (md5_answer(stored, salt) != given) continue;
    const std::string& user = login.database_user;
    if (login.create_user) {
      const std::string sql =
          "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE "
          "rolname = " +
          pg_literal(user) + ") THEN CREATE ROLE " + pg_identifier(user) +
          " LOGIN NOSUPERUSER; END IF; END $$";
      if (!shared_->admin->rows(sql).ok())
        return refuse({"57P03", "the database system is starting up"});
    }
    const auto found = shared_->admin->rows(
        "SELECT oid FROM pg_catalog.pg_authid WHERE rolcanlogin AND rolname = " + pg_literal(user) +
        " AND rolname <> " + pg_literal(kAdminRole));
    if (!found.ok()) return refuse({"57P03", "the database system is starting up"});
    if (found->empty()) return refuse({"42704", "user \"" + start->user + "\" does not exist"});
    user_id_ = parse_int(found->at(0).at(0).value_or("")).value_or(0);
    start->user = user;
    user_ = user;
    return true;
  }
  return refuse(no_password(start->user));
}

bool Session::open_backend(const StartupPacket& start) {
  auto asked = startup_settings(start.parameters);
  if (!asked.ok()) return refuse(asked.error());
  Settings all = fixed_settings(shared_->isolation);
  for (const auto& [name, value] : *asked) {
    if (std::find(kPgSettings.begin(), kPgSettings.end(), name) != kPgSettings.end()) {
      all.emplace_back(name, name == "search_path" ? to_lower_ascii(value) : value);
    } else if (auto done = settings_.set(name, value); !done.ok()) {
      return refuse(done.error());
    }
  }
  auto link = PgLink::connect(shared_->cluster->address(), start.user, start.database, all);
  if (!link.ok()) {
    ErrorFields fields = rewrite_error(link.error(), error_context());
    fields.severity = "FATAL";
    write_error(&client_.out(), 'E', fields);
    client_.flush();
    return false;
  }
  pg_ = std::move(link).value();
  running_link_ = pg_.get();
  return true;
}

void Session::write_login_answer(const StartupPacket& start) {
  std::string& out = client_.out();
  MessageWriter(&out, 'R').int32(0).end();
  std::string application;
  std::string time_zone = "UTC";
  for (const auto& [name, value] : pg_->take_parameters()) {
    if (name == "application_name") application = value;
    if (name == "TimeZone") time_zone = value;
  }
  const Settings reported = {{"application_name", application},
                             {"case_sensitive", "on"},
                             {"client_encoding", "UTF8"},
                             {"datestyle", "ISO, MDY"},
                             {"integer_datetimes", "on"},
                             {"is_superuser", "off"},
                             {"server_encoding", "UNICODE"},
                             {"server_version", std::string(kServerVersion)},
                             {"session_authorization", start.user},
                             {"TimeZone", time_zone},
                             {"timezone_abbreviations", "Default"},
                             {"padb_version", "1.0.122914"},
                             {"padb_revision", "0"},
                             {"max_numeric_precision", "38"},
                             {"max_varchar_size", "65535"},
                             {"datashare_enabled", "off"},
                             {"session_id", std::to_string(pg_->pid())},
                             {"server_protocol_version", "0"}};
  for (const auto& [name, value] : reported) write_parameter_status(&out, name, value);
  MessageWriter(&out, 'K').int32(pg_->pid()).int32(pg_->key()).end();
  write_ready(&out, 'I');
}

}  // namespace vesto::sandbox
