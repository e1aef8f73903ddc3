#include "sandbox/cluster/accounts.h"

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/ids.h"
#include "sandbox/cluster/private_file.h"

namespace vesto::sandbox {

namespace {

constexpr const char* kAdminRights = "SUPERUSER CREATEROLE CREATEDB";

// Fits Redshift's rule: 8 to 64 characters, upper, lower and digit.
std::string make_password() { return "A1" + random_alphanumeric(22); }

std::string text_at(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The role exists with this password and these rights afterwards, whatever was there before.
std::string role_sql(const Account& account, const std::string& rights) {
  const std::string name = pg_identifier(account.user);
  return "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = " +
         pg_literal(account.user) + ") THEN CREATE ROLE " + name + "; END IF; END $$; ALTER ROLE " +
         name + " LOGIN " + rights + " PASSWORD " + pg_literal(account.password) + ";";
}

}  // namespace

Result<Accounts, std::string> load_or_make_accounts(const std::string& dir,
                                                    const PgCluster& cluster) {
  const std::string file = dir + "/users.json";
  const nlohmann::json kept =
      nlohmann::json::parse(read_small_text(file), nullptr, /*allow_exceptions=*/false);
  Accounts accounts;
  accounts.loader = {"vesto_load", text_at(kept, "vesto_load")};
  accounts.admin = {"awsuser", text_at(kept, "awsuser")};
  if (!accounts.loader.password.empty() && !accounts.admin.password.empty()) return accounts;
  accounts.loader.password = make_password();
  accounts.admin.password = make_password();
  auto link = cluster.connect_admin();
  if (!link.ok()) return link.error().message;
  const std::string admin = pg_identifier(accounts.admin.user);
  const std::string sql =
      "SET password_encryption = md5;" +
      role_sql(accounts.loader, "NOSUPERUSER NOCREATEROLE NOCREATEDB") +
      role_sql(accounts.admin, kAdminRights) + "GRANT CREATE, TEMPORARY ON DATABASE dev TO " +
      pg_identifier(accounts.loader.user) + ";ALTER DATABASE dev OWNER TO " + admin;
  if (auto error = (*link)->query(sql, nullptr)) return error->message;
  const nlohmann::json json = {{accounts.loader.user, accounts.loader.password},
                               {accounts.admin.user, accounts.admin.password}};
  if (!write_private_text(file, json.dump(2) + "\n")) {
    return "cannot write " + file + ": " + std::strerror(errno);
  }
  return accounts;
}

std::optional<std::string> make_admin(const PgCluster& cluster, const Account& admin,
                                      const std::string& database) {
  auto link = cluster.connect_admin();
  if (!link.ok()) return link.error().message;
  const std::string sql = "SET password_encryption = md5;" + role_sql(admin, kAdminRights);
  if (auto error = (*link)->query(sql, nullptr)) return error->message;
  if (database.empty()) return std::nullopt;
  const auto known =
      (*link)->rows("SELECT 1 FROM pg_catalog.pg_database WHERE datname = " + pg_literal(database));
  if (!known.ok()) return known.error().message;
  const std::string name = pg_identifier(database);
  std::vector<std::string> steps;
  if (known->empty()) {
    steps = {"CREATE DATABASE " + name + " TEMPLATE template1",
             "GRANT CONNECT, TEMPORARY ON DATABASE " + name + " TO PUBLIC"};
  }
  steps.push_back("ALTER DATABASE " + name + " OWNER TO " + pg_identifier(admin.user));
  for (const std::string& step : steps) {
    if (auto error = (*link)->query(step, nullptr)) return error->message;
  }
  if (!known->empty()) return std::nullopt;
  // PostgreSQL 15 took CREATE on public from everybody; Redshift grants it.
  auto inside = cluster.connect_admin(database);
  if (!inside.ok()) return inside.error().message;
  const auto error = (*inside)->query("GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC", nullptr);
  return error ? std::optional(error->message) : std::nullopt;
}

}  // namespace vesto::sandbox
