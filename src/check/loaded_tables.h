// The tables that the syncs of a destination load, and which of them Vesto has filled.
#ifndef VESTO_CHECK_LOADED_TABLES_H_
#define VESTO_CHECK_LOADED_TABLES_H_

#include <set>
#include <string>
#include <vector>

#include "check/destination_state.h"

namespace vesto::check {

inline constexpr size_t kMaxStreamsSeen = 10'000;  // of one sync's state

// Of one sync, for tables of the source. Those with an entry of their own are left out by them.
struct LoadedPatterns {
  std::vector<std::string> patterns;
  std::set<std::string> own;  // names in the normal form
};

struct Loaded {
  std::set<std::string> tables;  // that are loaded for sure
  std::set<std::string> state;   // those of them that keep positions
  std::set<std::string> ours;    // those that Vesto made or filled, or is to take over
  std::set<std::string> unsure;  // of syncs whose state cannot be read
  std::vector<LoadedPatterns> patterns;
  bool cut = false;  // not all streams of the runs so far were looked at
};

// Of the syncs of this destination, and Vesto's own.
Loaded loaded_tables(State& state, const CheckLimits& limits);

// Whether a pattern may stand for a table of the source that is delivered into `target`. In which
// schema of the source that would lie is not known here, nor which of its letters are capitals.
bool may_be_meant(const std::vector<LoadedPatterns>& patterns, const std::string& target);

}  // namespace vesto::check

#endif  // VESTO_CHECK_LOADED_TABLES_H_
