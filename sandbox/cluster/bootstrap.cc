#include "sandbox/cluster/bootstrap.h"

#include "base/hash.h"

namespace vesto::sandbox {

namespace {

Result<Unit, std::string> run(PgLink* link, std::string_view what, std::string_view sql) {
  if (std::optional<ErrorFields> error = link->query(sql, nullptr)) {
    return "cannot prepare the catalogue (" + std::string(what) + "): " + error->message +
           (error->position > 0 ? " at character " + std::to_string(error->position) : "");
  }
  return Unit{};
}

}  // namespace

std::string bootstrap_version() {
  std::string all(kBootstrapStrings);
  all.append(kBootstrapFunctions).append(kBootstrapMoreFunctions);
  all.append(kBootstrapTables).append(kBootstrapViews);
  return sha256_hex(all).substr(0, 16);
}

Result<Unit, std::string> run_bootstrap(PgLink* link, bool fresh) {
  VESTO_TRY(run(link, "settings",
                "SET allow_system_table_mods = on; SET client_min_messages = error;"
                "SET search_path = pg_catalog; SET check_function_bodies = off"));
  if (fresh) VESTO_TRY(run(link, "strings", kBootstrapStrings));
  VESTO_TRY(run(link, "functions", kBootstrapFunctions));
  VESTO_TRY(run(link, "more functions", kBootstrapMoreFunctions));
  VESTO_TRY(run(link, "tables", kBootstrapTables));
  return run(link, "views", kBootstrapViews);
}

}  // namespace vesto::sandbox
