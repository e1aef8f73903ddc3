#include "check/check_help.h"

#include <algorithm>

#include "check/check_needs.h"

namespace vesto {

namespace {

// What no graph knows. In the order of a test.
struct Words {
  std::string_view id;
  std::string_view asks;
  std::string_view codes;
  std::string_view kit;
};
constexpr Words kWords[] = {
    // --- this machine ---
    {"config.valid", "Is the configuration complete and without mistakes?",
     "CFG-VALUE CFG-MISSING CFG-SYNTAX CFG-UNKNOWN-KEY", ""},
    {"secret.readable", "Can each secret that the configuration names be read?",
     "CFG-SECRET-MISSING SEC-MISSING SEC-KEY CFG-VALUE", ""},
    {"host.disk", "Is there room for what a run writes?", "SYS-DISK-LOW SYS-DISK", ""},
    {"host.store", "Is the local store whole, and may it be written?",
     "SYS-STORE SYS-STORE-BUSY SYS-DISK", ""},
    {"host.clock", "Does this machine's clock agree with AWS's, as S3 tells it?", "SYS-CLOCK-SKEW",
     ""},
    {"host.lock", "Does no other test of the destination run just now? doctor alone asks.",
     "SYS-STORE SYS-DISK", ""},
    // --- the way ---
    {"net.dns", "Does a name server know the host?", "NET-DNS NET-RESOLVER", ""},
    {"net.tcp", "Does the port take a connection?",
     "NET-TIMEOUT NET-REFUSED NET-UNREACHABLE NET-RESET", "network"},
    {"net.tls", "Is the connection encrypted, and is the certificate that of the host?",
     "NET-TLS-CA NET-TLS-NAME NET-TLS-EXPIRED NET-TLS-NOT-YET NET-WRONG-PORT NET-RESET NET-TIMEOUT "
     "RS-TLS-OFF",
     ""},
    {"ssh.connect", "Does the SSH server answer?", "SSH-CONNECT NET-DNS NET-TIMEOUT NET-REFUSED",
     "network"},
    {"ssh.host_key", "Is it the SSH server whose key was approved?",
     "SSH-HOSTKEY-NEW SSH-HOSTKEY-CHANGED", ""},
    {"ssh.login", "Does the SSH server let our key in?", "SSH-AUTH SSH-KEY", "authorized-keys"},
    {"ssh.forward", "Does the SSH server reach the other end?", "SSH-FORWARD SSH-LOST",
     "network authorized-keys"},
    // --- who we are ---
    {"gcp.token", "Does Google tell us who we are?", "GCP-TOKEN", ""},
    {"aws.key", "Does AWS know our key?",
     "AWS-KEY AWS-NO-CREDENTIALS AWS-PROFILE AWS-STS SYS-CLOCK-SKEW", "key eks-trust"},
    {"aws.assume_role", "Does the role take us, and nobody asks for more?",
     "AWS-ASSUME-DENIED AWS-TOKEN AWS-STS AWS-SERVER", "role trust-policy key asker"},
    {"aws.trust_bound", "Does the role refuse what another tenant of the same identity would show?",
     "AWS-TRUST-LOOSE", "role trust-policy"},
    {"aws.trust_sub", "Does the role's trust policy name our identity alone?", "AWS-TRUST-LOOSE",
     "role trust-policy"},
    // --- the warehouse ---
    {"redshift.status", "Is the warehouse available? It wakes or is made: that is waited for.",
     "RS-CLUSTER-NOT-FOUND RS-WAKING RS-PAUSED", "warehouse role"},
    {"redshift.credentials", "Does Redshift issue a temporary login?",
     "RS-CRED-DENIED RS-CLUSTER-NOT-FOUND RS-API AWS-SERVER CFG-VALUE", "role permission-policy"},
    {"redshift.login", "Does the database let us in?",
     "RS-LOGIN-PASSWORD RS-LOGIN-IAM RS-USER-MISSING RS-DB-MISSING RS-LOGIN-EXPIRED "
     "RS-LOGIN-DIGEST RS-CONN-LIMIT RS-CONNECTION RS-TLS-OFF RS-NOT-REDSHIFT",
     "sql"},
    {"redshift.temp", "May the login make a temporary table? One is made.",
     "RS-PRIV-TEMP RS-TIMEOUT RS-CONNECTION RS-RESIZE RS-SQL", "sql"},
    {"redshift.schema", "Is the schema there and open to the login, or may it be made?",
     "RS-PRIV-CREATE RS-PRIV-SCHEMA RS-NO-SCHEMA", "sql"},
    {"redshift.table", "May a table be made, changed and dropped? One is.",
     "RS-PRIV-SCHEMA RS-PRIV-CREATE RS-PRIV RS-OWNER RS-VIEW-DEP RS-SQL", "sql"},
    {"redshift.owner", "Are the tables that are there already the login's own, and Vesto's?",
     "RS-OWNER RS-PRIV RS-TABLE-FOREIGN RS-TABLE-DIFFERS RS-SQL", "owner"},
    {"redshift.capacity", "Has the cluster disk space left, where the login may see it?",
     "RS-DISK-LOW", ""},
    {"redshift.superuser", "Has the login no more rights than it needs?", "RS-SUPERUSER", ""},
    // --- the bucket ---
    {"s3.bucket", "Is the bucket there, and in which region?",
     "S3-NO-BUCKET S3-REGION S3-DENIED NET-DNS NET-TIMEOUT NET-REFUSED NET-TLS-CA NET-WRONG-PORT",
     "bucket"},
    {"s3.put", "May a file be written below the prefix?",
     "S3-DENIED S3-KMS S3-VERSIONED S3-NO-BUCKET S3-REGION S3-REFUSED S3-SLOW S3-SERVER AWS-KEY "
     "SYS-CLOCK-SKEW",
     "permission-policy role"},
    {"s3.list", "May files below the prefix be listed?", "S3-DENIED", "permission-policy role"},
    {"s3.list_narrow", "Is listing anywhere else refused?", "S3-WIDE", "permission-policy role"},
    {"s3.get", "May a file below the prefix be read?", "S3-DENIED S3-KMS",
     "permission-policy role"},
    {"s3.delete", "May a file below the prefix be deleted?", "S3-DENIED", "permission-policy role"},
    {"s3.public", "Is everybody else refused?", "S3-PUBLIC", "bucket"},
    {"s3.lifecycle", "Does what a killed run leaves go by itself?", "S3-LIFECYCLE", "bucket"},
    // --- a load ---
    {"redshift.copy", "Does COPY load 40 values from the bucket?",
     "RS-COPY-S3-403 RS-COPY-EXPIRED RS-COPY-DATA S3-NO-BUCKET S3-REGION RS-DISK-FULL "
     "RS-SERIALIZABLE RS-TIMEOUT",
     "copy-role permission-policy"},
    {"redshift.readback", "Do the 40 values come back as they were?", "ENC-MISMATCH", ""},
    {"redshift.merge", "Can they be merged into a table in one transaction? It is rolled back.",
     "RS-SQL", ""},
    {"clean_up", "Is nothing left behind? It runs whatever has failed.", "CLEAN-LEFT",
     "permission-policy"},
    // --- a source ---
    {"source.login", "Does PostgreSQL let us in?",
     "PG-LOGIN PG-NO-DATABASE PG-CONNECT PG-TLS-OFF NET-TIMEOUT", ""},
    {"source.snapshot", "Can one moment of the whole database be read?", "PG-READ", ""},
    {"source.tables", "Are the tables of the syncs there?", "PG-NO-TABLE", ""},
    {"source.read", "May they be read?", "PG-PRIV", ""},
    {"source.rls", "Does no row-level policy hide rows from the login?", "PG-RLS", ""},
    {"source.columns", "Are the columns that settings name there?", "PG-NO-COLUMN", ""},
    {"source.types", "Can every column be delivered?", "PG-TYPE", ""},
    {"source.keys", "Has each table that is merged a key?", "PG-NO-KEY", ""},
    {"source.names", "Has each table a target of its own?", "PG-NAME", ""},
    {"source.late_rows", "Are rows seen that commit late, behind the cursor?", "PG-PRIV", ""},
};

std::vector<CheckHelp> make_all() {
  const std::vector<CheckNeeds> graphs = needs_in_any_set_up();
  std::vector<CheckHelp> all;
  for (const Words& words : kWords) {
    const auto found = std::find_if(graphs.begin(), graphs.end(),
                                    [&](const CheckNeeds& one) { return one.id == words.id; });
    all.push_back({.id = words.id,
                   .asks = words.asks,
                   .needs = found == graphs.end() ? std::vector<std::string>() : found->needs,
                   .codes = words.codes,
                   .kit = words.kit});
  }
  return all;
}

}  // namespace

const std::vector<CheckHelp>& all_check_help() {
  static const std::vector<CheckHelp> kAll = make_all();
  return kAll;
}

const CheckHelp* find_check_help(std::string_view id) {
  for (const CheckHelp& one : all_check_help()) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

}  // namespace vesto
