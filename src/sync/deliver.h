// The load thread: takes staged streams as they become complete, gathers them into groups, and has
// each group prepared and loaded in one transaction. Extraction never waits for it, so that the
// source's snapshot is not held open by a slow warehouse.
//
// Thread rule: offer() from any thread; the rest from the thread that made it.
#ifndef VESTO_SYNC_DELIVER_H_
#define VESTO_SYNC_DELIVER_H_

#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "redshift/load.h"
#include "sync/lease_keeper.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

// A stream whose every range was read, and whose parts and manifest are stored.
struct StreamForLoad {
  size_t planned = 0;  // index into RunPlan::tables
  StreamLoad load;
  uint64_t bytes_read = 0;
  std::string window_hash = {};  // of what a window held (sync/window_hash.h); "" for other reads
};

struct DeliveryResult {
  // The fence had moved: somebody else's load came between plan and load. Nothing of the groups
  // that were still open is committed.
  bool fenced = false;
  std::optional<Error> error;            // what ended the delivery as a whole
  std::map<size_t, TableResult> tables;  // by index into RunPlan::tables
};

class Deliverer {
 public:
  Deliverer(RunContext& context, RedshiftLoader& loader, LeaseKeeper& lease, const RunPlan& plan);
  ~Deliverer();

  void offer(StreamForLoad stream);
  // The fence has moved: what is still read is for nothing. Any thread.
  [[nodiscard]] bool plan_is_void() const { return plan_is_void_; }
  // No more streams will come. `complete`: extraction went well, so what was gathered is loaded;
  // otherwise it is dropped. Waits for the thread.
  DeliveryResult finish(bool complete);

 private:
  void work();
  void load_group(std::vector<StreamForLoad> group);
  [[nodiscard]] const RunPlan::Window* same_window(const StreamForLoad& stream) const;
  [[nodiscard]] bool is_unchanged(const StreamForLoad& stream) const;
  void leave_as_it_is(const StreamForLoad& stream);
  [[nodiscard]] std::optional<Error> lacks_room(const StreamForLoad& stream) const;
  Status open_state_once(const std::vector<StreamForLoad>& group);
  void prepare_group(std::vector<StreamForLoad>* group);
  // The copies as a whole, by their header: StreamCopy.
  Status doubt_copies(bool doubted);
  Status remember(const std::vector<StreamForLoad>& group, const LoadOutcome& outcome,
                  const LoadId& load);
  void fail(const StreamForLoad& stream, Error error);
  void give_up(Error error);
  void fence_moved();

  RunContext& context_;
  RedshiftLoader& loader_;
  LeaseKeeper& lease_;
  const RunPlan& plan_;
  std::optional<LoadId> seen_;  // the fence that the next group must find
  DeliveryResult result_;       // the thread's until it has ended
  BoundedQueue<StreamForLoad> queue_;
  std::atomic<bool> complete_{false};
  std::atomic<bool> plan_is_void_{false};
  std::jthread thread_;  // last: it uses what stands above
};

}  // namespace vesto

#endif  // VESTO_SYNC_DELIVER_H_
