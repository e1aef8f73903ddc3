#include "sync/known_state.h"

#include "redshift/sql.h"

namespace vesto {

namespace {

constexpr int64_t kCopiesLastMs = 24LL * 3600 * 1000;

// The state as the local store remembers it; nothing if it does not, or not freshly enough.
Result<std::optional<DestinationState>> remembered_state(
    RunContext& context, const std::string& source_id,
    std::map<std::string, RunPlan::Window>* windows) {
  VESTO_ASSIGN(const std::vector<StreamCopy> copies,
               context.services.store->copies(context.spec.name));
  DestinationState state;
  bool has_header = false;
  for (const StreamCopy& copy : copies) {
    if (context.now_ms() - copy.seen_ms > kCopiesLastMs) return std::optional<DestinationState>();
    if (copy.stream == sql::kHeaderStream) {
      // Another warehouse or schema is configured now: it must be asked itself.
      if (copy.columns != context.spec.destination_id) return std::optional<DestinationState>();
      // So is another source: positions of the one say nothing of the other.
      if (copy.position != source_id) return std::optional<DestinationState>();
      state.fence = copy.load_id;
      has_header = true;
    } else {
      state.streams[copy.stream] = {
          .position = copy.position, .columns = copy.columns, .load_id = copy.load_id};
      if (!copy.window_hash.empty()) {
        (*windows)[copy.stream] = {.rows = copy.window_rows,
                                   .hash = copy.window_hash,
                                   .lacked_room = copy.window_lacked_room,
                                   .rejected = copy.window_rejected,
                                   .nulled_values = copy.window_nulled};
      }
    }
  }
  if (!has_header) return std::optional<DestinationState>();
  return std::optional<DestinationState>(std::move(state));
}

// Keeps what the destination said, so that the next run need not ask.
Status remember_state(RunContext& context, const std::string& source_id,
                      const DestinationState& state) {
  VESTO_TRY(context.services.store->drop_copies(context.spec.name));
  std::vector<StreamCopy> copies;
  StreamCopy copy;
  copy.sync = context.spec.name;
  copy.stream = sql::kHeaderStream;
  copy.columns = context.spec.destination_id;
  copy.position = source_id;
  copy.load_id = state.fence;
  copy.seen_ms = context.now_ms();
  copies.push_back(copy);
  for (const auto& [stream, known] : state.streams) {
    copy.stream = stream;
    copy.load_id = known.load_id;
    copy.position = known.position;
    copy.columns = known.columns;
    copies.push_back(copy);
  }
  return context.services.store->put_copies(copies);
}

}  // namespace

Result<DestinationState> known_state(RunContext& context, RedshiftLoader& loader,
                                     const std::string& source_id, bool trust_copies,
                                     std::map<std::string, RunPlan::Window>* windows,
                                     bool* from_copies) {
  *from_copies = false;
  if (trust_copies) {
    VESTO_ASSIGN(auto remembered, remembered_state(context, source_id, windows));
    *from_copies = remembered.has_value();
    if (remembered) return *std::move(remembered);
    windows->clear();
  }
  VESTO_ASSIGN(auto read, loader.read_state());
  if (read) {
    if (!context.dry) VESTO_TRY(remember_state(context, source_id, *read));
    return *std::move(read);
  }
  // What is kept here is of another destination, or of one that was emptied. The first load writes
  // a header of this one beside it, and would give those positions to it.
  if (!context.dry) VESTO_TRY(context.services.store->drop_copies(context.spec.name));
  // Nothing there yet: open_state() will make the header row with this load id.
  DestinationState empty;
  empty.fence = LoadId{"0"};
  return empty;
}

}  // namespace vesto
