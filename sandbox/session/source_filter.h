// A security group for a listener: an allow-list of source addresses. Packets of all others are
// dropped by a filter on the socket, so that their connections time out as with AWS. Where the
// system allows no filter (it may need root) they are accepted and never answered.
// Source: socket(7) and the kernel's documentation of classic BPF.
// Thread rule: one thread at a time.
#ifndef VESTO_SANDBOX_SESSION_SOURCE_FILTER_H_
#define VESTO_SANDBOX_SESSION_SOURCE_FILTER_H_

#include <cstdint>
#include <deque>

#include "sandbox/iam/warehouse.h"

namespace vesto::sandbox {

// IPv4 addresses in host order. `address` as accept4() gave it.
[[nodiscard]] bool is_allowed(const AllowList& list, uint32_t address);
// Puts the list on a listening socket, in the place of an older one. False: the system refuses.
bool attach_source_filter(int listen_fd, const AllowList& list);
// An accepted socket inherits its listener's filter; it keeps none, as AWS lets connections live
// that were open before a change.
void detach_source_filter(int fd);

// Connections that are never answered: at most kMaxHeld, each for kHoldMs; then they are closed,
// the oldest first.
class HeldConnections {
 public:
  static constexpr size_t kMaxHeld = 64;
  static constexpr int64_t kHoldMs = 120'000;

  HeldConnections() = default;
  ~HeldConnections();
  HeldConnections(const HeldConnections&) = delete;
  HeldConnections& operator=(const HeldConnections&) = delete;

  // Takes the socket. `now_ms`: monotonic.
  void add(int fd, int64_t now_ms);
  void drop_old(int64_t now_ms);
  [[nodiscard]] size_t size() const { return held_.size(); }

 private:
  struct Held {
    int fd = -1;
    int64_t until_ms = 0;
  };
  void drop_first();
  std::deque<Held> held_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_SOURCE_FILTER_H_
