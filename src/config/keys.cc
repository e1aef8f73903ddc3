#include "config/keys.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace vesto {

namespace {

using enum KeyType;

constexpr std::string_view kFirst = "0.1";

KeySpec section(std::string_view path, bool required, std::string_view doc) {
  return {.path = path, .type = kSection, .required = required, .since = kFirst, .doc = doc};
}
KeySpec objects(std::string_view path, std::string_view doc) {
  return {.path = path, .type = kObjects, .since = kFirst, .doc = doc};
}
KeySpec needed(std::string_view path, KeyType type, std::string_view doc) {
  return {.path = path, .type = type, .required = true, .since = kFirst, .doc = doc};
}
KeySpec optional(std::string_view path, KeyType type, std::string_view fallback,
                 std::string_view doc) {
  return {.path = path, .type = type, .fallback = fallback, .since = kFirst, .doc = doc};
}
KeySpec integer(std::string_view path, std::string_view fallback, int64_t min, int64_t max,
                std::string_view doc) {
  return {.path = path,
          .type = kInteger,
          .fallback = fallback,
          .min = min,
          .max = max,
          .since = kFirst,
          .doc = doc};
}
KeySpec choice(std::string_view path, std::string_view fallback, std::string_view choices,
               std::string_view later, std::string_view doc) {
  return {.path = path,
          .type = kChoice,
          .required = fallback.empty(),
          .fallback = fallback,
          .choices = choices,
          .later = later,
          .since = kFirst,
          .doc = doc};
}
// A choice without a default of its own: what is left out is derived, or is another setting's.
KeySpec derived(std::string_view path, std::string_view choices, std::string_view doc) {
  return {.path = path, .type = kChoice, .choices = choices, .since = kFirst, .doc = doc};
}
KeySpec choice_map(std::string_view path, std::string_view choices, std::string_view doc) {
  return {.path = path, .type = kChoiceMap, .choices = choices, .since = kFirst, .doc = doc};
}
// Off when left out.
KeySpec flag(std::string_view path, std::string_view doc) {
  return optional(path, kBoolean, "false", doc);
}
KeySpec later(std::string_view path) { return {.path = path, .type = kLater}; }

void add_general(std::vector<KeySpec>* keys) {
  keys->push_back({.path = "version",
                   .type = kInteger,
                   .required = true,
                   .min = 1,
                   .max = 1,
                   .since = kFirst,
                   .doc = "Version of this file's format."});
  keys->push_back(section("limits", false, "Bounds for the whole process."));
  keys->push_back(integer("limits.memory_mib", "1024", 64, 1'048'576,
                          "Memory for rows on their way, for all readers together."));
  keys->push_back(integer("limits.readers", "4", 1, 64,
                          "Connections that read from the source at the same time. Each needs "
                          "about 31 MiB of memory_mib; fewer are used when there is less."));
  keys->push_back(integer(
      "limits.max_row_mib", "4", 1, 64,
      "Largest row that is delivered; a larger one is kept aside as rejected. Above 4, a reader "
      "needs 8 MiB more for each MiB."));
  keys->push_back(section("server", false, "Where Vesto stands."));
  keys->push_back(optional("server.public_egress", kTextList, "",
                           "Addresses or networks that others see Vesto come from, such as "
                           "\"203.0.113.7/32\". Shown wherever an allow-list has to take them."));
  keys->push_back(section("log", false, "The log on stderr."));
  keys->push_back(choice("log.level", "\"warn\"", "debug|info|warn|error", "trace",
                         "Lowest level that is written; -v and -q win over it."));
  keys->push_back(choice("log.format", "\"text\"", "text|json", "", "Form of the lines."));
}

void add_identity(std::vector<KeySpec>* keys) {
  keys->push_back(section("identity", false, "Who Vesto is."));
  keys->push_back(section("identity.google", false,
                          "Who Vesto is towards AWS: a Google service account, whose ID tokens AWS "
                          "takes in the place of a stored key. vesto identity show prints it."));
  keys->push_back(choice("identity.google.source", "\"metadata\"", "metadata|key_file|token_file",
                         "",
                         "Where its ID tokens come from. metadata: the machine's own service "
                         "account on Google Cloud. key_file: a service-account key. token_file: a "
                         "file that another program keeps fresh."));
  keys->push_back(optional("identity.google.key", kSecret, "",
                           "With key_file: the service account's key (JSON)."));
  keys->push_back(optional("identity.google.token_file", kText, "",
                           "With token_file: its path; read again for each token."));
  keys->push_back(optional("identity.google.token_uri", kText, "",
                           "With key_file: Google's token endpoint, for stand-ins; the key's own "
                           "when left out."));
  keys->push_back(optional("identity.google.tls_ca_file", kText, "",
                           "With key_file: CA bundle to verify that endpoint with; without it the "
                           "system's."));
}

void add_auth_login(std::vector<KeySpec>* keys) {
  keys->push_back(section("destination.*.auth", true, "Who Vesto is there."));
  keys->push_back(derived("destination.*.auth.method", "iam_role|password",
                          "How Vesto logs in to the warehouse. iam_role: by temporary logins that "
                          "the AWS identity asks for. password: as user. Without it: password if "
                          "user is given, else iam_role."));
  keys->push_back(optional("destination.*.auth.user", kTextOrReference, "",
                           "With password: the database user; any character."));
  keys->push_back(optional("destination.*.auth.password", kSecret, "",
                           "With password: its password; any character."));
  keys->push_back(optional("destination.*.auth.db_user", kText, "",
                           "With iam_role on a cluster: the database user to log in as. Without "
                           "it, and on Serverless always: IAMR:<name of the role>."));
  keys->push_back(
      optional("destination.*.auth.warehouse", kText, "",
               "Cluster identifier or name of the workgroup; without it the first label of "
               "endpoint. Needed by iam_role with a custom name or a VPC endpoint; with a password "
               "only the kit's lines name it."));
  keys->push_back(
      optional("destination.*.auth.region", kText, "",
               "Region of the warehouse; without it as endpoint says. Needed with a custom "
               "name."));
}

void add_auth(std::vector<KeySpec>* keys) {
  add_auth_login(keys);
  keys->push_back(derived("destination.*.auth.identity", "google|aws|access_key",
                          "Who asks AWS. google: the service account of [identity.google], as "
                          "role_arn. aws: AWS's default chain (environment, profile, container, "
                          "instance). access_key: the key given here. Without it: access_key if "
                          "one is given, else google."));
  keys->push_back(
      optional("destination.*.auth.role_arn", kText, "", "Role to assume; google needs one."));
  keys->push_back(optional("destination.*.auth.audience", kText, "",
                           "With google: the audience (accounts.google.com:oaud) that the role's "
                           "trust policy demands; another one for each destination, and never "
                           "one for two AWS accounts."));
  keys->push_back(optional("destination.*.auth.external_id", kText, "",
                           "With aws and access_key: the external id (sts:ExternalId) that the "
                           "role's trust policy demands."));
  keys->push_back(optional("destination.*.auth.profile", kText, "",
                           "With aws: the profile; without it AWS_PROFILE, else default."));
  keys->push_back(optional("destination.*.auth.access_key_id", kTextOrReference, "",
                           "With access_key: its id."));
  keys->push_back(optional("destination.*.auth.secret_access_key", kSecret, "",
                           "With access_key: its secret."));
  keys->push_back(optional("destination.*.auth.session_token", kSecret, "",
                           "With access_key: its session token, if it is a temporary one."));
  keys->push_back(derived("destination.*.auth.copy", "session_keys|static_keys|attached_role",
                          "What COPY reads the staged files with. session_keys: temporary keys, "
                          "narrowed to this load's files where a role is assumed. static_keys: the "
                          "access key. attached_role: copy_role_arn. Without it: attached_role if "
                          "copy_role_arn is given, static_keys for an access key without a role, "
                          "else session_keys."));
  keys->push_back(optional("destination.*.auth.copy_role_arn", kText, "",
                           "Role that is attached to the warehouse, or \"default\"."));
  keys->push_back({.path = "destination.*.auth.session_duration",
                   .type = kDuration,
                   .fallback = "\"1h\"",
                   .min = 900'000,
                   .max = 43'200'000,
                   .since = kFirst,
                   .doc =
                       "How long assumed roles last, 15m to 12h; a role allows one hour unless its "
                       "maximum was raised. Refreshed in time. COPY's own session is asked for "
                       "longer where the COPY may take longer and the role allows it. Temporary "
                       "logins always last an hour."});
  keys->push_back(optional("destination.*.auth.sts_endpoint", kText, "",
                           "Address of STS, for VPC endpoints and stand-ins; AWS's own when left "
                           "out. https, or http to this machine."));
  keys->push_back(optional("destination.*.auth.redshift_endpoint", kText, "",
                           "Address of Redshift's API, likewise."));
}

// Paths live as long as the program, so they are written out for both kinds.
struct SshPaths {
  std::string_view section, host, port, user, host_key, key, passphrase;
};
constexpr SshPaths kDestinationSsh = {"destination.*.ssh",           "destination.*.ssh.host",
                                      "destination.*.ssh.port",      "destination.*.ssh.user",
                                      "destination.*.ssh.host_key",  "destination.*.ssh.key",
                                      "destination.*.ssh.passphrase"};
constexpr SshPaths kSourceSsh = {
    "source.*.ssh",          "source.*.ssh.host", "source.*.ssh.port",      "source.*.ssh.user",
    "source.*.ssh.host_key", "source.*.ssh.key",  "source.*.ssh.passphrase"};

void add_ssh(const SshPaths& paths, std::vector<KeySpec>* keys) {
  keys->push_back(section(paths.section, false,
                          "An SSH server to go through; without the section the way is direct."));
  keys->push_back(needed(paths.host, kText, "Host name or address of the SSH server."));
  keys->push_back(integer(paths.port, "22", 1, 65535, "Its port."));
  keys->push_back(needed(paths.user, kText, "User there; needs no shell, only forwarding."));
  keys->push_back(optional(paths.host_key, kText, "",
                           "Fingerprint of the server's key (SHA256:...), which pins it. Without "
                           "it nothing is sent, and the fingerprint that was seen is told."));
  keys->push_back(optional(paths.key, kSecret, "",
                           "A private key of your own (OpenSSH, PEM or PKCS#8). Without it the one "
                           "that vesto ssh-key makes and seals."));
  keys->push_back(optional(paths.passphrase, kSecret, "", "Of key, if it is encrypted."));
}

void add_destination(std::vector<KeySpec>* keys) {
  keys->push_back(objects("destination", "Where rows go to, by name."));
  keys->push_back(choice("destination.*.kind", "", "redshift|redshift-serverless", "",
                         "What the destination is."));
  keys->push_back(
      needed("destination.*.endpoint", kText,
             "Where the warehouse is, in any form that is pasted: host:port/database as the "
             "AWS console shows it, a JDBC or ODBC address, a psql line. Without a "
             "port: 5439. User and password go into auth. vesto destination endpoint "
             "TEXT says how it is understood."));
  keys->push_back(needed("destination.*.schema", kText, "Schema of the target tables."));
  keys->push_back(flag("destination.*.create_schema",
                       "Make the schema if it is not there (needs CREATE on the database)."));
  keys->push_back(
      {.path = "destination.*.wait_for_warehouse",
       .type = kDuration,
       .fallback = "\"15m\"",
       .min = 0,
       .max = 7'200'000,
       .since = kFirst,
       .doc = "How long a run waits for a cluster that is paused, or is being resumed, "
              "resized, restarted or maintained, 0s to 2h. The wait is shown and is no "
              "failure. Vesto knows the reason where its role may call "
              "redshift:DescribeClusters (Serverless: redshift-serverless:GetWorkgroup)."});
  keys->push_back(optional("destination.*.tls_ca_file", kText, "",
                           "CA bundle to verify the warehouse with; without it the system's. "
                           "The certificate and its name are always verified."));
  add_auth(keys);
  keys->push_back(section("destination.*.staging", true, "Where files wait for COPY."));
  keys->push_back(needed("destination.*.staging.bucket", kText, "S3 bucket."));
  keys->push_back(
      optional("destination.*.staging.prefix", kText, "\"vesto/\"", "All keys begin with it."));
  keys->push_back(optional("destination.*.staging.region", kText, "",
                           "Region of the bucket; found when left out, corrected when wrong."));
  keys->push_back(optional("destination.*.staging.endpoint", kText, "",
                           "Address of S3 itself (http:// or https://), for VPC endpoints and "
                           "stand-ins; AWS's own when left out."));
  keys->push_back(optional("destination.*.staging.tls_ca_file", kText, "",
                           "CA bundle to verify S3 with; without it the system's."));
  keys->push_back(derived("destination.*.staging.addressing", "path|virtual",
                          "Whether the bucket stands in the path or in the host name. Without it: "
                          "path when endpoint is set, else virtual."));
  keys->push_back(choice("destination.*.staging.compression", "\"gzip\"", "gzip|zstd", "",
                         "Compression of staged files."));
  keys->push_back(
      optional("destination.*.staging.kms_key_arn", kText, "",
               "ARN of the KMS key that the bucket's objects are encrypted with, not of "
               "an alias: also where the bucket does that by itself. The kit's "
               "policies and COPY's keys then have the right to it."));
  add_ssh(kDestinationSsh, keys);
}

void add_source(std::vector<KeySpec>* keys) {
  keys->push_back(objects("source", "Where rows come from, by name."));
  keys->push_back(
      choice("source.*.kind", "", "postgres", "mysql|files|singer", "What the source is."));
  keys->push_back(needed("source.*.host", kText, "Host name, address, or socket directory."));
  keys->push_back(integer("source.*.port", "5432", 1, 65535, "Port."));
  keys->push_back(needed("source.*.database", kText, "Database."));
  keys->push_back(needed("source.*.user", kTextOrReference, "User; needs SELECT on the tables."));
  keys->push_back(optional("source.*.password", kSecret, "", "Its password, if it has one."));
  keys->push_back(choice("source.*.sslmode", "\"prefer\"",
                         "disable|allow|prefer|require|verify-ca|verify-full", "",
                         "Encryption, as libpq knows it."));
  keys->push_back(optional("source.*.tls_ca_file", kText, "",
                           "CA bundle to verify with; without it the system's."));
  add_ssh(kSourceSsh, keys);
}

constexpr std::string_view kOnNewColumn = "add|add_and_backfill|ignore|stop";
constexpr std::string_view kOnTypeChange = "stop|rewrite";

void add_sync(std::vector<KeySpec>* keys) {
  keys->push_back(objects("sync", "One source to one destination, by name."));
  keys->push_back(needed("sync.*.source", kText, "Name of a source."));
  keys->push_back(needed("sync.*.destination", kText, "Name of a destination."));
  keys->push_back(integer("sync.*.max_rejected_rows", "1000", 0, 50'000,
                          "Rejected rows that one run may keep aside for a table; with more the "
                          "table fails and nothing of it is committed. All tables together may "
                          "have 32 MiB of such rows at a time."));
  keys->push_back(choice(
      "sync.*.on_new_column", "\"add\"", kOnNewColumn, "",
      "What becomes of a column that the source has got since the last load. "
      "add: delivered from now on; older rows hold NULL until they change. "
      "add_and_backfill: all rows are read once more (not with append). ignore: left out. stop: "
      "the table fails."));
  keys->push_back(choice("sync.*.on_type_change", "\"stop\"", kOnTypeChange, "",
                         "What becomes of a column whose type in the target cannot hold the "
                         "source's any more. stop: the table fails. rewrite: the column is made "
                         "anew with its values cast, and so moves to the end of the table."));
  keys->push_back({.path = "sync.*.table[]",
                   .type = kList,
                   .required = true,
                   .since = kFirst,
                   .doc = "One entry for each table."});
  keys->push_back(needed("sync.*.table[].name", kText,
                         "schema.table in the source. \"public.order_*\" stands for every table "
                         "whose name matches and that no other entry names, new ones included; "
                         "their keys are their primary keys."));
  keys->push_back(choice("sync.*.table[].mode", "\"upsert\"", "upsert|append|replace", "",
                         "upsert: rows are merged by key. append: for rows that are only ever "
                         "added; needs a cursor, no key. replace: the target holds what the last "
                         "run has read."));
  keys->push_back(optional("sync.*.table[].key", kTextList, "",
                           "Columns that identify a row, for upsert; without it the primary key."));
  keys->push_back(optional("sync.*.table[].filter", kText, "",
                           "Deliver only rows that meet this condition, in the source's SQL. Rows "
                           "that stop meeting it stay in the target until --full-refresh."));
  keys->push_back(optional("sync.*.table[].query", kText, "",
                           "A SELECT in the source's SQL that is delivered in the place of a "
                           "table; name is then what the stream is called, without a dot."));
  keys->push_back(optional("sync.*.table[].cursor", kText, "",
                           "Column that grows with every change: only newer rows are read. "
                           "Without it every run reads all; append needs it."));
  keys->push_back(optional("sync.*.table[].lookback", kLookback, "",
                           "How far back each run reads again, for rows that commit late: a "
                           "duration (\"10m\") for times, an integer for numbers. Times: 10m "
                           "when left out."));
  keys->push_back(flag("sync.*.table[].cursor_is_immutable",
                       "For append: the cursor (timestamptz) is written once, not before its "
                       "transaction began, and never changed. Only rows below the oldest open "
                       "transaction (less lookback, 0 when left out) are read, each once. "
                       "Needs pg_read_all_stats in the source."));
  keys->push_back(
      optional("sync.*.table[].exclude", kTextList, "", "Columns that are not delivered."));
  keys->push_back(choice_map(
      "sync.*.table[].on_unrepresentable", "reject|stop|null|text",
      "What becomes of a value that Redshift cannot hold, by column. reject: "
      "its row is kept aside in _vesto_rejected (for columns not named here). "
      "stop: the table fails. null: NULL stands in its place, and is counted; not in a key. "
      "text: the column is made VARCHAR and holds the source's text."));
  keys->push_back(flag("sync.*.table[].adopt",
                       "Deliver into a table that holds rows of somebody else: upsert merges "
                       "with them, replace removes them."));
  keys->push_back(
      derived("sync.*.table[].on_new_column", kOnNewColumn, "The same for this table alone."));
  keys->push_back(
      derived("sync.*.table[].on_type_change", kOnTypeChange, "The same for this table alone."));
  keys->push_back(optional("sync.*.table[].distkey", kText, "",
                           "Distribution key of a target that Vesto makes; without it a column of "
                           "the key whose type never has to be widened."));
  keys->push_back(optional("sync.*.table[].sortkey", kTextList, "",
                           "Compound sort key of a target that Vesto makes; without it Vesto "
                           "chooses one column."));
  keys->push_back(choice_map("sync.*.table[].encode",
                             "raw|az64|bytedict|delta|delta32k|lzo|mostly8|mostly16|mostly32|"
                             "runlength|text255|text32k|zstd",
                             "Compression of columns of a target that Vesto makes, by column; "
                             "Redshift chooses the others."));
  keys->push_back(optional("sync.*.table[].target", kText, "",
                           "Table in the destination; without it the source's own name."));
  for (const char* path :
       {"sync.*.every", "sync.*.at", "sync.*.cron", "sync.*.timezone", "sync.*.blackout",
        "sync.*.freshness_target", "sync.*.on_unrepresentable"}) {
    keys->push_back(later(path));
  }
}

std::vector<KeySpec> make_keys() {
  std::vector<KeySpec> keys;
  add_general(&keys);
  add_identity(&keys);
  add_source(&keys);
  add_destination(&keys);
  add_sync(&keys);
  for (const char* path :
       {"server.listen", "server.public_url", "server.session_hours", "retention", "notify",
        "limits.parallel_syncs", "limits.spool_dir", "limits.max_run_duration", "log.row_values"}) {
    keys.push_back(later(path));
  }
  return keys;
}

std::string type_text(const KeySpec& key) {
  switch (key.type) {
    case kText:
      return "text";
    case kTextList:
      return "list of texts";
    case kChoice:
      return replace_all(key.choices, "|", " or ");
    case kInteger:
      return key.min == key.max
                 ? fmt::format("{}", key.min)
                 : fmt::format("{} to {}", format_count(key.min), format_count(key.max));
    case kBoolean:
      return "true or false";
    case kTextOrReference:
      return "text, `{ secret = }`, `{ env = }` or `{ file = }`";
    case kSecret:
      return "`{ secret = }`, `{ env = }` or `{ file = }`";
    case kLookback:
      return "duration or integer";
    case kDuration:
      return "duration";
    case kChoiceMap:
      return "{ column = " + replace_all(key.choices, "|", " or ") + " }";
    default:
      return "";
  }
}

std::string key_line(const KeySpec& key) {
  const std::string fallback = key.required           ? std::string("required")
                               : key.fallback.empty() ? std::string("-")
                                                      : fmt::format("`{}`", key.fallback);
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", last_part(key.path), type_text(key),
                     fallback, key.since, key.doc);
}

std::string heading_of(const KeySpec& key) {
  const std::string name = replace_all(replace_all(key.path, ".*", ".NAME"), "[]", "");
  switch (key.type) {
    case kObjects:
      return fmt::format("[{}.NAME]", name);
    case kList:
      return fmt::format("[[{}]]", name);
    default:
      return fmt::format("[{}]", name);
  }
}

}  // namespace

const std::vector<KeySpec>& config_keys() {
  static const std::vector<KeySpec> kKeys = make_keys();
  return kKeys;
}

const KeySpec* find_key(std::string_view pattern) {
  for (const KeySpec& key : config_keys()) {
    if (key.path == pattern) return &key;
  }
  return nullptr;
}

std::string_view parent_path(std::string_view pattern) {
  const size_t dot = pattern.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : pattern.substr(0, dot);
}

std::string_view last_part(std::string_view pattern) {
  std::string_view last = pattern.substr(pattern.rfind('.') + 1);
  if (last.ends_with("[]")) last.remove_suffix(2);
  return last;
}

std::vector<const KeySpec*> keys_below(std::string_view pattern) {
  std::vector<const KeySpec*> found;
  for (const KeySpec& key : config_keys()) {
    if (parent_path(key.path) == pattern) found.push_back(&key);
  }
  return found;
}

std::string settings_markdown() {
  std::string out =
      "# Settings\n\n"
      "Generated by `vesto help --settings-markdown` from src/config/keys.cc; a test keeps it up "
      "to "
      "date.\n\n"
      "Vesto reads `vesto.toml` and every `conf.d/*.toml` next to it, or the files given by "
      "`--config`. Paths are relative to the file that they stand in.\n\n"
      "Secrets never stand in the configuration, which says where they are:\n\n"
      "| reference | the value is |\n|---|---|\n"
      "| `{ secret = \"acme/password\" }` | sealed in the data directory, put there by `vesto "
      "secret "
      "set acme/password` |\n"
      "| `{ env = \"ACME_PASSWORD\" }` | that of an environment variable |\n"
      "| `{ file = \"acme.pw\" }` | the content of a file, without the newline at its end |\n";
  const auto table = [&](std::string_view pattern, const std::string& title, std::string_view doc) {
    out += fmt::format("\n## {}\n{}\n\n", title, doc);
    out += "| setting | value | default | since | meaning |\n|---|---|---|---|---|\n";
    for (const KeySpec* key : keys_below(pattern)) {
      const bool leaf = key->type != kSection && key->type != kObjects && key->type != kList &&
                        key->type != kLater;
      if (leaf) out += key_line(*key);
    }
  };
  table("", "Top", "At the head of the file.");
  for (const KeySpec& key : config_keys()) {
    if (key.type == kSection || key.type == kList) {
      table(key.path, heading_of(key), key.doc);
    } else if (key.type == kObjects) {
      table(std::string(key.path) + ".*", heading_of(key), key.doc);
    }
  }
  out += "\n## Not in this version\nThese are refused with CFG-NOT-IN-VERSION:\n\n";
  for (const KeySpec& key : config_keys()) {
    const std::string path = replace_all(replace_all(key.path, ".*", ".NAME"), "[]", "");
    if (key.type == kLater) out += fmt::format("- `{}`\n", path);
    if (!key.later.empty()) {
      for (const std::string& value : split(key.later, '|')) {
        out += fmt::format("- `{} = \"{}\"`\n", path, value);
      }
    }
  }
  return out;
}

}  // namespace vesto
