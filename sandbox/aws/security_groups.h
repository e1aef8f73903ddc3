// The security groups of the sandbox's VPCs, one VPC for each account and region: its default
// group, which lets nobody in from outside, and one for each warehouse of the world, whose inbound
// rules are its allow_from list. What a change lets reach the served warehouse is done at the
// listener at once, as with AWS. One that is not publicly accessible is reached from within the VPC
// alone, which is by the instances of the world: each is in its VPC's default group, and a rule
// whose source is that group lets them in. Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_SECURITY_GROUPS_H_
#define VESTO_SANDBOX_AWS_SECURITY_GROUPS_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "sandbox/aws/api_call.h"
#include "sandbox/iam/served_warehouse.h"

namespace vesto::sandbox {

struct InboundRule {
  std::string protocol = "tcp";  // "tcp", "udp", "icmp", "icmpv6", "-1" (all)
  int from_port = -1;            // -1: all
  int to_port = -1;
  std::string cidr = {};          // IPv4 or IPv6
  std::string source_group = {};  // in the place of a block: a group of the same account and region
  std::string description = {};   // no part of what the rule is
  std::string id = {};            // "sgr-..."

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
  std::string description;
  std::vector<InboundRule> rules = {};
};

class SecurityGroups {
 public:
  using Changed = std::function<void(const AllowList&)>;

  // `port`: where the served warehouse listens; the others are at 5439. `served` must outlive it.
  SecurityGroups(const World& world, const ServedWarehouse& served, int port);
  // Called with the served warehouse's list after each change of it.
  void on_change(Changed changed) VESTO_EXCLUDES(mutex_);

  [[nodiscard]] std::vector<SecurityGroup> list(const std::string& account,
                                                const std::string& region) VESTO_EXCLUDES(mutex_);
  // Ids of its groups; none: the warehouse is none of the world's.
  [[nodiscard]] std::vector<std::string> ids_of(const WarehouseName& warehouse)
      VESTO_EXCLUDES(mutex_);
  // The VPC of an account's region.
  [[nodiscard]] static std::string vpc_of(const std::string& account, const std::string& region);
  // The first of `ids` that is none of the account's region; "": all are there.
  [[nodiscard]] std::string missing_of(const std::string& account, const std::string& region,
                                       const std::vector<std::string>& ids) VESTO_EXCLUDES(mutex_);
  // The warehouse is in these groups from now on; none given: in the VPC's default group. The ids
  // are there (missing_of).
  void attach(const WarehouseName& warehouse, std::vector<std::string> ids, bool open_to_public)
      VESTO_EXCLUDES(mutex_);
  void detach(const WarehouseName& warehouse) VESTO_EXCLUDES(mutex_);
  // All of them or none; the answer has their ids. Errors as EC2's: InvalidGroup.NotFound (the
  // group's own id, or that of a source),
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
  // Where a warehouse stands in them.
  struct Attachment {
    WarehouseName warehouse;
    std::vector<std::string> ids;
    bool open_to_public = true;
  };
  void add(const WarehouseName& warehouse, const AllowList& list) VESTO_REQUIRES(mutex_);
  const SecurityGroup& default_group(const std::string& account, const std::string& region)
      VESTO_REQUIRES(mutex_);
  Attachment* attachment_of(const WarehouseName& warehouse) VESTO_REQUIRES(mutex_);
  [[nodiscard]] int port_of(const WarehouseName& warehouse) const;
  // The addresses in the VPC that a rule for their group stands for.
  [[nodiscard]] std::vector<std::string> members_of(const SecurityGroup& group)
      VESTO_REQUIRES(mutex_);
  // Whom the groups let reach a warehouse.
  AllowList allowed_to(const Attachment& one) VESTO_REQUIRES(mutex_);
  // Tells the listener about the served one.
  void tell() VESTO_REQUIRES(mutex_);

  const std::vector<WorldInstance> instances_;
  const ServedWarehouse& served_;
  const int served_port_;
  Mutex mutex_;
  std::vector<SecurityGroup> groups_ VESTO_GUARDED_BY(mutex_);
  std::vector<Attachment> attachments_ VESTO_GUARDED_BY(mutex_);
  Changed changed_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_SECURITY_GROUPS_H_
