// What the kit's scripts do to roles that are there: their trust stays, and no second one is made.
#include "address/arn.h"
#include "tests/unit/kit/role_there.h"

namespace vesto {
namespace {

// The trust policy that was put.
Json put_trust(const Told& told) {
  const size_t at = told.said.find("PUT{");
  if (at == std::string::npos) return {};
  const size_t end = told.said.find("TUP", at);
  return Json::parse(told.said.substr(at + 3, end - at - 3), nullptr, false);
}

constexpr const char* kOurMark = "Made by the kit of Vesto for the destination acme";

TEST(KitShell, ARolesTrustInOthersStays) {
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  const std::string update = "iam update-assume-role-policy";
  for (const std::string& script : {text(make_kit(to, facts), "role"), trust_shell(to, facts)}) {
    // It trusts us already, alone or among others.
    for (const char* statements : {"1", "2"}) {
      const Told same = run(script, answers_of({.ours = "1", .statements = statements}));
      EXPECT_TRUE(same.well) << same.said;
      EXPECT_FALSE(called(same, update));
    }
    // It is another's, or the kit's with statements that somebody added: nothing is done to it.
    for (const RoleThere& role :
         {RoleThere{}, RoleThere{.description = kOurMark, .statements = "2"},
          RoleThere{.description = std::string(kOurMark) + "2"}}) {
      const Told stopped = run(script, answers_of(role));
      EXPECT_FALSE(stopped.well);
      EXPECT_FALSE(called(stopped, update));
      EXPECT_FALSE(called(stopped, "iam put-role-policy"));
      EXPECT_NE(stopped.said.find("accounts.google.com:oaud"), std::string::npos) << stopped.said;
    }
    // The kit's, but not as the kit writes it.
    EXPECT_FALSE(
        called(run(script, answers_of({.description = kOurMark, .written = "0"})), update));
    // Somebody has changed ours, which lets us in nevertheless.
    const Told changed =
        run(script, answers_of({.description = kOurMark, .near = "[THEIRS]", .written = "0"}));
    EXPECT_TRUE(changed.well) << changed.said;
    EXPECT_FALSE(called(changed, update));
    EXPECT_NE(changed.said.find("They stay:\n[THEIRS]\n"), std::string::npos) << changed.said;
    const Told looked = run(script, answers_of({.ours = "1", .maybe = "[ODD]"}));
    EXPECT_TRUE(looked.well && !called(looked, update)) << looked.said;
    EXPECT_NE(looked.said.find("by hand"), std::string::npos) << looked.said;
    const Told replaced = run(script, answers_of({.description = kOurMark}));
    EXPECT_TRUE(replaced.well) << replaced.said;
    EXPECT_NE(replaced.said.find("is replaced. It was:\n"), std::string::npos) << replaced.said;
    EXPECT_EQ(put_trust(replaced), Json::parse(trust_policy_for(to, facts))) << replaced.said;
    // It may be another installation's, which would be locked out.
    const RoleThere theirs = {.description = kOurMark, .anothers = "1"};
    const Told asked = run(script, answers_of(theirs));
    EXPECT_FALSE(asked.well || called(asked, update)) << asked.said;
    EXPECT_NE(asked.said.find("NEW_TRUST=yes"), std::string::npos) << asked.said;
    EXPECT_TRUE(called(run("NEW_TRUST=yes\n" + script, answers_of(theirs)), update));
  }
  EXPECT_NE(text(make_kit(to, facts), "role").find("--description '" + std::string(kOurMark)),
            std::string::npos);
}

TEST(KitShell, WhatLetsOthersUseTheRoleGoesAndTheRestStays) {
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  const Json ours = Json::parse(trust_policy_for(to, facts))["Statement"][0];
  const std::string loose = R"([{"Effect": "Allow", "Sid": "Loose"}])";
  for (const char* description : {"None", kOurMark}) {
    RoleThere role = {.ours = "1", .description = description, .statements = "3", .loose = loose};
    role.kept = "[\n    {\n        \"Sid\": \"A\"\n    },\n    {\n        \"Sid\": \"B\"\n    }\n]";
    const Told done = run(trust_shell(to, facts), answers_of(role));
    EXPECT_TRUE(done.well) << done.said;
    EXPECT_EQ(put_trust(done)["Statement"], (Json{ours, {{"Sid", "A"}}, {{"Sid", "B"}}}));
    EXPECT_NE(done.said.find("is taken out:\n" + loose + "\n"), std::string::npos) << done.said;
    role.kept = "[]";
    role.ours = "0";
    EXPECT_EQ(put_trust(run(trust_shell(to, facts), answers_of(role)))["Statement"], Json{ours});
    // Ours is not put beside what somebody has narrowed.
    role.kept = role.near = R"([{"Sid": "A"}])";
    EXPECT_EQ(put_trust(run(trust_shell(to, facts), answers_of(role)))["Statement"],
              Json::parse(role.kept));
    role.near = "[]";
    role.kept = "None";
    EXPECT_FALSE(
        called(run(trust_shell(to, facts), answers_of(role)), "iam update-assume-role-policy"));
  }
  // A role that is assumed without an external id: nothing tells what is loose.
  DestinationConfig bare = destination_from(kAttachedRole);
  EXPECT_NE(trust_shell(bare, facts).find("IS_LOOSE="), std::string::npos);
  bare.auth.external_id.clear();
  EXPECT_EQ(trust_shell(bare, facts).find("IS_LOOSE="), std::string::npos);
}

TEST(KitShell, SessionsOnlyBecomeLonger) {
  const DestinationConfig to = destination_from(kServerless);  // asks for 4 h
  const KitFacts facts = full_facts();
  const auto there = [](const char* longest) {
    return answers_of({.ours = "1", .longest = longest});
  };
  const std::string script = text(make_kit(to, facts), "role");
  EXPECT_TRUE(called(run(script, there("3600")), "iam update-role"));
  for (const char* longest : {"14400", "43200"}) {
    const Told done = run(script, there(longest));
    EXPECT_TRUE(done.well) << done.said;
    EXPECT_FALSE(called(done, "iam update-role")) << longest;
  }
  EXPECT_FALSE(run(script, there("None")).well);
  DestinationConfig copy = destination_from(kAttachedRole);
  copy.auth.session_duration_s = 7200;
  const std::string terraform = text(make_kit(copy, facts), "terraform");
  const size_t at = terraform.find("max_session_duration");
  EXPECT_LT(at, terraform.find("\"aws_iam_role\" \"copy\""));
  EXPECT_EQ(terraform.find("max_session_duration", at + 1), std::string::npos);
}

TEST(KitShell, ADefaultRoleThatIsThereStaysTheDefault) {
  for (const char* sample : {kAttachedRole, kProvisioned}) {
    DestinationConfig to = destination_from(sample);
    to.auth.copy = "attached_role";
    to.auth.copy_role_arn = "default";
    const std::string script = text(make_kit(to, full_facts()), "copy-role");
    const std::string attach = to.serverless ? "redshift-serverless update-namespace"
                                             : "redshift modify-cluster-iam-roles";
    const Told there = run(script,
                           "*efaultIamRoleArn*) echo arn:aws:iam::123456789012:role/a/theirs ;;\n"
                           "*put-role-policy*) echo \"$*\" ;;\n");
    EXPECT_TRUE(there.well) << there.said;
    EXPECT_FALSE(called(there, attach));
    EXPECT_FALSE(called(there, "iam create-role"));
    EXPECT_NE(there.said.find("--role-name theirs --policy-name vesto-acme-copy-policy"),
              std::string::npos)
        << there.said;
    for (const char* none : {"None", "''"}) {
      const Told made =
          run(script, std::string("*efaultIamRoleArn*) echo ") + none + " ;;\n" + kNothingThere);
      EXPECT_TRUE(made.well) << made.said;
      EXPECT_TRUE(called(made, "iam create-role")) << made.calls;
      EXPECT_TRUE(called(made, attach)) << made.calls;
    }
  }
}

TEST(KitShell, ASlipInARolesArnMakesNoSecondRole) {
  const DestinationConfig to = destination_from(kProvisioned);
  const std::string script = text(make_kit(to, full_facts()), "role");
  const std::string name = role_name_of_arn(to.auth.role_arn);
  const auto among = [&](const std::string& names) {
    return run(script, "*list-roles*) printf '%s\\n' " + names + " ;;\n" + kNothingThere);
  };
  std::string longer = name + "xy";
  std::string other = to_upper_ascii(name);
  other[1] = '_';
  for (const std::string& near : {longer, name.substr(1), other}) {
    const Told stopped = among("Admin '" + near + "' " + name + "-for-backups");
    EXPECT_FALSE(stopped.well) << near;
    EXPECT_FALSE(called(stopped, "iam create-role"));
    EXPECT_NE(stopped.said.find("typo in auth.role_arn? There are:\n" + near + "\nCorrect it"),
              std::string::npos)
        << stopped.said;
  }
  for (const std::string& far : {std::string("Admin"), name + "xyz", std::string("''")}) {
    const Told made = among(far);
    EXPECT_TRUE(made.well && called(made, "iam create-role")) << made.said;
  }
  const Told meant = run(replace_all(script, "#!/bin/sh\n", "#!/bin/sh\nNEW_ROLE=yes\n"),
                         "*list-roles*) echo '" + longer + "' ;;\n" + kNothingThere);
  EXPECT_TRUE(meant.well && called(meant, "iam create-role")) << meant.said;
}

TEST(KitShell, ASlipInTheCopyRolesArnMakesNoSecondRole) {
  DestinationConfig to = destination_from(kProvisioned);
  to.auth.copy = "attached_role";
  to.auth.copy_role_arn = "arn:aws:iam::123456789012:role/acme-copy";
  const std::string script = text(make_kit(to, full_facts()), "copy-role");
  const Told stopped =
      run(script, std::string("*list-roles*) echo acme-copi ;;\n") + kNothingThere);
  EXPECT_FALSE(stopped.well || called(stopped, "iam create-role")) << stopped.calls;
  EXPECT_NE(stopped.said.find("typo in auth.copy_role_arn? There are:\nacme-copi\n"),
            std::string::npos)
      << stopped.said;
  EXPECT_TRUE(called(run(script, std::string("*list-roles*) echo Admin ;;\n") + kNothingThere),
                     "iam create-role"));
}

TEST(KitShell, RolesOfANamespaceStayInWhateverWayTheyAreTold) {
  DestinationConfig to = destination_from(kAttachedRole);
  const std::string script = text(make_kit(to, full_facts()), "copy-role");
  const std::string plain = "arn:aws:iam::123456789012:role/p*(a),t/h+=,.@-_,";
  const auto attached = [&](const std::string& told) {
    const Told done = run(script, "*iamRoles*) printf '%s\\n' '" + told +
                                      "' ;;\n*update-namespace*) printf '<%s>' \"$@\" >&2 ;;\n"
                                      "*' Role.Arn '*) echo arn:aws:iam::1:role/ours ;;\n");
    const size_t at = done.said.find("<--iam-roles>");
    return at == std::string::npos ? done.said : done.said.substr(at + 13);
  };
  const std::string ours = "<arn:aws:iam::1:role/ours>";
  EXPECT_EQ(attached(""), ours);
  EXPECT_EQ(attached("None"), ours);
  EXPECT_EQ(attached("IamRole(applyStatus=in-sync, iamRoleArn=" + plain + ")\n" +
                     "IamRole(iamRoleArn=" + plain + "2, applyStatus=adding)\n" + plain + "3\n" +
                     "arn:aws:iam::1:role/ours"),
            ours + "<" + plain + "><" + plain + "2><" + plain + "3>");
  for (const char* odd : {"IamRole(role=x)", "{arn:aws:iam::1:role/a arn:aws:iam::1:role/b}"}) {
    const std::string said = attached(odd);
    EXPECT_NE(said.find("AWS tells the attached roles in another way: "), std::string::npos)
        << said;
  }
}

}  // namespace
}  // namespace vesto
