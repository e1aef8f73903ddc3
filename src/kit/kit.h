// The kit of a destination: what each person has to run or to send on, with every value filled in.
// The same texts are the fixes of the checks (check/check.h), so that what a report says is what
// the kit says.
//
//   const Kit kit = make_kit(destination, facts);
//   print(kit.find("sql")->text);
//
// A value that is not known stands as <<NAME>> and is listed in `missing`; shell refuses to run
// until it is filled in, and asks AWS itself for what AWS can tell (account, workgroup's ID,
// security group). ASCII alone, apart from values. JSON is valid JSON, shell is POSIX sh with every
// value quoted, for awscli 1 and 2.
// Sources: IAM user guide (trust policies for web identity federation, permissions policies),
// Amazon Redshift management guide (IAM actions for temporary credentials), Amazon S3 user guide
// (block public access, object ownership, lifecycle), Redshift developer guide (CREATE USER,
// GRANT). Pure; any thread.
#ifndef VESTO_KIT_KIT_H_
#define VESTO_KIT_KIT_H_

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace vesto {

// A lifecycle rule may let a staged object stay so long, where a person has changed ours of 3 days.
// s3.lifecycle warns of more, and the kit replaces such a rule of its own.
inline constexpr int kLongestStayDays = 30;

// Vesto's view for people, which is handed over with its tables.
inline constexpr std::string_view kViewForPeople = "_vesto_sync_status";

// What the configuration does not say. "" = not known.
struct KitFacts {
  std::string google_sub = {};  // of our Google identity
  // Who assumes the role, where it is not Google. ARNs of another partition than the region's are
  // taken for not known.
  std::string principal_arn = {};
  // Of a role, told by a session of it: AWS does not tell its path, so that it is written without.
  bool principal_path_unknown = false;
  std::string account = {};         // of the customer, 12 digits
  std::string workgroup_arn = {};   // with its UUID
  std::string database_user = {};   // that really logs in, verbatim: "IAMR:acme-sync"
  std::string security_group = {};  // "sg-..."
  std::string ssh_public_key = {};  // the tunnel's line for authorized_keys
  // Of the pod that Vesto runs in on EKS, as its token says: the issuer without its scheme, and
  // "system:serviceaccount:NAMESPACE:NAME"; and the role that the token is for.
  std::string pod_issuer = {};
  std::string pod_subject = {};
  std::string pod_role_arn = {};
  std::vector<std::string> public_egress = {};
  // Of the schema, that are or will be loaded; Vesto's own too.
  std::vector<std::string> tables = {};
  // Audiences and external ids of destinations with other roles: the role must not take them.
  std::vector<std::string> foreign_names = {};
};

struct KitPart {
  std::string id;     // "sql"
  std::string title;  // "Rights in the database"
  std::string who;    // "redshift_admin"; as Fix::who
  std::string kind;   // "json", "sql", "shell", "terraform", "text"
  std::string text;
  std::vector<std::string> missing = {};  // names of the <<...>> in it
  std::vector<std::string> checks = {};   // ids that it turns green
};

struct Kit {
  std::vector<KitPart> parts;
  [[nodiscard]] const KitPart* find(std::string_view id) const;
};

// Parts, those that have a meaning for this destination: "bucket" (shell), "trust-policy" and
// "permission-policy" (json), "role" (shell: role, policy and their bond), "key" (shell: IAM user
// with a key, for identity = access_key), "asker" (shell: what lets whoever Vesto runs as assume a
// role of another account, for identity = aws), "eks-trust" (json: of the role that Vesto's own
// pods run as, for identity = aws), "copy-role" (shell), "sql" (what works in any database, for the
// user that really logs in), "owner" (sql, for tables that another user owns), "network" (shell),
// "authorized-keys" (text), "warehouse" (shell: the smallest one), "script" (shell: all that an AWS
// admin runs), "terraform", "message" (text to send on).
Kit make_kit(const DestinationConfig& destination, const KitFacts& facts);

// One thing of the kit, as small as it can be taken away alone.
struct KitPiece {
  std::string part;  // "permission-policy"
  // "s3:PutObject", "condition s3:prefix", "TEMPORARY on the database", "inbound rule"
  std::string name;
  // Ids of those that fail, warn or are skipped without it, one that another masks included.
  std::vector<std::string> checks;
  std::string why = {};  // where no check misses it: what it is there for
};
// Every piece for this destination. tests/setup/test_necessity.py takes each away.
std::vector<KitPiece> kit_pieces(const DestinationConfig& destination, const KitFacts& facts);

// The names of all parts, in their order, with what each is; for help.
struct KitPartName {
  std::string_view id;
  std::string_view title;
};
const std::vector<KitPartName>& kit_part_names();

// How to find what a <<NAME>> stands for, as a sentence; "" for a name that no part has.
std::string_view missing_help(std::string_view name);
// The same with what is known of this destination.
std::string missing_help(std::string_view name, const DestinationConfig& destination);

// --- what `identity show` prints as well ---

// Who logs in to the database with a temporary login by somebody of this ARN: "IAMR:acme-sync",
// "IAM:loader", or auth.db_user; "" if that is not known.
std::string login_user(const DestinationConfig& destination, std::string_view own_arn);
// The ARN of the role that this session is of, if the text names it: AWS's chain says what a
// profile or the environment has it assume. "" where it does not.
std::string role_in_text(const std::string& text, const std::string& session_arn);
// Whom a trust policy names for who is asking: of a session its role, by its whole ARN where
// `source`, the description of AWS's chain, tells it.
std::string asker_principal(const std::string& source, const std::string& asker_arn);
// The same as facts, with whether it lacks the role's path.
void add_asker(const std::string& source, const std::string& asker_arn, KitFacts* facts);
// CREATE USER and its grants, one statement each.
std::vector<std::string> login_grants(const DestinationConfig& destination,
                                      const std::string& database_user);
// Indented by 2, with <<NAME>> for what is not known.
std::string trust_policy_for(const DestinationConfig& destination, const KitFacts& facts);
std::string permission_policy_for(const DestinationConfig& destination, const KitFacts& facts);

// --- single lines, for the fixes of checks ---

// GRANT and its kin for one right: "temp", "create" (on the database), "schema" (ALL on the
// schema), "owner" (ALTER TABLE ... OWNER TO, for each of `tables`).
std::string grant_sql(const DestinationConfig& destination, std::string_view right,
                      const std::string& database_user,
                      const std::vector<std::string>& tables = {});
// aws iam put-role-policy with the whole permission policy; for the role's name.
std::string put_policy_shell(const DestinationConfig& destination, const KitFacts& facts);
// One of "bucket", "key", "asker", "role", "copy-role", "network", in a shell of its own; what is
// there already stays. Two steps of "bucket" alone: "public-access" blocks it all, and "lifecycle".
// "bucket-policy" prints that of the bucket, "policies" the names of those of who works. "listing"
// puts the policy and tells what else may let the bucket be listed.
std::string part_shell(const DestinationConfig& destination, const KitFacts& facts,
                       std::string_view part);
// The role with its policies, in a shell of its own: who is refused cannot tell whether there is
// one. Statements of others stay, but for what lets others use the role by this Vesto; where a role
// that the kit has not made does not trust us at all, it prints our statement, to be added by hand,
// and ends with 1. Where who assumes it is in another account, the same lines are for the admins of
// both: each account gets its own part.
std::string trust_shell(const DestinationConfig& destination, const KitFacts& facts);
// aws ec2 authorize-security-group-ingress for one address ("203.0.113.7/32").
std::string ingress_shell(const DestinationConfig& destination, const KitFacts& facts,
                          const std::string& cidr);
// Adds the part "eks-trust" to what the role of Vesto's own pods trusts already; "" where the role
// or the pod is not known.
std::string pod_trust_shell(const DestinationConfig& destination, const KitFacts& facts);
// Puts the tunnel's line into the authorized_keys of whoever runs it: `login` ("ec2-user@bastion")
// on the SSH server, and nobody else. What Vesto's line for this destination or source said before
// goes and is printed, since sshd looks at the first line of a key alone; a line with this key that
// somebody else has written, changed or switched off stops it. The file as it was stays beside it.
std::string authorize_shell(const std::string& login, const std::string& line);

}  // namespace vesto

#endif  // VESTO_KIT_KIT_H_
