// Tables by pattern: "public.order_*" stands for what the source has at this moment.
#ifndef VESTO_SYNC_PATTERNS_H_
#define VESTO_SYNC_PATTERNS_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "sync/run.h"

namespace vesto {

// The spec with an entry for each table that a pattern stands for, in the place of the pattern and
// in the order of their names. Tables that have an entry of their own, or that an earlier pattern
// has taken, are left out. SyncSpec::patterns names what was replaced.
// `unmatched`: patterns that no table matches (may be nullptr).
SyncSpec with_matching_tables(const SyncSpec& spec, const std::vector<TableName>& tables,
                              std::vector<std::string>* unmatched);

// The same with what the source has; it is asked only if there is a pattern.
// Errors: those of Source::table_names().
Result<SyncSpec> with_matching_tables(const SyncSpec& spec, Source& source,
                                      std::vector<std::string>* unmatched);

}  // namespace vesto

#endif  // VESTO_SYNC_PATTERNS_H_
