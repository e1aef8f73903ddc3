// What is sent on to people.
#include <fmt/format.h>

#include "address/cidr.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/shell.h"

namespace vesto::kit {

namespace {

std::string file_line(const std::string& name, std::string_view part, std::string_view file) {
  return fmt::format("     {}  (vesto destination kit {} --part {} > {})\n", file, name, part,
                     file);
}

std::string network_paragraph(const DestinationConfig& to, const KitFacts& facts) {
  const std::string from =
      facts.public_egress.empty() ? placeholder("EGRESS_ADDRESS") : join(facts.public_egress, ", ");
  if (!to.ssh.given && to.endpoint.vpc_endpoint) {
    return fmt::format(
        "   Please let {} reach port {} (TCP, inbound) of the VPC endpoint\n"
        "   {}:\n   by its own security group, which is not the warehouse's.\n",
        printable(from, false), to.port, printable(to.host, false));
  }
  if (!to.ssh.given) {
    return fmt::format("   Please let {} reach port {} of the warehouse (TCP, inbound).\n",
                       printable(from, false), to.port);
  }
  return fmt::format(
      "   Please let {} reach port {} of the SSH server {}, and that server port {}\n"
      "   of the warehouse. One line goes into ~{}/.ssh/authorized_keys there:\n",
      printable(from, false), to.ssh.port, printable(to.ssh.host, false), to.port,
      printable(to.ssh.user, false));
}

// What the script does to a thing that may not be Vesto's alone.
std::string rules_paragraph(const DestinationConfig& to, const KitFacts& facts,
                            const Places& places) {
  const bool first = facts.security_group.empty() && !lookup("SECURITY_GROUP", to, places).empty();
  std::string out = fmt::format(
      "   The script adds inbound rules to {}{}.\n"
      "   Others may share that; their rules stay. It prints what takes ours away again{}.\n",
      first ? "the first security group of the warehouse" : "its security group",
      to.ssh.given ? " and to the server's" : "",
      first ? ".\n   INBOUND_GROUP=sg-... in its environment: another of the warehouse's groups"
            : "");
  for (const std::string& address : facts.public_egress) {
    const std::string wide = too_wide(address);
    if (!wide.empty()) out += fmt::format("   Note: {} is {}.\n", address, wide);
  }
  return out;
}

std::string answer_paragraph(const DestinationConfig& to, const Places& places) {
  std::string out;
  if (places.actor == Actor::kRole) {
    out += fmt::format("   - that the role is there: {}\n", printable(places.role_arn, false));
  }
  // A key of another account's user is our own.
  if (to.auth.identity == "access_key" && !places.user_elsewhere) {
    out += "   - the access key's ID and secret, by a way that is safe for a secret\n";
  }
  if (to.auth.method == "password") {
    out += "   - the database user's password, by a way that is safe for a secret\n";
  }
  if (to.auth.copy == "attached_role") {
    out += fmt::format("   - that the role {} is attached to the warehouse\n",
                       printable(places.copy_role, false));
  }
  if (to.ssh.given && to.ssh.host_key.empty()) {
    out +=
        "   - the fingerprint of the SSH server's key, as it prints it itself:\n"
        "     ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n";
  }
  return out.empty() ? "   - that it is done\n" : out;
}

}  // namespace

std::string message_text(const DestinationConfig& destination, const KitFacts& facts,
                         const Places& places) {
  std::string out = fmt::format(
      "Subject: Access to Amazon Redshift for data delivery ({})\n\n"
      "Hello,\n\n"
      "we are going to deliver data into your Amazon Redshift: schema {}, database {},\n"
      "{} {} in {}. Files are staged for minutes in the S3 bucket {}\n"
      "and loaded from there by COPY. Three people may be needed; what each of them runs is "
      "attached.\n\n",
      printable(destination.name, false), printable(destination.schema, false),
      printable(destination.database, false), destination.serverless ? "workgroup" : "cluster",
      printable(places.warehouse, false), printable(places.region, false),
      printable(destination.bucket, false));
  out +=
      "1. AWS administrator: bucket and access. A script for AWS CLI, or the same as Terraform.\n"
      "   Neither opens the network, unless told to: that is step 3.\n";
  out += file_line(destination.name, "script", "aws.sh");
  out += file_line(destination.name, "terraform", "vesto.tf");
  out += fmt::format("\n2. Redshift administrator: rights of the database user {}.\n",
                     printable(places.database_user, false));
  out += file_line(destination.name, "sql", "rights.sql");
  out += "\n3. Network administrator: the way in.\n" + network_paragraph(destination, facts);
  if (destination.ssh.given) {
    out += file_line(destination.name, "authorized-keys", "authorized_keys.txt");
  }
  out += file_line(destination.name, "network", "network.sh");
  out += rules_paragraph(destination, facts, places);
  out += "\nPlease tell us then:\n" + answer_paragraph(destination, places);
  return out + fmt::format(
                   "\nWe shall run the test (vesto destination test {}) and come back to you "
                   "with its result.\n",
                   destination.name);
}

}  // namespace vesto::kit
