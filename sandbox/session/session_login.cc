// Login: TLS, start-up parameters, and what the client is told then. session_password.cc:
// passwords.
#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/session/session.h"
#include "sandbox/sql/names.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kLoginLimitMs = 60'000;
constexpr int kMaxRequests = 4;  // TLS and GSS requests before the start-up packet
constexpr std::string_view kServerVersion = "8.0.2";

// Settings that PostgreSQL itself knows; the others are kept by the session.
constexpr std::array<std::string_view, 6> kPgSettings = {"application_name",  "search_path",
                                                         "statement_timeout", "datestyle",
                                                         "timezone",          "extra_float_digits"};

// In every session. In the start-up packet, so that RESET ALL comes back to them.
Settings fixed_settings(Isolation isolation, int disk_used_percent) {
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
           isolation == Isolation::kSerializable ? "Serializable" : "Snapshot Isolation"},
          {"vesto.disk_used", std::to_string(disk_used_percent)}};
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
  // As PostgreSQL does it: without a word.
  start.user = cut_name(start.user);
  user_ = start.user;
  database_ = start.database;
  if (shared_->state != nullptr && shared_->state->now().door == Door::kStarting) {
    return refuse({"57P03", "the database system is starting up"});
  }
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

bool Session::open_backend(const StartupPacket& start) {
  auto asked = startup_settings(start.parameters);
  if (!asked.ok()) return refuse(asked.error());
  const int disk_used =
      shared_->state != nullptr ? shared_->state->disk_used_percent() : kUsualDiskUsedPercent;
  Settings all = fixed_settings(shared_->isolation, disk_used);
  for (const auto& [name, value] : *asked) {
    if (std::find(kPgSettings.begin(), kPgSettings.end(), name) != kPgSettings.end()) {
      all.emplace_back(name, name == "search_path" ? to_lower_ascii(value) : value);
    } else if (auto done = settings_.set(name, value); !done.ok()) {
      return refuse(done.error());
    }
  }
  auto link =
      PgLink::connect(shared_->cluster->address(), short_name(start.user), start.database, all);
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
