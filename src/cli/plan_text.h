// What `sync plan` prints. Pure.
#ifndef VESTO_CLI_PLAN_TEXT_H_
#define VESTO_CLI_PLAN_TEXT_H_

#include <string>
#include <vector>

#include "cli/terminal.h"
#include "sync/run.h"

namespace vesto::cli {

// Plan for shop -> acme (nothing was changed)
//   public.orders -> shop.orders   upsert, reads all, about 2,000 rows, 1.2 MiB
//       + create table   8 columns: id BIGINT, ...; distkey id; sortkey id
// "+" is made, "~" altered, "=" as it is, "!" what the run would fail for.
std::string plan_text(const SyncPlan& plan, const SyncSpec& spec, const Terminal& terminal);
// One object with schema vesto.plan/1, and a newline.
std::string plan_json(const SyncPlan& plan, const std::string& sync);
// Each statement with its semicolon, one below the other.
std::string plan_sql(const SyncPlan& plan);
// As the run would end: 0, 6 if some tables would fail, else the code of what stands against it.
int plan_exit_code(const SyncPlan& plan);

}  // namespace vesto::cli

#endif  // VESTO_CLI_PLAN_TEXT_H_
