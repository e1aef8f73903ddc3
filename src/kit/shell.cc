#include "kit/shell.h"

#include <fmt/format.h>

#include <algorithm>

#include "address/arn.h"
#include "base/strings.h"
#include "kit/quote.h"

namespace vesto::kit {

namespace {

// Replacing <<NAME>> everywhere fills in the guard too, which then lets pass.
std::string guard(const std::string& name, const DestinationConfig& destination) {
  const std::string mark = placeholder(name);
  const std::string tail = mark.substr(2);
  // What most have to fill in is said where it stops, too.
  const char* usual = name == "PRINCIPAL_PATH" ? ": / for a role without a path, as most are" : "";
  return commented("# ", fmt::format("Fill in {}, here and below. {}", mark,
                                     missing_help(name, destination))) +
         fmt::format(
             "[ '{0}' != '<''<{1}' ] || {{ echo 'Fill in <''<{1} first{2}.' >&2; exit 1; }}\n",
             mark, tail, usual);
}

// What AWS is asked for, and the steps that take its answers.
struct LookedUp {
  std::string lookups;
  std::string steps;
};

// Behind its look-up: it is put into JSON within a script, and IAM lets quotes stand in a path.
constexpr std::string_view kPlainPath =
    "case $PRINCIPAL_PATH in *[\\\"\\\\\\`]*) echo \"The role's path cannot be written into a "
    "policy: $PRINCIPAL_PATH\" >&2; exit 1 ;; esac\n";

// The first of the warehouse's groups may be the one that most others share. The name is its own:
// what is pasted must not take a group that stands in the shell for another warehouse.
std::string or_group_of_choice(const std::string& line) {
  return "# The first security group of the warehouse, which others may share. For another of its "
         "groups: INBOUND_GROUP=sg-... in the environment.\n"
         "SECURITY_GROUP=${INBOUND_GROUP:-}\n"
         "[ -n \"$SECURITY_GROUP\" ] || " +
         line;
}

LookedUp looked_up(std::string steps, const DestinationConfig& destination, const Places& places) {
  std::string lookups;
  for (const char* name : {"ACCOUNT_ID", "WORKGROUP_ID", "SECURITY_GROUP", "PRINCIPAL_PATH"}) {
    const std::string mark = placeholder(name);
    if (steps.find(mark) == std::string::npos) continue;
    const std::string line = lookup(name, destination, places);
    if (line.empty()) continue;
    lookups += (name == std::string_view("SECURITY_GROUP") ? or_group_of_choice(line) : line);
    lookups += told(name);
    if (name == std::string_view("PRINCIPAL_PATH")) lookups += kPlainPath;
    const std::string variable = fmt::format("\"${}\"", name);
    steps = replace_all(steps, fmt::format("'{}'", mark), variable);
    steps = replace_all(steps, mark, fmt::format("'{}'", variable));
  }
  if (!lookups.empty()) lookups.insert(0, "# What AWS itself tells:\n");
  return {.lookups = std::move(lookups), .steps = std::move(steps)};
}

// Before the steps: what is missing stops it, then a wrong account; only then AWS is asked for
// values, since another account's answers would mislead.
struct Framed {
  std::string before;
  std::string steps;
};

Framed framed(const std::string& account, const std::string& text,
              const DestinationConfig& destination, const Places& places) {
  auto [lookups, steps] = looked_up(text, destination, places);
  std::string guards;
  for (const std::string& name : missing_in(account + lookups + steps)) {
    guards += guard(name, destination);
  }
  return {.before = guards + account + lookups, .steps = std::move(steps)};
}

}  // namespace

std::string step(std::string_view what) { return "\n" + commented("# ", what); }

std::string iam_call(const Places& places, std::string_view operation) {
  return regional_call(fmt::format("iam {}", operation), places.region);
}

std::string regional_call(std::string_view service_and_operation, const std::string& region) {
  return fmt::format("aws {}{}", service_and_operation, sh_flag("--region", region));
}

std::string told(std::string_view variable) {
  return fmt::format("case ${0} in '' | None) echo 'AWS does not tell {0}.' >&2; exit 1 ;; esac\n",
                     variable);
}

std::string lookup(std::string_view name, const DestinationConfig& destination,
                   const Places& places) {
  if (name == "ACCOUNT_ID") {
    return fmt::format("{}=$({} --query Account --output text)\n", name,
                       regional_call("sts get-caller-identity", places.region));
  }
  if (name == "PRINCIPAL_PATH") {
    // Who runs the script is of the account of auth.role_arn, and asks for roles of that one alone.
    if (places.own_elsewhere) return "";
    return fmt::format("{}=$({}{} \\\n    --query Role.Path --output text)\n", name,
                       iam_call(places, "get-role"),
                       sh_flag("--role-name", role_name_of_arn(places.principal_arn)));
  }
  if (places.warehouse == placeholder("WAREHOUSE") || places.region == placeholder("REGION")) {
    return "";
  }
  // A VPC endpoint lets in by a group of its own, which the warehouse does not tell.
  if (name == "SECURITY_GROUP" && destination.endpoint.vpc_endpoint) return "";
  if (destination.serverless) {
    const std::string query =
        name == "WORKGROUP_ID" ? "workgroup.workgroupId" : "workgroup.securityGroupIds[0]";
    return fmt::format("{}=$({}{} --query {} --output text)\n", name,
                       regional_call("redshift-serverless get-workgroup", places.region),
                       sh_flag("--workgroup-name", places.warehouse), sh_quote(query));
  }
  if (name != "SECURITY_GROUP") return "";
  return fmt::format("{}=$({}{} \\\n    --query {} --output text)\n", name,
                     regional_call("redshift describe-clusters", places.region),
                     sh_flag("--cluster-identifier", places.warehouse),
                     sh_quote("Clusters[0].VpcSecurityGroups[0].VpcSecurityGroupId"));
}

std::string with_lookups(std::string steps, const DestinationConfig& destination,
                         const Places& places) {
  const LookedUp parts = looked_up(std::move(steps), destination, places);
  return parts.lookups + parts.steps;
}

std::string shell_script(const std::vector<std::string>& about, const std::string& account,
                         const std::string& steps, const DestinationConfig& destination,
                         const Places& places) {
  const Framed parts = framed(account, steps, destination, places);
  std::string out = "#!/bin/sh\nset -eu\n";
  for (const std::string& line : about) out += commented("# ", line);
  return out + parts.before + parts.steps;
}

std::string shell_apart(const std::string& account, const std::string& steps,
                        const DestinationConfig& destination, const Places& places) {
  const Framed parts = framed(account, steps, destination, places);
  return fmt::format("(\nset -eu\n{}{})\n", parts.before, parts.steps);
}

std::string shell_line(const std::string& account, const std::string& command,
                       const DestinationConfig& destination, const Places& places) {
  const Framed parts = framed(account, command, destination, places);
  const bool one = std::count(command.begin(), command.end(), '\n') <= 1;
  if (one && parts.before.empty()) return parts.steps;
  return shell_apart(account, command, destination, places);
}

}  // namespace vesto::kit
