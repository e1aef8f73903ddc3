#include "stage/clean_up.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/kill_point.h"

namespace vesto {

namespace {

constexpr size_t kKeysPerDelete = 1000;
// One stream holds 50,000 parts at most and a run 10,000 streams; far more than this is not ours.
constexpr int kMaxListPages = 10'000;

Status check_lease(const StillOurs& still_ours) {
  if (!still_ours) return ok_status();
  VESTO_ASSIGN(const bool ours, still_ours());
  if (ours) return ok_status();
  return Error(ErrorCode::kRunLeaseLost, "another run took this sync over before the clean-up");
}

// The only place of the program that deletes objects.
Status delete_keys(S3& s3, const StageSpace& space, const std::vector<std::string>& keys,
                   KeyOrigin origin, const StillOurs& still_ours, const std::stop_token& stop) {
  for (const std::string& key : keys) VESTO_TRY(check_own_key(space, key, origin));
  VESTO_TRY(check_lease(still_ours));
  return s3.remove_many(keys, stop);
}

}  // namespace

Result<CleanedUp> remove_run_objects(Journal& journal, S3& s3, const StageSpace& space,
                                     const StillOurs& still_ours, const std::stop_token& stop) {
  CleanedUp done;
  VESTO_ASSIGN(const std::vector<JournalObject> objects, journal.objects_of(space.run));
  std::vector<std::string> keys;
  for (const JournalObject& object : objects) {
    if (object.bucket == space.bucket) {
      keys.push_back(object.key);
    } else {
      ++done.elsewhere;
    }
  }
  for (size_t from = 0; from < keys.size(); from += kKeysPerDelete) {
    const size_t to = std::min(keys.size(), from + kKeysPerDelete);
    const std::vector<std::string> batch(keys.begin() + static_cast<ptrdiff_t>(from),
                                         keys.begin() + static_cast<ptrdiff_t>(to));
    VESTO_TRY(delete_keys(s3, space, batch, KeyOrigin::kJournalled, still_ours, stop));
    VESTO_KILL_POINT("cleanup.after_delete");
    VESTO_TRY(journal.forget(space.bucket, batch));
    done.deleted += batch.size();
  }
  return done;
}

Result<CleanedUp> sweep_run(Journal& journal, S3& s3, const StageSpace& space,
                            const StillOurs& still_ours, const std::stop_token& stop) {
  VESTO_ASSIGN(CleanedUp done, remove_run_objects(journal, s3, space, still_ours, stop));
  const std::string root = run_root(space);
  std::string token;
  for (int page_number = 0; page_number < kMaxListPages; ++page_number) {
    VESTO_ASSIGN(const S3ListPage page, s3.list(root, token, stop));
    std::vector<std::string> keys;
    keys.reserve(page.objects.size());
    for (const S3Object& object : page.objects) {
      if (check_own_key(space, object.key, KeyOrigin::kListed).ok()) {
        keys.push_back(object.key);
      } else {
        ++done.foreign;
      }
    }
    for (size_t from = 0; from < keys.size(); from += kKeysPerDelete) {
      const size_t to = std::min(keys.size(), from + kKeysPerDelete);
      const std::vector<std::string> batch(keys.begin() + static_cast<ptrdiff_t>(from),
                                           keys.begin() + static_cast<ptrdiff_t>(to));
      VESTO_TRY(delete_keys(s3, space, batch, KeyOrigin::kListed, still_ours, stop));
      done.orphans += batch.size();
    }
    if (page.next_token.empty()) return done;
    if (page.next_token == token) break;
    token = page.next_token;
  }
  return Error(ErrorCode::kS3Answer,
               "the list of s3://" + space.bucket + "/" + root + " does not come to an end");
}

}  // namespace vesto
