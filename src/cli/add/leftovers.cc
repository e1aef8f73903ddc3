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
using kit::regional_call;
using kit::sh_flag;
using kit::sh_quote;

bool same_schema(const DestinationConfig& a, const DestinationConfig& b) {
  return to_lower_ascii(a.host) == to_lower_ascii(b.host) && a.database == b.database &&
         a.schema == b.schema;
}

bool same_login(const DestinationConfig& a, const DestinationConfig& b) {
  const auto user = [](const DestinationConfig& of) {
    const bool password = of.auth.method == "password";
    return password ? of.auth.user.name : kit::places_of(of, {}).database_user;
  };
  return to_lower_ascii(a.host) == to_lower_ascii(b.host) && a.database == b.database &&
         user(a) == user(b);
}

bool same_key(const DestinationConfig& a, const DestinationConfig& b) {
  return b.auth.identity == "access_key" && a.auth.access_key_id.name == b.auth.access_key_id.name;
}

bool same_objects(const DestinationConfig& a, const DestinationConfig& b) {
  return a.bucket == b.bucket && (a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix));
}

class Finder {
 public:
  Finder(const Config& config, const DestinationConfig& gone)
      : config_(config), gone_(gone), places_(kit::places_of(gone, facts_of(gone))) {}

  Leftovers find() {
    const bool own_role = none([this](const DestinationConfig& other) {
      return !gone_.auth.role_arn.empty() && other.auth.role_arn == gone_.auth.role_arn;
    });
    const bool made = places_.actor == kit::Actor::kRole;
    if (made || places_.actor == kit::Actor::kOwn) role(made && own_role);
    if (places_.actor == kit::Actor::kOwnUser) user(false);
    if (gone_.auth.identity == "access_key") {
      user(none([this](const DestinationConfig& other) { return same_key(gone_, other); }));
    }
    if (gone_.auth.copy == "attached_role") copy_role();
    bucket();
    redshift();
    return std::move(out_);
  }

 private:
  static KitFacts facts_of(const DestinationConfig& gone) {
    KitFacts facts;
    facts.account = gone.endpoint.account;
    return facts;
  }

  template <typename Shares>
  [[nodiscard]] bool none(const Shares& shares) const {
    return std::none_of(config_.destinations.begin(), config_.destinations.end(), shares);
  }

  void role_policy(const std::string& role, const std::string& policy) {
    out_.aws.push_back(iam_call(places_, "delete-role-policy") + sh_flag("--role-name", role) +
                       sh_flag("--policy-name", policy));
  }

  void role(bool remove_role) {
    role_policy(places_.role, places_.policy);
    if (!remove_role) return;
    out_.aws.push_back("# if nothing else uses it: " + iam_call(places_, "delete-role") +
                       sh_flag("--role-name", places_.role));
  }

  // A user may have two keys, and another one than the configuration knows: IAM removes no user
  // that has any left, so all that it names go.
  void user(bool remove_user) {
    const std::string user = sh_flag("--user-name", places_.user);
    out_.aws.push_back(iam_call(places_, "delete-user-policy") + user +
                       sh_flag("--policy-name", places_.policy));
    if (!remove_user) return;
    out_.aws.push_back(fmt::format(
        "for KEY in $({}{} --query 'AccessKeyMetadata[].AccessKeyId' --output text); do "
        "[ \"$KEY\" = None ] || {}{} --access-key-id \"$KEY\"; done",
        iam_call(places_, "list-access-keys"), user, iam_call(places_, "delete-access-key"), user));
    out_.aws.push_back(iam_call(places_, "delete-user") + user);
  }

  // Others may load by a role that is attached.
  void copy_role() {
    const std::string& arn = gone_.auth.copy_role_arn;
    if (arn == "default") {
      out_.aws.push_back(fmt::format(
          "# ROLE: the warehouse's default role, {} where the kit has made it: {} --role-name "
          "\"$ROLE\"{}",
          places_.copy_role, iam_call(places_, "delete-role-policy"),
          sh_flag("--policy-name", places_.copy_policy)));
      return;
    }
    role_policy(places_.copy_role, places_.copy_policy);
    if (!none([&](const DestinationConfig& other) { return other.auth.copy_role_arn == arn; })) {
      return;
    }
    if (gone_.serverless) {
      out_.aws.push_back(
          "# if nothing else reads by it: take it out of the roles of the workgroup's namespace");
    } else {
      out_.aws.push_back("# if nothing else reads by it: " +
                         regional_call("redshift modify-cluster-iam-roles", places_.region) +
                         sh_flag("--cluster-identifier", places_.warehouse) +
                         sh_flag("--remove-iam-roles", arn));
    }
    out_.aws.push_back("# if nothing else uses it: " + iam_call(places_, "delete-role") +
                       sh_flag("--role-name", places_.copy_role));
  }

  void bucket() {
    if (!none([this](const DestinationConfig& other) { return same_objects(gone_, other); })) {
      return;
    }
    const std::string& region = places_.bucket_region;
    out_.aws.push_back("# only if all that lies there may go: " + regional_call("s3 rm", region) +
                       " " + sh_quote(fmt::format("s3://{}/{}", gone_.bucket, gone_.prefix)) +
                       " --recursive");
    out_.aws.push_back(
        "# if nothing else uses it: " + regional_call("s3api delete-bucket", region) +
        sh_flag("--bucket", gone_.bucket));
  }

  void redshift() {
    const std::string schema = quote_identifier(gone_.schema);
    // Nobody but the owner of the data knows whether it may go, so the line cannot be pasted as it
    // is.
    if (gone_.create_schema && gone_.schema != "public" &&
        none([this](const DestinationConfig& other) { return same_schema(gone_, other); })) {
      out_.redshift.push_back(
          fmt::format("-- only if all that is in it may go: DROP SCHEMA {} CASCADE;", schema));
    }
    const std::string user = quote_identifier(gone_.auth.method == "password" &&
                                                      gone_.auth.user.kind == ValueRef::Kind::kText
                                                  ? gone_.auth.user.name
                                                  : places_.database_user);
    // As the kit granted it; one that Vesto has made is its user's own.
    if (!gone_.create_schema && none([this](const DestinationConfig& other) {
          return same_login(gone_, other) && same_schema(gone_, other);
        })) {
      out_.redshift.push_back(fmt::format("REVOKE ALL ON SCHEMA {} FROM {};", schema, user));
    }
    if (!none([this](const DestinationConfig& other) { return same_login(gone_, other); })) return;
    out_.redshift.push_back(
        fmt::format("REVOKE ALL ON DATABASE {} FROM {};", quote_identifier(gone_.database), user));
    out_.redshift.push_back(fmt::format("-- if nothing else logs in as it: DROP USER {};", user));
  }

  const Config& config_;
  const DestinationConfig& gone_;
  const kit::Places places_;
  Leftovers out_;
};

}  // namespace

Leftovers leftovers_of(const Config& config, const DestinationConfig& gone) {
  return Finder(config, gone).find();
}

}  // namespace vesto::cli
