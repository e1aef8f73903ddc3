#include "sync/extract.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/thread_root.h"
#include "encode/guards.h"
#include "encode/part_writer.h"
#include "stage/object_keys.h"
#include "stage/stager.h"
#include "sync/clean_up.h"
#include "sync/position.h"
#include "sync/window_hash.h"

namespace vesto {

namespace {

// One range of one stream: what a lane takes at a time.
struct WorkItem {
  size_t planned = 0;  // index into RunPlan::tables
  size_t range = 0;
};

// What has come together of one stream, from all lanes.
struct StreamState {
  size_t ranges_left = 0;  // read, compressed and stored when it reaches 0
  bool failed = false;
  uint64_t rows = 0;  // as read: those of the parts, and those that were diverted
  Diversion diversion;
  std::shared_ptr<DiversionLimits> limits;
  std::vector<uint32_t> widths;
  std::map<size_t, std::string> range_hashes;  // of a window
  int64_t started_ms = 0;
};

// What a lane has read and stored of one stream.
struct LaneShare {
  size_t ranges = 0;
  uint64_t rows = 0;
  Diversion diversion;
  std::map<size_t, std::string> range_hashes;
};

// The work list and the states, shared by the lanes.
class Work {
 public:
  Work(RunContext& context, const RunPlan& plan) : context_(context) {
    states_.resize(plan.tables.size());
    const auto diversion_bytes = std::make_shared<DiversionBytes>();
    for (size_t i = 0; i < plan.tables.size(); ++i) {
      if (plan.tables[i].error) continue;
      states_[i].ranges_left = plan.tables[i].plan.ranges.size();
      const bool was_delivered = plan.tables[i].plan.window.has_value() &&
                                 plan.windows.contains(plan.tables[i].plan.schema.stream);
      states_[i].limits = std::make_shared<DiversionLimits>(
          diversion_bytes, context.spec.max_rejected_rows, was_delivered);
      for (size_t r = 0; r < plan.tables[i].plan.ranges.size(); ++r) items_.push_back({i, r});
    }
  }

  // The next range; those of streams that have failed are passed over.
  std::optional<WorkItem> next() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    while (at_ < items_.size() && states_[items_[at_].planned].failed) ++at_;
    if (at_ >= items_.size() || context_.stop.stop_requested()) return std::nullopt;
    StreamState& state = states_[items_[at_].planned];
    if (state.started_ms == 0) state.started_ms = context_.now_ms();
    return items_[at_++];
  }

  std::shared_ptr<DiversionLimits> limits(size_t planned) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return states_[planned].limits;
  }

  // A lane has stored all that it read of the stream. True: the stream is whole now, and the caller
  // is the one who completes it.
  bool stored(size_t planned, LaneShare share, const std::vector<uint32_t>& widths)
      VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    StreamState& state = states_[planned];
    state.rows += share.rows;
    // Of a stream that has failed nothing is delivered, and what it held others may need.
    if (!state.failed) state.diversion.merge(std::move(share.diversion));
    state.range_hashes.merge(share.range_hashes);
    if (state.widths.size() < widths.size()) state.widths.resize(widths.size());
    for (size_t i = 0; i < widths.size(); ++i) {
      state.widths[i] = std::max(state.widths[i], widths[i]);
    }
    state.ranges_left -= share.ranges;
    return state.ranges_left == 0 && !state.failed;
  }

  StreamState take(size_t planned) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return std::move(states_[planned]);
  }

  // The first error of a stream, or of the whole extraction, is kept; it stops what it must.
  void fail(size_t planned, Error error) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    if (is_stream_error(error)) {
      states_[planned].failed = true;
      states_[planned].diversion = {};
      result_.failed.emplace(planned, std::move(error));
      return;
    }
    fail_all(std::move(error));
  }

  void fail_run(Error error) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    fail_all(std::move(error));
  }

  ExtractResult finish() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    if (!result_.error && context_.stop.stop_requested()) {
      result_.error = Error(ErrorCode::kRunInterrupted, "the run was stopped while it was reading");
    }
    return std::move(result_);
  }

 private:
  void fail_all(Error error) VESTO_REQUIRES(mutex_) {
    if (result_.error || context_.stop.stop_requested()) {
      log_info("another error follows", {{"error", error.to_string()}});
      return;
    }
    result_.error = std::move(error);
    context_.stop.request_stop();
  }

  RunContext& context_;
  Mutex mutex_;
  std::vector<WorkItem> items_ VESTO_GUARDED_BY(mutex_);
  size_t at_ VESTO_GUARDED_BY(mutex_) = 0;
  std::vector<StreamState> states_ VESTO_GUARDED_BY(mutex_);
  ExtractResult result_ VESTO_GUARDED_BY(mutex_);
};

Compression compression_of(const SyncSpec& spec) {
  return spec.zstd ? Compression::kZstd : Compression::kGzip;
}

StreamLoad make_load(const RunContext& context, const RunPlan& plan, const PlannedTable& planned) {
  StreamLoad load;
  load.schema = planned.plan.schema;
  load.target = {context.spec.schema, context.spec.tables[planned.table].target};
  load.mode = planned.mode;
  load.full = planned.plan.full;
  load.key_proven = planned.plan.key_proven;
  load.null_marker = plan.null_marker;
  load.zstd = context.spec.zstd;
  load.known_target = context.spec.tables[planned.table].adopt || planned.known_target;
  load.position = committed_position(planned.setup, planned.plan.next.text);
  load.key_checked = context.spec.tables[planned.table].mode == LoadMode::kUpsert;
  load.columns = planned.columns;
  load.former = planned.former;
  load.options = planned.options;
  load.rewrite_types = context.spec.tables[planned.table].rewrite_types;
  if (planned.plan.window && planned.mode == LoadMode::kAppend) {
    const ReadWindow& window = *planned.plan.window;
    load.window = LoadWindow{window.column, window.from, window.with_nulls};
  }
  load.data_as_of_ms = data_as_of_ms(plan, planned);
  load.widths.resize(planned.plan.schema.columns.size());
  return load;
}

// All that decides what becomes of the rows of a window, besides the rows.
std::string window_setup(const RunContext& context, const PlannedTable& planned) {
  const TableSpec& spec = context.spec.tables[planned.table];
  std::string out = fmt::format("{} {} {} {} {} {} {} {}", planned.setup,
                                load_mode_name(planned.mode), context.spec.max_row_bytes,
                                planned.columns, spec.cursor, spec.lookback_ms.value_or(-1),
                                spec.lookback_units.value_or(-1), spec.cursor_is_immutable);
  for (const Column& column : planned.plan.schema.columns) {
    out += fmt::format(" {} {} {}", column.name, type_sql(column.type),
                       static_cast<int>(column.on_unrepresentable));
  }
  return out;
}

// One thread's work: ranges, one after the other.
class Lane {
 public:
  Lane(RunContext& context, RunPlan& plan, Stager& stager, Deliverer& deliverer, Work& work)
      : context_(context),
        plan_(plan),
        stager_(stager),
        deliverer_(deliverer),
        work_(work),
        uploads_(stager.open_lane()),
        writer_(compression_of(context.spec)) {
    chunk_.bytes.reserve(kChunkBytes);
  }

  void run() {
    std::optional<WorkItem> item = work_.next();
    while (item && !deliverer_.plan_is_void()) {
      Status done = read_range(*item);
      std::optional<WorkItem> following = work_.next();
      // The part is closed when the lane turns to another stream.
      if (done.ok() && (!following || following->planned != item->planned)) {
        done = flush(item->planned);
      }
      if (!done.ok()) abandon(item->planned, std::move(done).error());
      item = following;
    }
  }

 private:
  Status read_range(const WorkItem& item) {
    const PlannedTable& planned = plan_.tables[item.planned];
    context_.report.step(planned.table, "extract");
    if (!guard_) {
      GuardLimits limits;
      limits.row_bytes = context_.spec.max_row_bytes;
      limits.check_utf8 = planned.plan.check_utf8;
      limits.oversize_marker = planned.plan.oversize_marker;
      limits.diversion = work_.limits(item.planned);
      guard_.emplace(planned.plan.schema, plan_.null_marker, limits);
    }
    VESTO_ASSIGN(const auto reader, plan_.snapshot->open(planned.plan.ranges[item.range]));
    std::optional<RangeHash> hash;
    if (planned.plan.window) {
      hash.emplace(std::vector{plan_.null_marker, planned.plan.oversize_marker});
    }
    const std::stop_callback wake(context_.stop.get_token(), [&reader] { reader->cancel(); });
    while (true) {
      VESTO_ASSIGN(const bool more, reader->read(&chunk_));
      if (!more) break;
      // The range stays unread, so its stream is never whole, and never loaded.
      if (deliverer_.plan_is_void()) return ok_status();
      VESTO_KILL_POINT("extract.after_chunk");
      const uint64_t rows_read = chunk_.rows;
      if (hash) hash->add(chunk_.bytes);
      VESTO_TRY(guard_->check(&chunk_, &share_.diversion));
      VESTO_ASSIGN(std::optional<Part> part, writer_.add(chunk_));
      share_.rows += rows_read;
      const uint64_t staged_bytes = part ? part->bytes.size() : 0;
      if (part) VESTO_TRY(uploads_->submit(planned.stream, *std::move(part)));
      context_.report.moved(planned.table, rows_read, staged_bytes);
    }
    if (hash) share_.range_hashes[item.range] = hash->finish();
    ++share_.ranges;
    return ok_status();
  }

  // Stores what is left of the stream, and completes it if no other lane has work on it.
  Status flush(size_t index) {
    const PlannedTable& planned = plan_.tables[index];
    VESTO_ASSIGN(std::optional<Part> last, writer_.finish());
    if (last) {
      context_.report.moved(planned.table, 0, last->bytes.size());
      VESTO_TRY(uploads_->submit(planned.stream, *std::move(last)));
    }
    VESTO_TRY(uploads_->drain());
    const bool whole = work_.stored(index, std::exchange(share_, {}), guard_->widths());
    guard_.reset();
    return whole ? complete(index) : ok_status();
  }

  // Every row of the stream is stored: its manifest is written, and it goes to the load thread.
  Status complete(size_t index) {
    const PlannedTable& planned = plan_.tables[index];
    StreamState state = work_.take(index);
    context_.report.step(planned.table, "stage");
    StreamForLoad ready;
    ready.planned = index;
    ready.load = make_load(context_, plan_, planned);
    ready.load.rows_read = state.rows;
    ready.load.started_ms = state.started_ms;
    ready.load.widths = std::move(state.widths);
    ready.load.widths.resize(planned.plan.schema.columns.size());
    ready.load.diverted = std::make_shared<const Diversion>(std::move(state.diversion));
    if (planned.plan.window) {
      ready.window_hash = window_hash(window_setup(context_, planned), state.range_hashes);
    }
    // A row that is in none of these is of a stream that is unchanged, or fails.
    if (ready.load.rows_staged() > 0 && !ready.load.diverted->fails_for_room) {
      VESTO_ASSIGN(const StagedStream staged, stager_.write_manifest(planned.stream));
      ready.load.manifest_key = staged.manifest_key;
      ready.load.bytes_staged = staged.size_bytes;
      ready.bytes_read = staged.raw_bytes;
      for (const StagedPart& part : staged.parts) ready.load.part_rows.push_back(part.rows);
    }
    deliverer_.offer(std::move(ready));
    return ok_status();
  }

  // The stream, or the run, is given up: nothing that was made of it is used.
  void abandon(size_t index, Error error) {
    share_ = {};
    guard_.reset();
    // Both only empty what they hold; their own errors would follow from this one.
    (void)writer_.finish();
    (void)uploads_->drain();
    const TableSpec& spec = context_.spec.tables[plan_.tables[index].table];
    work_.fail(index, std::move(error).in("table " + spec.name));
  }

  RunContext& context_;
  RunPlan& plan_;
  Stager& stager_;
  Deliverer& deliverer_;
  Work& work_;
  std::unique_ptr<StageLane> uploads_;
  PartWriter writer_;
  std::optional<Guard> guard_;  // of the stream that the lane is at
  Chunk chunk_;
  LaneShare share_;  // read, but not yet stored
};

// As many lanes as the byte budget and the work allow; at least one slot must be free.
Result<size_t> take_slots(const RunContext& context, size_t ranges) {
  const size_t wanted = std::min(ranges, static_cast<size_t>(std::max(1, context.spec.readers)));
  const uint64_t lane_bytes = lane_size_bytes(context.spec.max_row_bytes);
  size_t taken = 0;
  while (taken < wanted && context.services.budget->try_take(lane_bytes)) ++taken;
  if (taken == 0 && wanted > 0) {
    return Error(ErrorCode::kCfgValue,
                 "limits.memory_mib leaves no room for a reader, which needs " +
                     std::to_string(lane_bytes >> 20) + " MiB with this max_row_mib");
  }
  return taken;
}

}  // namespace

ExtractResult extract(RunContext& context, RunPlan& plan, LeaseKeeper& lease,
                      Deliverer& deliverer) {
  size_t ranges = 0;
  for (const PlannedTable& planned : plan.tables) {
    if (!planned.error) ranges += planned.plan.ranges.size();
  }
  const Result<size_t> lanes = take_slots(context, ranges);
  if (!lanes.ok()) {
    ExtractResult result;
    result.error = lanes.error();
    return result;
  }
  Work work(context, plan);
  Stager stager({.space = stage_space(context),
                 .compression = compression_of(context.spec),
                 .make_s3 = context.services.make_s3,
                 .still_ours = [&lease] { return lease.still_ours(); },
                 .stop = context.stop.get_token()},
                *context.services.store);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < *lanes; ++i) {
      threads.emplace_back([&] {
        name_thread("read");
        const Status ran = thread_root([&] { Lane(context, plan, stager, deliverer, work).run(); });
        if (!ran.ok()) work.fail_run(ran.error());
      });
    }
  }
  context.services.budget->give_back(*lanes * lane_size_bytes(context.spec.max_row_bytes));
  if (stager.versioned_bucket()) {
    context.report.warning("bucket " + context.spec.bucket +
                           " is versioned: deleted staged files stay there as old versions until "
                           "a lifecycle rule removes them");
  }
  return work.finish();
}

StreamLoad example_load(const RunContext& context, const RunPlan& plan,
                        const PlannedTable& planned) {
  StreamLoad load = make_load(context, plan, planned);
  // Only the run's own id is not known yet.
  StageSpace space = stage_space(context);
  space.run.text = "<run>";
  load.manifest_key = manifest_key(space, planned.stream);
  return load;
}

}  // namespace vesto
