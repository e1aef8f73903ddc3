#include "kit/kit.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_guards.h"

namespace vesto {

namespace {

using kit::Actor;
using kit::Places;

class Maker {
 public:
  Maker(const DestinationConfig& to, const KitFacts& facts)
      : to_(to), facts_(facts), places_(kit::places_of(to, facts)) {}

  Kit make() {
    const bool made = places_.actor == Actor::kRole;
    shell("warehouse", "aws_admin", {"redshift.status"}, kit::warehouse_steps(to_, places_));
    shell("bucket", "aws_admin", {"s3.bucket", "s3.public", "s3.lifecycle"},
          kit::bucket_steps(to_, places_));
    if (made) {
      add("trust-policy", "aws_admin", "json", {"aws.assume_role", "aws.trust_bound"},
          trust_policy_for(to_, facts_) + "\n");
    }
    add("permission-policy", "aws_admin", "json", permission_checks(),
        permission_policy_for(to_, facts_) + "\n");
    if (to_.auth.identity == "aws") {
      // The role itself is the operator's: it is made where the pods are.
      add("eks-trust", "aws_admin", "json", {"aws.key"}, kit::pod_trust_for(to_, facts_) + "\n");
    }
    key();
    if (places_.own_elsewhere) {
      shell("asker", "aws_admin", {"aws.assume_role"}, kit::asker_part(to_, facts_, places_));
    }
    if (places_.actor != Actor::kKeyUser) {
      std::vector<std::string> checks = permission_checks();
      if (made) checks.insert(checks.begin(), {"aws.assume_role", "aws.trust_bound"});
      shell("role", "aws_admin", std::move(checks), kit::role_part(to_, facts_, places_));
    }
    if (has_copy_role()) {
      shell("copy-role", "aws_admin", {"redshift.copy"}, kit::copy_role_part(to_, facts_, places_));
    }
    headed("sql", "redshift_admin", "sql", "-- ",
           {"redshift.login", "redshift.temp", "redshift.schema", "redshift.table"},
           kit::sql_text(to_, places_));
    headed("owner", "redshift_admin", "sql", "-- ", {"redshift.owner"},
           kit::owner_text(to_, facts_, places_));
    network();
    script();
    // It makes COPY's role, which is then attached by hand.
    std::erase(aws_checks_, "redshift.copy");
    headed("terraform", "aws_admin", "terraform", "# ", aws_checks_,
           kit::terraform_text(to_, facts_, places_));
    add("message", "you", "text", {}, kit::message_text(to_, facts_, places_));
    return std::move(kit_);
  }

 private:
  // Before the role, which no trust policy lets name a user that is not there.
  void key() {
    if (!has_key()) return;
    std::vector<std::string> checks = {"aws.key"};
    if (places_.actor == Actor::kKeyUser) {
      for (std::string& check : permission_checks()) checks.push_back(std::move(check));
    }
    shell("key", "aws_admin", std::move(checks), kit::key_part(to_, facts_, places_));
  }

  [[nodiscard]] bool has_key() const { return to_.auth.identity == "access_key"; }
  [[nodiscard]] bool has_copy_role() const { return to_.auth.copy == "attached_role"; }

  [[nodiscard]] std::vector<std::string> permission_checks() const {
    std::vector<std::string> out = {"s3.put", "s3.list", "s3.get", "s3.delete"};
    if (to_.auth.method == "iam_role") {
      out.insert(out.begin(), {"redshift.status", "redshift.credentials"});
    }
    return out;
  }

  void network() {
    const bool tunnel = to_.ssh.given;
    shell("network", "network_admin",
          tunnel ? std::vector<std::string>{"ssh.connect", "ssh.forward"}
                 : std::vector<std::string>{"net.tcp"},
          kit::network_steps(to_, facts_, places_));
    if (!tunnel) return;
    add("authorized-keys", "network_admin", "text", {"ssh.login", "ssh.forward"},
        kit::or_placeholder(facts_.ssh_public_key, "SSH_PUBLIC_KEY_LINE") + "\n");
  }

  // What the steps of an AWS admin turn green: "script" and "terraform" hold them all.
  void note_checks(const KitPart& part) {
    const bool steps = part.kind == "shell" && part.id != "warehouse" && part.id != "script";
    if (part.who != "aws_admin" || !steps) return;
    // For another account's admin.
    if (part.id == "asker" || (part.id == "key" && places_.user_elsewhere)) return;
    aws_checks_.insert(aws_checks_.end(), part.checks.begin(), part.checks.end());
  }

  // What stops the whole script, before it changes anything.
  [[nodiscard]] std::string script_guards(bool with_key) const {
    // The role that COPY reads with need not be of the account that the rest is of.
    std::string out = has_copy_role() ? kit::copy_account_guard(to_, places_) : "";
    out += kit::work_guards(to_, places_);
    if (with_key && places_.actor != Actor::kKeyUser) out += kit::key_guards(to_, places_);
    if (has_copy_role()) out += kit::copy_role_guards(to_, places_);
    return out;
  }

  // The parts of an AWS admin in one. The network is among them where its rules are known, and is
  // opened only where that is asked for.
  void script() {
    // A user of another account is no matter of this account's admin.
    const bool with_key = has_key() && !places_.user_elsewhere;
    std::string steps = script_guards(with_key) + kit::bucket_steps(to_, places_);
    if (with_key) steps += kit::key_steps(to_, facts_, places_);
    if (places_.actor != Actor::kKeyUser) steps += kit::role_steps(to_, facts_, places_);
    if (has_copy_role()) steps += kit::copy_role_steps(to_, facts_, places_);
    if (!to_.ssh.given && !facts_.public_egress.empty()) {
      steps += kit::network_if_asked(to_, facts_, places_);
    }
    shell("script", "aws_admin", aws_checks_, steps);
  }

  static std::string title_of(std::string_view id) {
    for (const KitPartName& name : kit_part_names()) {
      if (name.id == id) return std::string(name.title);
    }
    return "";
  }

  void shell(const char* id, const char* who, std::vector<std::string> checks,
             const std::string& steps) {
    std::vector<std::string> about = {
        fmt::format("{}, for Vesto's destination {}.", title_of(id), to_.name)};
    if (!checks.empty()) about.push_back(green_line(checks));
    add(id, who, "shell", std::move(checks),
        kit::shell_script(about, kit::account_guard(to_, places_, id), steps, to_, places_));
  }

  // What it turns green stands below its first line, which is a comment.
  void headed(const char* id, const char* who, const char* kind, const char* mark,
              std::vector<std::string> checks, std::string text) {
    text.insert(text.find('\n') + 1, kit::commented(mark, green_line(checks)));
    add(id, who, kind, std::move(checks), std::move(text));
  }

  static std::string green_line(const std::vector<std::string>& checks) {
    return "Turns green: " + join(checks, ", ");
  }

  void add(const char* id, const char* who, const char* kind, std::vector<std::string> checks,
           std::string text) {
    KitPart part{.id = id, .title = title_of(id), .who = who, .kind = kind, .text = {}};
    part.missing = kit::missing_in(text);
    part.text = std::move(text);
    part.checks = std::move(checks);
    note_checks(part);
    kit_.parts.push_back(std::move(part));
  }

  const DestinationConfig& to_;
  const KitFacts& facts_;
  const Places places_;
  Kit kit_;
  std::vector<std::string> aws_checks_;
};

}  // namespace

const KitPart* Kit::find(std::string_view id) const {
  for (const KitPart& part : parts) {
    if (part.id == id) return &part;
  }
  return nullptr;
}

Kit make_kit(const DestinationConfig& destination, const KitFacts& facts) {
  return Maker(destination, facts).make();
}

const std::vector<KitPartName>& kit_part_names() {
  static const std::vector<KitPartName> kNames = {
      {"warehouse", "The smallest warehouse"},
      {"bucket", "Staging bucket"},
      {"trust-policy", "Trust policy of the role"},
      {"permission-policy", "Permission policy"},
      {"eks-trust", "Trust policy of the role that Vesto's pods on EKS run as"},
      {"key", "IAM user with an access key"},
      {"asker", "Right of whom Vesto runs as to assume the role"},
      {"role", "Role and its policies"},
      {"copy-role", "Role that COPY reads with"},
      {"sql", "Rights in the database"},
      {"owner", "Ownership of tables"},
      {"network", "Inbound rules"},
      {"authorized-keys", "The tunnel's line for authorized_keys"},
      {"script", "All that an AWS admin runs"},
      {"terraform", "The same in Terraform"},
      {"message", "Message to send on"},
  };
  return kNames;
}

}  // namespace vesto
