#include "cli/add/leftovers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "kit/kit.h"
#include "kit/places.h"
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

bool same_schema(const DestinationConfig& a, const DestinationConfig& b) {
  return to_lower_ascii(a.host) == to_lower_ascii(b.host) && a.database == b.database &&
         a.schema == b.schema;
}

bool same_warehouse(const DestinationConfig& a, const DestinationConfig& b) {
  return to_lower_ascii(a.host) == to_lower_ascii(b.host);
}

bool same_login(const DestinationConfig& a, const DestinationConfig& b) {
  const auto user = [](const DestinationConfig& of) {
    const bool password = of.auth.method == "password";
    return password ? of.auth.user.name : kit::places_of(of, {}).database_user;
  };
  return same_warehouse(a, b) && a.database == b.database && user(a) == user(b);
}

bool same_objects(const DestinationConfig& a, const DestinationConfig& b) {
  return a.bucket == b.bucket && (a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix));
}

Places places_of(const DestinationConfig& of) {
  KitFacts facts;
  facts.account = of.endpoint.account;
  return kit::places_of(of, facts);
}

bool is_placeholder(std::string_view text) { return text.find("<<") != std::string_view::npos; }

// A key does not tell whose it is: two may be of one user, unless their accounts differ.
bool may_share_user(const DestinationConfig& a, const DestinationConfig& b) {
  if (a.auth.identity != "access_key" || b.auth.identity != "access_key") return false;
  if (a.auth.access_key_id.name == b.auth.access_key_id.name || same_objects(a, b)) return true;
  const std::string of_a = places_of(a).account;
  const std::string of_b = places_of(b).account;
  return of_a == of_b || is_placeholder(of_a) || is_placeholder(of_b);
}

// The login is named after the key's user.
bool logs_in_as_key_user(const DestinationConfig& one) {
  return one.auth.method != "password" && one.auth.db_user.empty() &&
         places_of(one).actor == kit::Actor::kKeyUser;
}

bool may_share_login(const DestinationConfig& a, const DestinationConfig& b) {
  return same_warehouse(a, b) && a.database == b.database && logs_in_as_key_user(a) &&
         logs_in_as_key_user(b) && may_share_user(a, b);
}

// Whether it works or loads by the role. An account that is not known may be that of the other.
bool uses_role(const DestinationConfig& one, const std::string& arn) {
  const Places places = places_of(one);
  const bool assumes = places.actor == kit::Actor::kRole || places.actor == kit::Actor::kOwn;
  if ((assumes && places.role_arn == arn) || one.auth.copy_role_arn == arn) return true;
  const bool known = !is_placeholder(places.role_arn) && !is_placeholder(arn);
  return assumes && !known && places.role == arn.substr(arn.rfind('/') + 1);
}

bool loads_by_default(const DestinationConfig& one) {
  return one.auth.copy == "attached_role" && one.auth.copy_role_arn == "default";
}

class Finder {
 public:
  Finder(const Config& config, const DestinationConfig& gone)
      : config_(config), gone_(gone), places_(places_of(gone)) {}

  Leftovers find() {
    const bool made = places_.actor == kit::Actor::kRole;
    if (made || places_.actor == kit::Actor::kOwn) role(made);
    if (gone_.auth.identity == "access_key") user();
    if (gone_.auth.copy == "attached_role") copy_role();
    bucket();
    redshift();
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

  // A user may have two keys, and another one than the configuration knows: IAM removes no user
  // that has any left, so all that it names go. Only its owner knows whether something else has
  // one.
  void user() {
    const std::string user = sh_flag("--user-name", places_.user);
    const std::string others =
        sharers([this](const DestinationConfig& other) { return may_share_user(gone_, other); });
    rights_of(
        others, "may",
        iam_call(places_, "delete-user-policy") + user + sh_flag("--policy-name", places_.policy));
    const std::string condition = others.empty()
                                      ? std::string(kUnused)
                                      : fmt::format("only if nothing else uses it; {} may", others);
    aws_if(condition,
           fmt::format("for KEY in $({}{} --query 'AccessKeyMetadata[].AccessKeyId' --output "
                       "text); do [ \"$KEY\" = None ] || {}{} --access-key-id \"$KEY\"; done",
                       iam_call(places_, "list-access-keys"), user,
                       iam_call(places_, "delete-access-key"), user));
    aws_if(condition, iam_call(places_, "delete-user") + user);
  }

  // Others may load by a role that is attached, also as the warehouse's default one.
  void copy_role() {
    const std::string& arn = gone_.auth.copy_role_arn;
    const bool by_default = arn == "default";
    const auto may_be_it = [&](const DestinationConfig& other) {
      const bool one_is_default = by_default || loads_by_default(other);
      return one_is_default && other.auth.copy == "attached_role" && same_warehouse(gone_, other);
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
      return;
    }
    const bool surely =
        !none([&](const DestinationConfig& other) { return uses_role(other, arn); });
    rights_of(others, surely ? "does" : "may", policy_line(places_.copy_role, places_.copy_policy));
    if (!others.empty()) return;
    if (gone_.serverless) {
      out_.aws.push_back(
          "# if nothing else reads by it: take it out of the roles of the workgroup's namespace");
    } else {
      aws_if("if nothing else reads by it",
             regional_call("redshift modify-cluster-iam-roles", places_.region) +
                 sh_flag("--cluster-identifier", places_.warehouse) +
                 sh_flag("--remove-iam-roles", arn));
    }
    aws_if(kUnused, iam_call(places_, "delete-role") + sh_flag("--role-name", places_.copy_role));
  }

  void bucket() {
    if (!none([this](const DestinationConfig& other) { return same_objects(gone_, other); })) {
      return;
    }
    const std::string& region = places_.bucket_region;
    aws_if("only if all that lies there may go",
           regional_call("s3 rm", region) + " " +
               sh_quote(fmt::format("s3://{}/{}", gone_.bucket, gone_.prefix)) + " --recursive");
    aws_if(kUnused,
           regional_call("s3api delete-bucket", region) + sh_flag("--bucket", gone_.bucket));
  }

  void redshift() {
    const std::string schema = quote_identifier(gone_.schema);
    // Nobody but the owner of the data knows whether it may go, so the line cannot be pasted as it
    // is.
    if (gone_.create_schema && gone_.schema != "public" &&
        none([this](const DestinationConfig& other) { return same_schema(gone_, other); })) {
      redshift_if("only if all that is in it may go",
                  fmt::format("DROP SCHEMA {} CASCADE;", schema));
    }
    const std::string user = quote_identifier(gone_.auth.method == "password" &&
                                                      gone_.auth.user.kind == ValueRef::Kind::kText
                                                  ? gone_.auth.user.name
                                                  : places_.database_user);
    const std::string others =
        sharers([this](const DestinationConfig& other) { return may_share_login(gone_, other); });
    // As the kit granted it; one that Vesto has made is its user's own.
    if (!gone_.create_schema && none([this](const DestinationConfig& other) {
          return same_login(gone_, other) && same_schema(gone_, other);
        })) {
      revoke(others, fmt::format("REVOKE ALL ON SCHEMA {} FROM {};", schema, user));
    }
    if (!none([this](const DestinationConfig& other) { return same_login(gone_, other); })) return;
    revoke(others, fmt::format("REVOKE ALL ON DATABASE {} FROM {};",
                               quote_identifier(gone_.database), user));
    redshift_if(others.empty() ? "if nothing else logs in as it"
                               : fmt::format("only if nothing else logs in as it; {} may", others),
                fmt::format("DROP USER {};", user));
  }

  void revoke(const std::string& others, const std::string& line) {
    if (others.empty()) {
      out_.redshift.push_back(line);
      return;
    }
    redshift_if(fmt::format("only if nothing else logs in as it; {} may", others), line);
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

}  // namespace vesto::cli
