// A superuser's connection that several threads share, made again when it was lost. What is written
// on it commits by itself: it survives a client's ROLLBACK and conflicts with nobody.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_SESSION_ADMIN_LINK_H_
#define VESTO_SANDBOX_SESSION_ADMIN_LINK_H_

#include <memory>
#include <string>

#include "base/mutex.h"
#include "sandbox/cluster/cluster.h"

namespace vesto::sandbox {

class AdminLink {
 public:
  explicit AdminLink(const PgCluster* cluster) : cluster_(cluster) {}
  Result<PgRows, ErrorFields> rows(std::string_view sql) VESTO_EXCLUDES(mutex_);

 private:
  const PgCluster* cluster_;
  Mutex mutex_;
  std::unique_ptr<PgLink> link_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_ADMIN_LINK_H_
