// What the kit makes, as small as it can be taken away, and which checks miss it.
#include "kit/parts.h"

namespace vesto {

namespace {

using kit::Actor;
using kit::Places;

constexpr const char* kOnlyNarrows = "Safety alone: it narrows what the key may do.";
constexpr const char* kNoRight = "Safety alone: no load needs it, and Vesto may not look at it.";

class Pieces {
 public:
  Pieces(const DestinationConfig& to, const KitFacts& facts)
      : to_(to), facts_(facts), places_(kit::places_of(to, facts)) {}

  std::vector<KitPiece> list() {
    bucket();
    key();
    if (to_.auth.identity == "aws") pods();
    if (places_.own_elsewhere) add("asker", "sts:AssumeRole", by_role());
    if (places_.actor == Actor::kRole) {
      add("role", "role", by_role());
      trust();
    }
    rights();
    if (to_.auth.copy == "attached_role") copy_role();
    sql();
    way();
    return std::move(pieces_);
  }

 private:
  void add(const char* part, const char* name, std::vector<std::string> checks) {
    pieces_.push_back({.part = part, .name = name, .checks = std::move(checks)});
  }
  void safety(const char* part, std::string name, const char* why) {
    pieces_.push_back({.part = part, .name = std::move(name), .checks = {}, .why = why});
  }

  void bucket() {
    add("bucket", "bucket", {"s3.bucket"});
    safety("bucket", "object ownership", kNoRight);
    safety("bucket", "public access block",
           "Safety alone: without it a policy could open the bucket, which s3.public would see.");
    add("bucket", "lifecycle rule", {"s3.lifecycle"});
  }

  void key() {
    if (to_.auth.identity != "access_key") return;
    // Who asks from another account has its key already.
    if (!places_.user_elsewhere) add("key", "access key", asking("aws.key"));
    if (!to_.auth.role_arn.empty()) add("key", "sts:AssumeRole", by_role());
  }

  // Who is nobody at AWS cannot ask for the warehouse's status either.
  [[nodiscard]] std::vector<std::string> asking(const char* check) const {
    if (to_.auth.method != "iam_role") return {check};
    return {check, "redshift.status"};
  }
  [[nodiscard]] std::vector<std::string> by_role() const { return asking("aws.assume_role"); }

  void trust() {
    if (to_.auth.identity == "google") {
      add("trust-policy", "sts:AssumeRoleWithWebIdentity", by_role());
      add("trust-policy", "condition accounts.google.com:oaud", {"aws.trust_bound"});
      add("trust-policy", "condition accounts.google.com:sub", {"aws.trust_sub"});
      return;
    }
    add("trust-policy", "sts:AssumeRole", by_role());
    if (to_.auth.external_id.empty()) return;
    add("trust-policy", "condition sts:ExternalId", {"aws.trust_bound"});
  }

  // Of the role that Vesto's own pods run as.
  void pods() {
    const char* part = "eks-trust";
    const std::string issuer = kit::or_placeholder(facts_.pod_issuer, "OIDC_ISSUER");
    add(part, "sts:AssumeRoleWithWebIdentity", asking("aws.key"));
    safety(part, "condition " + issuer + ":sub",
           "Safety alone: without it every pod of the EKS cluster could be Vesto.");
    safety(part, "condition " + issuer + ":aud",
           "Safety alone: it refuses tokens that were issued for another service than AWS.");
  }

  // What COPY reads with are these rights, narrowed, or a role's own.
  void rights() {
    const char* part = "permission-policy";
    const bool theirs = to_.auth.copy == "attached_role";
    add(part, "s3:ListBucket", {"s3.list", "clean_up"});
    if (!to_.prefix.empty()) add(part, "condition s3:prefix", {"s3.list_narrow"});
    add(part, "s3:PutObject", {"s3.put"});
    add(part, "s3:GetObject", reading(theirs));
    add(part, "s3:DeleteObject", {"s3.delete", "clean_up"});
    if (!to_.kms_key_arn.empty()) {
      add(part, "kms:GenerateDataKey", {"s3.put"});
      add(part, "kms:Decrypt", reading(theirs));
    }
    if (to_.auth.identity == "google") add(part, "iam:GetRole", {"aws.trust_sub"});
    if (to_.auth.method != "iam_role") return;
    const char* login = to_.serverless             ? "redshift-serverless:GetCredentials"
                        : to_.auth.db_user.empty() ? "redshift:GetClusterCredentialsWithIAM"
                                                   : "redshift:GetClusterCredentials";
    add(part, login, {"redshift.credentials"});
    add(part, to_.serverless ? "redshift-serverless:GetWorkgroup" : "redshift:DescribeClusters",
        {"redshift.status"});
  }

  static std::vector<std::string> reading(bool role_of_its_own) {
    if (role_of_its_own) return {"s3.get"};
    return {"s3.get", "redshift.copy"};
  }

  void copy_role() {
    const char* part = "copy-role";
    add(part, "role", {"redshift.copy"});
    add(part, "attachment", {"redshift.copy"});
    add(part, "sts:AssumeRole", {"redshift.copy"});
    add(part, "s3:GetObject", {"redshift.copy"});
    safety(part, "s3:ListBucket",
           "AWS asks for it for every COPY; one whose manifest names the files does without it.");
    safety(part, "condition s3:prefix", "Safety alone: only the warehouse works as this role.");
    if (!to_.kms_key_arn.empty()) add(part, "kms:Decrypt", {"redshift.copy"});
  }

  void sql() {
    const bool made_by_login = to_.auth.method == "iam_role" && to_.auth.db_user.empty();
    std::vector<std::string> all = {"redshift.temp", "redshift.schema"};
    // AWS makes the user of a role at its first login, without any right.
    add("sql", "user", made_by_login ? all : std::vector<std::string>{"redshift.login"});
    add("sql", "TEMPORARY on the database", {"redshift.temp"});
    if (to_.create_schema) {
      add("sql", "CREATE on the database", {"redshift.schema"});
      return;
    }
    add("sql", "USAGE on the schema", {"redshift.schema"});
    add("sql", "CREATE on the schema", {"redshift.schema"});
  }

  void way() {
    if (!to_.ssh.given) return add("network", "inbound rule", {"net.tcp"});
    add("network", "inbound rule of the SSH server", {"ssh.connect"});
    add("network", "inbound rule of the warehouse", {"ssh.forward"});
    const char* part = "authorized-keys";
    add(part, "line", {"ssh.login"});
    add(part, "option port-forwarding", {"ssh.forward"});
    safety(part, "option restrict", kOnlyNarrows);
    safety(part, "option permitopen", kOnlyNarrows);
    if (!facts_.public_egress.empty()) safety(part, "option from", kOnlyNarrows);
  }

  const DestinationConfig& to_;
  const KitFacts& facts_;
  const Places places_;
  std::vector<KitPiece> pieces_;
};

}  // namespace

std::vector<KitPiece> kit_pieces(const DestinationConfig& destination, const KitFacts& facts) {
  return Pieces(destination, facts).list();
}

}  // namespace vesto
