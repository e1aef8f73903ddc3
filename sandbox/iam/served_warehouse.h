// Which warehouse the sandbox's one listener stands for: one of the world's from the start, or the
// first that is created. When that one is deleted the listener is nobody's: another one would find
// its data.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_IAM_SERVED_WAREHOUSE_H_
#define VESTO_SANDBOX_IAM_SERVED_WAREHOUSE_H_

#include <utility>

#include "base/mutex.h"
#include "sandbox/iam/warehouse.h"

namespace vesto::sandbox {

class ServedWarehouse {
 public:
  // `waits`: for the first of its kind that is created; `name` has only the kind then.
  ServedWarehouse(WarehouseName name, bool waits)
      : serverless_(name.serverless), waits_(waits), name_(std::move(name)) {}

  // Without a name: none of the world's.
  [[nodiscard]] WarehouseName get() const VESTO_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return name_;
  }
  [[nodiscard]] bool waits() const VESTO_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    return waits_;
  }
  // A warehouse was created. True: the listener is it from now on.
  bool take(const WarehouseName& created) VESTO_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    if (!waits_ || created.serverless != serverless_) return false;
    waits_ = false;
    name_ = created;
    return true;
  }
  void forget() VESTO_EXCLUDES(mutex_) {
    const Lock lock(mutex_);
    name_ = {.serverless = serverless_};
  }

 private:
  const bool serverless_;
  mutable Mutex mutex_;
  bool waits_ VESTO_GUARDED_BY(mutex_);
  WarehouseName name_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_SERVED_WAREHOUSE_H_
