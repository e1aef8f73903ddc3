// A warehouse that is not there at this moment but will be: a cluster that is paused, being
// resumed, resized, restarted or maintained. It is waited for, within a bound, and people are told
// why. What a failed attempt means is asked of AWS where the role may ask; where it may not, the
// failure stands as it is, unless the server itself says that it starts up, or the same run has
// reached it before.
//
// Source: Amazon Redshift API reference, ClusterStatus and ClusterAvailabilityStatus of
// DescribeClusters; Redshift Serverless API reference, status of GetWorkgroup.
// Thread rule: any thread, one at a time.
#ifndef VESTO_SYNC_WAREHOUSE_WAIT_H_
#define VESTO_SYNC_WAREHOUSE_WAIT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "aws/redshift_api.h"
#include "base/clock.h"
#include "base/result.h"
#include "redshift/load.h"
#include "redshift/session.h"
#include "sync/run.h"

namespace vesto {

// Why a warehouse of this kind cannot be reached now, and that it will be: "the cluster is being
// resumed". Nothing: it is available, or what AWS says promises no change ("deleting").
struct WarehouseAway {
  std::string reason;
  bool paused = false;          // somebody must resume it
  bool by_aws = false;          // AWS says so, and is asked again before each attempt
  std::string_view cause = "";  // name of base/error_causes.def
};
std::optional<WarehouseAway> warehouse_away(const WarehouseInfo& info);

// RS-PAUSED or RS-WAKING. `waited_ms` 0: it was not waited for. `name`: of a cluster, and its
// region, for the line to paste; both may be empty.
Error away_error(const WarehouseAway& away, int64_t waited_ms, const std::string& name,
                 const std::string& region);

// Of a warehouse that AWS calls not publicly accessible: the error, which says so if it is the
// silence (NET-TIMEOUT) of a dial without a tunnel.
Error not_public(Error error);

// What waits. All of it must outlive the object and what connector() gave.
struct WarehouseWaitOptions {
  WarehouseCare care;
  Clock* clock = nullptr;
  std::stop_token stop;  // ends a wait at once
  // The wait has begun, or its reason is another one; nothing: it is over. May be empty.
  std::function<void(const std::optional<WarehouseWaiting>&)> tell = {};
};

class WarehouseWait final : public WarehousePatience {
 public:
  explicit WarehouseWait(WarehouseWaitOptions options) : options_(std::move(options)) {}

  // Dials by `dial` until it succeeds, the failure is none of a warehouse that is away, or the
  // bound is over: RS-PAUSED, RS-WAKING with the last failure as upstream; RUN-INTERRUPTED where
  // `stop` was requested. An attempt takes its own time, which may go beyond the bound.
  RedshiftConnector connector(RedshiftConnector dial);

  Status wait(const Error& error, int64_t since_ms) override;
  void over() override;
  void searching(int64_t limit_ms) override;
  void searched() override;

 private:
  std::optional<WarehouseAway> why(const Error& error);
  Status wait_for(const WarehouseAway& away, const Error& error, int64_t since_ms);
  [[nodiscard]] Error with_cause(Error error) const;

  const WarehouseWaitOptions options_;
  bool was_up_ = false;         // a connection succeeded
  bool may_ask_ = true;         // AWS has not refused to tell
  std::optional<bool> public_;  // what AWS said last of public access
  std::string told_;            // the reason that was told last; "" = nobody waits
  // A COMMIT's outcome is looked for: told wherever no other wait is.
  std::optional<WarehouseWaiting> search_;
};

}  // namespace vesto

#endif  // VESTO_SYNC_WAREHOUSE_WAIT_H_
