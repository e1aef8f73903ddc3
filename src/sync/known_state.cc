#include "sync/known_state.h"

#include <set>
#include <string>

#include "redshift/sql.h"
#include "schema/table_name.h"

namespace vesto {

namespace {

constexpr int64_t kCopiesLastMs = 24LL * 3600 * 1000;

// The state as the local store remembers it. False, and nothing set, if it does not, or not freshly
// enough.
Result<bool> remembered_state(RunContext& context, RunPlan* plan) {
  VESTO_ASSIGN(const std::vector<StreamCopy> copies,
               context.services.store->copies(context.spec.name));
  RunPlan found;
  bool has_header = false;
  for (const StreamCopy& copy : copies) {
    // A clock that was ahead would make it last for as long as it was.
    const int64_t age_ms = context.now_ms() - copy.seen_ms;
    if (copy.seen_ms <= 0 || age_ms < 0 || age_ms > kCopiesLastMs) return false;
    if (copy.stream == sql::kHeaderStream) {
      // Another warehouse or schema is configured now: it must be asked itself.
      if (copy.columns != context.spec.destination_id) return false;
      // So is another source: positions of the one say nothing of the other.
      if (copy.position != plan->source.id) return false;
      found.base.fence = copy.load_id;
      found.copied_ms = copy.seen_ms;
      has_header = true;
    } else {
      found.base.streams[copy.stream] = {
          .position = copy.position, .columns = copy.columns, .load_id = copy.load_id};
      if (!copy.window_hash.empty()) {
        found.windows[copy.stream] = {.rows = copy.window_rows,
                                      .hash = copy.window_hash,
                                      .lacked_room = copy.window_lacked_room,
                                      .rejected = copy.window_rejected,
                                      .nulled_values = copy.window_nulled};
      }
    }
  }
  if (!has_header) return false;
  plan->base = std::move(found.base);
  plan->windows = std::move(found.windows);
  plan->copied_ms = found.copied_ms;
  return true;
}

// Streams whose target is gone: whoever reads the copy of one has to ask the destination again,
// until the table is there or delivered anew.
std::set<std::string> gone_streams(const RunContext& context, const DestinationState& state) {
  std::set<std::string> streams;
  for (const TableSpec& table : context.spec.tables) {
    if (state.gone.contains(table.target)) streams.insert(normal_table_name(table.name));
  }
  return streams;
}

// Keeps what the destination said, so that the next run need not ask.
Status remember_state(RunContext& context, const std::string& source_id,
                      const DestinationState& state) {
  VESTO_TRY(context.services.store->drop_copies(context.spec.name));
  const std::set<std::string> gone = gone_streams(context, state);
  const int64_t now_ms = context.now_ms();
  std::vector<StreamCopy> copies;
  StreamCopy copy;
  copy.sync = context.spec.name;
  copy.stream = sql::kHeaderStream;
  copy.columns = context.spec.destination_id;
  copy.position = source_id;
  copy.load_id = state.fence;
  copy.seen_ms = now_ms;
  copies.push_back(copy);
  for (const auto& [stream, known] : state.streams) {
    copy.stream = stream;
    copy.load_id = known.load_id;
    copy.position = known.position;
    copy.columns = known.columns;
    copy.seen_ms = gone.contains(stream) ? 0 : now_ms;
    copies.push_back(copy);
  }
  return context.services.store->put_copies(copies);
}

}  // namespace

Status find_known_state(RunContext& context, RedshiftLoader& loader, bool trust_copies,
                        RunPlan* plan) {
  if (trust_copies) {
    VESTO_ASSIGN(const bool remembered, remembered_state(context, plan));
    if (remembered) return ok_status();
  }
  // Whoever asks the destination looks for the tables too: a sync with nothing new loads nothing,
  // and would not notice otherwise that one is gone.
  std::vector<std::string> targets;
  for (const TableSpec& table : context.spec.tables) targets.push_back(table.target);
  VESTO_ASSIGN(auto read, loader.read_state(targets));
  if (read) {
    if (!context.dry) VESTO_TRY(remember_state(context, plan->source.id, *read));
    plan->base = *std::move(read);
    return ok_status();
  }
  // What is kept here is of another destination, or of one that was emptied. The first load writes
  // a header of this one beside it, and would give those positions to it.
  if (!context.dry) VESTO_TRY(context.services.store->drop_copies(context.spec.name));
  // Nothing there yet: open_state() will make the header row with this load id.
  plan->base.fence = LoadId{"0"};
  return ok_status();
}

}  // namespace vesto
