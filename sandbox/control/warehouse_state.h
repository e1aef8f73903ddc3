// What the warehouse is doing: available, paused, being resumed, resized, restarted. Set by
// POST /v1/warehouse; told by DescribeClusters and GetWorkgroup, and done by the listener.
//
//   {"status": "resuming", "after_ms": 3000}         refuses; available 3 s later
//   {"status": "paused", "door": "silent"}           connections time out instead
//   {"status": "rebooting", "door": "starting"}      FATAL 57P03 after the start-up packet
//   {"status": "available", "cold_start_ms": 5000}   Serverless: the next first statement of a
//                                                    session takes so long
//   {"status": "available", "disk_used_percent": 85} a cluster: what stv_node_storage_capacity
//                                                    tells sessions that begin from now on
//
// AWS's own calls move it too: there is none, it is being created until the sandbox's clock says
// that it is ready, it is being deleted. Sources: Amazon Redshift API reference (ClusterStatus,
// ClusterAvailabilityStatus), Redshift Serverless API reference (status of a workgroup). Thread
// rule: any thread.
#ifndef VESTO_SANDBOX_CONTROL_WAREHOUSE_STATE_H_
#define VESTO_SANDBOX_CONTROL_WAREHOUSE_STATE_H_

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace vesto::sandbox {

// What a client meets at the warehouse's address.
enum class Door {
  kOpen,
  kRefuse,    // nobody listens
  kSilent,    // no answer at all
  kStarting,  // FATAL 57P03
};

inline constexpr int kUsualDiskUsedPercent = 1;

class WarehouseState {
 public:
  static constexpr int64_t kLongestMs = 600'000;

  struct View {
    std::string status;        // "available"; for a workgroup to be shown in capitals
    std::string availability;  // of a cluster: "Available", "Maintenance"
    Door door = Door::kOpen;
    bool read_only = false;  // a resize: writes are refused
    uint64_t version = 0;    // another one for each change, that by time included
  };

  explicit WarehouseState(bool serverless) : serverless_(serverless) {}
  // body: the JSON of POST /v1/warehouse. The error says what is wrong with it; nothing is changed
  // then.
  Result<Unit, std::string> set(const std::string& body) VESTO_EXCLUDES(mutex_);
  View now() VESTO_EXCLUDES(mutex_);
  // There is no warehouse: nobody listens, and set() is refused.
  void be_absent() VESTO_EXCLUDES(mutex_);
  // Until `clock` shows `ready_ms` (wall time). `clock` must outlive this object.
  void be_creating(Clock& clock, int64_t ready_ms) VESTO_EXCLUDES(mutex_);
  void be_deleting() VESTO_EXCLUDES(mutex_);
  // What the first statement of a session waits, once; 0: nothing.
  int64_t take_cold_start_ms() VESTO_EXCLUDES(mutex_);
  int disk_used_percent() VESTO_EXCLUDES(mutex_);
  // {"status": ..., "door": ...}
  std::string json() VESTO_EXCLUDES(mutex_);

 private:
  void change(View to) VESTO_REQUIRES(mutex_);

  const bool serverless_;
  Mutex mutex_;
  View view_ VESTO_GUARDED_BY(mutex_) = {"available", "Available", Door::kOpen, false, 0};
  int64_t until_ms_ VESTO_GUARDED_BY(mutex_) = 0;    // monotonic; 0: until it is set anew
  Clock* clock_ VESTO_GUARDED_BY(mutex_) = nullptr;  // while it is being created
  int64_t ready_ms_ VESTO_GUARDED_BY(mutex_) = 0;
  int64_t cold_start_ms_ VESTO_GUARDED_BY(mutex_) = 0;
  int disk_used_percent_ VESTO_GUARDED_BY(mutex_) = kUsualDiskUsedPercent;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CONTROL_WAREHOUSE_STATE_H_
