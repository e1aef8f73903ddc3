// What a fresh cluster gets before anybody logs in: Redshift's string semantics, its functions, and
// its catalogue views, all in template1 and so in every database made from it.
#ifndef VESTO_SANDBOX_CLUSTER_BOOTSTRAP_H_
#define VESTO_SANDBOX_CLUSTER_BOOTSTRAP_H_

#include <string>
#include <string_view>

#include "sandbox/wire/pg_link.h"

namespace vesto::sandbox {

// The SQL texts, in the order in which they run.
extern const std::string_view kBootstrapStrings;        // once: comparisons and casts of strings
extern const std::string_view kBootstrapFunctions;      // repeatable
extern const std::string_view kBootstrapMoreFunctions;  // repeatable
extern const std::string_view kBootstrapTables;         // repeatable
extern const std::string_view kBootstrapViews;          // repeatable

// Changes when one of the texts does.
std::string bootstrap_version();

// Runs the texts on a superuser's connection. `fresh`: also those that run once.
// Errors: the text of the statement's error.
Result<Unit, std::string> run_bootstrap(PgLink* link, bool fresh);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CLUSTER_BOOTSTRAP_H_
