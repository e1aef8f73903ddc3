// Rejected rows, as they are kept in the destination.
#ifndef VESTO_SYNC_REJECTED_H_
#define VESTO_SYNC_REJECTED_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "redshift/session.h"
#include "sync/run.h"

namespace vesto {

struct KeptRejectedRow {
  std::string stream;
  std::string load_id;
  std::string run;
  std::string key;     // JSON object
  std::string column;  // "" = the row as a whole
  std::string reason;
  std::string value;  // what was kept of it
  int64_t value_bytes = 0;
  std::string rejected_at;  // as the warehouse prints it
};

// The newest first, at most `limit`; `stream` "": of all streams of the sync. Empty where nothing
// was ever delivered. Connects and reads, changes nothing.
// Errors: those of connecting; RS-PRIV, RS-SQL.
Result<std::vector<KeptRejectedRow>> read_rejected(const SyncSpec& spec,
                                                   const RedshiftConnector& connect,
                                                   const std::string& stream, int limit);

// What a replay asks for: the rows of these keys are read once more and delivered like any others.
struct Replay {
  // RunOptions::only_keys.
  std::map<std::string, std::vector<std::vector<std::string>>> keys;
  std::map<std::string, std::vector<std::string>> key_columns;  // RunOptions::key_columns
  std::map<std::string, std::vector<std::string>> row_keys;  // the same as they are kept, by stream
  std::string newest_load_id;                                // of the rows that it was made from
  size_t without_key = 0;  // rows that no key names, or only in part: they cannot be found again
};
// Pure.
Replay replay_of(const std::vector<KeptRejectedRow>& rows);

// Takes what was replayed off the list; what was rejected anew stays, with its new reason.
// `streams`: those whose replay was committed. Errors: as above.
Status forget_replayed(const SyncSpec& spec, const RedshiftConnector& connect, const Replay& replay,
                       const std::vector<std::string>& streams);

}  // namespace vesto

#endif  // VESTO_SYNC_REJECTED_H_
