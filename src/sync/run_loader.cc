#include "sync/run_loader.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/log.h"
#include "redshift/find_row.h"

namespace vesto {

namespace {

// What stands in place of a summary as long as there is none.
std::string waiting_json(const WarehouseWaiting& wait) {
  return fmt::format(R"({{"waiting":{{"reason":{},"since":{},"limit_ms":{}}}}})",
                     json_quote(wait.reason), json_quote(format_utc(wait.since_ms)), wait.limit_ms);
}

}  // namespace

LoadTarget load_target(const RunContext& context, const SourceIdentity& source,
                       const std::string& region) {
  const SyncSpec& spec = context.spec;
  LoadTarget target;
  target.schema = spec.schema;
  target.create_schema = spec.create_schema;
  target.sync = context.sync;
  target.sync_name = spec.name;
  target.source_id = source.id;
  target.installation = context.installation;
  target.bucket = spec.bucket;
  target.region = region;
  target.copy_access = context.services.copy_access;
  return target;
}

LoadContext load_context(RunContext& context, LeaseKeeper* lease) {
  LoadContext load;
  load.connect = context.connect;
  load.patience = context.patience.get();
  load.clock = context.services.clock;
  load.stop = context.stop.get_token();
  for (const RunRecord& dead : context.dead_runs) {
    for (RecordedSession& session : read_sessions(dead.warehouse_since)) {
      load.dead_sessions.push_back(std::move(session));
    }
  }
  load.still_ours = [lease]() -> Result<bool> {
    if (lease == nullptr) return true;
    return lease->still_ours();
  };
  load.record_session = [&context](const std::vector<RecordedSession>& sessions, const LoadId& id) {
    context.record.warehouse_pid = sessions.back().pid;
    context.record.warehouse_since = write_sessions(sessions);
    if (!id.text.empty()) context.record.load_id = id;
    return context.save();
  };
  load.fetch_part = [&context](const std::string& key) {
    return context.services.make_s3()->get_object(key, kMaxStagedObjectBytes,
                                                  context.stop.get_token());
  };
  load.warn = [&context](const std::string& text) { context.report.warning(text); };
  load.keep_sql = [&context](const std::string& sql) {
    // What people look up later; a run does not fail for it.
    if (Status kept = context.services.store->add_sql(context.run, sql); !kept.ok()) {
      log_warn("statement not kept", {{"error", kept.error().to_string()}});
    }
  };
  return load;
}

void be_patient(RunContext* context, int64_t limit_ms) {
  WarehouseWaitOptions options{.care = context->services.warehouse,
                               .clock = context->services.clock,
                               .stop = context->stop.get_token()};
  options.care.wait_ms = limit_ms;
  if (!context->dry) {
    options.tell = [context,
                    step = std::string()](const std::optional<WarehouseWaiting>& wait) mutable {
      if (context->record.step != kWaitingStep) step = context->record.step;
      context->record.step = wait ? kWaitingStep : step;
      context->record.summary = wait ? waiting_json(*wait) : "";
      // Nobody's data hangs on it: the next write fails if this one does.
      if (Status saved = context->save(); !saved.ok()) {
        log_warn("the wait is not kept", {{"error", saved.error().to_string()}});
      }
      context->report.waiting(wait);
    };
  }
  context->patience = std::make_shared<WarehouseWait>(std::move(options));
  context->connect = context->patience->connector(context->services.connect_redshift);
}

}  // namespace vesto
