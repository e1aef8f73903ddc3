// The configuration: TOML files into plain structures, with everything that is wrong with them.
//
//   LoadedConfig loaded = load_config(files);
//   if (!loaded.issues.empty()) ...            // all of them, not only the first
//   const SyncConfig* sync = loaded.config.find_sync("shop");
//   VESTO_ASSIGN(Secret password, resolve_secret(destination->password, SealedStore(data_dir)));
//
// Settings of later versions are refused (CFG-NOT-IN-VERSION), never ignored. The table of all
// settings is keys.h.
// Thread rule: plain values; any thread.
#ifndef VESTO_CONFIG_CONFIG_H_
#define VESTO_CONFIG_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address/warehouse_endpoint.h"
#include "base/redact.h"
#include "base/result.h"
#include "config/tree.h"
#include "secret/sealed_store.h"

namespace vesto {

// Where a value comes from: written out, an environment variable, a file, or the sealed store.
struct ValueRef {
  enum class Kind { kNone, kText, kEnv, kFile, kSecret };
  Kind kind = Kind::kNone;
  // The text, the variable, the path (relative ones made whole), or the secret's name.
  std::string name = {};
  Origin origin = {};
  [[nodiscard]] bool given() const { return kind != Kind::kNone; }
};

struct LimitsConfig {
  int64_t memory_mib = 0;
  int readers = 0;
  int64_t max_row_mib = 0;
};

struct LogConfig {
  std::string level;   // debug, info, warn, error
  std::string format;  // text, json
};

// Who Vesto is towards AWS without a stored key: [identity.google].
struct GoogleIdentityConfig {
  std::string source;       // metadata, key_file, token_file
  ValueRef key;             // key_file: the service account's key, JSON
  std::string token_file;   // token_file: something else keeps it fresh
  std::string token_uri;    // key_file: in the place of the key's own; "" = that
  std::string tls_ca_file;  // of token_uri; "" = the system's
  Origin origin;
  Origin token_file_origin;
  Origin tls_ca_file_origin;
  bool says_something = false;  // more than the defaults
};

// Who Vesto is at one destination: [destination.NAME.auth]. What is not written is derived.
struct AuthConfig {
  std::string method;    // how it logs in: iam_role (temporary logins), password
  std::string identity;  // who asks AWS: google, aws (the default chain), access_key
  std::string copy;      // what COPY reads with: session_keys, static_keys, attached_role
  ValueRef user;
  ValueRef password;
  ValueRef access_key_id;
  ValueRef secret_access_key;
  ValueRef session_token;     // may be not given
  std::string role_arn;       // "" = the identity itself is used
  std::string audience;       // google: the oaud of the trust policy
  std::string external_id;    // of AssumeRole; "" = none
  std::string profile;        // aws: "" = AWS_PROFILE, else default
  std::string db_user;        // "" = who the role is mapped to
  std::string copy_role_arn;  // attached_role; an ARN or "default"
  std::string region;         // of the warehouse
  std::string warehouse;      // cluster identifier or name of the workgroup
  std::string sts_endpoint;   // "" = AWS's own
  std::string redshift_endpoint;
  int64_t session_duration_s = 3600;
  Origin origin;
  Origin audience_origin;
  Origin role_arn_origin;
  Origin external_id_origin;
  Origin warehouse_origin;  // of the table, where it is not written
  Origin db_user_origin;
};

// How a server is reached that is not dialled directly: [destination.NAME.ssh], [source.NAME.ssh].
struct SshConfig {
  bool given = false;
  std::string host;
  int port = 22;
  std::string user;
  std::string host_key;  // "SHA256:..."; "" = not approved yet
  ValueRef key;          // private key; own_key: the one that vesto ssh-key seals
  ValueRef passphrase;   // may be not given
  bool own_key = false;
  Origin origin;
};

// The secret that holds Vesto's own key for a tunnel: kind "destination" or "source".
std::string sealed_ssh_key_name(std::string_view kind, std::string_view name);

struct DestinationConfig {
  std::string name;
  Origin origin;
  std::string host;
  int port = 5439;
  std::string database;
  WarehouseEndpoint endpoint;  // as understood, host, port and database included
  std::string schema;
  bool create_schema = false;
  std::string tls_ca_file;  // "" = the system's
  bool serverless = false;
  int64_t wait_for_warehouse_ms = 900'000;
  AuthConfig auth;
  SshConfig ssh;
  std::string kms_key_arn;  // "" = the bucket's default encryption
  std::string bucket;
  std::string prefix;          // "" or ends with "/"
  std::string region;          // "" = to be found
  std::string s3_endpoint;     // "" = AWS's own
  std::string s3_tls_ca_file;  // "" = the system's
  Origin endpoint_origin;
  Origin staging_origin;
  Origin prefix_origin;
  Origin tls_ca_file_origin;
  Origin s3_tls_ca_file_origin;
  bool path_style = false;
  bool zstd = false;
};

// The cluster or workgroup that the endpoint's own name tells, where auth.warehouse says another
// one; else "". Aliases, addresses and VPC endpoints tell none.
std::string other_warehouse(const DestinationConfig& destination);

struct SourceConfig {
  std::string name;
  Origin origin;
  std::string kind;  // postgres
  std::string host;
  Origin host_origin;
  int port = 5432;
  std::string database;
  ValueRef user;
  ValueRef password;  // may be not given
  std::string sslmode;
  std::string tls_ca_file;
  Origin tls_ca_file_origin;
  SshConfig ssh;
};

struct TableConfig {
  std::string name;    // as written: "public.orders"
  std::string target;  // table in the destination's schema, lower case
  std::string mode;    // upsert, replace, append
  std::vector<std::string> key;
  std::string cursor;
  std::optional<int64_t> lookback_ms;
  std::optional<int64_t> lookback_units;
  std::vector<std::string> exclude;
  bool adopt = false;
  std::string filter;
  std::string query;
  bool cursor_is_immutable = false;
  std::string on_new_column;   // add, add_and_backfill, ignore, stop
  std::string on_type_change;  // stop, rewrite
  std::string distkey;
  std::vector<std::string> sortkey;
  std::vector<std::pair<std::string, std::string>> encode;  // column, encoding
  bool pattern = false;  // the name stands for all tables that match it
  // By column of the source: reject, stop, null, text. Others are rejected.
  std::vector<std::pair<std::string, std::string>> on_unrepresentable;
  Origin origin;
};

struct SyncConfig {
  std::string name;
  Origin origin;
  std::string source;
  Origin source_origin;
  std::string destination;
  Origin destination_origin;
  int64_t max_rejected_rows = 0;
  std::vector<TableConfig> tables;
};

struct Config {
  LimitsConfig limits;
  LogConfig log;
  GoogleIdentityConfig google;
  std::vector<std::string> public_egress;  // what an allow-list has to take; for instructions
  std::vector<SourceConfig> sources;
  std::vector<DestinationConfig> destinations;
  std::vector<SyncConfig> syncs;

  [[nodiscard]] const SourceConfig* find_source(std::string_view name) const;
  [[nodiscard]] const DestinationConfig* find_destination(std::string_view name) const;
  [[nodiscard]] const SyncConfig* find_sync(std::string_view name) const;
};

struct LoadedConfig {
  Config config;                    // use it only if `issues` is empty
  TomlValue tree;                   // all files merged, for `config show`
  std::vector<std::string> files;   // those that were read, in this order
  std::vector<ConfigIssue> issues;  // by file and line
  // Likewise: what works and is hardly what was meant. `config check` says it.
  std::vector<ConfigIssue> warnings = {};
};

// Reads `files` and, next to the first one, conf.d/*.toml by name; merges them.
LoadedConfig load_config(const std::vector<std::string>& files);
// One file from memory; no conf.d. For tests and the fuzzer.
LoadedConfig load_config_text(std::string_view text, const std::string& file);

// The issue as an error: "vesto.toml:3:1: ..." under its code.
Error issue_error(const ConfigIssue& issue);

// What the reference stands for. One newline at the end of a file is dropped; otherwise every byte
// counts. `store` is opened for { secret = } alone.
// Errors: CFG-SECRET-MISSING (not set, empty, not readable, over 64 KiB, holds a NUL); for
// { secret = } those of SealedStore::get.
Result<Secret> resolve_secret(const ValueRef& ref, const SealedStore& store);
// The same for a value that is no secret, such as a user name.
Result<std::string> resolve_text(const ValueRef& ref, const SealedStore& store);

// Secrets and files that the configuration names but that cannot be read. Reads every one.
std::vector<ConfigIssue> check_references(const Config& config, const SealedStore& store);

// `vesto config show`: every setting with its value or default, as TOML. Secrets stay references.
// with_origin: a comment tells where each came from.
std::string config_as_toml(const LoadedConfig& loaded, bool with_origin);
// The same as JSON: {"schema":"vesto.config/1","settings":[{"path":...,"value":...,"origin":...}]}
std::string config_as_json(const LoadedConfig& loaded);

// What `vesto init` writes: a commented starter file that `config check` takes.
std::string starter_config();

// The names of a list of objects, in its order.
template <typename Object>
std::vector<std::string> names_of(const std::vector<Object>& objects) {
  std::vector<std::string> names;
  names.reserve(objects.size());
  for (const Object& object : objects) names.push_back(object.name);
  return names;
}

// CFG-NO-OBJECT: there is no `kind` "name"; did you mean ...? The hint lists those known.
Error no_object(std::string_view kind, std::string_view name,
                const std::vector<std::string>& known);

}  // namespace vesto

#endif  // VESTO_CONFIG_CONFIG_H_
