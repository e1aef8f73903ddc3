#include "cli/add/leftovers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "cli/add/sharing.h"
#include "kit/kit.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "pg/quoting.h"

namespace vesto::cli {

namespace {

using kit::iam_call;
using kit::Places;
using kit::regional_call;
using kit::sh_flag;
using kit::sh_quote;

constexpr std::string_view kUnused = "if nothing else uses it";

class Finder {
 public:
  Finder(const Config& config, const DestinationConfig& gone)
      : config_(config), gone_(gone), places_(places_of(gone)) {}

  Leftovers find() {
    const bool made = places_.actor == kit::Actor::kRole;
    if (made || places_.actor == kit::Actor::kOwn) role(made);
    if (gone_.auth.identity == "access_key") user();
    if (gone_.auth.copy == "attached_role") copy_role();
    pods();
    if (places_.own_elsewhere) asker();
    bucket();
    inbound_rules();
    if (gone_.ssh.given) tunnel();
    redshift();
    return std::move(out_);
  }

  Leftovers find_bucket() {
    bucket();
    return std::move(out_);
  }

 private:
  template <typename Shares>
  [[nodiscard]] bool none(const Shares& shares) const {
    return std::none_of(config_.destinations.begin(), config_.destinations.end(), shares);
  }

  template <typename Shares>
  [[nodiscard]] std::string sharers(const Shares& shares) const {
    std::vector<std::string> names;
    for (const DestinationConfig& other : config_.destinations) {
      if (shares(other)) names.push_back(other.name);
    }
    return join(names, ", ");
  }

  template <typename How>
  [[nodiscard]] bool any_surely(const How& how) const {
    return !none([&](const DestinationConfig& other) { return how(other) == Same::kYes; });
  }

  // A line that cannot be pasted as it is: no name ends its comment.
  static std::string offered(std::string_view mark, const std::string& text) {
    return std::string(mark) + printable(text, false);
  }
  void aws_if(std::string_view condition, const std::string& line) {
    out_.aws.push_back(offered("# ", fmt::format("{}: {}", condition, line)));
  }
  void redshift_if(std::string_view condition, const std::string& line) {
    out_.redshift.push_back(offered("-- ", fmt::format("{}: {}", condition, line)));
  }
  // What others have their rights by, until their own kit has given them.
  void rights_of(const std::string& others, std::string_view verb, const std::string& line) {
    if (others.empty()) {
      out_.aws.push_back(line);
      return;
    }
    aws_if(fmt::format("only if nothing else uses it; {} {}, so run that destination's kit first",
                       others, verb),
           line);
  }

  [[nodiscard]] std::string policy_line(const std::string& role, const std::string& policy) const {
    return iam_call(places_, "delete-role-policy") + sh_flag("--role-name", role) +
           sh_flag("--policy-name", policy);
  }

  void role(bool made) {
    const std::string others = sharers(
        [this](const DestinationConfig& other) { return uses_role(other, places_.role_arn); });
    rights_of(others, "does", policy_line(places_.role, places_.policy));
    if (!made || !others.empty()) return;
    aws_if(kUnused, iam_call(places_, "delete-role") + sh_flag("--role-name", places_.role));
  }

  // Whose key it is nothing here tells: the kit puts its rights onto the user that AWS names, which
  // may be somebody's. So nothing names a user but whoever runs the line. A user may have two keys,
  // and another one than the configuration knows: IAM removes no user that has any left, so all
  // that it names go. Only its owner knows whether something else has one.
  void user() {
    constexpr std::string_view kUser = " --user-name \"$IAM_USER\"";
    const std::string others =
        sharers([this](const DestinationConfig& other) { return may_share_user(gone_, other); });
    const std::string who =
        fmt::format("IAM_USER: whose key it is, {} where the kit has made it{}", places_.user,
                    gone_.auth.role_arn.empty() ? "" : ", in the account of that user");
    const std::string used =
        others.empty() ? "" : fmt::format(", only if nothing else uses it; {} may", others);
    aws_if(who + used + (others.empty() ? "" : ", so run that destination's kit first"),
           fmt::format("{}{}{}", iam_call(places_, "delete-user-policy"), kUser,
                       sh_flag("--policy-name", places_.policy)));
    const std::string condition = who + (others.empty() ? fmt::format(", {}", kUnused) : used);
    aws_if(condition,
           fmt::format("for KEY in $({}{} --query 'AccessKeyMetadata[].AccessKeyId' --output "
                       "text); do [ \"$KEY\" = None ] || {}{} --access-key-id \"$KEY\"; done",
                       iam_call(places_, "list-access-keys"), kUser,
                       iam_call(places_, "delete-access-key"), kUser));
    aws_if(condition, fmt::format("{}{}", iam_call(places_, "delete-user"), kUser));
  }

  // Others may load by a role that is attached, also as the warehouse's default one.
  void copy_role() {
    const std::string& arn = gone_.auth.copy_role_arn;
    const bool by_default = arn == "default";
    const auto may_be_it = [&](const DestinationConfig& other) {
      const bool one_is_default = by_default || loads_by_default(other);
      return one_is_default && other.auth.copy == "attached_role" &&
             same_warehouse(gone_, other) != Same::kNo;
    };
    const std::string others = sharers([&](const DestinationConfig& other) {
      return may_be_it(other) || (!by_default && uses_role(other, arn));
    });
    if (by_default) {
      const std::string used = others.empty()
                                   ? ""
                                   : fmt::format(
                                         ", only if nothing else uses it; {} may, so run that "
                                         "destination's kit first",
                                         others);
      out_.aws.push_back(offered(
          "# ", fmt::format("ROLE: the warehouse's default role, {} where the kit has made it{}: "
                            "{} --role-name \"$ROLE\"{}",
                            places_.copy_role, used, iam_call(places_, "delete-role-policy"),
                            sh_flag("--policy-name", places_.copy_policy))));
      if (others.empty()) default_copy_role();
      return;
    }
    const bool surely =
        !none([&](const DestinationConfig& other) { return uses_role(other, arn); });
    rights_of(others, surely ? "does" : "may", policy_line(places_.copy_role, places_.copy_policy));
    if (!others.empty()) return;
    detach("if nothing else reads by it", sh_flag("--remove-iam-roles", arn));
    aws_if(kUnused, iam_call(places_, "delete-role") + sh_flag("--role-name", places_.copy_role));
  }

  void detach(std::string_view condition, const std::string& role_flag) {
    if (gone_.serverless) {
      out_.aws.push_back(
          fmt::format("# {}: take it out of the roles of the workgroup's namespace", condition));
      return;
    }
    aws_if(condition, regional_call("redshift modify-cluster-iam-roles", places_.region) +
                          sh_flag("--cluster-identifier", places_.warehouse) + role_flag);
  }

  // Where the warehouse had no default one, the kit has made this and attached it.
  void default_copy_role() {
    const std::string name = sh_flag("--role-name", places_.copy_role);
    detach(fmt::format("where ROLE is {} and nothing else reads by it", places_.copy_role),
           fmt::format(" --remove-iam-roles \"$({}{} --query Role.Arn --output text)\"",
                       iam_call(places_, "get-role"), name));
    aws_if(fmt::format("where ROLE is {}, {}", places_.copy_role, kUnused),
           iam_call(places_, "delete-role") + name);
  }

  // Of the role that Vesto's pods run as, which is the operator's.
  void pods() {
    const auto by_pods = [](const DestinationConfig& other) {
      return other.auth.identity == "aws";
    };
    if (!by_pods(gone_) || !none(by_pods)) return;
    out_.aws.push_back(
        "# where Vesto runs on EKS and its role is not needed any more: take the statement for its "
        "service account out of the trust policy of that role");
  }

  // What lets whoever Vesto runs as assume the role, where that is of another account.
  void asker() {
    aws_if("IAM_USER: whom Vesto runs as, where that is a user of another account, there",
           iam_call(places_, "delete-user-policy") + " --user-name \"$IAM_USER\"" +
               sh_flag("--policy-name", places_.policy));
    aws_if("where Vesto runs as a role of another account, there",
           policy_line(kit::placeholder("ROLE_NAME"), places_.policy));
  }

  // Where others dial from the same addresses, or others than Vesto do, only their owner knows.
  void inbound_rules() {
    const std::string others = sharers([this](const DestinationConfig& other) {
      return same_warehouse(gone_, other) != Same::kNo ||
             (gone_.ssh.given && other.ssh.host == gone_.ssh.host);
    });
    const std::string condition =
        others.empty()
            ? "only if nothing else comes by this inbound rule"
            : fmt::format("only if nothing else comes by this inbound rule; {} may", others);
    const std::string revoke = regional_call("ec2 revoke-security-group-ingress", places_.region);
    std::string look = replace_all(kit::lookup("SECURITY_GROUP", gone_, places_), " \\\n   ", "");
    look = replace_all(look, "\n", "; ");
    const std::string warehouse =
        look + revoke +
        (look.empty() ? sh_flag("--group-id", kit::placeholder("SECURITY_GROUP"))
                      : " --group-id \"$SECURITY_GROUP\"");
    if (gone_.ssh.given) {
      const std::string bastion = kit::placeholder("BASTION_SECURITY_GROUP");
      for (const std::string& cidr : addresses()) {
        aws_if(condition,
               revoke + sh_flag("--group-id", bastion) + kit::rule_flags(gone_.ssh.port, cidr));
      }
      aws_if(condition, fmt::format("{} --protocol tcp --port {}{}", warehouse, gone_.port,
                                    sh_flag("--source-group", bastion)));
      return;
    }
    for (const std::string& cidr : addresses()) {
      aws_if(condition, warehouse + kit::rule_flags(gone_.port, cidr));
    }
  }

  [[nodiscard]] std::vector<std::string> addresses() const {
    std::vector<std::string> out;
    for (const std::string& one : config_.public_egress) out.push_back(kit::with_bits(one));
    if (out.empty()) out.push_back(kit::placeholder("EGRESS_ADDRESS") + "/32");
    return out;
  }

  // As its comment names it, whichever key it has.
  void tunnel() {
    out_.aws.push_back(
        offered("# ", fmt::format("on the SSH server, as {}@{}: take the line that ends in "
                                  "vesto-destination-{} out of ~/.ssh/authorized_keys",
                                  gone_.ssh.user, gone_.ssh.host, gone_.name)));
  }

  void bucket() {
    if (!none([this](const DestinationConfig& other) { return same_objects(gone_, other); })) {
      return;
    }
    const std::string& region = places_.bucket_region;
    aws_if("only if all that lies there may go",
           regional_call("s3 rm", region) + " " +
               sh_quote(fmt::format("s3://{}/{}", gone_.bucket, gone_.prefix)) + " --recursive");
    aws_if(
        fmt::format("where the bucket stays, and its lifecycle rule vesto-{} is the only one; "
                    "else that one is to be taken out of them",
                    gone_.name),
        regional_call("s3api delete-bucket-lifecycle", region) + sh_flag("--bucket", gone_.bucket));
    const std::string others =
        sharers([this](const DestinationConfig& other) { return other.bucket == gone_.bucket; });
    aws_if(
        others.empty()
            ? std::string(kUnused)
            : fmt::format("only if nothing else uses it; other prefixes of it are of {}", others),
        regional_call("s3api delete-bucket", region) + sh_flag("--bucket", gone_.bucket));
  }

  void redshift() {
    const std::string schema = quote_identifier(gone_.schema);
    const auto in_schema = [this](const DestinationConfig& other) {
      return same_schema(gone_, other);
    };
    if (gone_.create_schema && gone_.schema != "public" && !any_surely(in_schema)) {
      drop_schema(schema, sharers([&](const DestinationConfig& other) {
                    return in_schema(other) == Same::kMaybe;
                  }));
    }
    const std::string user = quote_identifier(gone_.auth.method == "password" &&
                                                      gone_.auth.user.kind == ValueRef::Kind::kText
                                                  ? gone_.auth.user.name
                                                  : places_.database_user);
    const auto login = [this](const DestinationConfig& other) { return same_login(gone_, other); };
    const auto login_here = [&](const DestinationConfig& other) {
      return gone_.database == other.database ? login(other) : Same::kNo;
    };
    // As the kit granted it; one that Vesto has made is its user's own.
    const bool needed = any_surely([&](const DestinationConfig& other) {
      return std::min(login_here(other), in_schema(other));
    });
    if (!gone_.create_schema && !needed) {
      revoke(fmt::format("REVOKE ALL ON SCHEMA {} FROM {};", schema, user));
    }
    if (any_surely(login_here)) return;
    revoke(
        fmt::format("REVOKE ALL ON DATABASE {} FROM {};", quote_identifier(gone_.database), user));
    if (any_surely(login)) return;
    const std::string others =
        sharers([&](const DestinationConfig& other) { return login(other) == Same::kMaybe; });
    redshift_if(others.empty() ? "if nothing else logs in as it"
                               : fmt::format("only if nothing else logs in as it; {} may", others),
                fmt::format("DROP USER {};", user));
  }

  // Nobody but the owner of the data knows whether it may go, so the line cannot be pasted as it
  // is.
  void drop_schema(const std::string& schema, const std::string& others) {
    constexpr std::string_view kIf = "only if all that is in it may go";
    redshift_if(
        others.empty() ? std::string(kIf) : fmt::format("{}; {} may load into it", kIf, others),
        fmt::format("DROP SCHEMA {} CASCADE;", schema));
  }

  // Where another one logs in as this user or may, its owner judges. The user of a password is
  // often one that people use as well, so that there no database and no schema sets it apart; a
  // temporary login that is surely shared has been looked at by the caller.
  void revoke(const std::string& line) {
    const bool password = gone_.auth.method == "password";
    std::vector<std::string> doubts;
    for (const Same same : {Same::kYes, Same::kMaybe}) {
      if (same == Same::kYes && !password) continue;
      const std::string others = sharers([&](const DestinationConfig& other) {
        return (password || other.database == gone_.database) && same_login(gone_, other) == same;
      });
      const char* does = others.find(", ") == std::string::npos ? " does" : " do";
      if (!others.empty()) doubts.push_back(others + (same == Same::kYes ? does : " may"));
    }
    // A temporary login by a key is of the key's user, whose name only AWS knows.
    const AuthConfig& auth = gone_.auth;
    const bool guessed = places_.actor == kit::Actor::kKeyUser && !password && auth.db_user.empty();
    if (guessed) {
      redshift_if(fmt::format("where {} is the key's own user{}", places_.user,
                              doubts.empty() ? "" : "; " + join(doubts, ", ")),
                  line);
      return;
    }
    // Such a user was there before Vesto, or may have been: what else it had goes with the line.
    if (doubts.empty() && (password || !auth.db_user.empty())) {
      redshift_if("where it had that for Vesto alone", line);
      return;
    }
    if (doubts.empty()) {
      out_.redshift.push_back(line);
      return;
    }
    redshift_if(fmt::format("only if nothing else logs in as it; {}", join(doubts, ", ")), line);
  }

  const Config& config_;
  const DestinationConfig& gone_;
  const Places places_;
  Leftovers out_;
};

}  // namespace

Leftovers leftovers_of(const Config& config, const DestinationConfig& gone) {
  return Finder(config, gone).find();
}

Leftovers bucket_leftovers_of(const Config& config, const DestinationConfig& gone) {
  return Finder(config, gone).find_bucket();
}

}  // namespace vesto::cli
