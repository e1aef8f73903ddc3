// Rejected rows, as they are kept in the destination.
#ifndef VESTO_SYNC_REJECTED_H_
#define VESTO_SYNC_REJECTED_H_

#include <cstdint>
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

}  // namespace vesto

#endif  // VESTO_SYNC_REJECTED_H_
