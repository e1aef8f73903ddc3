// The journal of staged objects: each is written down before it is uploaded, and taken off after
// it was deleted. src/store implements it on SQLite. Any thread.
#ifndef VESTO_STAGE_JOURNAL_H_
#define VESTO_STAGE_JOURNAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace vesto {

struct JournalObject {
  std::string bucket;
  std::string key;
  RunId run;
  int stream = 0;  // number of the stream in the run
  int part = 0;    // 0 is the manifest; parts count from 1
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t size_bytes = 0;
  std::string sha256;  // 32 bytes
  bool stored = false;
};

class Journal {
 public:
  virtual ~Journal() = default;
  // On disk (fsync) when it returns ok.
  virtual Status plan(const JournalObject& object) = 0;
  // These two outlive the process, and are on disk with the next plan(): after the machine's end an
  // object may be removed a second time, which S3 takes.
  virtual Status mark_stored(const std::string& bucket, const std::string& key) = 0;
  virtual Status forget(const std::string& bucket, const std::vector<std::string>& keys) = 0;
  virtual Result<std::vector<JournalObject>> objects_of(const RunId& run) = 0;
};

}  // namespace vesto

#endif  // VESTO_STAGE_JOURNAL_H_
