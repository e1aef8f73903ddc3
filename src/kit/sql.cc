// What a Redshift admin runs.
#include <fmt/format.h>

#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "pg/quoting.h"

namespace vesto {

namespace {

std::string grant_temp(const DestinationConfig& to, const std::string& user, bool create) {
  return fmt::format("GRANT {}TEMPORARY ON DATABASE {} TO {};", create ? "CREATE, " : "",
                     quote_identifier(to.database), quote_identifier(user));
}

std::string grant_schema(const DestinationConfig& to, const std::string& user) {
  return fmt::format("GRANT ALL ON SCHEMA {} TO {};", quote_identifier(to.schema),
                     quote_identifier(user));
}

// A commented-out statement whose names may hold anything.
std::string offered(const std::string& statement) { return kit::commented("-- ", statement); }

std::string head(const DestinationConfig& to, std::string_view what) {
  return kit::commented(
      "-- ", fmt::format("{} Run it as a superuser of the warehouse, connected to the database {}.",
                         what, quote_identifier(to.database)));
}

std::string owner_line(const DestinationConfig& to, const std::string& table,
                       const std::string& user) {
  return fmt::format("ALTER TABLE {} OWNER TO {};", quote_qualified(to.schema, table),
                     quote_identifier(user));
}

// Prints the lines for whatever another user owns, Vesto's view for people included: it could read
// nothing any more once its tables are somebody else's.
std::string owner_query(const DestinationConfig& to, const std::string& user) {
  return fmt::format(
      "SELECT 'ALTER TABLE ' || quote_ident(schemaname) || '.' || quote_ident(tablename) || {}\n"
      "FROM (SELECT schemaname, tablename, tableowner FROM pg_tables UNION ALL\n"
      "  SELECT schemaname, viewname, viewowner FROM pg_views WHERE viewname = {}) AS made\n"
      "WHERE schemaname = {} AND tableowner <> {} ORDER BY tablename;",
      quote_redshift_literal(fmt::format(" OWNER TO {};", quote_identifier(user))),
      quote_redshift_literal(kViewForPeople), quote_redshift_literal(to.schema),
      quote_redshift_literal(user));
}

std::string create_user(const DestinationConfig& to, const std::string& user) {
  if (to.auth.method != "password") {
    return fmt::format("CREATE USER {} PASSWORD DISABLE;", quote_identifier(user));
  }
  return fmt::format("CREATE USER {} PASSWORD '{}';", quote_identifier(user),
                     kit::placeholder("PASSWORD"));
}

}  // namespace

std::vector<std::string> login_grants(const DestinationConfig& destination,
                                      const std::string& database_user) {
  std::vector<std::string> out = {create_user(destination, database_user)};
  out.push_back(grant_temp(destination, database_user, destination.create_schema));
  if (!destination.create_schema) out.push_back(grant_schema(destination, database_user));
  return out;
}

std::string grant_sql(const DestinationConfig& destination, std::string_view right,
                      const std::string& database_user, const std::vector<std::string>& tables) {
  const std::string user = quote_identifier(database_user);
  if (right == "temp") return grant_temp(destination, database_user, false);
  if (right == "create") {
    return fmt::format("GRANT CREATE ON DATABASE {} TO {};", quote_identifier(destination.database),
                       user);
  }
  if (right == "schema") return grant_schema(destination, database_user);
  if (right != "owner") return "";
  std::vector<std::string> lines;
  lines.reserve(tables.size());
  for (const std::string& table : tables) {
    lines.push_back(owner_line(destination, table, database_user));
  }
  return join(lines, "\n");
}

namespace kit {

std::string sql_text(const DestinationConfig& destination, const Places& places) {
  const std::string user = quote_identifier(places.database_user);
  const std::vector<std::string> lines = login_grants(destination, places.database_user);
  std::string out = head(destination, "Rights of the user that logs in for Vesto.");
  out += "-- Only where there is no such user yet:\n" + lines.front() + "\n";
  if (destination.auth.method == "password") {
    out += "-- Where there is one, its password:\n" +
           offered(fmt::format("ALTER USER {} PASSWORD '{}';", user, placeholder("PASSWORD")));
  }
  if (destination.create_schema) {
    out += "-- CREATE: Vesto makes its schema. TEMPORARY: it loads by temporary tables.\n" +
           lines[1] + "\n";
  } else {
    out += "-- Vesto loads by temporary tables:\n" + lines[1] + "\n";
    out += "-- The schema, which stands already, or is made first by\n" +
           offered("CREATE SCHEMA " + quote_identifier(destination.schema) + ";") + lines[2] + "\n";
  }
  if (destination.auth.copy == "attached_role") {
    const std::string& arn = destination.auth.copy_role_arn;
    const bool standard = arn.empty() || arn == "default";
    out += "-- Only where the use of attached roles is restricted (REVOKE ASSUMEROLE):\n" +
           offered(fmt::format("GRANT ASSUMEROLE ON {} TO {} FOR COPY;",
                               standard ? "default" : quote_redshift_literal(arn), user));
  }
  out += "-- Only where the catalogue was closed to the public:\n";
  for (const char* schema : {"information_schema", "pg_catalog"}) {
    out += offered(fmt::format("GRANT USAGE ON SCHEMA {} TO {};", schema, user));
    out += offered(fmt::format("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {};", schema, user));
  }
  return out;
}

// The query is what runs: it names what there is, while a line for a table that was never made
// fails, and ends whatever stops at the first failure.
std::string owner_text(const DestinationConfig& destination, const KitFacts& facts,
                       const Places& places) {
  const std::string& user = places.database_user;
  std::string out = head(
      destination,
      "Ownership, where another user has made these tables: only an owner may change a table.");
  out += offered(fmt::format("The part sql makes the user {}, where it is not there yet.",
                             quote_identifier(user)));
  if (destination.create_schema) {
    out += "-- Its schema then is another user's too:\n" + grant_schema(destination, user) + "\n";
  }
  out +=
      "-- Prints a line for every table of the schema that another user owns, Vesto's own "
      "included.\n"
      "-- Run those of the tables that Vesto loads; where psql is to run them all, end the query "
      "with\n"
      "-- \\gexec instead of the semicolon.\n" +
      owner_query(destination, user) + "\n";
  if (facts.tables.empty()) return out;
  out +=
      "-- The same line for each table that the configuration names, and for Vesto's own, if it\n"
      "-- exists: one that was not made yet is refused with \"does not exist\", which harms "
      "nothing.\n";
  for (const std::string& table : facts.tables)
    out += offered(owner_line(destination, table, user));
  return out;
}

}  // namespace kit

}  // namespace vesto
