// Holds the lease of a sync while a run lasts: renews it every quarter of its life in a thread of
// its own, and requests a stop when it is lost. The lease saves work; the load id in the
// destination saves the data.
#ifndef VESTO_SYNC_LEASE_KEEPER_H_
#define VESTO_SYNC_LEASE_KEEPER_H_

#include <atomic>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "store/store.h"

namespace vesto {

class LeaseKeeper {
 public:
  // Errors: RUN-BUSY with the holder, SYS-STORE. `on_lost` is asked to stop when the lease is gone.
  static Result<std::unique_ptr<LeaseKeeper>> take(Store& store, Clock& clock,
                                                   const std::string& sync, const RunId& run,
                                                   std::stop_source on_lost);
  ~LeaseKeeper();  // releases it, unless it is lost

  // Asks the store, not memory: whether the lease is still this run's. Any thread.
  Result<bool> still_ours();
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  LeaseKeeper(Store& store, Clock& clock, std::string sync, RunId run, std::stop_source on_lost);
  void renew_until(const std::stop_token& stop);

  Store& store_;
  Clock& clock_;
  const std::string sync_;
  const RunId run_;
  std::stop_source on_lost_;
  std::atomic<bool> lost_{false};
  std::jthread renewer_;  // last: it uses what stands above
};

}  // namespace vesto

#endif  // VESTO_SYNC_LEASE_KEEPER_H_
