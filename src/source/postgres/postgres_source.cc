#include "source/postgres/postgres_source.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "pg/errors.h"
#include "source/postgres/catalog.h"
#include "source/postgres/session.h"
#include "source/postgres/snapshot.h"

namespace vesto {

namespace {

constexpr std::string_view kAsking = "asking the source who it is";

class PostgresSource final : public Source {
 public:
  explicit PostgresSource(PostgresOptions options) : options_(std::move(options)) {}

  Result<SourceIdentity> identity() override {
    VESTO_ASSIGN(const auto connection, connect_postgres(options_));
    const StopGuard stop(options_.stop, connection.get());
    VESTO_ASSIGN(
        const PgAnswer answer,
        source_exec(*connection, "SELECT current_database()::text, current_user::text", kAsking));
    if (answer.rows.size() != 1 || answer.rows[0].size() != 2) {
      return Error(ErrorCode::kPgRead, "the source did not tell its database");
    }
    VESTO_ASSIGN(const std::string system, system_identifier(*connection));
    SourceIdentity identity;
    identity.id = system + "/" + answer.rows[0][0].value_or("");
    identity.user = answer.rows[0][1].value_or("");
    const std::string version = connection->parameter("server_version");
    identity.version = "PostgreSQL " + version.substr(0, version.find(' '));
    return identity;
  }

  Result<std::vector<SourceTable>> tables() override {
    VESTO_ASSIGN(const auto connection, connect_postgres(options_));
    const StopGuard stop(options_.stop, connection.get());
    return list_tables(*connection);
  }

  Result<std::vector<TableName>> table_names() override {
    VESTO_ASSIGN(const auto connection, connect_postgres(options_));
    const StopGuard stop(options_.stop, connection.get());
    return list_table_names(*connection);
  }

  Result<std::unique_ptr<SourceSnapshot>> open_snapshot(std::string_view null_marker) override {
    return PostgresSnapshot::take(options_, null_marker);
  }

 private:
  // Everybody may call pg_control_system() unless somebody has revoked it. Then the address has to
  // do: a source that moves is taken for another one, never the other way round in silence.
  Result<std::string> system_identifier(PgConnection& connection) {
    constexpr std::string_view kNoRight = "42501";
    auto answer = connection.exec("SELECT system_identifier::text FROM pg_control_system()");
    if (!answer.ok()) {
      if (answer.error().sqlstate != kNoRight) return pg_source_error(answer.error(), kAsking);
      return fmt::format("{}:{}", to_lower_ascii(options_.host), options_.port);
    }
    if (!answer->scalar()) return Error(ErrorCode::kPgRead, "the source has no system identifier");
    return *answer->scalar();
  }

  const PostgresOptions options_;
};

}  // namespace

std::unique_ptr<Source> make_postgres_source(PostgresOptions options) {
  return std::make_unique<PostgresSource>(std::move(options));
}

}  // namespace vesto
