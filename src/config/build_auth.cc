#include "config/build_auth.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "config/values.h"

namespace vesto {

namespace {

// "arn:aws:iam::123456789012:role/path/name".
bool is_role_arn(std::string_view text) {
  const std::vector<std::string> parts = split(text, ':');
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return parts.size() == 6 && parts[0] == "arn" && parts[1].starts_with("aws") &&
         parts[2] == "iam" && parts[3].empty() && parts[4].size() == 12 &&
         std::all_of(parts[4].begin(), parts[4].end(), digit) && parts[5].starts_with("role/") &&
         parts[5].size() > 5 && text.size() <= 2048;
}

// What the host name of AWS's own endpoints tells: warehouse and region. Serverless:
// workgroup.account.region.redshift-serverless.SUFFIX; cluster: id.hash.region.redshift.SUFFIX.
struct HostParts {
  std::string warehouse;
  std::string region;
  std::optional<bool> serverless;
};

HostParts host_parts(const std::string& host) {
  const std::vector<std::string> labels = split(to_lower_ascii(host), '.');
  if (labels.size() < 6) return {};
  const bool serverless = labels[3] == "redshift-serverless";
  if (!serverless && labels[3] != "redshift") return {};
  if (!labels[4].starts_with("amazonaws")) return {};
  return {.warehouse = labels[0], .region = labels[2], .serverless = serverless};
}

class AuthBuilder {
 public:
  AuthBuilder(const Section& section, const DestinationConfig& destination,
              std::vector<ConfigIssue>* issues)
      : section_(section), destination_(destination), issues_(issues) {}

  AuthConfig build() {
    read();
    derive();
    if (!section_.given()) return out_;  // reported as a missing section
    check_login();
    check_identity();
    check_copy();
    return out_;
  }

 private:
  void read() {
    out_.origin = section_.table_origin();
    out_.user = section_.reference("user");
    out_.password = section_.reference("password");
    out_.access_key_id = section_.reference("access_key_id");
    out_.secret_access_key = section_.reference("secret_access_key");
    out_.session_token = section_.reference("session_token");
    out_.role_arn = std::string(trim(section_.text("role_arn")));
    out_.audience = section_.text("audience");
    out_.external_id = section_.text("external_id");
    out_.profile = section_.text("profile");
    out_.db_user = section_.text("db_user");
    out_.copy_role_arn = std::string(trim(section_.text("copy_role_arn")));
    out_.sts_endpoint = std::string(trim(section_.text("sts_endpoint")));
    out_.redshift_endpoint = std::string(trim(section_.text("redshift_endpoint")));
    out_.session_duration_s =
        parse_duration_ms(section_.text("session_duration")).value_or(3'600'000) / 1000;
  }

  void derive() {
    const HostParts parts = host_parts(destination_.host);
    host_kind_ = parts.serverless;
    out_.region = section_.has("region") ? section_.text("region") : parts.region;
    out_.warehouse = section_.has("warehouse") ? section_.text("warehouse") : parts.warehouse;
    out_.method = section_.has("method")
                      ? section_.text("method")
                      : (out_.user.given() || out_.password.given() ? "password" : "iam_role");
    out_.identity = section_.has("identity")
                        ? section_.text("identity")
                        : (out_.access_key_id.given() ? "access_key" : "google");
    if (section_.has("copy")) {
      out_.copy = section_.text("copy");
    } else if (!out_.copy_role_arn.empty()) {
      out_.copy = "attached_role";
    } else {
      const bool bare_key = out_.identity == "access_key" && out_.role_arn.empty();
      out_.copy = bare_key && !out_.session_token.given() ? "static_keys" : "session_keys";
    }
  }

  void check_login() {
    if (host_kind_ && *host_kind_ != destination_.serverless) {
      issues_->push_back(
          {.code = ErrorCode::kCfgValue,
           .origin = destination_.origin,
           .message = fmt::format("destination.{}: the endpoint is that of {}, but kind is \"{}\"",
                                  destination_.name,
                                  *host_kind_ ? "a Serverless workgroup" : "a provisioned cluster",
                                  destination_.serverless ? "redshift-serverless" : "redshift"),
           .hint = *host_kind_ ? "Write kind = \"redshift-serverless\"."
                               : "Write kind = \"redshift\"."});
    }
    if (out_.method == "password") {
      need("user", out_.user.given(), "a login by password needs it");
      need("password", out_.password.given(), "a login by password needs it");
      forbid("db_user", "it belongs to method = \"iam_role\"; write user");
      return;
    }
    if (out_.method != "iam_role") return;
    for (const char* name : {"user", "password"}) {
      forbid(name,
             "a temporary login has none of its own; leave it out, or write method = "
             "\"password\"");
    }
    if (destination_.serverless) {
      forbid("db_user", "Serverless takes no named user: the login is IAMR:<name of the role>");
    }
    need("warehouse", !out_.warehouse.empty(),
         "the endpoint's name does not tell the cluster or workgroup");
    need("region", !out_.region.empty(), "the endpoint's name does not tell the region");
  }

  void check_identity() {
    const bool google = out_.identity == "google";
    if (!out_.role_arn.empty() && !is_role_arn(out_.role_arn)) {
      add("role_arn",
          fmt::format("role_arn = \"{}\" is no ARN of a role", cut_utf8(out_.role_arn, 200)),
          "Copy it from the role's page: arn:aws:iam::123456789012:role/NAME.");
    }
    if (google) {
      need("role_arn", !out_.role_arn.empty(),
           "a Google identity has no rights in AWS but those of a role");
      need("audience", !out_.audience.empty(),
           "without one of its own, whoever knows the role's ARN could use it through this Vesto");
      forbid("external_id",
             "a role is assumed by a web identity without one; its audience does "
             "the same");
    } else {
      forbid("audience", "only a Google identity has one; write external_id");
      if (out_.role_arn.empty()) {
        forbid("external_id", "it is for assuming role_arn, which is not given");
      }
    }
    if (out_.identity != "aws") forbid("profile", "it belongs to identity = \"aws\"");
    if (out_.identity == "access_key") {
      need("access_key_id", out_.access_key_id.given(), "identity = \"access_key\" needs it");
      need("secret_access_key", out_.secret_access_key.given(), "the access key needs it");
      return;
    }
    for (const char* name : {"access_key_id", "secret_access_key", "session_token"}) {
      forbid(name, fmt::format("identity is \"{}\"; leave it out, or write identity = "
                               "\"access_key\"",
                               out_.identity));
    }
  }

  void check_copy() {
    const bool key = out_.identity == "access_key";
    if (out_.copy == "static_keys" && key && !out_.role_arn.empty()) {
      add("copy", "copy = \"static_keys\" would be the keys of role_arn, which are temporary",
          "Leave copy out, so that COPY reads with those.");
    } else if (out_.copy == "static_keys" && (!key || out_.session_token.given())) {
      add("copy", "copy = \"static_keys\" needs a long-lived access key, which is not given",
          "Leave copy out, so that COPY reads with temporary keys.");
    }
    if (out_.copy == "session_keys" && key && out_.role_arn.empty() &&
        !out_.session_token.given()) {
      add("copy",
          "copy = \"session_keys\" needs a role: a long-lived access key has no temporary "
          "ones",
          "Give role_arn, or leave copy out.");
    }
    if (out_.copy == "attached_role") {
      need("copy_role_arn", !out_.copy_role_arn.empty(), "copy = \"attached_role\" needs it");
      if (!out_.copy_role_arn.empty() && out_.copy_role_arn != "default" &&
          !is_role_arn(out_.copy_role_arn)) {
        add("copy_role_arn",
            fmt::format("copy_role_arn = \"{}\" is no ARN of a role",
                        cut_utf8(out_.copy_role_arn, 200)),
            "Write the ARN of a role that is attached to the warehouse, or \"default\".");
      }
    } else {
      forbid("copy_role_arn", "it belongs to copy = \"attached_role\"");
    }
  }

  void add(std::string_view setting, std::string what, std::string hint) {
    issues_->push_back({.code = ErrorCode::kCfgValue,
                        .origin = section_.origin(setting),
                        .message = fmt::format("destination.{}: {}", destination_.name, what),
                        .hint = std::move(hint)});
  }
  void need(std::string_view setting, bool there, std::string_view why) {
    // One that is there and wrong has been reported.
    if (there || section_.has(setting)) return;
    issues_->push_back(
        {.code = ErrorCode::kCfgMissing,
         .origin = section_.table_origin(),
         .message =
             fmt::format("destination.{}.auth.{} is missing: {}", destination_.name, setting, why),
         .hint = fmt::format("Add {} to [destination.{}.auth].", setting, destination_.name)});
  }
  void forbid(std::string_view setting, std::string_view why) {
    if (!section_.has(setting)) return;
    issues_->push_back({.code = ErrorCode::kCfgValue,
                        .origin = section_.origin(setting),
                        .message = fmt::format("destination.{}.auth.{} has no meaning here: {}",
                                               destination_.name, setting, why),
                        .hint = "Remove the line, or do as it says."});
  }

  const Section& section_;
  const DestinationConfig& destination_;
  std::vector<ConfigIssue>* issues_;
  AuthConfig out_;
  std::optional<bool> host_kind_;
};

}  // namespace

AuthConfig build_auth(const Section& auth, const DestinationConfig& destination,
                      std::vector<ConfigIssue>* issues) {
  return AuthBuilder(auth, destination, issues).build();
}

GoogleIdentityConfig build_google(const Section& identity, std::vector<ConfigIssue>* issues) {
  const Section section = identity.below("google");
  GoogleIdentityConfig out;
  out.source = section.text("source");
  out.key = section.reference("key");
  out.token_file = section.path("token_file");
  out.token_uri = section.text("token_uri");
  out.tls_ca_file = section.path("tls_ca_file");
  const auto need = [&](std::string_view setting, std::string_view source) {
    if (section.has(setting)) return;
    issues->push_back(
        {.code = ErrorCode::kCfgMissing,
         .origin = section.table_origin(),
         .message = fmt::format("identity.google.{} is missing: source is \"{}\"", setting, source),
         .hint = fmt::format("Add {} to [identity.google].", setting)});
  };
  if (out.source == "key_file") need("key", out.source);
  if (out.source == "token_file") need("token_file", out.source);
  return out;
}

}  // namespace vesto
