// Who assumes the role is of another account than the role: each admin pastes the same lines.
#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

constexpr const char* kRolesAccount = "123456789012";
constexpr const char* kOurAccount = "999999999999";

Told run_in(const std::string& account, const std::string& script) {
  return run(script, "*get-caller-identity*) echo " + account + " ;;\n" + kNothingThere);
}

// The warehouse may be of a third account.
TEST(KitTwoAccounts, EachAdminGetsTheLinesOfHisOwn) {
  DestinationConfig to = destination_from(kProvisioned);
  to.auth.identity = "access_key";
  to.auth.external_id = "acme-42";
  KitFacts facts = full_facts();
  facts.principal_arn = "arn:aws:iam::999999999999:user/vesto";
  facts.account = "555555555555";
  const std::string script = trust_shell(to, facts);
  EXPECT_TRUE(called(run_in(kRolesAccount, script), "iam put-role-policy"));
  EXPECT_TRUE(called(run_in(kOurAccount, script), "iam put-user-policy"));
  const Told third = run_in("555555555555", script);
  EXPECT_EQ(third.calls, "aws sts get-caller-identity\n");
  EXPECT_NE(third.said.find("for the accounts 999999999999 and 123456789012."), std::string::npos)
      << third.said;
}

// Only the role's admin may ask for the workgroup: in the key's account there is none.
TEST(KitTwoAccounts, AWorkgroupIsLookedForInTheRolesAccountAlone) {
  DestinationConfig to = destination_from(kServerless);
  to.auth.identity = "access_key";
  to.auth.audience.clear();
  to.auth.external_id = "acme-42";
  to.auth.role_arn = "arn:aws:iam::123456789012:role/acme-sync";
  KitFacts facts = full_facts();
  facts.principal_arn = "arn:aws:iam::999999999999:user/vesto";
  facts.workgroup_arn.clear();
  const std::string script = trust_shell(to, facts);
  const std::string look = "redshift-serverless get-workgroup";
  const Told ours = run_in(kOurAccount, script);
  EXPECT_TRUE(called(ours, "iam put-user-policy")) << ours.calls;
  EXPECT_FALSE(called(ours, look)) << ours.calls;
  const Told theirs = run_in(kRolesAccount, script);
  EXPECT_TRUE(called(theirs, look) && called(theirs, "iam put-role-policy"))
      << theirs.calls << theirs.said;
}

// A role of AWS's chain, as that of pods on EKS, needs the right from its own side as well.
TEST(KitTwoAccounts, TheRoleThatVestoRunsAsIsAllowedToAssume) {
  DestinationConfig to = destination_from(kAttachedRole);
  KitFacts facts = full_facts();
  ASSERT_EQ(to.auth.identity, "aws");
  const std::string script = trust_shell(to, facts);
  const Told ours = run_in(kOurAccount, script);
  EXPECT_TRUE(called(ours, "iam put-role-policy")) << ours.calls << ours.said;
  EXPECT_FALSE(called(ours, "iam create-role")) << ours.calls;
  EXPECT_NE(script.find("--role-name vesto "), std::string::npos) << script;
  EXPECT_TRUE(called(run_in(kRolesAccount, script), "iam create-role"));
  EXPECT_NE(text(make_kit(to, facts), "asker").find("\"sts:AssumeRole\""), std::string::npos);
  facts.principal_arn = "arn:aws:iam::999999999999:user/team/loader";
  EXPECT_NE(trust_shell(to, facts).find("iam put-user-policy"), std::string::npos);
  EXPECT_NE(trust_shell(to, facts).find("--user-name loader"), std::string::npos);
}

// It may be a user as well.
TEST(KitTwoAccounts, WhoeverVestoRunsAsIsAllowedToAssume) {
  const DestinationConfig to = destination_from(kAttachedRole);
  for (const std::string& script : {text(make_kit(to, {}), "asker"), part_shell(to, {}, "asker")}) {
    const auto as = [&](const std::string& arn, const char* account = kOurAccount) {
      return run(replace_all(script, "<<PRINCIPAL_ARN>>", arn),
                 std::string("*get-caller-identity*) echo ") + account +
                     " ;;\n*put-*) echo \"$*\" >&2 ;;\n" + kNothingThere);
    };
    const auto expect_put = [&](const Told& told, const std::string& words) {
      EXPECT_TRUE(told.well) << told.said;
      EXPECT_NE(told.said.find("iam " + words + " --policy-name vesto-acme-policy "),
                std::string::npos)
          << told.said;
    };
    expect_put(as("arn:aws:iam::999999999999:user/team/loader"),
               "put-user-policy --region eu-west-1 --user-name loader");
    expect_put(as("arn:aws:iam::999999999999:role/team/worker"),
               "put-role-policy --region eu-west-1 --role-name worker");
    expect_put(as("arn:aws:sts::999999999999:assumed-role/worker/i-0abc"),
               "put-role-policy --region eu-west-1 --role-name worker");
    const Told odd = as("arn:aws:iam::999999999999:root");
    EXPECT_FALSE(odd.well);
    EXPECT_NE(odd.said.find("no ARN of a user or a role: arn:aws:iam::999999999999:root"),
              std::string::npos)
        << odd.said;
    EXPECT_EQ(run(script).calls, "");
    // A user of that name may be there as well.
    for (const char* arn : {"arn:aws:iam::999999999999:user/loader",
                            "arn:aws:sts::999999999999:assumed-role/worker/i-0abc"}) {
      const Told elsewhere = as(arn, kRolesAccount);
      EXPECT_FALSE(elsewhere.well);
      EXPECT_EQ(elsewhere.calls, "aws sts get-caller-identity\n");
      EXPECT_NE(
          elsewhere.said.find("is of the account 999999999999, and this runs in 123456789012"),
          std::string::npos)
          << elsewhere.said;
    }
  }
}

// Within one account the role's trust policy is enough. Where nothing tells, the part says so.
TEST(KitTwoAccounts, NobodyIsAskedForMoreThanIsNeeded) {
  const DestinationConfig to = destination_from(kAttachedRole);
  KitFacts facts = full_facts();
  facts.principal_arn = "arn:aws:iam::123456789012:role/vesto";
  EXPECT_EQ(make_kit(to, facts).find("asker"), nullptr);
  EXPECT_EQ(trust_shell(to, facts), part_shell(to, facts, "role"));
  const Kit unknown = make_kit(to, {});
  ASSERT_NE(unknown.find("asker"), nullptr);
  EXPECT_EQ(unknown.find("asker")->missing, std::vector<std::string>{"PRINCIPAL_ARN"});
  EXPECT_EQ(make_kit(destination_from(kProvisioned), {}).find("asker"), nullptr);
}

}  // namespace
}  // namespace vesto
