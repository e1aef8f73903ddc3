#include "config/build.h"

#include <fmt/format.h>

#include <filesystem>

#include "address/arn.h"
#include "address/aws_partition.h"
#include "address/stage_prefix.h"
#include "address/warehouse_endpoint.h"
#include "base/budget.h"
#include "base/strings.h"
#include "config/build_auth.h"
#include "config/build_ssh.h"
#include "config/build_sync.h"
#include "config/section.h"
#include "config/values.h"

namespace vesto {

namespace {

using Kind = TomlValue::Kind;

class Builder {
 public:
  explicit Builder(std::vector<ConfigIssue>* issues) : issues_(issues) {}

  Config build(const TomlValue& tree) {
    Config config;
    const Section limits(tree.find("limits"), "limits");
    config.limits.memory_mib = limits.integer("memory_mib");
    config.limits.readers = static_cast<int>(limits.integer("readers"));
    config.limits.max_row_mib = limits.integer("max_row_mib");
    check_memory(limits, config.limits);
    config.google = build_google(Section(tree.find("identity"), "identity"), issues_);
    config.public_egress = build_public_egress(Section(tree.find("server"), "server"), issues_);
    const Section log(tree.find("log"), "log");
    config.log.level = log.text("level");
    config.log.format = log.text("format");
    each(tree, "source",
         [&](const TomlValue::Member& object) { config.sources.push_back(source(object)); });
    each(tree, "destination", [&](const TomlValue::Member& object) {
      config.destinations.push_back(destination(object));
    });
    each(tree, "sync", [&](const TomlValue::Member& object) {
      config.syncs.push_back(build_sync(object, issues_));
    });
    return config;
  }

 private:
  void add(ErrorCode code, const Origin& origin, std::string message, std::string hint) {
    issues_->push_back(
        {.code = code, .origin = origin, .message = std::move(message), .hint = std::move(hint)});
  }

  template <typename Each>
  static void each(const TomlValue& tree, std::string_view name, Each use) {
    const TomlValue* objects = tree.find(name);
    if (objects == nullptr) return;
    for (const TomlValue::Member& object : objects->members) {
      if (object.value.kind == Kind::kTable) use(object);
    }
  }

  SourceConfig source(const TomlValue::Member& object) {
    const Section section(&object.value, "source.*");
    SourceConfig out{.name = object.name,
                     .origin = object.value.origin,
                     .kind = section.text("kind"),
                     .host = std::string(trim(section.text("host"))),
                     .host_origin = section.origin("host"),
                     .port = static_cast<int>(section.integer("port")),
                     .database = section.text("database"),
                     .user = section.reference("user"),
                     .password = section.reference("password"),
                     .sslmode = section.text("sslmode"),
                     .tls_ca_file = section.path("tls_ca_file"),
                     .tls_ca_file_origin = section.origin("tls_ca_file"),
                     .ssh = build_ssh(section.below("ssh"), "source", object.name, issues_)};
    if (out.ssh.given && out.host.starts_with('/')) {
      add(ErrorCode::kCfgValue, section.origin("host"),
          fmt::format("source.{}.host is a socket directory, which no tunnel leads to", out.name),
          "Give the host name as the SSH server knows it.");
    }
    if (out.host.find(',') != std::string::npos) {
      add(ErrorCode::kCfgValue, section.origin("host"),
          fmt::format("source.{}.host names more than one host", out.name),
          "Name one: with several, whichever answers first would get the password.");
    }
    if (out.host.starts_with("postgres://") || out.host.starts_with("postgresql://")) {
      add(ErrorCode::kCfgValue, section.origin("host"),
          fmt::format("source.{}.host must be a host name, not an address with a scheme", out.name),
          "Give host, port, database and user one by one.");
    }
    return out;
  }

  void check_memory(const Section& section, const LimitsConfig& limits) {
    if (limits.memory_mib <= 0 || limits.max_row_mib <= 0) return;  // lint has said so
    const uint64_t lane_bytes = lane_size_bytes(static_cast<uint64_t>(limits.max_row_mib) << 20);
    const uint64_t least_mib = (lane_bytes + kProcessBytes) >> 20;
    if (static_cast<uint64_t>(limits.memory_mib) >= least_mib) return;
    add(ErrorCode::kCfgValue, section.origin("memory_mib"),
        fmt::format("limits.memory_mib is too small for one reader of rows up to {} MiB",
                    limits.max_row_mib),
        fmt::format("Set memory_mib to {} or more, or max_row_mib to less.", least_mib));
  }

  DestinationConfig destination(const TomlValue::Member& object) {
    const Section section(&object.value, "destination.*");
    const Section auth = section.below("auth");
    const Section staging = section.below("staging");
    DestinationConfig out;
    out.name = object.name;
    out.origin = object.value.origin;
    endpoint(section, &out);
    // Redshift folds names to lower case; what it makes must be found again.
    out.schema = to_lower_ascii(section.text("schema"));
    if (out.schema.size() > 127) {
      add(ErrorCode::kCfgValue, section.origin("schema"),
          fmt::format("destination.{}.schema is longer than 127 bytes", out.name), "");
    }
    out.create_schema = section.boolean("create_schema");
    out.wait_for_warehouse_ms =
        parse_duration_ms(section.text("wait_for_warehouse")).value_or(900'000);
    out.serverless = section.text("kind") == "redshift-serverless";
    out.tls_ca_file = section.path("tls_ca_file");
    out.auth = build_auth(auth, out, issues_);
    out.ssh = build_ssh(section.below("ssh"), "destination", out.name, issues_);
    out.bucket = staging.text("bucket");
    out.region = staging.text("region");
    out.s3_endpoint = std::string(trim(staging.text("endpoint")));
    out.s3_tls_ca_file = staging.path("tls_ca_file");
    out.endpoint_origin = section.origin("endpoint");
    out.staging_origin = staging.table_origin();
    out.prefix_origin = staging.origin("prefix");
    out.tls_ca_file_origin = section.origin("tls_ca_file");
    out.s3_tls_ca_file_origin = staging.origin("tls_ca_file");
    out.path_style =
        staging.has("addressing") ? staging.text("addressing") == "path" : !out.s3_endpoint.empty();
    out.zstd = staging.text("compression") == "zstd";
    out.kms_key_arn = std::string(trim(staging.text("kms_key_arn")));
    check_staging(staging, &out);
    return out;
  }

  void endpoint(const Section& section, DestinationConfig* out) {
    const std::string text = section.text("endpoint");
    if (text.empty()) return;
    Result<WarehouseEndpoint> parsed = parse_warehouse_endpoint(text);
    if (!parsed.ok()) {
      add(ErrorCode::kCfgValue, section.origin("endpoint"),
          fmt::format("destination.{}.endpoint cannot be read: {}", out->name,
                      parsed.error().message()),
          parsed.error().hint());
      return;
    }
    check_endpoint(*parsed, section.origin("endpoint"), out->name);
    out->endpoint = *std::move(parsed);
    out->host = out->endpoint.host;
    out->port = out->endpoint.port;
    out->database = out->endpoint.database;
  }

  // What stands in a file is never passed over, as it may be for a text that was only pasted.
  void check_endpoint(const WarehouseEndpoint& endpoint, const Origin& origin,
                      const std::string& name) {
    if (endpoint.held_password) {
      add(ErrorCode::kCfgSecretPlain, origin,
          fmt::format("destination.{}.endpoint holds a password or key", name),
          fmt::format("Take it out, and change it: others may have read it. Then vesto secret set "
                      "NAME, and password = {{ secret = \"NAME\" }} in [destination.{}.auth].",
                      name));
    } else if (endpoint.held_user) {
      add(ErrorCode::kCfgValue, origin, fmt::format("destination.{}.endpoint holds a user", name),
          fmt::format("Take it out, and write user in [destination.{}.auth].", name));
    }
    if (endpoint.held_no_tls) {
      add(ErrorCode::kCfgValue, origin,
          fmt::format("destination.{}.endpoint asks for connections without TLS", name),
          "Take that out: certificate and name are always verified.");
    }
    for (size_t i = 0; i < endpoint.missing.size(); ++i) {
      // Kind, region and warehouse are settings of their own.
      const std::string& what = endpoint.missing[i];
      if (what != "endpoint" && what != "database") continue;
      add(ErrorCode::kCfgMissing, origin,
          fmt::format("destination.{}.endpoint does not tell the {}: {}", name,
                      what == "endpoint" ? "host" : what, endpoint.questions[i]),
          "Write endpoint = \"host:port/database\".");
    }
  }

  void check_staging(const Section& staging, DestinationConfig* out) {
    const auto value_issue = [&](std::string_view name, std::string_view what,
                                 std::string_view hint) {
      add(ErrorCode::kCfgValue, staging.origin(name),
          fmt::format("destination.{}.staging.{} {}", out->name, name, what), std::string(hint));
    };
    if (out->bucket.starts_with("s3://") || out->bucket.find('/') != std::string::npos) {
      value_issue("bucket", "must be the bucket's name alone", "Put the rest into prefix.");
    } else if (!out->bucket.empty() && !good_bucket_name(out->bucket)) {
      value_issue("bucket", "is no bucket name",
                  "Bucket names have 3 to 63 lower-case letters, digits, - and dots.");
    }
    // A store of one's own may call its region anything.
    if (out->s3_endpoint.empty() && !out->region.empty() && !is_region_name(out->region)) {
      value_issue("region", "is no region of AWS", "Write it like \"eu-west-1\", or leave it out.");
    }
    if (!out->s3_endpoint.empty() && !out->s3_endpoint.starts_with("https://") &&
        !out->s3_endpoint.starts_with("http://")) {
      value_issue("endpoint", "must begin with https:// or http://", "");
    }
    if (out->s3_endpoint.find('@') != std::string::npos) {
      add(ErrorCode::kCfgSecretPlain, staging.origin("endpoint"),
          fmt::format("destination.{}.staging.endpoint holds a user or password before its @",
                      out->name),
          "Write host and port alone; requests are signed by the keys of auth.");
      out->s3_endpoint.clear();
    }
    if (const auto fault = kms_key_fault(out->kms_key_arn);
        !out->kms_key_arn.empty() && !fault.empty()) {
      value_issue("kms_key_arn", fault, "Write the key's own: arn:aws:kms:REGION:ACCOUNT:key/ID.");
    }
    while (out->s3_endpoint.ends_with('/')) out->s3_endpoint.pop_back();
    out->prefix = staging.text("prefix");
    if (const std::string_view fault = stage_prefix_fault(out->prefix); !fault.empty()) {
      value_issue("prefix", fault, "Write it like \"vesto/\".");
    }
    if (!out->prefix.empty() && !out->prefix.ends_with('/')) out->prefix += '/';
  }

  std::vector<ConfigIssue>* issues_;
};

}  // namespace

Config build_config(const TomlValue& tree, std::vector<ConfigIssue>* issues) {
  return Builder(issues).build(tree);
}

}  // namespace vesto
