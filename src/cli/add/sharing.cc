#include "cli/add/sharing.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "address/arn.h"
#include "address/warehouse_host.h"
#include "base/strings.h"

namespace vesto::cli {

using kit::Places;

namespace {

bool is_placeholder(std::string_view text) { return text.find("<<") != std::string_view::npos; }

bool by_password(const DestinationConfig& one) { return one.auth.method == "password"; }

// A name that AWS gives to one warehouse alone.
bool own_name(const DestinationConfig& one) {
  return parse_warehouse_host(one.host).known() && !one.endpoint.vpc_endpoint;
}

// A role asks for a temporary login in its own account alone.
std::string account_of(const DestinationConfig& one) {
  if (!one.endpoint.account.empty() || by_password(one)) return one.endpoint.account;
  return account_of_arn(one.auth.role_arn);
}

Same both_known(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return Same::kMaybe;
  return to_lower_ascii(a) == to_lower_ascii(b) ? Same::kYes : Same::kNo;
}

// The login is named after the key's user.
bool logs_in_as_key_user(const DestinationConfig& one) {
  return !by_password(one) && one.auth.db_user.empty() &&
         places_of(one).actor == kit::Actor::kKeyUser;
}

// The name of the login; nothing where only its secret tells it.
std::optional<std::string> login_of(const DestinationConfig& one) {
  const std::string user = places_of(one).database_user;
  return is_placeholder(user) ? std::nullopt : std::optional<std::string>(user);
}

Same same_user(const DestinationConfig& a, const DestinationConfig& b) {
  if (logs_in_as_key_user(a) && logs_in_as_key_user(b)) {
    return may_share_user(a, b) ? Same::kMaybe : Same::kNo;
  }
  const ValueRef& of_a = a.auth.user;
  const ValueRef& of_b = b.auth.user;
  if (by_password(a) && by_password(b) && of_a.kind == of_b.kind && of_a.name == of_b.name) {
    return Same::kYes;
  }
  const auto login_a = login_of(a);
  const auto login_b = login_of(b);
  if (!login_a || !login_b) return Same::kMaybe;
  if (*login_a == *login_b) return Same::kYes;
  // Redshift folds names unless it is told not to.
  return to_lower_ascii(*login_a) == to_lower_ascii(*login_b) ? Same::kMaybe : Same::kNo;
}

}  // namespace

Places places_of(const DestinationConfig& of) {
  KitFacts facts;
  facts.account = of.endpoint.account;
  return kit::places_of(of, facts);
}

Same same_warehouse(const DestinationConfig& a, const DestinationConfig& b) {
  const bool same_host = to_lower_ascii(a.host) == to_lower_ascii(b.host);
  const bool same_way = a.port == b.port && a.ssh.given == b.ssh.given && a.ssh.host == b.ssh.host;
  if (same_host && (own_name(a) || same_way)) return Same::kYes;
  if (a.serverless != b.serverless) return Same::kNo;
  if (own_name(a) && own_name(b)) {
    // The same but for the suffix, of which there are two.
    const auto labels = [](const DestinationConfig& one) {
      return split(to_lower_ascii(one.host), '.');
    };
    const auto of_a = labels(a);
    const auto of_b = labels(b);
    return std::equal(of_a.begin(), of_a.begin() + 3, of_b.begin()) ? Same::kYes : Same::kNo;
  }
  // Clusters of two accounts may have one name: without the accounts it is not sure.
  return std::min({both_known(a.auth.warehouse, b.auth.warehouse),
                   both_known(a.auth.region, b.auth.region),
                   both_known(account_of(a), account_of(b))});
}

Same same_schema(const DestinationConfig& a, const DestinationConfig& b) {
  const bool alike = a.database == b.database && a.schema == b.schema;
  return alike ? same_warehouse(a, b) : Same::kNo;
}

Same same_login(const DestinationConfig& a, const DestinationConfig& b) {
  return std::min(same_warehouse(a, b), same_user(a, b));
}

bool same_objects(const DestinationConfig& a, const DestinationConfig& b) {
  return a.bucket == b.bucket && (a.prefix.starts_with(b.prefix) || b.prefix.starts_with(a.prefix));
}

// A key does not tell whose it is: two may be of one user, unless their accounts differ.
bool may_share_user(const DestinationConfig& a, const DestinationConfig& b) {
  if (a.auth.identity != "access_key" || b.auth.identity != "access_key") return false;
  if (a.auth.access_key_id.name == b.auth.access_key_id.name || same_objects(a, b)) return true;
  const std::string of_a = places_of(a).account;
  const std::string of_b = places_of(b).account;
  return of_a == of_b || is_placeholder(of_a) || is_placeholder(of_b);
}

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

}  // namespace vesto::cli
