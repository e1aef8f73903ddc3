#include "check/probe_objects.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/kill_point.h"
#include "base/log.h"
#include "check/destination_checks.h"
#include "secret/files.h"

namespace vesto::check {

namespace {

// For so long after a test its objects that may not be removed are named: whether somebody has
// removed them meanwhile cannot be seen.
constexpr int64_t kNamedMs = int64_t{7} * 24 * 3600 * 1000;

void drop(State& state, const std::string& bucket, const std::string& key) {
  if (state.store == nullptr) return;
  if (const Status gone = state.store->drop_object(bucket, key); !gone.ok()) {
    log_warn("a removed object of a test stays in the journal",
             {{"error", gone.error().to_string()}});
  }
}

// Below which this destination's tests put; of a former id, those of all destinations did.
std::string root_of(const State& state, const SyncId& sync) {
  return installation_root(state.space) + sync.text + "/";
}

// Below which this destination's tests put, or would have put under the name that `sync` is of.
bool is_here(const State& state, const SyncId& sync, const JournalObject& object) {
  return object.bucket == state.space.bucket && object.key.starts_with(root_of(state, sync));
}

// Another destination of the configuration comes nearer to it: its tests remove the object, or say
// that they may not. By the bucket; in our own one by the prefix as well.
bool is_for_another(const State& state, const JournalObject& object) {
  const auto& all = state.target.config->destinations;
  return std::any_of(all.begin(), all.end(), [&](const DestinationConfig& one) {
    if (one.name == state.destination().name || one.bucket != object.bucket) return false;
    StageSpace there = state.space;
    there.prefix = one.prefix;
    return one.bucket != state.space.bucket || object.key.starts_with(installation_root(there));
  });
}

Status remove_own(State& state, RemovedObjects* removed, const std::stop_token& stop) {
  std::optional<Error> error;  // the first; one that cannot be removed does not keep the others
  for (const std::string& key : std::set<std::string>(state.keys)) {
    if (Status gone = state.s3->remove(key, stop); !gone.ok()) {
      if (!error) error = std::move(gone).error();
      continue;
    }
    VESTO_KILL_POINT("check.object_removed");
    strike_object(state, key);
    ++removed->count;
  }
  if (error) return *std::move(error);
  return ok_status();
}

Status remove_below(State& state, const std::string& root, RemovedObjects* removed,
                    const std::stop_token& stop) {
  std::string next;
  for (int page_number = 0; page_number < kMaxProbePages; ++page_number) {
    VESTO_ASSIGN(const S3ListPage page, state.s3->list(root, next, stop));
    for (const S3Object& object : page.objects) {
      // Somebody's own file is left alone.
      if (!check_own_key(state.space, object.key, KeyOrigin::kListed).ok()) continue;
      VESTO_TRY(state.s3->remove(object.key, stop));
      ++removed->count;
    }
    if (page.next_token.empty()) return ok_status();
    next = page.next_token;
  }
  removed->more = true;
  return ok_status();
}

Status remove_listed(State& state, RemovedObjects* removed, const std::stop_token& stop) {
  for (const SyncId& sync : {state.space.sync, sync_id(kFormerCheckSync)}) {
    VESTO_TRY(remove_below(state, root_of(state, sync), removed, stop));
  }
  return ok_status();
}

void name_refused(State& state, const JournalObject& object, RemovedObjects* removed) {
  removed->refused.push_back("s3://" + object.bucket + "/" + object.key);
  // Ids of runs sort by time.
  const RunId oldest_named = make_run_id(state.target.clock->wall_ms() - kNamedMs);
  if (object.run < oldest_named) drop(state, object.bucket, object.key);
}

// What the journal knows of earlier tests under `sync`. `listed`: all of them below our prefix was
// seen, and removed.
Status remove_noted(State& state, const SyncId& sync, bool listed, RemovedObjects* removed,
                    const std::stop_token& stop) {
  VESTO_ASSIGN(const std::vector<JournalObject> noted, state.store->objects_of_sync(sync));
  const bool former = sync != state.space.sync;
  std::optional<Error> error;
  for (const JournalObject& object : noted) {
    const bool here = is_here(state, sync, object);
    if (here && listed) {
      drop(state, object.bucket, object.key);
      continue;
    }
    if (object.bucket != state.space.bucket) {
      if (!former || !is_for_another(state, object)) name_refused(state, object, removed);
      continue;
    }
    VESTO_TRY(check_own_key(state.space, object.key, KeyOrigin::kJournalled));
    Status gone = state.s3->remove(object.key, stop);
    if (gone.ok()) {
      drop(state, object.bucket, object.key);
      ++removed->count;
    } else if (!here && gone.error().code() == ErrorCode::kS3Denied) {
      if (!former || !is_for_another(state, object)) name_refused(state, object, removed);
    } else {
      removed->missed = true;
      if (!error) error = std::move(gone).error();
    }
  }
  if (error) return *std::move(error);
  return ok_status();
}

// What tests left whose destination the configuration does not have under that name: it was renamed
// or removed since, or it is another configuration's. With the lock of its tests no test of it
// runs, so that what the journal holds of it is of one that was killed. Objects of a run are no
// test's: nobody makes such a lock for them.
Status remove_of_former_names(State& state, RemovedObjects* removed, const std::stop_token& stop) {
  std::set<SyncId> known = {state.space.sync};
  for (const DestinationConfig& one : state.target.config->destinations) {
    known.insert(check_sync(one.name));
  }
  VESTO_ASSIGN(const std::vector<JournalObject> noted, state.store->objects_of_no_run());
  Status first = ok_status();
  for (const JournalObject& object : noted) {
    const SyncId sync = sync_of_own_key(state.space, object.key);
    if (sync.text.empty() || !known.insert(sync).second) continue;
    const std::string path = check_lock_path(state.target.data_dir, sync);
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) continue;
    const auto lock = secret::take_lock(path, 0);
    if (!lock.ok()) continue;
    Status done = remove_noted(state, sync, false, removed, stop);
    if (first.ok()) first = std::move(done);
  }
  return first;
}

}  // namespace

Status note_object(State& state, const std::string& key) {
  if (state.store == nullptr) return Error(ErrorCode::kInternal, "the store is not open");
  JournalObject object;
  object.bucket = state.space.bucket;
  object.key = key;
  object.run = state.space.run;
  object.stream = kProbeStream;
  VESTO_TRY(state.store->plan(object));
  state.keys.insert(key);
  return ok_status();
}

void strike_object(State& state, const std::string& key) {
  state.keys.erase(key);
  drop(state, state.space.bucket, key);
}

Status remove_objects(State& state, RemovedObjects* removed, const std::stop_token& stop) {
  VESTO_TRY(remove_own(state, removed, stop));
  Status listed = remove_listed(state, removed, stop);
  if (state.store == nullptr) return listed;
  Status noted =
      remove_noted(state, state.space.sync, listed.ok() && !removed->more, removed, stop);
  Status former = remove_of_former_names(state, removed, stop);
  for (Status* one : {&listed, &noted}) {
    if (!one->ok()) return std::move(*one);
  }
  return former;
}

}  // namespace vesto::check
