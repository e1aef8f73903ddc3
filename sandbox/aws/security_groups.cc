#include "sandbox/aws/security_groups.h"

#include <algorithm>

#include "base/hash.h"
#include "base/strings.h"

namespace vesto::sandbox {

namespace {

constexpr int kUsualPort = 5439;
constexpr const char* kEverybody = "0.0.0.0/0";

// "sg-0" and 16 hexadecimal digits of a name.
std::string id_from(std::string_view prefix, const std::string& name) {
  return std::string(prefix) + "0" + sha256_hex(name).substr(0, 16);
}

// Of the group that each VPC has.
std::string default_id(const std::string& account, const std::string& region) {
  return id_from("sg-", account + "/" + region + "/default");
}

std::string make_rule_id() { return "sgr-0" + to_hex(random_bytes(8)); }

std::vector<InboundRule> rules_of(const AllowList& list, int port) {
  std::vector<InboundRule> out;
  for (const std::string& one : list.value_or(std::vector<std::string>{kEverybody})) {
    const bool block = one.find('/') != std::string::npos;
    out.push_back({.from_port = port,
                   .to_port = port,
                   .cidr = block ? one : one + "/32",
                   .id = make_rule_id()});
  }
  return out;
}

IamError no_such_group(const std::string& id) {
  return {400, "InvalidGroup.NotFound", "The security group '" + id + "' does not exist"};
}

IamError duplicate(const InboundRule& rule) {
  std::string what = "peer: " + rule.cidr + rule.source_group;
  if (rule.protocol != "-1") {
    what += ", " + to_upper_ascii(rule.protocol) +
            ", from port: " + std::to_string(rule.from_port) +
            ", to port: " + std::to_string(rule.to_port);
  } else {
    what += ", ALL";
  }
  return {400, "InvalidPermission.Duplicate",
          "the specified rule \"" + what + ", ALLOW\" already exists"};
}

auto find_rule(std::vector<InboundRule>& rules, const InboundRule& wanted) {
  return std::find_if(rules.begin(), rules.end(),
                      [&](const InboundRule& one) { return one.same(wanted); });
}

}  // namespace

bool InboundRule::same(const InboundRule& other) const {
  return protocol == other.protocol && from_port == other.from_port && to_port == other.to_port &&
         cidr == other.cidr && source_group == other.source_group;
}

bool InboundRule::covers(int port) const {
  if (protocol == "-1") return true;
  return protocol == "tcp" && (from_port == -1 || (from_port <= port && port <= to_port));
}

SecurityGroups::SecurityGroups(const World& world, const ServedWarehouse& served, int port)
    : instances_(world.instances), served_(served), served_port_(port) {
  Lock lock(mutex_);
  for (const WorldCluster& one : world.clusters) add(name_of(one), one.allow_from);
  for (const WorldWorkgroup& one : world.workgroups) add(name_of(one), one.allow_from);
}

std::string SecurityGroups::vpc_of(const std::string& account, const std::string& region) {
  return id_from("vpc-", account + "/" + region);
}

int SecurityGroups::port_of(const WarehouseName& warehouse) const {
  return warehouse == served_.get() ? served_port_ : kUsualPort;
}

void SecurityGroups::add(const WarehouseName& warehouse, const AllowList& list) {
  const std::string where = warehouse.account + "/" + warehouse.region;
  const std::string kind = warehouse.serverless ? "workgroup/" : "cluster/";
  groups_.push_back({.id = id_from("sg-", where + "/" + kind + warehouse.name),
                     .name = "warehouse-" + warehouse.name,
                     .account = warehouse.account,
                     .region = warehouse.region,
                     .vpc_id = vpc_of(warehouse.account, warehouse.region),
                     .description = "who reaches " + warehouse.name,
                     .rules = rules_of(list, port_of(warehouse))});
  attachments_.push_back({.warehouse = warehouse, .ids = {groups_.back().id}});
}

const SecurityGroup& SecurityGroups::default_group(const std::string& account,
                                                   const std::string& region) {
  const std::string id = default_id(account, region);
  if (const SecurityGroup* found = find(account, region, id)) return *found;
  groups_.push_back({.id = id,
                     .name = "default",
                     .account = account,
                     .region = region,
                     .vpc_id = vpc_of(account, region),
                     .description = "default VPC security group"});
  return groups_.back();
}

void SecurityGroups::on_change(Changed changed) {
  Lock lock(mutex_);
  changed_ = std::move(changed);
}

std::vector<std::string> SecurityGroups::members_of(const SecurityGroup& group) {
  std::vector<std::string> out;
  if (group.id != default_id(group.account, group.region)) return out;
  for (const WorldInstance& one : instances_) {
    if (one.account == group.account && one.region == group.region) {
      out.push_back(one.private_address + "/32");
    }
  }
  return out;
}

AllowList SecurityGroups::allowed_to(const Attachment& one) {
  std::vector<std::string> list;
  const auto take = [&list](const std::string& address) {
    if (std::find(list.begin(), list.end(), address) == list.end()) list.push_back(address);
  };
  for (const std::string& id : one.ids) {
    const SecurityGroup* group = find(one.warehouse.account, one.warehouse.region, id);
    if (group == nullptr) continue;
    for (const InboundRule& rule : group->rules) {
      if (!rule.covers(port_of(one.warehouse)) || rule.is_ipv6()) continue;
      const SecurityGroup* source =
          find(one.warehouse.account, one.warehouse.region, rule.source_group);
      if (source != nullptr) {
        for (const std::string& address : members_of(*source)) take(address);
      }
      if (!rule.source_group.empty() || !one.open_to_public) continue;
      if (rule.cidr == kEverybody) return std::nullopt;
      take(rule.cidr);
    }
  }
  return list;
}

void SecurityGroups::tell() {
  const Attachment* served = attachment_of(served_.get());
  if (changed_ && served != nullptr) changed_(allowed_to(*served));
}

std::vector<SecurityGroup> SecurityGroups::list(const std::string& account,
                                                const std::string& region) {
  Lock lock(mutex_);
  default_group(account, region);
  std::vector<SecurityGroup> out;
  for (const SecurityGroup& one : groups_) {
    if (one.account == account && one.region == region) out.push_back(one);
  }
  return out;
}

SecurityGroups::Attachment* SecurityGroups::attachment_of(const WarehouseName& warehouse) {
  const auto found =
      std::find_if(attachments_.begin(), attachments_.end(),
                   [&](const Attachment& one) { return one.warehouse == warehouse; });
  return found == attachments_.end() ? nullptr : &*found;
}

std::vector<std::string> SecurityGroups::ids_of(const WarehouseName& warehouse) {
  Lock lock(mutex_);
  const Attachment* found = attachment_of(warehouse);
  return found == nullptr ? std::vector<std::string>() : found->ids;
}

std::string SecurityGroups::missing_of(const std::string& account, const std::string& region,
                                       const std::vector<std::string>& ids) {
  Lock lock(mutex_);
  default_group(account, region);
  for (const std::string& id : ids) {
    if (find(account, region, id) == nullptr) return id;
  }
  return "";
}

void SecurityGroups::attach(const WarehouseName& warehouse, std::vector<std::string> ids,
                            bool open_to_public) {
  Lock lock(mutex_);
  if (ids.empty()) ids.push_back(default_group(warehouse.account, warehouse.region).id);
  if (Attachment* found = attachment_of(warehouse)) {
    found->ids = std::move(ids);
    found->open_to_public = open_to_public;
  } else {
    attachments_.push_back(
        {.warehouse = warehouse, .ids = std::move(ids), .open_to_public = open_to_public});
  }
  tell();
}

void SecurityGroups::detach(const WarehouseName& warehouse) {
  Lock lock(mutex_);
  std::erase_if(attachments_, [&](const Attachment& one) { return one.warehouse == warehouse; });
}

SecurityGroup* SecurityGroups::find(const std::string& account, const std::string& region,
                                    const std::string& id) {
  for (SecurityGroup& one : groups_) {
    if (one.id == id && one.account == account && one.region == region) return &one;
  }
  return nullptr;
}

ApiResult<std::vector<InboundRule>> SecurityGroups::authorize(
    const std::string& account, const std::string& region, const std::string& id,
    const std::vector<InboundRule>& rules) {
  Lock lock(mutex_);
  default_group(account, region);
  SecurityGroup* group = find(account, region, id);
  if (group == nullptr) return no_such_group(id);
  std::vector<InboundRule> after = group->rules;
  std::vector<InboundRule> added;
  for (const InboundRule& rule : rules) {
    const std::string& source = rule.source_group;
    if (!source.empty() && find(account, region, source) == nullptr) return no_such_group(source);
    if (find_rule(after, rule) != after.end()) return duplicate(rule);
    added.push_back(rule);
    added.back().id = make_rule_id();
    after.push_back(added.back());
  }
  if (after.size() > kMaxAllowed) {
    return IamError{400, "RulesPerSecurityGroupLimitExceeded",
                    "The maximum number of rules per security group has been reached."};
  }
  group->rules = std::move(after);
  tell();
  return added;
}

ApiResult<Unit> SecurityGroups::revoke(const std::string& account, const std::string& region,
                                       const std::string& id,
                                       const std::vector<InboundRule>& rules) {
  Lock lock(mutex_);
  SecurityGroup* group = find(account, region, id);
  if (group == nullptr) return no_such_group(id);
  std::vector<InboundRule> after = group->rules;
  for (const InboundRule& rule : rules) {
    const auto found = find_rule(after, rule);
    if (found == after.end()) {
      return IamError{400, "InvalidPermission.NotFound",
                      "The specified rule does not exist in this security group."};
    }
    after.erase(found);
  }
  group->rules = std::move(after);
  tell();
  return Unit{};
}

void SecurityGroups::replace(const AllowList& list) {
  Lock lock(mutex_);
  Attachment* served = attachment_of(served_.get());
  // A listener that is none of the world's warehouses has no group, and a list all the same.
  if (served == nullptr) {
    if (changed_ && !served_.waits()) changed_(list);
    return;
  }
  for (const std::string& id : served->ids) {
    SecurityGroup* group = find(served->warehouse.account, served->warehouse.region, id);
    if (group != nullptr) group->rules = rules_of(list, served_port_);
  }
  tell();
}

}  // namespace vesto::sandbox
