// The way to the warehouse, and the warehouse itself, as steps for awscli.
// Sources: AWS CLI command reference (ec2, redshift, redshift-serverless); Amazon Redshift
// management guide (node types: ra3.large is the smallest; Serverless: base capacity).
#include <fmt/format.h>

#include "address/cidr.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_guards.h"

namespace vesto {

namespace kit {

namespace {

constexpr const char* kAdminUser = "awsuser";  // as the console proposes
constexpr int kSmallestCapacity = 8;           // RPU; 4 are not to be had in every region

std::string ingress_call(const Places& places) {
  return regional_call("ec2 authorize-security-group-ingress", places.region);
}

// A rule that is there already is what is wanted. What is added is told, with the line that takes
// it away: others may share the group.
std::string allow_function(const Places& places) {
  const std::string revoke =
      "  " + regional_call("ec2 revoke-security-group-ingress", places.region);
  return fmt::format(
      "allow() {{\n"
      "  if OUT=$({} \"$@\" 2>&1); then\n"
      "    echo 'An inbound rule was added. What takes it away again:'\n"
      "    printf '%s' {}\n"
      "    printf \" '%s'\" \"$@\"\n"
      "    echo\n"
      "    return\n"
      "  fi\n"
      "  case $OUT in\n"
      "    *InvalidPermission.Duplicate*) printf '%s\\n' \"This inbound rule was there: $*\" ;;\n"
      "    *) echo \"$OUT\" >&2; return 1 ;;\n"
      "  esac\n"
      "}}\n",
      ingress_call(places), sh_quote(revoke));
}

std::vector<std::string> sources(const KitFacts& facts) {
  std::vector<std::string> out;
  for (const std::string& address : facts.public_egress) out.push_back(with_bits(address));
  if (out.empty()) out.push_back(placeholder("EGRESS_ADDRESS") + "/32");
  return out;
}

std::string security_group(const KitFacts& facts) {
  return or_placeholder(facts.security_group, "SECURITY_GROUP");
}

constexpr std::string_view kMayBeShared =
    "Rules are added to a security group, which others may share; theirs stay as they are. What "
    "else is in the group then takes these addresses at this port, too.";

// Said when it is run, too: whoever runs it need not be who has written the address.
std::string wide_line(const std::string& cidr) {
  const std::string wide = too_wide(cidr);
  if (wide.empty()) return "";
  return fmt::format(
      "printf '%s\\n' {} >&2\n",
      sh_quote(fmt::format("Warning: {} is {}. Vesto dials from few addresses: write "
                           "them alone into server.public_egress.",
                           cidr, wide)));
}

}  // namespace

std::string rule_flags(int port, const std::string& cidr) {
  if (cidr.find(':') == std::string::npos) {
    return fmt::format(" --protocol tcp --port {}{}", port, sh_flag("--cidr", cidr));
  }
  return sh_flag("--ip-permissions",
                 fmt::format("IpProtocol=tcp,FromPort={0},ToPort={0},Ipv6Ranges=[{{CidrIpv6={1}}}]",
                             port, cidr));
}

std::string network_steps(const DestinationConfig& to, const KitFacts& facts,
                          const Places& places) {
  std::string out = "\n" + allow_function(places);
  const std::string warehouse = sh_flag("--group-id", security_group(facts));
  const char* what = to.endpoint.vpc_endpoint ? "VPC endpoint" : "warehouse";
  if (!to.ssh.given) {
    out += step(fmt::format("Vesto's addresses, to port {} of the {}: net.tcp", to.port, what));
    out += commented("# ", kMayBeShared);
    if (to.endpoint.vpc_endpoint) {
      out += commented("# ",
                       "A VPC endpoint sees those that Vesto has within its network, not "
                       "those that the Internet sees.");
    }
    for (const std::string& cidr : sources(facts)) {
      out += wide_line(cidr) + fmt::format("allow{}{}\n", warehouse, rule_flags(to.port, cidr));
    }
    return out;
  }
  const std::string bastion = placeholder("BASTION_SECURITY_GROUP");
  out += step(
      fmt::format("Vesto's addresses, to port {} of the SSH server: ssh.connect", to.ssh.port));
  out += commented("# ", kMayBeShared);
  for (const std::string& cidr : sources(facts)) {
    out += wide_line(cidr) + fmt::format("allow{}{}\n", sh_flag("--group-id", bastion),
                                         rule_flags(to.ssh.port, cidr));
  }
  out += step(fmt::format("The SSH server, to port {} of the {}: ssh.forward", to.port, what));
  return out + fmt::format("allow{} --protocol tcp --port {}{}\n", warehouse, to.port,
                           sh_flag("--source-group", bastion));
}

std::string network_if_asked(const DestinationConfig& to, const KitFacts& facts,
                             const Places& places) {
  const std::string steps = with_lookups(network_steps(to, facts, places), to, places);
  if (!missing_in(steps).empty()) return "";
  return step(fmt::format("The way in is opened only with OPEN_NETWORK=yes in the environment: an "
                          "inbound rule more for a security group that others may share. vesto "
                          "destination kit {} --part network does it alone",
                          to.name)) +
         "if [ \"${OPEN_NETWORK:-}\" = yes ]; then\n" + steps + "fi\n";
}

namespace {

std::string access_flag(const DestinationConfig& to) {
  return to.ssh.given ? " --no-publicly-accessible" : " --publicly-accessible";
}

// What it makes, for whoever reads the script, and what changes that.
std::string about(const DestinationConfig& to, const Places& places) {
  const char* kind = to.serverless ? "workgroup" : "cluster";
  std::string out =
      step(fmt::format("Where there is no {} {} it makes one: database {}, port {}, admin {}; AWS "
                       "bills it from then on.",
                       kind, places.warehouse, to.database, to.port, kAdminUser));
  out += commented("# ", to.ssh.given
                             ? "It is not publicly accessible: it is reached from its network "
                               "alone, where the SSH server is (--no-publicly-accessible)."
                             : "It is publicly accessible (--publicly-accessible): it has an "
                               "address on the Internet, and who may reach its port there is up to "
                               "its security group, the default one of the VPC.");
  if (to.host.empty()) {
    out += commented(
        "# ", fmt::format("Other choices: vesto destination add {} --draft with --warehouse NAME, "
                          "--database NAME{}; then print this part again.",
                          to.name,
                          to.ssh.given ? ""
                                       : ", or --ssh-host HOST --ssh-user USER (then it is not "
                                         "publicly accessible)"));
  }
  return out + commented("# ", "The admin's name and the size stand in the call below.");
}

// Its state, and its address as the next step takes it. `ask` prints state, host and port.
std::string state_steps(const DestinationConfig& to, const std::string& ask) {
  std::string out = step("Its state, and its endpoint as soon as it is there, which takes minutes");
  out += fmt::format("FOUND=$({})\nset -- $FOUND\n", ask);
  out += "echo \"State: ${1:-unknown}\"\n";
  out += "if [ \"${2:-None}\" = None ]; then\n";
  out += "  echo 'It has no endpoint yet: run this again in some minutes.'\nelse\n";
  out += fmt::format("  ENDPOINT=$2:$3/{}\n", sh_quote(to.database));
  out += "  printf '%s\\n' \"Endpoint: $ENDPOINT\"\n";
  if (to.host.empty()) {
    out += fmt::format("  printf '%s\\n' \"Next: vesto destination add {} --endpoint $ENDPOINT\"\n",
                       to.name);
  }
  return out + "fi\n";
}

// Only "there is none" makes one: who may not look, or does not reach AWS, would make a second one
// of what is there, or be told of the wrong right.
std::string unless_there(const std::string& look, std::string_view none) {
  return fmt::format(
      "if ! FOUND=$({} 2>&1); then\n"
      "  case $FOUND in *'({}'*) ;; *) echo \"$FOUND\" >&2; exit 1 ;; esac\n",
      look, none);
}

// A comment and not run: what a script prints is often kept.
std::string password_steps(const Places& places, const std::string& arn) {
  return step(fmt::format("Its admin is {}. Whoever may read the password, which is not printed "
                          "here, runs:",
                          kAdminUser)) +
         commented("# ", fmt::format(
                             "{} --secret-id \"$({} --output text)\" --query SecretString "
                             "--output text",
                             regional_call("secretsmanager get-secret-value", places.region), arn));
}

std::string cluster_steps(const DestinationConfig& to, const Places& places) {
  const std::string name = sh_flag("--cluster-identifier", places.warehouse);
  const std::string look = regional_call("redshift describe-clusters", places.region) + name;
  std::string out = about(to, places);
  out += step(
      "The smallest cluster. Its admin's password is made by AWS and kept in Secrets Manager: "
      "redshift.status");
  out += unless_there(look, "ClusterNotFound") +
         fmt::format("  {}{} \\\n", regional_call("redshift create-cluster", places.region), name);
  out += "    --node-type ra3.large --cluster-type single-node --encrypted \\\n";
  out += fmt::format("   {} --port {} --master-username {} --manage-master-password \\\n   {}",
                     sh_flag("--db-name", to.database), to.port, kAdminUser, access_flag(to));
  out += " >/dev/null\nfi\n";
  out += state_steps(to, look +
                             " \\\n  --query 'Clusters[0].[ClusterStatus,Endpoint.Address,"
                             "Endpoint.Port]' --output text");
  return out + password_steps(places, look + " --query 'Clusters[0].MasterPasswordSecretArn'");
}

std::string workgroup_steps(const DestinationConfig& to, const Places& places) {
  const std::string space = sh_flag("--namespace-name", places.warehouse);
  const std::string name = sh_flag("--workgroup-name", places.warehouse);
  const std::string look = regional_call("redshift-serverless get-workgroup", places.region) + name;
  const std::string look_space =
      regional_call("redshift-serverless get-namespace", places.region) + space;
  std::string out = about(to, places);
  out += step("A namespace. Its admin's password is made by AWS and kept in Secrets Manager");
  out += unless_there(look_space, "ResourceNotFound");
  out +=
      fmt::format("  {}{} \\\n   {} --admin-username {} --manage-admin-password >/dev/null\nfi\n",
                  regional_call("redshift-serverless create-namespace", places.region), space,
                  sh_flag("--db-name", to.database), kAdminUser);
  out += step("The smallest workgroup that every region has: redshift.status");
  out += unless_there(look, "ResourceNotFound");
  out += fmt::format("  {}{}{} \\\n    --base-capacity {} --port {}{} >/dev/null\nfi\n",
                     regional_call("redshift-serverless create-workgroup", places.region), name,
                     space, kSmallestCapacity, to.port, access_flag(to));
  out += state_steps(to, look +
                             " \\\n  --query 'workgroup.[status,endpoint.address,endpoint.port]' "
                             "--output text");
  return out + password_steps(places, look_space + " --query namespace.adminPasswordSecretArn");
}

}  // namespace

std::string warehouse_steps(const DestinationConfig& to, const Places& places) {
  return to.serverless ? workgroup_steps(to, places) : cluster_steps(to, places);
}

}  // namespace kit

namespace {

// Only the options that Vesto writes: what a person has added would be lost. A from= of a person
// cannot be told from ours, so none is taken away, only one put in the place of another.
std::string option_pattern(bool with_from) {
  return std::string("restrict|port-forwarding|permitopen=\"[^\"]*\"") +
         (with_from ? "|from=\"[^\"]*\"" : "");
}

// pick ours, theirs or rest: the lines of the file as it was that are of Vesto's form with this key
// and comment; others that have the key in them; all others. In bytes, whatever they spell.
std::string pick_function(bool with_from) {
  return fmt::format(
      "pick() {{\n"
      "  WANT=$1 awk '\n"
      "    function kind(at) {{\n"
      "      if (index($0, ENVIRON[\"KEY\"]) == 0) return \"rest\"\n"
      "      at = length($0) - length(ENVIRON[\"OURS\"])\n"
      "      if (at < 2 || substr($0, at) != \" \" ENVIRON[\"OURS\"]) return \"theirs\"\n"
      "      return substr($0, 1, at - 1) ~ /^({0})(,({0}))*$/ ? \"ours\" : \"theirs\"\n"
      "    }}\n"
      "    kind() == ENVIRON[\"WANT\"]' \"$WAS\"\n"
      "}}\n",
      option_pattern(with_from));
}

// The file is written through, as it may be a link and has an owner and a mode; so nothing is
// written before it is counted that no byte of another line is missing, and the file as it was
// stays beside it.
constexpr const char* kAuthorize =
    "stop() { printf '%s\\n' \"$1\" >&2; exit 1; }\n"
    "[ \"$(id -un)\" = \"$LOGIN\" ] || stop \"This is for the user $LOGIN, not for $(id -un).\"\n"
    "umask 077\n"
    "cd\n"
    "mkdir -p .ssh\n"
    "FILE=.ssh/authorized_keys WAS=.ssh/authorized_keys.vesto-before "
    "NEW=.ssh/authorized_keys.vesto\n"
    "[ ! -e $NEW ] || stop \"$NEW is there: this was cut short before. Compare $FILE with $WAS, "
    "and "
    "remove $NEW.\"\n"
    "touch $FILE\n"
    "cat $FILE > $WAS\n"
    "THEIRS=$(pick theirs)\n"
    "[ -z \"$THEIRS\" ] || stop \"The key stands there in a line that somebody has written or "
    "changed. sshd looks at the first line of a key alone: correct that one by hand. It is: "
    "$THEIRS\"\n"
    "FORMER=$(pick ours)\n"
    "[ \"$FORMER\" != \"$LINE\" ] || { echo 'The line stands there already.' >&2; exit 0; }\n"
    "LACKS=0\n"
    "[ ! -s $WAS ] || LACKS=$((1 - $(tail -c 1 $WAS | wc -l)))\n"
    "if [ -z \"$FORMER\" ]; then\n"
    "  [ $LACKS = 0 ] || echo >> $FILE\n"
    "  printf '%s\\n' \"$LINE\" >> $FILE\n"
    "  exit 0\n"
    "fi\n"
    "REST=$(pick rest | wc -c) OLD=$(pick ours | wc -c) ALL=$(cat $WAS | wc -c)\n"
    "[ $((REST + OLD)) = $((ALL + LACKS)) ] || stop \"Not all lines of $FILE can be kept as they "
    "are: put the line there by hand, in place of $FORMER\"\n"
    "pick rest > $NEW\n"
    "printf '%s\\n' \"$LINE\" >> $NEW\n"
    "cat $NEW > $FILE || stop \"$FILE could not be written. As it was: $WAS\"\n"
    "rm $NEW\n"
    "printf '%s\\n' \"Replaced: $FORMER\" >&2\n"
    ")\n";

}  // namespace

std::string authorize_shell(const std::string& login, const std::string& line) {
  // Options, type, key, and whose it is, which has no blanks.
  const size_t comment_at = line.rfind(' ');
  const size_t key_at = comment_at == std::string::npos ? 0 : line.rfind(' ', comment_at - 1) + 1;
  const size_t type_at = key_at < 2 ? 0 : line.rfind(' ', key_at - 2) + 1;
  const bool with_from = line.substr(0, type_at).find(",from=\"") != std::string::npos;
  std::string out = kit::commented("# ", fmt::format("On the SSH server, as {}.", login));
  out += "(\nset -eu\nexport LC_ALL=C\n";
  out += fmt::format("export LOGIN={}\n", kit::sh_quote(login.substr(0, login.rfind('@'))));
  out += fmt::format("export LINE={}\n", kit::sh_quote(line));
  out += fmt::format("export OURS={}\n", kit::sh_quote(line.substr(type_at)));
  out += fmt::format("export KEY={}\n", kit::sh_quote(line.substr(key_at, comment_at - key_at)));
  return out + pick_function(with_from) + kAuthorize;
}

std::string ingress_shell(const DestinationConfig& destination, const KitFacts& facts,
                          const std::string& cidr) {
  const kit::Places places = kit::places_of(destination, facts);
  return kit::shell_line(kit::account_guard(destination, places, "network"),
                         fmt::format("{}{}{}\n", kit::ingress_call(places),
                                     kit::sh_flag("--group-id", kit::security_group(facts)),
                                     kit::rule_flags(destination.port, kit::with_bits(cidr))),
                         destination, places);
}

}  // namespace vesto
