#include "sync/deliver.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/thread_root.h"
#include "redshift/sql.h"
#include "sync/former_syncs.h"

namespace vesto {

namespace {

// A group is one transaction: these bound its length and what a repeat of it costs.
constexpr uint64_t kGroupBytes = 2ULL << 30;
constexpr size_t kGroupStreams = 1000;

TableResult result_of(const RunContext& context, const RunPlan& plan, const StreamForLoad& stream) {
  const PlannedTable& planned = plan.tables[stream.planned];
  const TableSpec& spec = context.spec.tables[planned.table];
  TableResult result;
  result.name = spec.name;
  result.target = stream.load.target.schema + "." + stream.load.target.table;
  result.mode = load_mode_name(planned.mode);
  result.full = planned.plan.full;
  result.rows.read = stream.load.rows_read;
  result.rows.rejected = stream.load.diverted->rejected.size();
  result.nulled_values = stream.load.diverted->nulled_values;
  result.bytes_read = stream.bytes_read;
  result.bytes_staged = stream.load.bytes_staged;
  result.duration_ms = context.now_ms() - stream.load.started_ms;
  return result;
}

}  // namespace

Deliverer::Deliverer(RunContext& context, RedshiftLoader& loader, LeaseKeeper& lease,
                     const RunPlan& plan)
    : context_(context),
      loader_(loader),
      lease_(lease),
      plan_(plan),
      queue_(std::max<size_t>(1, plan.tables.size())),
      thread_([this] {
        name_thread("load");
        if (Status ran = thread_root([this] { work(); }); !ran.ok()) give_up(ran.error());
      }) {}

Deliverer::~Deliverer() { queue_.close(); }

void Deliverer::offer(StreamForLoad stream) {
  stream.load.kept_position = kept_position(plan_, plan_.tables[stream.planned]);
  queue_.push(std::move(stream));
}

DeliveryResult Deliverer::finish(bool complete) {
  complete_ = complete;
  queue_.close();
  thread_.join();
  return std::move(result_);
}

// What was delivered of the same window, if that was as much as could be delivered of it now. Fewer
// rows without room in the side door, which other tables share, are a reason to load it again; as
// many, or more, would at best bring the same, and take other rows away.
const RunPlan::Window* Deliverer::same_window(const StreamForLoad& stream) const {
  const PlannedTable& planned = plan_.tables[stream.planned];
  const auto last = plan_.windows.find(planned.plan.schema.stream);
  if (!planned.plan.window || last == plan_.windows.end()) return nullptr;
  const bool same = last->second.rows == stream.load.rows_read &&
                    last->second.hash == stream.window_hash &&
                    last->second.lacked_room <= stream.load.diverted->lacked_room;
  return same ? &last->second : nullptr;
}

// Nothing to send to the warehouse: no row that it has not, and the table is known to be there.
bool Deliverer::is_unchanged(const StreamForLoad& stream) const {
  const PlannedTable& planned = plan_.tables[stream.planned];
  const std::string& name = planned.plan.schema.stream;
  if (planned.mode == LoadMode::kReplace || planned.plan.commit_position || !planned.known_target ||
      !plan_.base.streams.contains(name) || plan_.base.gone.contains(stream.load.target.table)) {
    return false;
  }
  // Rows that an append window had and has no more must go.
  const bool adds_only =
      planned.mode == LoadMode::kUpsert || context_.spec.tables[planned.table].cursor_is_immutable;
  return (stream.load.rows_read == 0 && adds_only) || same_window(stream) != nullptr;
}

void Deliverer::leave_as_it_is(const StreamForLoad& stream) {
  TableResult result = result_of(context_, plan_, stream);
  result.state = "unchanged";
  // What finds the side door full now says nothing of what was delivered.
  const RunPlan::Window* last = same_window(stream);
  result.rows.rejected = last != nullptr ? last->rejected : 0;
  result.nulled_values = last != nullptr ? last->nulled_values : 0;
  context_.report.step(plan_.tables[stream.planned].table, "unchanged");
  context_.report.finished(result);
  result_.tables.emplace(stream.planned, std::move(result));
}

// The limits that were not applied while the stream might still be unchanged.
std::optional<Error> Deliverer::lacks_room(const StreamForLoad& stream) const {
  const Diversion& diverted = *stream.load.diverted;
  if (diverted.fails_for_room) return diverted.fails_for_room;
  if (diverted.lacked_room == 0 ||
      diverted.rejected.size() <= static_cast<size_t>(context_.spec.max_rejected_rows)) {
    return std::nullopt;
  }
  return Error(ErrorCode::kSrcRejectedLimit,
               fmt::format("{} rows cannot be delivered, more than max_rejected_rows allows; this "
                           "run has more rows for INSERT at a time than {} of memory hold",
                           diverted.rejected.size(), format_bytes(kSideDoorBytes)));
}

void Deliverer::work() {
  std::vector<StreamForLoad> group;
  uint64_t group_bytes = 0;
  while (auto stream = queue_.pop()) {
    if (result_.fenced || result_.error) continue;  // drain: the lanes must never wait for us
    if (is_unchanged(*stream)) {
      leave_as_it_is(*stream);
      continue;
    }
    if (std::optional<Error> error = lacks_room(*stream)) {
      fail(*stream, std::move(*error).in("table " + stream->load.schema.stream));
      continue;
    }
    group_bytes += stream->load.bytes_staged;
    group.push_back(*std::move(stream));
    if (group_bytes >= kGroupBytes || group.size() >= kGroupStreams) {
      load_group(std::exchange(group, {}));
      group_bytes = 0;
    }
  }
  if (complete_ && !group.empty() && !result_.fenced && !result_.error) {
    load_group(std::move(group));
  }
}

void Deliverer::give_up(Error error) {
  result_.error = std::move(error);
  context_.stop.request_stop();
}

void Deliverer::fence_moved() {
  result_.fenced = true;
  plan_is_void_ = true;
}

void Deliverer::fail(const StreamForLoad& stream, Error error) {
  TableResult result = result_of(context_, plan_, stream);
  result.state = "failed";
  result.error =
      at_table(std::move(error), context_.spec.tables[plan_.tables[stream.planned].table]);
  context_.report.step(plan_.tables[stream.planned].table, "failed");
  context_.report.finished(result);
  result_.tables.emplace(stream.planned, std::move(result));
}

// The destination's own word on the fence: if it differs from what the plan rests on, the plan is
// void (another machine delivered, or the warehouse was restored from a snapshot).
// Where nothing has to be made first, the fence itself says it: its UPDATE then hits no row.
Status Deliverer::open_state_once(const std::vector<StreamForLoad>& group) {
  if (seen_) return ok_status();
  std::vector<StreamLoad> loads;
  loads.reserve(group.size());
  for (const StreamForLoad& stream : group) loads.push_back(stream.load);
  // A load id is nobody else's, so a fence that holds it is of this sync and this source. The first
  // one is the same everywhere.
  const bool knows_fence = plan_.base.fence.text != kFirstFence;
  VESTO_ASSIGN(const auto state, loader_.open_state_for(loads, knows_fence));
  seen_ = state ? state->fence : plan_.base.fence;
  if (*seen_ != plan_.base.fence) fence_moved();
  return ok_status();
}

void Deliverer::prepare_group(std::vector<StreamForLoad>* group) {
  std::vector<StreamLoad> loads;
  for (const StreamForLoad& stream : *group) {
    context_.report.step(plan_.tables[stream.planned].table, "prepare");
    loads.push_back(stream.load);
  }
  auto failed = loader_.prepare(loads);
  if (!failed.ok()) {
    give_up(std::move(failed).error());
    return;
  }
  std::vector<ForeignTarget> foreign;
  for (auto& [index, error] : *failed) {
    foreign.push_back({loads[index].target.table, &error});
  }
  say_former_syncs(loader_, context_.spec, *context_.services.clock, foreign);
  // From the back, so that the indexes stay right while streams leave.
  std::sort(failed->begin(), failed->end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [index, error] : *failed) {
    fail((*group)[index], std::move(error));
    group->erase(group->begin() + static_cast<std::ptrdiff_t>(index));
  }
}

void Deliverer::load_group(std::vector<StreamForLoad> group) {
  if (Status opened = open_state_once(group); !opened.ok())
    return give_up(std::move(opened).error());
  if (result_.fenced) return;
  prepare_group(&group);
  if (result_.error || group.empty()) return;

  std::vector<StreamLoad> loads;
  for (const StreamForLoad& stream : group) {
    context_.report.step(plan_.tables[stream.planned].table, "load");
    loads.push_back(stream.load);
  }
  // From here on a COMMIT may be done that this machine never hears of.
  if (Status said = doubt_copies(true); !said.ok()) return give_up(std::move(said).error());
  const LoadId load = make_load_id(context_.now_ms(), *seen_);
  Result<LoadOutcome> outcome = loader_.load(loads, *seen_, load, context_.run);
  if (!outcome.ok()) return give_up(std::move(outcome).error());
  if (outcome->fenced) return fence_moved();
  for (auto& [index, error] : outcome->failed) fail(group[index], std::move(error));
  if (!outcome->committed) {
    if (Status said = doubt_copies(false); !said.ok()) give_up(std::move(said).error());
    return;
  }
  VESTO_KILL_POINT("run.after_commit");
  seen_ = load;
  for (size_t i = 0; i < outcome->loaded.size(); ++i) {
    const StreamForLoad& stream = group[outcome->loaded[i]];
    TableResult result = result_of(context_, plan_, stream);
    result.state = "succeeded";
    result.rows.copied = outcome->streams[i].rows_copied;
    result.rows.inserted = outcome->streams[i].rows_inserted;
    result.rows.updated = outcome->streams[i].rows_updated;
    result.rows.deleted = outcome->streams[i].rows_deleted;
    context_.report.step(plan_.tables[stream.planned].table, "done");
    context_.report.finished(result);
    result_.tables.emplace(stream.planned, std::move(result));
  }
  if (Status kept = remember(group, *outcome, load); !kept.ok()) {
    give_up(std::move(kept).error());
  }
  VESTO_KILL_POINT("run.after_copies");
}

Status Deliverer::doubt_copies(bool doubted) {
  return context_.services.store->doubt_copy(context_.spec.name, sql::kHeaderStream, doubted);
}

Status Deliverer::remember(const std::vector<StreamForLoad>& group, const LoadOutcome& outcome,
                           const LoadId& load) {
  std::vector<StreamCopy> copies;
  StreamCopy header;
  header.sync = context_.spec.name;
  header.stream = sql::kHeaderStream;
  header.columns = context_.spec.destination_id;
  header.position = plan_.source.id;
  header.load_id = load;
  header.seen_ms = context_.now_ms();
  copies.push_back(header);
  for (const size_t index : outcome.loaded) {
    StreamCopy copy = header;
    const StreamForLoad& stream = group[index];
    copy.stream = stream.load.schema.stream;
    copy.position = stream.load.position;
    copy.columns = stream.load.columns;
    if (!stream.window_hash.empty()) {
      const Diversion& diverted = *stream.load.diverted;
      copy.window_rows = stream.load.rows_read;
      copy.window_hash = stream.window_hash;
      copy.window_lacked_room = diverted.lacked_room;
      copy.window_rejected = diverted.rejected.size();
      copy.window_nulled = diverted.nulled_values;
    }
    copies.push_back(std::move(copy));
  }
  return context_.services.store->put_copies(copies);
}

}  // namespace vesto
