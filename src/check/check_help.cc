#include "check/check_help.h"

namespace vesto {

const std::vector<CheckHelp>& all_check_help() {
  static const std::vector<CheckHelp> kAll = {
      // --- this machine ---
      {"config.valid", "Is the configuration complete and without mistakes?", "",
       "CFG-VALUE CFG-MISSING CFG-SYNTAX CFG-UNKNOWN-KEY", ""},
      {"secret.readable", "Can each secret that the configuration names be read?", "config.valid",
       "CFG-SECRET-MISSING SEC-MISSING SEC-KEY", ""},
      {"host.disk", "Is there room for what a run writes?", "config.valid", "SYS-DISK-LOW SYS-DISK",
       ""},
      {"host.store", "Is the local store whole, and may it be written?", "config.valid",
       "SYS-STORE SYS-STORE-BUSY SYS-DISK", ""},
      {"host.clock", "Does this machine's clock agree with AWS's, as S3 tells it?",
       "secret.readable", "SYS-CLOCK-SKEW", ""},
      // --- the way ---
      {"net.dns", "Does a name server know the host?", "secret.readable redshift.status",
       "NET-DNS NET-RESOLVER", ""},
      {"net.tcp", "Does the port take a connection?", "net.dns",
       "NET-TIMEOUT NET-REFUSED NET-UNREACHABLE NET-RESET", "network"},
      {"net.tls", "Is the connection encrypted, and is the certificate that of the host?",
       "net.tcp ssh.forward", "NET-TLS-CA NET-TLS-NAME NET-TLS-EXPIRED NET-WRONG-PORT RS-TLS-OFF",
       ""},
      {"ssh.connect", "Does the SSH server answer?", "secret.readable redshift.status",
       "SSH-CONNECT NET-DNS NET-TIMEOUT NET-REFUSED", "network"},
      {"ssh.host_key", "Is it the SSH server whose key was approved?", "ssh.connect",
       "SSH-HOSTKEY-NEW SSH-HOSTKEY-CHANGED", ""},
      {"ssh.login", "Does the SSH server let our key in?", "ssh.host_key", "SSH-AUTH SSH-KEY",
       "authorized-keys"},
      {"ssh.forward", "Does the SSH server reach the other end?", "ssh.login",
       "SSH-FORWARD SSH-LOST", "network authorized-keys"},
      // --- who we are ---
      {"gcp.token", "Does Google tell us who we are?", "secret.readable", "GCP-TOKEN", ""},
      {"aws.key", "Does AWS know our key?", "secret.readable host.clock",
       "AWS-KEY AWS-NO-CREDENTIALS AWS-PROFILE AWS-STS", "key eks-trust"},
      {"aws.assume_role", "Does the role take us, and nobody asks for more?",
       "host.clock gcp.token aws.key", "AWS-ASSUME-DENIED AWS-TOKEN AWS-STS", "role trust-policy"},
      {"aws.trust_bound",
       "Does the role refuse what another tenant of the same identity would show?",
       "aws.assume_role", "AWS-TRUST-LOOSE", "role trust-policy"},
      {"aws.trust_sub", "Does the role's trust policy name our identity alone?", "aws.assume_role",
       "AWS-TRUST-LOOSE", "role trust-policy"},
      // --- the warehouse ---
      {"redshift.status", "Is the warehouse available? It wakes or is made: that is waited for.",
       "secret.readable aws.assume_role", "RS-CLUSTER-NOT-FOUND RS-WAKING RS-PAUSED",
       "warehouse role"},
      {"redshift.credentials", "Does Redshift issue a temporary login?", "aws.assume_role aws.key",
       "RS-CRED-DENIED RS-CLUSTER-NOT-FOUND", "role permission-policy"},
      {"redshift.login", "Does the database let us in?", "net.tls redshift.credentials",
       "RS-LOGIN-PASSWORD RS-LOGIN-IAM RS-USER-MISSING RS-DB-MISSING RS-LOGIN-EXPIRED "
       "RS-NOT-REDSHIFT",
       "sql"},
      {"redshift.temp", "May the login make a temporary table? One is made.", "redshift.login",
       "RS-PRIV-TEMP", "sql"},
      {"redshift.schema", "Is the schema there and open to the login, or may it be made?",
       "redshift.login", "RS-PRIV-CREATE RS-PRIV-SCHEMA RS-NO-SCHEMA", "sql"},
      {"redshift.table", "May a table be made, changed and dropped? One is.", "redshift.schema",
       "RS-PRIV-SCHEMA RS-SQL", "sql"},
      {"redshift.owner", "Are the tables that are there already the login's own?",
       "redshift.schema", "RS-OWNER", "owner"},
      {"redshift.capacity", "Has the cluster disk space left, where the login may see it?",
       "redshift.login", "RS-DISK-LOW", ""},
      {"redshift.superuser", "Has the login no more rights than it needs?", "redshift.login",
       "RS-SUPERUSER", ""},
      // --- the bucket ---
      {"s3.bucket", "Is the bucket there, and in which region?", "aws.assume_role aws.key",
       "S3-NO-BUCKET S3-REGION S3-DENIED S3-VERSIONED", "bucket"},
      {"s3.put", "May a file be written below the prefix?", "s3.bucket host.store",
       "S3-DENIED S3-KMS", "permission-policy role"},
      {"s3.list", "May files below the prefix be listed?", "s3.put", "S3-DENIED",
       "permission-policy role"},
      {"s3.list_narrow", "Is listing anywhere else refused?", "s3.bucket", "S3-WIDE",
       "permission-policy role"},
      {"s3.get", "May a file below the prefix be read?", "s3.put", "S3-DENIED S3-KMS",
       "permission-policy role"},
      {"s3.delete", "May a file below the prefix be deleted?", "s3.put", "S3-DENIED",
       "permission-policy role"},
      {"s3.public", "Is everybody else refused?", "s3.put", "S3-PUBLIC", "bucket"},
      {"s3.lifecycle", "Does what a killed run leaves go by itself?", "s3.get", "S3-LIFECYCLE",
       "bucket"},
      // --- a load ---
      {"redshift.copy", "Does COPY load 40 values from the bucket?", "redshift.table s3.put",
       "RS-COPY-S3-403 S3-NO-BUCKET", "copy-role permission-policy"},
      {"redshift.readback", "Do the 40 values come back as they were?", "redshift.copy",
       "ENC-MISMATCH", ""},
      {"redshift.merge", "Can they be merged into a table in one transaction? It is rolled back.",
       "redshift.readback redshift.temp", "RS-SQL", ""},
      {"clean_up", "Is nothing left behind? It runs whatever has failed.", "", "CLEAN-LEFT",
       "permission-policy"},
      // --- a source ---
      {"source.login", "Does PostgreSQL let us in?", "net.tcp net.dns ssh.forward secret.readable",
       "PG-LOGIN PG-NO-DATABASE PG-CONNECT PG-TLS-OFF NET-TIMEOUT", ""},
      {"source.snapshot", "Can one moment of the whole database be read?", "source.login",
       "PG-READ", ""},
      {"source.tables", "Are the tables of the syncs there?", "source.snapshot", "PG-NO-TABLE", ""},
      {"source.read", "May they be read?", "source.snapshot", "PG-PRIV", ""},
      {"source.rls", "Does no row-level policy hide rows from the login?", "source.snapshot",
       "PG-RLS", ""},
      {"source.columns", "Are the columns that settings name there?", "source.snapshot",
       "PG-NO-COLUMN", ""},
      {"source.types", "Can every column be delivered?", "source.snapshot", "PG-TYPE", ""},
      {"source.keys", "Has each table that is merged a key?", "source.snapshot", "PG-NO-KEY", ""},
      {"source.names", "Has each table a target of its own?", "source.snapshot", "PG-NAME", ""},
      {"source.late_rows", "Are rows seen that commit late, behind the cursor?", "source.snapshot",
       "PG-PRIV", ""},
  };
  return kAll;
}

const CheckHelp* find_check_help(std::string_view id) {
  for (const CheckHelp& one : all_check_help()) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

}  // namespace vesto
