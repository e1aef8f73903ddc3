// Stages the parts of one run: each is written into the journal, uploaded, and marked as stored;
// at the end of a stream its manifest goes the same way.
//
//   Stager stager({.space = space, .compression = Compression::kGzip, .make_s3 = make,
//                  .still_ours = lease, .stop = token}, journal);
//   auto lane = stager.open_lane();                 // in the lane's thread
//   VESTO_TRY(lane->submit(stream, std::move(part)));   // as often as there are parts
//   VESTO_TRY(lane->drain());                       // at the end of a range or of all ranges
//   VESTO_ASSIGN(auto staged, stager.write_manifest(stream));  // once all lanes have drained it
//
// Memory: one part in flight for each lane, beside the one that its PartWriter fills.
// Thread rule: Stager: any thread. A StageLane belongs to its lane's thread.
#ifndef VESTO_STAGE_STAGER_H_
#define VESTO_STAGE_STAGER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/s3.h"
#include "base/mutex.h"
#include "base/result.h"
#include "encode/part_writer.h"
#include "stage/journal.h"
#include "stage/object_keys.h"

namespace vesto {

inline constexpr size_t kMaxManifestParts = 50'000;

// Whether this run still holds its lease. False: RUN-LEASE-LOST. Called from many threads.
using StillOurs = std::function<Result<bool>()>;

struct StagerOptions {
  StageSpace space;
  Compression compression = Compression::kGzip;
  std::function<std::unique_ptr<S3>()> make_s3;  // one client for each lane; any thread
  StillOurs still_ours = {};                     // asked before each upload; empty: yes
  std::stop_token stop = {};
};

struct StagedPart {
  std::string key;
  int part = 0;  // from 1
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t size_bytes = 0;
  uint64_t longest_row_bytes = 0;
};

// One stream's load as it lies in the bucket.
struct StagedStream {
  std::string manifest_key;
  std::vector<StagedPart> parts;  // by number
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t size_bytes = 0;
};

// A lane's uploader: a thread with an S3 client of its own, so that reading and upload overlap.
class StageLane {
 public:
  virtual ~StageLane() = default;
  // Hands a part over. Waits while the lane's previous part is still being uploaded. Returns the
  // error of an earlier part, if there was one; then nothing more is taken until drain().
  virtual Status submit(int stream, Part part) = 0;
  // Waits until the last part is stored. Returns an error once: afterwards the lane may go on with
  // another stream. The stream of the failed part can have no manifest any more.
  virtual Status drain() = 0;
};

class Stager {
 public:
  // The journal must outlive the stager, and the stager its lanes.
  Stager(StagerOptions options, Journal& journal);
  ~Stager();
  Stager(const Stager&) = delete;
  Stager& operator=(const Stager&) = delete;

  std::unique_ptr<StageLane> open_lane();

  // Journals and uploads the manifest of what is stored for the stream so far; the stream must have
  // at least one part (a read without rows needs no load). Errors also: INT-BUG (no parts, or one
  // of them was not stored).
  Result<StagedStream> write_manifest(int stream);

  // An upload was answered with a version id: deletes will keep old versions (product: a warning).
  [[nodiscard]] bool versioned_bucket() const { return versioned_; }
  [[nodiscard]] uint64_t uploaded_bytes() const { return uploaded_bytes_; }
  [[nodiscard]] uint64_t uploaded_parts() const { return uploaded_parts_; }

 private:
  class Lane;

  int next_part(int stream) VESTO_EXCLUDES(mutex_);
  Status check_ours() const;
  // Journal, then PUT, then journal again. Errors also: SRC-TOO-MANY-PARTS (over 50,000).
  Status upload(S3& s3, int stream, int number, const Part& part) VESTO_EXCLUDES(mutex_);
  Status put(S3& s3, const JournalObject& object, std::string_view body);

  const StagerOptions options_;
  Journal& journal_;
  std::atomic<bool> versioned_ = false;
  std::atomic<uint64_t> uploaded_bytes_ = 0;
  std::atomic<uint64_t> uploaded_parts_ = 0;
  Mutex mutex_;
  std::map<int, int> last_part_ VESTO_GUARDED_BY(mutex_);
  std::map<int, std::vector<StagedPart>> stored_ VESTO_GUARDED_BY(mutex_);
};

// The manifest as COPY reads it: {"entries":[{"url":"s3://b/k","mandatory":true,
// "meta":{"content_length":123}},...]}. Source: Redshift guide, "Using a manifest to specify data
// files".
std::string manifest_json(std::string_view bucket, const std::vector<StagedPart>& parts);

}  // namespace vesto

#endif  // VESTO_STAGE_STAGER_H_
