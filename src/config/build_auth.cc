#include "config/build_auth.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "address/access_key.h"
#include "address/arn.h"
#include "address/aws_partition.h"
#include "address/http_origin.h"
#include "base/strings.h"
#include "config/values.h"

namespace vesto {

namespace {

constexpr int64_t kDefaultSessionS = 3600;

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
    check_region();
    check_names();
    check_identity();
    check_copy();
    check_session_duration();
    check_address("sts_endpoint", out_.sts_endpoint);
    check_address("redshift_endpoint", out_.redshift_endpoint);
    return out_;
  }

 private:
  void read() {
    out_.origin = section_.table_origin();
    out_.audience_origin = section_.origin("audience");
    out_.role_arn_origin = section_.origin("role_arn");
    out_.external_id_origin = section_.origin("external_id");
    out_.warehouse_origin = section_.origin("warehouse");
    out_.db_user_origin = section_.origin("db_user");
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
    const WarehouseEndpoint& endpoint = destination_.endpoint;
    out_.region = section_.has("region") ? section_.text("region") : endpoint.region;
    out_.warehouse = section_.has("warehouse") ? section_.text("warehouse") : endpoint.name;
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
    const WarehouseKind kind = destination_.endpoint.kind;
    const bool serverless = kind == WarehouseKind::kServerless;
    if (kind != WarehouseKind::kUnknown && serverless != destination_.serverless) {
      issues_->push_back(
          {.code = ErrorCode::kCfgValue,
           .origin = destination_.origin,
           .message = fmt::format("destination.{}: the endpoint is that of {}, but kind is \"{}\"",
                                  destination_.name,
                                  serverless ? "a Serverless workgroup" : "a provisioned cluster",
                                  destination_.serverless ? "redshift-serverless" : "redshift"),
           .hint = serverless ? "Write kind = \"redshift-serverless\"."
                              : "Write kind = \"redshift\"."});
    }
    if (out_.method == "password") {
      need("user", out_.user.given(), "a login by password needs it");
      need("password", out_.password.given(), "a login by password needs it");
      forbid("db_user", "it belongs to method = \"iam_role\"; write user");
      // warehouse stays: nothing is asked of Redshift's API, but the kit's lines name it.
      forbid("redshift_endpoint", "a login by password asks nothing of Redshift's API");
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

  // Keys and policies would be made for the region that is written, and the warehouse is elsewhere.
  void check_region() {
    const std::string& told = destination_.endpoint.region;
    if (!section_.has("region") || out_.region.empty()) return;
    if (!is_region_name(out_.region)) {
      add("region",
          fmt::format("auth.region = \"{}\" is no region of AWS",
                      printable(cut_utf8(out_.region, 60), false)),
          fmt::format("Write it as AWS does, like \"{}\".", told.empty() ? "eu-west-1" : told));
    } else if (!told.empty() && out_.region != told) {
      add("region", fmt::format("auth.region is {}, and the endpoint is in {}", out_.region, told),
          "Leave region out: the endpoint tells it. Or correct the endpoint.");
    }
  }

  // No name of Redshift holds one; behind a comment it would begin a line of its own.
  void check_names() {
    const auto refuse = [this](std::string_view setting, const std::string& name) {
      if (printable(name, false) == name) return;
      add(setting, fmt::format("auth.{} holds a control character", setting), "Take it out.");
    };
    refuse("db_user", out_.db_user);
    if (out_.user.kind == ValueRef::Kind::kText) refuse("user", out_.user.name);
  }

  // Partitions share nothing: no role of one is known in a region of another.
  void check_partition() {
    if (out_.role_arn.empty() || out_.region.empty() || !is_role_arn(out_.role_arn)) return;
    const AwsPartition& of_role = partition_of_arn(out_.role_arn);
    const AwsPartition& of_region = partition_of_region(out_.region);
    if (of_role.name == of_region.name) return;
    add("role_arn",
        fmt::format("the role is of the partition {}, and the region {} of {}", of_role.name,
                    out_.region, of_region.name),
        "Correct role_arn, or the region (endpoint, auth.region).");
  }

  void check_identity() {
    const bool google = out_.identity == "google";
    if (!out_.role_arn.empty() && !is_role_arn(out_.role_arn)) {
      add("role_arn",
          fmt::format("role_arn = \"{}\" is no ARN of a role", cut_utf8(out_.role_arn, 200)),
          "Copy it from the role's page: arn:aws:iam::123456789012:role/NAME.");
    }
    check_partition();
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
    check_key_id();
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

  // Not shown, and gone from what is understood: whoever looks at that would see it.
  void check_key_id() {
    ValueRef& id = out_.access_key_id;
    if (id.kind != ValueRef::Kind::kText || !looks_like_secret_key(id.name)) return;
    issues_->push_back(
        {.code = ErrorCode::kCfgSecretPlain,
         .origin = section_.origin("access_key_id"),
         .message =
             fmt::format("destination.{}.auth.access_key_id holds what looks like the secret "
                         "of a key",
                         destination_.name),
         .hint = "Write the id there, which looks like AKIAIOSFODNN7EXAMPLE. Others may have read "
                 "the secret: make another key."});
    id = {};
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

  void check_session_duration() {
    // "1h" is the default, which config show prints.
    if (!section_.has("session_duration") || out_.session_duration_s == kDefaultSessionS) return;
    if (out_.role_arn.empty()) {
      forbid("session_duration",
             "no role is assumed, and temporary logins always last an hour: give role_arn, or "
             "remove the line");
    }
  }

  void check_address(std::string_view setting, const std::string& address) {
    if (address.empty()) return;
    const Result<HttpOrigin> origin = parse_service_origin(address);
    if (origin.ok()) return;
    add(setting, fmt::format("{}: {}", setting, printable(origin.error().message(), false)),
        origin.error().hint());
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
};

}  // namespace

AuthConfig build_auth(const Section& auth, const DestinationConfig& destination,
                      std::vector<ConfigIssue>* issues) {
  return AuthBuilder(auth, destination, issues).build();
}

namespace {

// A setting of [identity.google] and the source that reads it.
struct GoogleSetting {
  std::string_view name;
  std::string_view source;
  bool needed;
};
constexpr std::array<GoogleSetting, 4> kGoogleSettings = {{{"key", "key_file", true},
                                                           {"token_file", "token_file", true},
                                                           {"token_uri", "key_file", false},
                                                           {"tls_ca_file", "key_file", false}}};

void check_google(const Section& section, const std::string& source,
                  std::vector<ConfigIssue>* issues) {
  for (const GoogleSetting& setting : kGoogleSettings) {
    const bool has = section.has(setting.name);
    if (!has && setting.needed && setting.source == source) {
      issues->push_back({.code = ErrorCode::kCfgMissing,
                         .origin = section.table_origin(),
                         .message = fmt::format("identity.google.{} is missing: source is \"{}\"",
                                                setting.name, source),
                         .hint = fmt::format("Add {} to [identity.google].", setting.name)});
    } else if (has && setting.source != source) {
      issues->push_back(
          {.code = ErrorCode::kCfgValue,
           .origin = section.origin(setting.name),
           .message =
               fmt::format("identity.google.{} has no meaning here: source is \"{}\", and it "
                           "belongs to source = \"{}\"",
                           setting.name, source, setting.source),
           .hint = fmt::format("Remove the line, or write source = \"{}\".", setting.source)});
    }
  }
}

}  // namespace

GoogleIdentityConfig build_google(const Section& identity, std::vector<ConfigIssue>* issues) {
  const Section section = identity.below("google");
  GoogleIdentityConfig out;
  out.origin = section.table_origin();
  out.source = section.text("source");
  out.key = section.reference("key");
  out.token_file = section.path("token_file");
  out.token_file_origin = section.origin("token_file");
  out.token_uri = section.text("token_uri");
  out.tls_ca_file = section.path("tls_ca_file");
  out.tls_ca_file_origin = section.origin("tls_ca_file");
  // config show prints the default, which says nothing.
  out.says_something =
      section.given() && out.source != Section(nullptr, "identity.google").text("source");
  for (const GoogleSetting& setting : kGoogleSettings) {
    out.says_something = out.says_something || section.has(setting.name);
  }
  const auto is_source = [&](const GoogleSetting& setting) { return setting.source == out.source; };
  const bool known = out.source == "metadata" ||
                     std::any_of(kGoogleSettings.begin(), kGoogleSettings.end(), is_source);
  if (known) check_google(section, out.source, issues);
  return out;
}

}  // namespace vesto
