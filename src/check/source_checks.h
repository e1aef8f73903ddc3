// What a source needs, as checks: the way to it, the login, a snapshot, and every table that a sync
// names, planned as a run plans it. So a check gives the code that a run would give.
//
// Nothing is changed in the source: all of it happens in one read-only transaction, whose locks
// (ACCESS SHARE) end with the checks.
// Thread rule: as run_checks().
#ifndef VESTO_CHECK_SOURCE_CHECKS_H_
#define VESTO_CHECK_SOURCE_CHECKS_H_

#include <stop_token>
#include <string_view>
#include <vector>

#include "check/check.h"
#include "config/config.h"

namespace vesto {

// Why the tables of a source are not looked at, as a reason of kSkipped.
inline constexpr std::string_view kNoSyncReads = "no sync reads from this source";

// Everything outlives the checks.
struct SourceUnderTest {
  const Config* config = nullptr;
  const SourceConfig* source = nullptr;
  const SealedStore* secrets = nullptr;
  std::stop_token stop = {};
};

// config.valid, secret.readable, the way (reach_checks.h; a Unix socket has none), source.login,
// source.snapshot, and of the tables: source.tables, source.read, source.rls, source.columns,
// source.types, source.keys, source.names, source.late_rows.
std::vector<Check> source_checks(const SourceUnderTest& target);

}  // namespace vesto

#endif  // VESTO_CHECK_SOURCE_CHECKS_H_
