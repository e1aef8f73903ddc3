// The tables that the syncs of a source name, each planned as a run would plan it.
// Inside check/ only.
#ifndef VESTO_CHECK_SOURCE_TABLES_H_
#define VESTO_CHECK_SOURCE_TABLES_H_

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "source/source.h"

namespace vesto::check {

struct LookedAt {
  std::string sync;
  std::string table;           // "public.orders"
  std::optional<Error> error;  // a run would fail for this table
  bool key_proven = false;
  bool has_key = false;
  std::vector<ReadWarning> warnings;
};

struct SourceTables {
  std::vector<LookedAt> tables;        // in the order of the configuration
  std::vector<std::string> unmatched;  // patterns that no table matches
  size_t syncs = 0;                    // that read from this source
  size_t left_out = 0;                 // tables that were not reached
  std::optional<Error> error;          // why: it concerns more than one table
};

// Plans every table on `snapshot`, full reads, without positions. A cursor without an index makes
// the server read the whole table; once `limit` is requested the remaining ones are left out.
SourceTables look_at_source_tables(const Config& config, const SourceConfig& from, Source& source,
                                   SourceSnapshot& snapshot, const std::stop_token& limit);

}  // namespace vesto::check

#endif  // VESTO_CHECK_SOURCE_TABLES_H_
