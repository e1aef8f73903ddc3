// Which streams of a group fail by themselves. A transaction of Redshift has no savepoints, so one
// bad stream costs all that was loaded before it; with many bad ones in a group that would be one
// repeat of everything for each.
#include "base/log.h"
#include "redshift/errors.h"
#include "redshift/load_transaction.h"

namespace vesto {

// Neither LOCK nor fence: nothing of it is committed.
Status LoadRun::try_alone(size_t index) {
  where_ = Where::kElsewhere;
  if (impl_.has_stages_) impl_.drop_session();
  VESTO_TRY(impl_.connect());
  VESTO_TRY(impl_.set_timeout(kMergeTimeoutMs));
  VESTO_TRY(send("BEGIN"));
  where_ = Where::kStream;
  at_ = index;
  unchecked_.clear();
  VESTO_TRY(load_stream(group_[index], 1));
  return check_stages();
}

Status LoadRun::try_each_alone(size_t from, std::vector<size_t>* order, LoadOutcome* out) {
  const std::vector<size_t> suspects(order->begin() + static_cast<std::ptrdiff_t>(from),
                                     order->end());
  log_info("redshift: streams are tried one by one",
           {{"load", load_.text}, {"streams", std::to_string(suspects.size())}});
  for (const size_t index : suspects) {
    Status tried = try_alone(index);
    const int pid = end_attempt();
    if (impl_.context.stop.stop_requested()) return interrupted();
    if (tried.ok()) continue;
    Error error = std::move(tried).error();
    const AfterFault fault = after_fault(error);
    // A conflict or a lost connection says nothing about the stream: the load itself will see.
    if (fault == AfterFault::kRepeat) continue;
    if (fault == AfterFault::kStop || where_ != Where::kStream) return error;
    leave(index, pid, std::move(error), order, out);
  }
  return ok_status();
}

}  // namespace vesto
