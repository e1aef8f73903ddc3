#include "cli/add/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/terminal.h"
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

std::string who_text(const std::string& who) {
  if (who == "aws_admin") return "an AWS admin";
  if (who == "redshift_admin") return "a Redshift admin";
  if (who == "network_admin") return "a network admin";
  return "you, to send on";
}

void role_lines(const kit::Places& places, bool remove_role, std::vector<std::string>* out) {
  out->push_back(iam_call(places, "delete-role-policy") + sh_flag("--role-name", places.role) +
                 sh_flag("--policy-name", places.policy));
  if (remove_role) {
    out->push_back("# if nothing else uses it: " + iam_call(places, "delete-role") +
                   sh_flag("--role-name", places.role));
  }
}

void user_lines(const kit::Places& places, const DestinationConfig& gone, bool remove_user,
                std::vector<std::string>* out) {
  const std::string user = sh_flag("--user-name", places.user);
  out->push_back(iam_call(places, "delete-user-policy") + user +
                 sh_flag("--policy-name", places.policy));
  if (!remove_user) return;
  const std::string id = gone.auth.access_key_id.kind == ValueRef::Kind::kText
                             ? gone.auth.access_key_id.name
                             : "<<ACCESS_KEY_ID>>";
  out->push_back(iam_call(places, "delete-access-key") + user + sh_flag("--access-key-id", id));
  out->push_back(iam_call(places, "delete-user") + user);
}

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

bool same_objects(const DestinationConfig& a, const DestinationConfig& b) {
  return a.bucket == b.bucket && (a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix));
}

void add_secrets(const DestinationConfig& of, std::set<std::string>* out) {
  const auto add = [&](const ValueRef& reference) {
    if (reference.kind == ValueRef::Kind::kSecret) out->insert(reference.name);
  };
  for (const ValueRef* reference : {&of.auth.user, &of.auth.password, &of.auth.access_key_id,
                                    &of.auth.secret_access_key, &of.auth.session_token}) {
    add(*reference);
  }
  if (!of.ssh.given) return;
  add(of.ssh.key);
  add(of.ssh.passphrase);
}

}  // namespace

std::vector<KitErrand> kit_errands(const Config& config, const DestinationConfig& to) {
  KitFacts facts;
  facts.public_egress = config.public_egress;
  const Kit kit = make_kit(to, facts);
  std::vector<KitErrand> out;
  for (const char* part : {"script", "sql", "authorized-keys", "network", "message"}) {
    const KitPart* found = kit.find(part);
    if (found == nullptr) continue;
    out.push_back({.who = found->who,
                   .part = part,
                   .command = fmt::format("vesto destination kit {} --part {}", to.name, part)});
  }
  return out;
}

std::string errands_text(const std::vector<KitErrand>& errands) {
  std::vector<std::vector<std::string>> rows;
  for (const KitErrand& one : errands) rows.push_back({"  " + who_text(one.who), one.command});
  return "Who has to do what; each command prints it, with every value filled in:\n" +
         table_text(rows);
}

std::string errands_json(const std::vector<KitErrand>& errands) {
  std::vector<std::string> out;
  out.reserve(errands.size());
  for (const KitErrand& one : errands) {
    out.push_back(fmt::format(R"({{"who":{},"part":{},"command":{}}})", json_quote(one.who),
                              json_quote(one.part), json_quote(one.command)));
  }
  return "[" + join(out, ",") + "]";
}

Leftovers leftovers_of(const Config& config, const DestinationConfig& gone) {
  const auto none = [&](const auto& shares) {
    return std::none_of(config.destinations.begin(), config.destinations.end(), shares);
  };
  KitFacts facts;
  facts.account = gone.endpoint.account;
  const kit::Places places = kit::places_of(gone, facts);
  Leftovers out;
  const bool own_role = none([&](const DestinationConfig& other) {
    return !gone.auth.role_arn.empty() && other.auth.role_arn == gone.auth.role_arn;
  });
  const bool own_key = none([&](const DestinationConfig& other) {
    return other.auth.identity == "access_key" &&
           other.auth.access_key_id.name == gone.auth.access_key_id.name;
  });
  switch (places.actor) {
    case kit::Actor::kRole:
      role_lines(places, own_role, &out.aws);
      break;
    case kit::Actor::kOwn:
      role_lines(places, false, &out.aws);
      break;
    case kit::Actor::kOwnUser:
      user_lines(places, gone, false, &out.aws);
      break;
    case kit::Actor::kKeyUser:
      user_lines(places, gone, own_key, &out.aws);
      break;
  }
  if (none([&](const DestinationConfig& other) { return same_objects(gone, other); })) {
    const std::string& region = places.bucket_region;
    out.aws.push_back("# only if all that lies there may go: " + regional_call("s3 rm", region) +
                      " " + sh_quote(fmt::format("s3://{}/{}", gone.bucket, gone.prefix)) +
                      " --recursive");
    out.aws.push_back("# if nothing else uses it: " + regional_call("s3api delete-bucket", region) +
                      sh_flag("--bucket", gone.bucket));
  }
  // Nobody but the owner of the data knows whether it may go, so the line cannot be pasted as it
  // is.
  if (gone.create_schema && gone.schema != "public" &&
      none([&](const DestinationConfig& other) { return same_schema(gone, other); })) {
    out.redshift.push_back(
        fmt::format("-- only if all that is in it may go: DROP SCHEMA {} CASCADE;",
                    quote_identifier(gone.schema)));
  }
  const std::string user =
      gone.auth.method == "password" && gone.auth.user.kind == ValueRef::Kind::kText
          ? gone.auth.user.name
          : places.database_user;
  const std::string quoted = quote_identifier(user);
  if (none([&](const DestinationConfig& other) { return same_login(gone, other); })) {
    out.redshift.push_back(
        fmt::format("REVOKE ALL ON DATABASE {} FROM {};", quote_identifier(gone.database), quoted));
    out.redshift.push_back(fmt::format("-- if nothing else logs in as it: DROP USER {};", quoted));
  }
  return out;
}

std::vector<std::string> secrets_of_its_own(const Config& config, const DestinationConfig& gone) {
  std::set<std::string> own;
  add_secrets(gone, &own);
  return not_of_others(config, {own.begin(), own.end()}, gone.name);
}

std::vector<std::string> not_of_others(const Config& config, const std::vector<std::string>& own,
                                       std::string_view gone) {
  std::set<std::string> others;
  for (const DestinationConfig& other : config.destinations) {
    if (other.name != gone) add_secrets(other, &others);
  }
  for (const SourceConfig& source : config.sources) {
    for (const ValueRef* reference :
         {&source.user, &source.password, &source.ssh.key, &source.ssh.passphrase}) {
      if (reference->kind == ValueRef::Kind::kSecret) others.insert(reference->name);
    }
  }
  if (config.google.key.kind == ValueRef::Kind::kSecret) others.insert(config.google.key.name);
  std::vector<std::string> out;
  for (const std::string& name : own) {
    if (others.count(name) == 0) out.push_back(name);
  }
  return out;
}

}  // namespace vesto::cli
