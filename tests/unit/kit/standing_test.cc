// What stands at AWS already, which the kit's scripts look at before they change anything: logins
// of another installation, what denies, and what the role trusts that COPY reads with.
#include "address/arn.h"
#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

void expect_no_change(const Told& told) {
  EXPECT_FALSE(told.well) << told.calls;
  for (const char* change : {" put-", " create-", " update-", " modify-"}) {
    EXPECT_EQ(told.calls.find(change), std::string::npos) << told.calls << told.said;
  }
}

// An arm of a case: what the policies that stand allow, a line each.
std::string standing(const std::vector<std::string>& lines) {
  std::string out = "*get-role-policy*Resource*) cat <<'EOT'\n[\n";
  for (const std::string& line : lines) out += "        \"" + line + "\",\n";
  return out + "]\nEOT\n;;\n";
}

constexpr const char* kLogin = "redshift:GetClusterCredentials";
const std::string kAtCluster = "arn:aws:redshift:eu-west-1:123456789012:";

TEST(KitStanding, ALoginOfAnotherInstallationIsNotTakenAway) {
  const DestinationConfig to = destination_from(kProvisioned);
  const std::string script = put_policy_shell(to, full_facts());
  const std::string user = kAtCluster + "dbuser:examplecluster/vesto_load";
  const std::string database = kAtCluster + "dbname:examplecluster/dev";
  for (const auto& ours : {std::vector<std::string>{kLogin, user, database},
                           std::vector<std::string>{kLogin, database}}) {
    const Told told = run(script, standing(ours));
    EXPECT_TRUE(told.well && called(told, "iam put-role-policy")) << told.said;
  }
  const std::string prod = kAtCluster + "dbname:examplecluster/prod";
  const std::string other_user = kAtCluster + "dbuser:examplecluster/vesto_prod";
  const std::string far = replace_all(database, "eu-west-1", "eu-west-3");
  const std::string by_iam = std::string(kLogin) + "WithIAM";
  for (const std::string& theirs : {prod, other_user, far, by_iam}) {
    const std::string answers = standing({kLogin, user, database, theirs});
    const Told stopped = run(script, answers);
    expect_no_change(stopped);
    EXPECT_NE(stopped.said.find("The policy that stands is for " + theirs + ".\n"),
              std::string::npos)
        << stopped.said;
    EXPECT_TRUE(called(run("NEW_WAREHOUSE=yes\n" + script, answers), "iam put-role-policy"));
  }
}

TEST(KitStanding, AWorkgroupOfAnotherRegionIsNotGone) {
  const std::string script = put_policy_shell(destination_from(kServerless), full_facts());
  const std::string ours = full_facts().workgroup_arn;
  // No workgroup of this region has the id: AWS tells none.
  const auto with = [&](const std::string& arn) {
    return run(script, "*list-workgroups*) ;;\n" + standing({arn}));
  };
  const Told same = with(ours);
  EXPECT_TRUE(called(same, "iam put-role-policy")) << same.said;
  EXPECT_FALSE(called(same, "redshift-serverless list-workgroups")) << same.calls;
  const Told gone = with(ours + "0");
  EXPECT_TRUE(called(gone, "iam put-role-policy")) << gone.said;
  const Told far = with(replace_all(ours, "eu-west-1", "eu-west-3") + "0");
  expect_no_change(far);
  EXPECT_NE(far.said.find("The policy that stands is for eu-west-3 "), std::string::npos)
      << far.said;
}

// The whole statement would go.
TEST(KitStanding, ALoginToTheOtherKindOfWarehouseIsNotTakenAway) {
  const std::vector<std::string> of_workgroup = {
      "redshift-serverless:GetCredentials",
      "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/0b5a2c1e-6f0d"};
  const std::vector<std::string> of_cluster = {kLogin, kAtCluster + "dbname:examplecluster/dev"};
  const std::vector<std::string> of_all_clusters = {std::string(kLogin) + "WithIAM", "*"};
  DestinationConfig by_password = destination_from(kProvisioned);
  by_password.auth.method = "password";
  by_password.auth.db_user.clear();
  DestinationConfig assumed = destination_from(kProvisioned);
  assumed.auth.identity = "access_key";
  const KitFacts facts = full_facts();
  const std::string put_policy[] = {put_policy_shell(destination_from(kProvisioned), facts),
                                    put_policy_shell(destination_from(kServerless), facts),
                                    put_policy_shell(by_password, facts),
                                    part_shell(assumed, facts, "key")};
  const auto stops = [&](const std::string& script, const std::vector<std::string>& theirs) {
    const std::string answers = replace_all(standing(theirs), "get-role", "get-*");
    const Told stopped = run(script, answers);
    expect_no_change(stopped);
    for (const std::string& line : theirs) {
      EXPECT_TRUE(line == "*" || stopped.said.find(line) != std::string::npos) << stopped.said;
    }
    EXPECT_NE(stopped.said.find("that login would be gone"), std::string::npos) << stopped.said;
    const Told asked = run("NEW_WAREHOUSE=yes\n" + script, answers);
    EXPECT_TRUE(asked.well && asked.calls.find("iam put-") != std::string::npos) << asked.said;
  };
  stops(put_policy[0], of_workgroup);
  stops(put_policy[1], of_cluster);
  stops(put_policy[1], of_all_clusters);
  for (const auto& theirs : {of_workgroup, of_cluster, of_all_clusters}) {
    stops(put_policy[2], theirs);
    stops(put_policy[3], theirs);
  }
}

// A role that works by itself may assume others by the policy that is replaced.
TEST(KitStanding, ARoleOfItsOwnKeepsTheRolesThatItAssumes) {
  DestinationConfig to = destination_from(kAttachedRole);
  to.auth.role_arn = to.auth.external_id = "";
  const KitFacts facts = {.principal_arn = "arn:aws:iam::123456789012:role/host"};
  const Told stopped = run(text(make_kit(to, facts), "role"),
                           standing({"arn:aws:iam::999999999999:role/customers"}));
  expect_no_change(stopped);
  EXPECT_NE(stopped.said.find("allows to assume arn:aws:iam::999999999999:role/customers."),
            std::string::npos)
      << stopped.said;
}

TEST(KitStanding, NothingIsChangedWhereAPolicyThatIsReplacedDenies) {
  const std::string denies =
      "*get-role-policy*'?Effect == '* | *get-user-policy*'?Effect == '*)\n"
      "  echo '[{\"Effect\": \"Deny\", \"Action\": \"s3:*\"}]' ;;\n" +
      std::string(kNothingThere);
  int seen = 0;
  for (const char* sample : kSamples) {
    const Kit kit = make_kit(destination_from(sample), facts_for(sample));
    for (const char* id : {"script", "role", "key", "copy-role"}) {
      if (kit.find(id) == nullptr) continue;
      const Told told = run(text(kit, id), denies);
      expect_no_change(told);
      EXPECT_NE(told.said.find("would not be kept:\n[{\"Effect\": \"Deny\""), std::string::npos)
          << told.said;
      EXPECT_NE(told.said.find("NEW_POLICY=yes"), std::string::npos) << told.said;
      const Told asked = run("NEW_POLICY=yes\n" + text(kit, id), denies);
      EXPECT_NE(asked.calls.find("iam put-"), std::string::npos) << id << asked.said;
      ++seen;
    }
  }
  EXPECT_GE(seen, 8);
}

// What AWS says of COPY's role: how many services it does not trust, and with conditions.
std::string trust_answers(const std::string& lacking, const std::string& with_conditions,
                          const std::string& description) {
  return "*'Condition'*'][?!@]) '*) echo " + lacking + " ;;\n*'][?!@]) '*) echo " +
         with_conditions + " ;;\n*Role.Description*) echo '" + description +
         "' ;;\n*'--query to_array(Role'*) echo '[{\"Sid\": \"Theirs\"}]' ;;\n" +
         "*efaultIamRoleArn*) echo arn:aws:iam::123456789012:role/theirs ;;\n"
         "*update-assume-role-policy*) printf 'PUT%sTUP' \"$8\" >&2 ;;\n";
}

TEST(KitStanding, CopysRoleThatDoesNotTrustTheWarehouse) {
  const std::string made = "Made by the kit of Vesto for the destination acme";
  const std::string update = "iam update-assume-role-policy";
  for (const char* arn : {"arn:aws:iam::123456789012:role/acme-copy", "default"}) {
    for (const char* sample : {kProvisioned, kServerless}) {
      DestinationConfig to = destination_from(sample);
      to.auth.copy = "attached_role";
      to.auth.copy_role_arn = arn;
      const std::string script = part_shell(to, full_facts(), "copy-role");
      const auto with = [&](const char* lacking, const char* conditions, const std::string& by) {
        return run(script, trust_answers(lacking, conditions, by));
      };
      const Told right = with("0", "0", made);
      EXPECT_TRUE(right.well && !called(right, update)) << right.said;
      EXPECT_EQ(right.said.find("trust"), std::string::npos) << right.said;
      const Told stopped = with("1", "1", made + "2");
      expect_no_change(stopped);
      EXPECT_NE(stopped.said.find("does not trust Redshift. Add this statement"), std::string::npos)
          << stopped.said;
      EXPECT_NE(stopped.said.find("\"redshift.amazonaws.com\""), std::string::npos);
      EXPECT_EQ(stopped.said.find("\"redshift-serverless.amazonaws.com\"") != std::string::npos,
                to.serverless)
          << stopped.said;
      const Told narrowed = with("1", "0", made);
      EXPECT_TRUE(narrowed.well && !called(narrowed, update)) << narrowed.said;
      EXPECT_NE(narrowed.said.find("under conditions, which stay:\n[{\"Sid\": \"Theirs\"}]"),
                std::string::npos)
          << narrowed.said;
      const Told added = with("1", "1", made);
      EXPECT_TRUE(added.well && called(added, update)) << added.said;
      const size_t at = added.said.find("PUT{");
      ASSERT_NE(at, std::string::npos) << added.said;
      const Json put = Json::parse(added.said.substr(at + 3, added.said.find("TUP", at) - at - 3));
      ASSERT_EQ(put["Statement"].size(), 2U) << put;
      EXPECT_EQ(put["Statement"][0]["Action"], "sts:AssumeRole");
      EXPECT_EQ(put["Statement"][1], (Json{{"Sid", "Theirs"}}));
    }
  }
}

}  // namespace
}  // namespace vesto
