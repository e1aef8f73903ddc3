// Database passwords that GetClusterCredentials and its kin gave out: good for a while, for new
// logins only.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_SANDBOX_AWS_TEMPORARY_LOGINS_H_
#define VESTO_SANDBOX_AWS_TEMPORARY_LOGINS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "sandbox/iam/served_warehouse.h"

namespace vesto::sandbox {

struct TemporaryLogin {
  std::string login;             // what the client says: "IAM:etl", "IAMR:role"
  std::string password = {};     // clear
  std::string database_user;     // who it becomes: "etl", "IAMR:role"
  bool create_user = false;      // made at the first login, with PUBLIC's rights alone
  std::string database = {};     // "" = any
  int64_t expires_ms = 0;        // wall time
  WarehouseName warehouse = {};  // good there alone
};

constexpr size_t kMaxTemporaryLogins = 10'000;

class TemporaryLogins {
 public:
  // Both must outlive it. `served`: the warehouse that find() is asked for.
  TemporaryLogins(Clock& clock, const ServedWarehouse& served) : clock_(clock), served_(served) {}
  // More than kMaxTemporaryLogins: the oldest is forgotten.
  void add(TemporaryLogin login);
  // Those of this name for this warehouse that have not expired, the newest first.
  [[nodiscard]] std::vector<TemporaryLogin> find(std::string_view login,
                                                 std::string_view database) const;
  // All that are remembered, expired or not.
  [[nodiscard]] std::vector<std::string> passwords() const;
  // Whether such a name was ever given out: "IAM:..." of nobody is refused in other words.
  [[nodiscard]] static bool is_temporary_name(std::string_view login);

 private:
  Clock& clock_;
  const ServedWarehouse& served_;
  mutable Mutex mutex_;
  std::deque<TemporaryLogin> logins_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_TEMPORARY_LOGINS_H_
