#include "cli/add/flags.h"

namespace vesto::cli {

const std::vector<AddFlag>& add_flags() {
  using enum AddValue;
  static const std::vector<AddFlag> kFlags = {
      {"endpoint", "endpoint", kEndpoint, "TEXT",
       "Endpoint of the warehouse, in any form; none: there is none yet"},
      {"kind", "kind", kKind, "KIND", "redshift (a cluster) or redshift-serverless"},
      {"host", "draft.host", kHost, "HOST",
       "Host to dial, where it is another than the endpoint's"},
      {"database", "draft.database", kDatabase, "NAME", "Database"},
      {"region", "auth.region", kRegion, "REGION", "Region of the warehouse"},
      {"warehouse", "auth.warehouse", kWarehouse, "NAME", "Cluster identifier or workgroup"},
      {"account", "draft.account", kAccount, "DIGITS",
       "AWS account, for the usual role vesto-NAME-role in it"},
      {"ssh-host", "ssh.host", kText, "HOST", "SSH server to go through"},
      {"ssh-port", "ssh.port", kPort, "PORT", "Its port (default 22)"},
      {"ssh-user", "ssh.user", kText, "USER", "User there"},
      {"ssh-host-key", "ssh.host_key", kFingerprint, "SHA256:...", "Fingerprint of its key"},
      {"identity", "auth.identity", kIdentity, "WHO", "Who asks AWS: google, aws or access_key"},
      {"role-arn", "auth.role_arn", kRole, "ARN", "Role that Vesto assumes"},
      {"audience", "auth.audience", kText, "TEXT", "Audience of the role's trust policy (google)"},
      {"external-id", "auth.external_id", kText, "TEXT",
       "External id (aws, access_key); none: without one; else one is made"},
      {"profile", "auth.profile", kText, "NAME", "Profile (aws)"},
      {"db-user", "auth.db_user", kText, "USER", "Database user of a temporary login"},
      {"user", "auth.user", kText, "USER", "Database user of a login by password"},
      {"password-secret", "auth.password", kSealed, "NAME", "Its password: a sealed secret"},
      {"password-env", "auth.password", kVariable, "VARIABLE", "Or an environment variable"},
      {"password-file", "auth.password", kFile, "FILE", "Or a file"},
      {"access-key-id", "auth.access_key_id", kKeyId, "ID",
       "Access key (access_key); none: the kit makes one"},
      {"access-key-id-secret", "auth.access_key_id", kSealed, "NAME", "Or a sealed secret"},
      {"access-key-id-env", "auth.access_key_id", kVariable, "VARIABLE",
       "Or an environment variable"},
      {"access-key-id-file", "auth.access_key_id", kFile, "FILE", "Or a file"},
      {"secret-access-key-secret", "auth.secret_access_key", kSealed, "NAME",
       "Its secret: a sealed secret"},
      {"secret-access-key-env", "auth.secret_access_key", kVariable, "VARIABLE",
       "Or an environment variable"},
      {"secret-access-key-file", "auth.secret_access_key", kFile, "FILE", "Or a file"},
      {"copy", "auth.copy", kCopy, "HOW", "session_keys, static_keys or attached_role"},
      {"copy-role-arn", "auth.copy_role_arn", kRoleOrDefault, "ARN",
       "Role attached to the warehouse, or default"},
      {"bucket", "staging.bucket", kBucket, "TEXT",
       "Staging bucket: its name, s3://BUCKET/PREFIX, or its page of the AWS console"},
      {"prefix", "staging.prefix", kPrefix, "TEXT", "Prefix of all keys (default vesto/)"},
      {"bucket-region", "staging.region", kRegion, "REGION", "Region of the bucket; else found"},
      {"kms-key-arn", "staging.kms_key_arn", kKmsKey, "ARN", "KMS key of the bucket's objects"},
      {"schema", "schema", kSchema, "NAME", "Schema of the target tables"},
      {"create-schema", "create_schema", kYesNo, "yes|no", "May Vesto make it (default yes)"},
  };
  return kFlags;
}

const AddFlag* find_add_flag(std::string_view name) {
  for (const AddFlag& flag : add_flags()) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

}  // namespace vesto::cli
