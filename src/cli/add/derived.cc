// What follows from the answers: how Vesto logs in and by whom, what has a usual value, what is
// missing, and doubts.
#include <fmt/format.h>

#include <algorithm>

#include "address/arn.h"
#include "base/hash.h"
#include "base/strings.h"
#include "cli/add/answers.h"
#include "kit/kit.h"
#include "kit/places.h"

namespace vesto::cli {

namespace {

constexpr int64_t kUsualPort = 5439;
constexpr const char* kUsualDatabase = "dev";  // AWS's own
constexpr size_t kMaxWarehouseName = 63;       // of a cluster; a workgroup may have 64

}  // namespace

std::string Answers::method() const {
  if (has("auth.method")) return text("auth.method");
  return has("auth.user") || has("auth.password") ? "password" : "iam_role";
}

std::string Answers::identity() const {
  if (has("auth.identity")) return text("auth.identity");
  if (has("auth.access_key_id") || has("auth.secret_access_key")) return "access_key";
  // As the dialogue proposes it; a role or an audience tells that somebody else asks.
  const bool assumes = has("auth.role_arn") || has("auth.audience");
  return method() == "password" && !assumes ? "access_key" : "google";
}

WarehouseEndpoint Answers::endpoint() const {
  WarehouseEndpoint out;
  out.host = text("draft.host");
  const auto port = settings_.find("draft.port");
  out.port_given = port != settings_.end();
  out.port = static_cast<int>(out.port_given ? port->second.integer : kUsualPort);
  out.database = text("draft.database");
  const std::string kind = text("kind");
  out.kind = kind == "redshift"              ? WarehouseKind::kProvisioned
             : kind == "redshift-serverless" ? WarehouseKind::kServerless
                                             : WarehouseKind::kUnknown;
  out.region = text("auth.region");
  out.name = text("auth.warehouse");
  out.account = text("draft.account");
  return out;
}

std::string Answers::usual_role() const {
  const std::string account = text("draft.account");
  if (account.empty()) return "";
  DestinationConfig to;
  to.name = name_;
  to.auth.method = "iam_role";
  to.auth.identity = "google";
  to.auth.region = text("auth.region").empty() ? text("staging.region") : text("auth.region");
  return kit::places_of(to, {.account = account}).role_arn;
}

bool Answers::without_external_id() const { return has("draft.no_external_id"); }

bool Answers::goes_directly() const { return has("draft.direct"); }

void Answers::go_directly() { put("draft.direct", boolean_value(true)); }

std::string Answers::fresh_audience() const {
  return fmt::format("vesto-{}-{}", name_, to_hex(random_bytes(2)));
}

DestinationConfig Answers::sketch() const {
  DestinationConfig out;
  out.name = name_;
  out.endpoint = endpoint();
  out.host = out.endpoint.host;
  out.port = out.endpoint.port;
  out.database = out.endpoint.database.empty() ? kUsualDatabase : out.endpoint.database;
  out.serverless = out.endpoint.kind == WarehouseKind::kServerless;
  out.auth.method = method();
  out.auth.identity = identity();
  out.auth.role_arn = text("auth.role_arn");
  out.auth.region = text("auth.region");
  out.auth.warehouse = out.endpoint.name.empty() ? usual_warehouse() : out.endpoint.name;
  out.ssh.given = has("ssh.host");
  out.bucket = text("staging.bucket");
  out.prefix = text("staging.prefix");
  out.region = text("staging.region");
  return out;
}

// Identifiers begin with a letter and have no two dashes in a row, none at their end.
std::string Answers::usual_warehouse() const {
  std::string out = "vesto-";
  for (const char c : to_lower_ascii(name_)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) out += c;
    if (!plain && !out.ends_with('-')) out += '-';
  }
  out = out.substr(0, kMaxWarehouseName);
  while (out.ends_with('-')) out.pop_back();
  return out;
}

std::vector<std::string> Answers::secret_names() const {
  std::vector<std::string> out;
  for (const auto& one : settings_) {
    const std::vector<TomlValue::Member>& members = one.second.members;
    if (members.size() == 1 && members.front().name == "secret") {
      out.push_back(members.front().value.text);
    }
  }
  if (has("ssh.host") && !has("ssh.key")) out.push_back(sealed_ssh_key_name("destination", name_));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void Answers::fill_defaults() {
  if (identity() == "google") {
    const std::string role = usual_role();
    if (!has("auth.role_arn") && !role.empty()) set_text("auth.role_arn", role);
    if (!has("auth.audience")) set_text("auth.audience", fresh_audience());
  } else if (!has("auth.role_arn") && identity() == "aws" && !usual_role().empty()) {
    set_text("auth.role_arn", usual_role());
  }
  // Whoever runs Vesto makes it, another one for each role, as the audience is: else whoever may
  // add a destination could name somebody else's role (IAM user guide, "The confused deputy").
  const bool by_keys = identity() != "google" && has("auth.role_arn");
  if (by_keys && !has("auth.external_id") && !without_external_id()) {
    set_text("auth.external_id", fresh_audience());
  }
  if (!has("staging.prefix")) set_text("staging.prefix", "vesto/");
  if (!has("create_schema")) put("create_schema", boolean_value(true));
}

std::vector<MissingAnswer> Answers::missing() const {
  std::vector<MissingAnswer> out;
  const auto need = [&](std::string_view setting, const char* flag, const char* what) {
    if (!has(setting)) out.push_back({flag, what});
  };
  if (!has("draft.host")) {
    out.push_back({"--endpoint", "the warehouse's endpoint"});
  }
  need("draft.database", "--database", "the database");
  need("kind", "--kind", "redshift or redshift-serverless");
  if (method() == "password") {
    need("auth.user", "--user", "the database user");
    need("auth.password", "--password-secret", "where its password is (or -env, -file)");
  } else {
    need("auth.region", "--region", "the warehouse's region");
    need("auth.warehouse", "--warehouse", "cluster identifier or workgroup");
  }
  const bool ssh = std::any_of(settings_.begin(), settings_.end(),
                               [](const auto& one) { return one.first.starts_with("ssh."); });
  if (ssh) {
    need("ssh.host", "--ssh-host", "the SSH server");
    need("ssh.user", "--ssh-user", "the user there");
  }
  if (identity() == "google" && usual_role().empty()) {
    need("auth.role_arn", "--role-arn", "the role to assume (or --account for the usual one)");
  }
  if (identity() == "access_key") {
    const bool said = has("auth.identity") || has("auth.secret_access_key");
    need("auth.access_key_id", "--access-key-id",
         said ? "the access key"
              : "the access key that asks AWS; --identity google or aws needs none");
    need("auth.secret_access_key", "--secret-access-key-secret",
         "where its secret is (or -env, -file)");
  }
  if (text("auth.copy") == "attached_role") {
    need("auth.copy_role_arn", "--copy-role-arn", "the role that COPY reads with");
  }
  need("staging.bucket", "--bucket", "the staging bucket");
  need("schema", "--schema", "the schema of the target tables");
  return out;
}

std::vector<std::string> Answers::missing_flags() const {
  std::vector<std::string> out;
  for (const MissingAnswer& one : missing()) out.push_back(one.flag);
  return out;
}

std::vector<std::string> Answers::notes() const {
  std::vector<std::string> out = notes_;
  const std::string account = text("draft.account");
  const std::string of_role = account_of_arn(text("auth.role_arn"));
  if (!account.empty() && !of_role.empty() && account != of_role && method() == "iam_role") {
    out.push_back(fmt::format(
        "The role is of account {}, the warehouse is in {}: a role of another account can ask for "
        "no temporary login there.",
        of_role, account));
  }
  const std::string bucket_region = text("staging.region");
  const std::string region = text("auth.region");
  if (!bucket_region.empty() && !region.empty() && bucket_region != region) {
    out.push_back(fmt::format(
        "The bucket is in {}, the warehouse in {}: COPY works with that, but AWS bills the "
        "transfer.",
        bucket_region, region));
  }
  return out;
}

}  // namespace vesto::cli
