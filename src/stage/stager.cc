#include "stage/stager.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/json_text.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/thread_root.h"

namespace vesto {

// Slot for one part: submit() fills it, the thread empties it once the part is stored.
class Stager::Lane final : public StageLane {
 public:
  Lane(Stager& stager, std::unique_ptr<S3> s3)
      : stager_(stager), s3_(std::move(s3)), thread_([this] { work(); }) {}

  ~Lane() override {
    {
      Lock lock(mutex_);
      closing_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }

  Status submit(int stream, Part part) override {
    Lock lock(mutex_);
    while (job_) changed_.wait(mutex_);
    if (error_) return *error_;
    job_ = Job{.stream = stream, .part = std::move(part)};
    changed_.notify_all();
    return ok_status();
  }

  Status drain() override {
    Lock lock(mutex_);
    while (job_) changed_.wait(mutex_);
    if (!error_) return ok_status();
    Error error = *std::move(error_);
    error_.reset();
    return error;
  }

 private:
  struct Job {
    int stream = 0;
    Part part;
  };

  void work() {
    name_thread("upload");
    while (true) {
      const Job* job = next();
      if (job == nullptr) return;
      // The slot stays full meanwhile: nobody else touches it.
      Status status = thread_root([&] {
        return stager_.upload(*s3_, job->stream, stager_.next_part(job->stream), job->part);
      });
      Lock lock(mutex_);
      job_.reset();
      if (!status.ok()) error_ = std::move(status).error();
      changed_.notify_all();
    }
  }

  // Waits for a part. Nothing: the lane is closed; what was handed over is uploaded first.
  const Job* next() {
    Lock lock(mutex_);
    while (!job_ && !closing_) changed_.wait(mutex_);
    return job_ ? &*job_ : nullptr;
  }

  Stager& stager_;
  const std::unique_ptr<S3> s3_;
  Mutex mutex_;
  CondVar changed_;
  std::optional<Job> job_ VESTO_GUARDED_BY(mutex_);
  std::optional<Error> error_ VESTO_GUARDED_BY(mutex_);
  bool closing_ VESTO_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

Stager::Stager(StagerOptions options, Journal& journal)
    : options_(std::move(options)), journal_(journal) {}

Stager::~Stager() = default;

std::unique_ptr<StageLane> Stager::open_lane() {
  return std::make_unique<Lane>(*this, options_.make_s3());
}

int Stager::next_part(int stream) {
  Lock lock(mutex_);
  return ++last_part_[stream];
}

Status Stager::check_ours() const {
  if (options_.stop.stop_requested()) {
    return Error(ErrorCode::kRunInterrupted, "the run was stopped while it staged");
  }
  if (!options_.still_ours) return ok_status();
  VESTO_ASSIGN(const bool ours, options_.still_ours());
  if (ours) return ok_status();
  return Error(ErrorCode::kRunLeaseLost, "another run took this sync over while this one staged");
}

Status Stager::put(S3& s3, const JournalObject& object, std::string_view body) {
  VESTO_ASSIGN(const S3PutResult result,
               s3.put_hashed(object.key, body, object.sha256, options_.stop));
  if (result.versioned) versioned_ = true;
  uploaded_bytes_ += body.size();
  return ok_status();
}

Status Stager::upload(S3& s3, int stream, int number, const Part& part) {
  if (static_cast<size_t>(number) > kMaxManifestParts) {
    return Error(ErrorCode::kSrcTooManyParts,
                 "one load of a stream would need more than 50,000 files");
  }
  VESTO_TRY(check_ours());
  const JournalObject object{.bucket = options_.space.bucket,
                             .key = part_key(options_.space, stream, number, options_.compression),
                             .run = options_.space.run,
                             .stream = stream,
                             .part = number,
                             .rows = part.rows,
                             .raw_bytes = part.raw_bytes,
                             .size_bytes = part.bytes.size(),
                             .sha256 = part.sha256};
  VESTO_TRY(journal_.plan(object));
  VESTO_KILL_POINT("stage.after_journal");
  VESTO_TRY(put(s3, object, part.bytes));
  VESTO_KILL_POINT("stage.after_put");
  VESTO_TRY(journal_.mark_stored(object.bucket, object.key));
  ++uploaded_parts_;
  log_debug("part stored",
            {{"key", object.key}, {"size_bytes", std::to_string(object.size_bytes)}});
  Lock lock(mutex_);
  stored_[stream].push_back({.key = object.key,
                             .part = number,
                             .rows = part.rows,
                             .raw_bytes = part.raw_bytes,
                             .size_bytes = object.size_bytes,
                             .longest_row_bytes = part.longest_row_bytes});
  return ok_status();
}

Result<StagedStream> Stager::write_manifest(int stream) {
  StagedStream staged;
  staged.manifest_key = manifest_key(options_.space, stream);
  {
    Lock lock(mutex_);
    staged.parts = stored_[stream];
    if (staged.parts.empty() || static_cast<size_t>(last_part_[stream]) != staged.parts.size()) {
      return Error(ErrorCode::kInternal,
                   "a manifest was asked for a stream whose parts are not "
                   "all stored");
    }
  }
  std::sort(staged.parts.begin(), staged.parts.end(),
            [](const StagedPart& a, const StagedPart& b) { return a.part < b.part; });
  for (const StagedPart& part : staged.parts) {
    staged.rows += part.rows;
    staged.raw_bytes += part.raw_bytes;
    staged.size_bytes += part.size_bytes;
  }
  VESTO_TRY(check_ours());
  const std::string body = manifest_json(options_.space.bucket, staged.parts);
  const JournalObject object{.bucket = options_.space.bucket,
                             .key = staged.manifest_key,
                             .run = options_.space.run,
                             .stream = stream,
                             .part = 0,
                             .rows = 0,
                             .raw_bytes = body.size(),
                             .size_bytes = body.size(),
                             .sha256 = sha256(body)};
  VESTO_KILL_POINT("stage.before_manifest");
  VESTO_TRY(journal_.plan(object));
  const std::unique_ptr<S3> s3 = options_.make_s3();
  VESTO_TRY(put(*s3, object, body));
  VESTO_KILL_POINT("stage.after_manifest");
  VESTO_TRY(journal_.mark_stored(object.bucket, object.key));
  return staged;
}

std::string manifest_json(std::string_view bucket, const std::vector<StagedPart>& parts) {
  std::string out = "{\"entries\":[";
  for (const StagedPart& part : parts) {
    if (&part != &parts.front()) out += ',';
    out += "\n{\"url\":" + json_quote("s3://" + std::string(bucket) + "/" + part.key) +
           ",\"mandatory\":true,\"meta\":{\"content_length\":" + std::to_string(part.size_bytes) +
           "}}";
  }
  return out + "\n]}\n";
}

}  // namespace vesto
