// What the states in a destination's schema tell of syncs: what they have delivered, and whether
// one that the configuration does not have filled a table. For the checks, and for a run that stops
// at rows of somebody else: both then name a sync that was renamed.
#ifndef VESTO_SYNC_FORMER_SYNCS_H_
#define VESTO_SYNC_FORMER_SYNCS_H_

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "redshift/load.h"
#include "sync/run.h"

namespace vesto {

inline constexpr size_t kMaxStreamsSeen = 10'000;  // of one sync's state

// What a state table tells; it may be that of a sync which the configuration does not have.
struct Delivered {
  std::string sync;              // as the header row has it; "" where that cannot be read
  std::set<std::string> setups;  // of all streams
  std::vector<std::pair<std::string, std::string>> streams;  // stream, setup
  bool cut = false;                                          // there are more
};
// Whether one of these streams was delivered into `target`.
bool filled_by(const std::set<std::string>& setups, const std::string& target);

// One statement that the server itself ends after `limit_ms`, which keeps the session.
using AskWithin = std::function<Result<ExecResult>(const std::string& sql, int64_t limit_ms)>;

// Reads states, each for what the ones before have left of four seconds: a load holds the lock of
// its state for as long as it takes. Thread rule: one thread.
class SyncStates {
 public:
  SyncStates(AskWithin ask, std::string schema, Clock& clock);

  // Errors: RS-TIMEOUT or RS-LOCK where a load holds the lock, or no time is left.
  Result<Delivered> read(const std::string& table);
  // State tables that may be read and are not `known`; at most kMaxFormerSyncs.
  Result<std::vector<std::string>> others(const std::set<std::string>& known);

 private:
  Result<ExecResult> ask(const std::string& sql);

  const AskWithin ask_;
  const std::string schema_;
  Clock& clock_;
  const int64_t until_ms_;
};

// Tables that keep the states of the configuration's syncs, of any destination.
std::set<std::string> state_tables(const Config& config);

inline constexpr size_t kMaxFormerSyncs = 50;  // whose states are read

// A sync whose state lies in the schema, and which the configuration does not have.
struct FormerSync {
  std::string name;                 // as the warehouse shows it
  std::vector<std::string> tables;  // those of `asked` that it has delivered
};
// `known`: as of state_tables(). What cannot be read is left out: it only makes an answer better.
std::vector<FormerSync> former_syncs(SyncStates& states, const std::set<std::string>& known,
                                     const std::vector<std::string>& asked);
// "By the warehouse's own records the sync \"shop\" delivered a, ..."; "".
std::string former_text(const std::vector<FormerSync>& syncs);

// What a run, or a plan, says of one of its targets.
struct ForeignTarget {
  std::string table;
  Error* error;
};
// Those that are RS-TABLE-FOREIGN are told of the sync that delivered the rows, where the warehouse
// knows it by a name that the configuration does not have. Nothing is asked where none is.
void say_former_syncs(RedshiftLoader& loader, const SyncSpec& spec, Clock& clock,
                      const std::vector<ForeignTarget>& targets);

}  // namespace vesto

#endif  // VESTO_SYNC_FORMER_SYNCS_H_
