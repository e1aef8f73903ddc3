// The security groups of the world's warehouses: one each, whose inbound rules are its allow_from
// list. What a change of the served one allows reaches the listener at once, as with AWS.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_SECURITY_GROUPS_H_
#define VESTO_SANDBOX_AWS_SECURITY_GROUPS_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "sandbox/aws/api_call.h"
#include "sandbox/iam/warehouse.h"

namespace vesto::sandbox {

struct InboundRule {
  std::string protocol = "tcp";  // "tcp", "udp", "icmp", "icmpv6", "-1" (all)
  int from_port = -1;            // -1: all
  int to_port = -1;
  std::string cidr = {};         // IPv4 or IPv6
  std::string description = {};  // no part of what the rule is
  std::string id = {};           // "sgr-..."

  [[nodiscard]] bool is_ipv6() const { return cidr.find(':') != std::string::npos; }
  [[nodiscard]] bool same(const InboundRule& other) const;
  [[nodiscard]] bool covers(int port) const;
};

struct SecurityGroup {
  std::string id;  // "sg-0..."; the same at each start
  std::string name;
  std::string account;
  std::string region;
  std::string vpc_id;
  WarehouseName warehouse;
  int port = 0;  // of the warehouse
  std::vector<InboundRule> rules = {};
};

class SecurityGroups {
 public:
  using Changed = std::function<void(const AllowList&)>;

  // `port`: where the served warehouse listens; the others are at 5439.
  SecurityGroups(const World& world, WarehouseName served, int port);
  // Called with the served warehouse's list after each change of it.
  void on_change(Changed changed) VESTO_EXCLUDES(mutex_);

  [[nodiscard]] std::vector<SecurityGroup> list(const std::string& account,
                                                const std::string& region) VESTO_EXCLUDES(mutex_);
  // "": the warehouse is none of the world's.
  [[nodiscard]] std::string id_of(const WarehouseName& warehouse) VESTO_EXCLUDES(mutex_);
  // All of them or none; the answer has their ids. Errors as EC2's: InvalidGroup.NotFound,
  // InvalidPermission.Duplicate, RulesPerSecurityGroupLimitExceeded.
  ApiResult<std::vector<InboundRule>> authorize(const std::string& account,
                                                const std::string& region, const std::string& id,
                                                const std::vector<InboundRule>& rules)
      VESTO_EXCLUDES(mutex_);
  // Errors: InvalidGroup.NotFound, InvalidPermission.NotFound.
  ApiResult<Unit> revoke(const std::string& account, const std::string& region,
                         const std::string& id, const std::vector<InboundRule>& rules)
      VESTO_EXCLUDES(mutex_);
  // The served one's rules are this list from now on (/v1/security-group).
  void replace(const AllowList& list) VESTO_EXCLUDES(mutex_);

 private:
  SecurityGroup* find(const std::string& account, const std::string& region, const std::string& id)
      VESTO_REQUIRES(mutex_);
  void add(const WarehouseName& warehouse, const AllowList& list, int port) VESTO_REQUIRES(mutex_);
  // Tells the listener, if it is the served one's.
  void tell(const SecurityGroup& group) VESTO_REQUIRES(mutex_);

  const WarehouseName served_;
  Mutex mutex_;
  std::vector<SecurityGroup> groups_ VESTO_GUARDED_BY(mutex_);
  Changed changed_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_SECURITY_GROUPS_H_
