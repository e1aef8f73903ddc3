// The first step: what to read, from which position, on one snapshot of the source.
#ifndef VESTO_SYNC_PLAN_H_
#define VESTO_SYNC_PLAN_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "redshift/load.h"
#include "source/source.h"
#include "sync/run_context.h"

namespace vesto {

struct PlannedTable {
  size_t table = 0;  // index into spec.tables
  int stream = 0;    // number in the run, from 1: part of every staged key
  LoadMode mode = LoadMode::kUpsert;
  std::string setup;                // stream_setup(): what the next position counts for
  std::string from_position;        // the source's
  bool known_target = false;        // the sync has delivered into the target before
  std::string columns;              // column_record_text() of what is delivered now
  std::vector<std::string> former;  // columns of the target that the stream had once
  TableOptions options;             // by names of the destination
  StreamPlan plan;
  std::optional<Error> error;  // cannot be read: leaves the run
};

struct RunPlan {
  SourceIdentity source;
  std::string null_marker;
  // What the destination has, as far as is known: the fence and positions that this plan rests on.
  DestinationState base;
  // When the destination said so, where `base` is what the local store kept of it; 0: it was asked.
  int64_t copied_ms = 0;
  // Of the last load of each stream, if it was a window and this machine made it.
  struct Window {
    uint64_t rows = 0;
    std::string hash;
    uint64_t lacked_room = 0;  // StreamCopy::window_lacked_room
    uint64_t rejected = 0;
    uint64_t nulled_values = 0;
  };
  std::map<std::string, Window> windows;
  std::unique_ptr<SourceSnapshot> snapshot;
  std::vector<PlannedTable> tables;
};

// The positions come from the local copy when it is younger than 24 hours and the last run ended in
// order, otherwise from the destination itself.
Result<RunPlan> make_plan(RunContext& context, RedshiftLoader& loader, bool trust_copies);

// All rows of the stream, as the configuration says.
StreamRequest stream_request(const TableSpec& spec);

// What the configuration asks of the columns of a stream that was planned, and whether it has the
// key that its mode needs: sets `options` and the columns of `plan`. A test of the source asks the
// same. Errors: PG-NO-COLUMN, CFG-VALUE, PG-NO-KEY.
Status settle_table(const TableSpec& spec, PlannedTable* planned);

// The position of this stream, where what was kept here of an earlier load has one, and its columns
// as they are now. Then a load moves the position alone, and finds out whether it is there.
std::optional<std::string> kept_position(const RunPlan& plan, const PlannedTable& planned);

// The newest moment of the source that the stream holds after this run.
int64_t data_as_of_ms(const RunPlan& plan, const PlannedTable& planned);

// Whether the table takes part in this run.
bool is_wanted(const TableSpec& table, const RunOptions& options);

}  // namespace vesto

#endif  // VESTO_SYNC_PLAN_H_
