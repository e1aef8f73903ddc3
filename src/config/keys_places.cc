// The settings of sources and destinations.
#include "config/key_specs.h"

namespace vesto::key_specs {

namespace {

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

}  // namespace

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

}  // namespace vesto::key_specs
