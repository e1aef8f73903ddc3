#include "sandbox/aws/ec2_service.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

constexpr int kMaxPermissions = 60;
constexpr size_t kMaxDescription = 255;
constexpr int64_t kMaxPort = 65'535;

IamError invalid(std::string text) { return {400, "InvalidParameterValue", std::move(text)}; }

// A block whose bits behind the mask are all zero.
template <size_t Bytes>
bool is_block(const std::string& text, int family) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  std::array<unsigned char, Bytes> bytes{};
  if (inet_pton(family, text.substr(0, slash).c_str(), bytes.data()) != 1) return false;
  const auto bits = parse_int(text.substr(slash + 1));
  if (!bits || *bits < 0 || *bits > static_cast<int64_t>(Bytes * 8)) return false;
  for (size_t i = static_cast<size_t>(*bits); i < Bytes * 8; ++i) {
    if ((bytes.at(i / 8) & (0x80U >> (i % 8))) != 0) return false;
  }
  return true;
}

ApiResult<int> port_of(const ApiCall& call, const std::string& name, int otherwise) {
  if (!call.has(name)) return otherwise;
  const auto number = parse_int(call.parameter(name));
  if (!number || *number < -1 || *number > kMaxPort) {
    return invalid("Invalid value '" + call.parameter(name) + "' for portRange.");
  }
  return static_cast<int>(*number);
}

// Protocol and ports, at the parameters that begin with `prefix`.
ApiResult<InboundRule> read_ports(const ApiCall& call, const std::string& prefix) {
  InboundRule rule;
  rule.protocol = to_lower_ascii(call.parameter(prefix + "IpProtocol"));
  if (rule.protocol == "6") rule.protocol = "tcp";
  if (rule.protocol == "17") rule.protocol = "udp";
  if (rule.protocol == "1") rule.protocol = "icmp";
  if (rule.protocol == "-1") return rule;
  const bool ports = rule.protocol == "tcp" || rule.protocol == "udp";
  if (!ports && rule.protocol != "icmp" && rule.protocol != "icmpv6") {
    return invalid("Invalid value '" + rule.protocol + "' for IP protocol. Unknown protocol.");
  }
  VESTO_ASSIGN(rule.from_port, port_of(call, prefix + "FromPort", -1));
  VESTO_ASSIGN(rule.to_port, port_of(call, prefix + "ToPort", -1));
  if (!ports) return rule;
  if (!call.has(prefix + "FromPort") || !call.has(prefix + "ToPort")) {
    return invalid(
        "Invalid value 'Must specify both from and to ports with TCP/UDP.' for "
        "portRange.");
  }
  if (rule.from_port > rule.to_port || rule.from_port < 0) {
    return invalid("Invalid TCP/UDP port range (" + std::to_string(rule.from_port) + ":" +
                   std::to_string(rule.to_port) + ")");
  }
  return rule;
}

ApiResult<Unit> take_block(const ApiCall& call, const std::string& name, bool ipv6,
                           InboundRule rule, std::vector<InboundRule>* out) {
  rule.cidr = call.parameter(name);
  const bool good = ipv6 ? is_block<16>(rule.cidr, AF_INET6) : is_block<4>(rule.cidr, AF_INET);
  if (!good) return invalid("CIDR block " + rule.cidr + " is malformed");
  rule.description = call.parameter(name.substr(0, name.rfind('.') + 1) + "Description");
  if (rule.description.size() > kMaxDescription) {
    return invalid("Invalid rule description. Descriptions must be at most 255 characters.");
  }
  out->push_back(std::move(rule));
  return Unit{};
}

bool is_group_id(const std::string& id) {
  return id.starts_with("sg-") && id.size() <= 20 &&
         id.find_first_not_of("0123456789abcdef", 3) == std::string::npos;
}

IamError malformed_id(const std::string& id) {
  return {400, "InvalidGroupId.Malformed", "Invalid id: \"" + id + "\" (expecting \"sg-...\")"};
}

// Another group of the account, by its id: those of other accounts and VPCs the sandbox has not.
ApiResult<Unit> read_source_groups(const ApiCall& call, const std::string& prefix,
                                   const InboundRule& ports, std::vector<InboundRule>* out) {
  for (int i = 1; i <= kMaxPermissions; ++i) {
    const std::string group = prefix + "Groups." + std::to_string(i) + ".";
    if (!call.has(group + "GroupId")) break;
    InboundRule rule = ports;
    rule.source_group = call.parameter(group + "GroupId");
    if (!is_group_id(rule.source_group)) return malformed_id(rule.source_group);
    if (call.has(group + "UserId") &&
        call.parameter(group + "UserId") != call.key->principal.account) {
      return IamError{400, "InvalidGroup.NotFound",
                      "You have specified two resources that belong to different networks."};
    }
    rule.description = call.parameter(group + "Description");
    out->push_back(std::move(rule));
  }
  return Unit{};
}

ApiResult<Unit> read_permission(const ApiCall& call, const std::string& prefix,
                                std::vector<InboundRule>* out) {
  VESTO_ASSIGN(const InboundRule ports, read_ports(call, prefix));
  const size_t before = out->size();
  for (const bool ipv6 : {false, true}) {
    for (int i = 1; i <= kMaxPermissions; ++i) {
      const std::string range =
          prefix + (ipv6 ? "Ipv6Ranges." : "IpRanges.") + std::to_string(i) + ".";
      const std::string name = range + (ipv6 ? "CidrIpv6" : "CidrIp");
      if (!call.has(name)) break;
      VESTO_TRY(take_block(call, name, ipv6, ports, out));
    }
  }
  VESTO_TRY(read_source_groups(call, prefix, ports, out));
  if (out->size() > before) return Unit{};
  return IamError{400, "MissingParameter", "The request must contain the parameter ipRanges"};
}

// Of groups by their names, and of prefix lists, the sandbox has none.
bool is_known(const std::string& name) {
  if (name == "Action" || name == "Version" || name == "GroupId" || name == "IpProtocol" ||
      name == "FromPort" || name == "ToPort" || name == "CidrIp") {
    return true;
  }
  if (!name.starts_with("IpPermissions.")) return false;
  if (name.find(".Groups.") != std::string::npos) {
    return name.ends_with(".GroupId") || name.ends_with(".UserId") ||
           name.ends_with(".Description");
  }
  return name.find(".UserIdGroupPairs.") == std::string::npos &&
         name.find(".PrefixListIds.") == std::string::npos;
}

ApiResult<std::vector<InboundRule>> read_rules(const ApiCall& call) {
  for (const auto& [name, value] : call.form) {
    if (!is_known(name)) {
      return IamError{400, "UnknownParameter", name + " is not known to this sandbox"};
    }
  }
  std::vector<InboundRule> rules;
  if (call.has("CidrIp")) {
    VESTO_ASSIGN(InboundRule rule, read_ports(call, ""));
    VESTO_TRY(take_block(call, "CidrIp", false, std::move(rule), &rules));
  }
  for (int i = 1; i <= kMaxPermissions; ++i) {
    const std::string prefix = "IpPermissions." + std::to_string(i) + ".";
    if (!call.has(prefix + "IpProtocol")) break;
    VESTO_TRY(read_permission(call, prefix, &rules));
  }
  if (!rules.empty()) return rules;
  return IamError{400, "MissingParameter", "The request must contain the parameter ipPermissions"};
}

XmlWriter begin(const ApiCall& call) {
  XmlWriter xml;
  xml.open(call.operation + "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"");
  xml.text("requestId", call.request_id);
  return xml;
}

ApiAnswer end(const ApiCall& call, XmlWriter* xml) {
  xml->close();
  return {.status = 200,
          .headers = {{"x-amzn-RequestId", call.request_id}, {"Content-Type", "text/xml"}},
          .body = xml->str()};
}

void write_ports(const InboundRule& rule, XmlWriter& xml) {
  xml.text("ipProtocol", rule.protocol);
  if (rule.protocol == "-1") return;
  xml.number("fromPort", rule.from_port).number("toPort", rule.to_port);
}

void write_ranges(const std::vector<InboundRule>& rules, const InboundRule& like, bool ipv6,
                  XmlWriter& xml) {
  xml.open(ipv6 ? "ipv6Ranges" : "ipRanges");
  for (const InboundRule& one : rules) {
    InboundRule moved = one;
    moved.cidr = like.cidr;
    moved.source_group = like.source_group;
    if (!moved.same(like) || one.cidr.empty() || one.is_ipv6() != ipv6) continue;
    xml.open("item").text(ipv6 ? "cidrIpv6" : "cidrIp", one.cidr);
    if (!one.description.empty()) xml.text("description", one.description);
    xml.close();
  }
  xml.close();
}

void write_source_groups(const std::vector<InboundRule>& rules, const InboundRule& like,
                         const std::string& account, XmlWriter& xml) {
  xml.open("groups");
  for (const InboundRule& one : rules) {
    InboundRule moved = one;
    moved.cidr = like.cidr;
    moved.source_group = like.source_group;
    if (!moved.same(like) || one.source_group.empty()) continue;
    xml.open("item").text("userId", account).text("groupId", one.source_group);
    if (!one.description.empty()) xml.text("description", one.description);
    xml.close();
  }
  xml.close();
}

// Rules of the same protocol and ports are one permission with several sources.
void write_permissions(const std::vector<InboundRule>& rules, const std::string& account,
                       XmlWriter& xml) {
  std::vector<InboundRule> shown;
  for (const InboundRule& rule : rules) {
    InboundRule bare = rule;
    bare.cidr.clear();
    bare.source_group.clear();
    const bool seen = std::any_of(shown.begin(), shown.end(),
                                  [&](const InboundRule& one) { return one.same(bare); });
    if (seen) continue;
    shown.push_back(bare);
    xml.open("item");
    write_ports(rule, xml);
    write_source_groups(rules, rule, account, xml);
    write_ranges(rules, rule, false, xml);
    write_ranges(rules, rule, true, xml);
    xml.open("prefixListIds").close().close();
  }
}

void write_group(const SecurityGroup& group, XmlWriter& xml) {
  xml.open("item")
      .text("ownerId", group.account)
      .text("groupId", group.id)
      .text("groupName", group.name)
      .text("groupDescription", group.description)
      .text("vpcId", group.vpc_id);
  xml.open("ipPermissions");
  write_permissions(group.rules, group.account, xml);
  xml.close().open("ipPermissionsEgress");
  write_permissions({{.protocol = "-1", .cidr = "0.0.0.0/0"}}, group.account, xml);
  xml.close().close();
}

// What a group is under the name of a filter; nothing: no such filter.
std::optional<std::string> filtered(const SecurityGroup& group, const std::string& name) {
  if (name == "group-id") return group.id;
  if (name == "group-name") return group.name;
  if (name == "vpc-id") return group.vpc_id;
  return std::nullopt;
}

// Filter.N.Name.
ApiResult<Unit> check_filters(const ApiCall& call) {
  for (int i = 1; i <= kMaxPermissions; ++i) {
    const std::string name = "Filter." + std::to_string(i) + ".Name";
    if (!call.has(name)) break;
    if (filtered({}, call.parameter(name))) continue;
    return invalid("The filter '" + call.parameter(name) + "' is invalid");
  }
  return Unit{};
}

// Filter.N.Name and Filter.N.Value.M; GroupId.N.
bool is_wanted(const ApiCall& call, const SecurityGroup& group) {
  const auto listed = [&](const std::string& prefix, const std::string& value) {
    for (int i = 1; i <= kMaxPermissions; ++i) {
      const std::string name = prefix + std::to_string(i);
      if (!call.has(name)) return false;
      if (call.parameter(name) == value) return true;
    }
    return false;
  };
  if (call.has("GroupId.1") && !listed("GroupId.", group.id)) return false;
  for (int i = 1; i <= kMaxPermissions; ++i) {
    const std::string filter = "Filter." + std::to_string(i) + ".";
    if (!call.has(filter + "Name")) break;
    const auto value = filtered(group, call.parameter(filter + "Name"));
    if (!value || !listed(filter + "Value.", *value)) return false;
  }
  return true;
}

}  // namespace

ApiResult<ApiAnswer> Ec2Service::serve(const ApiCall& call) {
  if (call.operation == "DescribeSecurityGroups") return describe(call);
  if (call.operation == "AuthorizeSecurityGroupIngress") return authorize(call);
  if (call.operation == "RevokeSecurityGroupIngress") return revoke(call);
  return IamError{400, "InvalidAction",
                  "The action " + call.operation + " is not valid for this web service."};
}

ApiResult<Unit> Ec2Service::allow(const ApiCall& call, const std::string& resource) const {
  const auto denial =
      iam_.authorize(*call.key, "ec2:" + call.operation, resource, origin_context(call.origin));
  if (!denial) return Unit{};
  return IamError{403, "UnauthorizedOperation",
                  "You are not authorized to perform this operation. " + denial->text};
}

ApiResult<std::string> Ec2Service::group_of(const ApiCall& call) const {
  const std::string id = call.parameter("GroupId");
  if (id.empty()) {
    return IamError{400, "MissingParameter", "The request must contain the parameter groupId"};
  }
  if (!is_group_id(id)) return malformed_id(id);
  VESTO_TRY(allow(call, "arn:aws:ec2:" + call.region + ":" + call.key->principal.account +
                            ":security-group/" + id));
  return id;
}

ApiResult<ApiAnswer> Ec2Service::describe(const ApiCall& call) {
  VESTO_TRY(allow(call, "*"));
  VESTO_TRY(check_filters(call));
  const std::vector<SecurityGroup> all = groups_.list(call.key->principal.account, call.region);
  for (int i = 1; call.has("GroupId." + std::to_string(i)); ++i) {
    const std::string id = call.parameter("GroupId." + std::to_string(i));
    const bool there =
        std::any_of(all.begin(), all.end(), [&](const SecurityGroup& one) { return one.id == id; });
    if (there) continue;
    return IamError{400, "InvalidGroup.NotFound", "The security group '" + id + "' does not exist"};
  }
  XmlWriter xml = begin(call);
  xml.open("securityGroupInfo");
  for (const SecurityGroup& group : all) {
    if (is_wanted(call, group)) write_group(group, xml);
  }
  xml.close();
  return end(call, &xml);
}

ApiResult<ApiAnswer> Ec2Service::authorize(const ApiCall& call) {
  VESTO_ASSIGN(const std::string id, group_of(call));
  VESTO_ASSIGN(const std::vector<InboundRule> rules, read_rules(call));
  VESTO_ASSIGN(const std::vector<InboundRule> added,
               groups_.authorize(call.key->principal.account, call.region, id, rules));
  XmlWriter xml = begin(call);
  xml.text("return", "true").open("securityGroupRuleSet");
  for (const InboundRule& rule : added) {
    xml.open("item")
        .text("securityGroupRuleId", rule.id)
        .text("groupId", id)
        .text("groupOwnerId", call.key->principal.account)
        .text("isEgress", "false");
    write_ports(rule, xml);
    if (rule.source_group.empty()) {
      xml.text(rule.is_ipv6() ? "cidrIpv6" : "cidrIpv4", rule.cidr);
    } else {
      xml.open("referencedGroupInfo")
          .text("groupId", rule.source_group)
          .text("userId", call.key->principal.account)
          .close();
    }
    if (!rule.description.empty()) xml.text("description", rule.description);
    xml.close();
  }
  xml.close();
  return end(call, &xml);
}

ApiResult<ApiAnswer> Ec2Service::revoke(const ApiCall& call) {
  VESTO_ASSIGN(const std::string id, group_of(call));
  VESTO_ASSIGN(const std::vector<InboundRule> rules, read_rules(call));
  VESTO_TRY(groups_.revoke(call.key->principal.account, call.region, id, rules));
  XmlWriter xml = begin(call);
  xml.text("return", "true");
  return end(call, &xml);
}

}  // namespace vesto::sandbox
