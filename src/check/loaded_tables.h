// The tables that the syncs of a destination load, and which of them Vesto has filled.
#ifndef VESTO_CHECK_LOADED_TABLES_H_
#define VESTO_CHECK_LOADED_TABLES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "check/destination_state.h"
#include "sync/former_syncs.h"

namespace vesto::check {

// Of one sync, for tables of the source. Those with an entry of their own are left out by them.
struct LoadedPatterns {
  std::string sync;
  std::vector<std::string> patterns;
  std::set<std::string> own;  // names in the normal form
  bool known = true;          // what the sync has filled
};

struct Loaded {
  std::set<std::string> tables;  // that are loaded for sure
  std::set<std::string> state;   // those of them that keep positions
  std::set<std::string> ours;    // those that Vesto made or filled, or is to take over
  std::set<std::string> unsure;  // of syncs whose state cannot be read
  // Where the configuration names a table: "sync.shop, table public.a (vesto.toml:31)".
  std::map<std::string, std::string> places;
  std::set<std::string> by_pattern;      // that no sync has filled yet
  std::vector<LoadedPatterns> patterns;  // whose tables are not known
  bool cut = false;                      // not all streams of the runs so far were looked at
};

// Of the syncs of this destination, and Vesto's own. A state that is locked, as while its sync
// loads, is waited for shortly and then left: State::loading names the sync, and its tables are
// unsure.
Loaded loaded_tables(State& state, const CheckLimits& limits);
// "sync.shop, table public.a (vesto.toml:31)"
std::string place_of_table(const std::string& sync, const std::string& table,
                           const std::string& line);

// States of the destination's schema, read by the session of the checks: what is asked of it after
// them has the limits of its check again.
class LimitedStates {
 public:
  // `state` and `limits` outlive it.
  LimitedStates(State& state, const CheckLimits& limits);
  ~LimitedStates();
  LimitedStates(const LimitedStates&) = delete;
  LimitedStates& operator=(const LimitedStates&) = delete;
  SyncStates& get() { return states_; }

 private:
  Result<ExecResult> ask_within(const std::string& sql, int64_t limit_ms);

  State& state_;
  const CheckLimits& limits_;
  bool limited_ = false;
  SyncStates states_;
};

// Whether a pattern may stand for a table of the source that is delivered into `target`. In which
// schema of the source that would lie is not known here, nor which of its letters are capitals.
bool may_be_meant(const std::vector<LoadedPatterns>& patterns, const std::string& target);

}  // namespace vesto::check

#endif  // VESTO_CHECK_LOADED_TABLES_H_
