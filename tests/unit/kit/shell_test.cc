// What the kit's scripts do, run with an AWS that only tells its calls.
#include <regex>

#include "address/arn.h"
#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

TEST(KitShell, HostileValuesStayValues) {
  const auto mark =
      std::filesystem::temp_directory_path() / ("vesto_kit_ran_" + std::to_string(::getpid()));
  const std::string evil = "a'b\"c$(touch " + mark.string() + ")`touch " + mark.string() +
                           "`\\ \n; touch " + mark.string() + "; DROP TABLE x; -- ${x} caf\xc3\xa9";
  for (const char* sample : kSamples) {
    DestinationConfig to = destination_from(sample);
    to.database = to.schema = to.prefix = to.bucket = to.auth.external_id = to.auth.audience = evil;
    to.auth.warehouse = to.auth.region = to.region = to.ssh.host = to.ssh.user = evil;
    to.endpoint.name.clear();  // else it stops as the endpoint names another warehouse
    if (to.auth.method == "iam_role" && !to.serverless) to.auth.db_user = evil;
    KitFacts facts = facts_for(sample);
    facts.google_sub = facts.principal_arn = facts.security_group = evil;
    facts.tables = {evil};
    const Kit kit = make_kit(to, facts);
    expect_readable(kit);
    for (const KitPart& part : kit.parts) {
      if (part.kind != "shell") continue;
      const std::string filled = replace_all(
          replace_all(part.text, "<<BASTION_SECURITY_GROUP>>", "sg-1"), "<<ROLE_NAME>>", "pods");
      // AWS has all of it already, and nothing of it.
      EXPECT_NE(run(filled).calls, "") << part.id;
      const Told made = run(filled, kNothingThere);
      EXPECT_TRUE(made.well) << part.id << made.said;
    }
    for (const std::string& fix :
         {put_policy_shell(to, facts), trust_shell(to, facts), ingress_shell(to, facts, evil)}) {
      // Those of one command stand without "set -eu", to which run() adds its own aws.
      EXPECT_NE(run(fix.starts_with("(\nset -eu\n") ? fix : "set -eu\n" + fix).calls, "") << fix;
    }
    EXPECT_FALSE(std::filesystem::exists(mark));
    // In SQL the name stands within quotes; a comment goes on on each of its lines.
    for (const std::string& line : split(text(kit, "sql"), '\n')) {
      if (line.find("DROP TABLE") == std::string::npos) continue;
      EXPECT_TRUE(line.starts_with("-- ") || line.starts_with("; touch ")) << line;
    }
    EXPECT_EQ(text(kit, "sql").find("CREATE USER \"a'b\"c"), std::string::npos);
    EXPECT_EQ(text(kit, "terraform").find(" ${x}"), std::string::npos);
  }
}

TEST(KitShell, ShellDoesNotRunUntilWhatIsMissingIsFilledIn) {
  const Kit kit = make_kit(destination_from(kProvisioned), {});
  const KitPart* role = kit.find("role");
  ASSERT_NE(role, nullptr);
  EXPECT_EQ(role->missing, std::vector<std::string>{"GOOGLE_SUB"});
  const Told open = run(role->text, kNothingThere);
  EXPECT_FALSE(open.well);
  EXPECT_EQ(open.calls, "");
  const Told filled = run(replace_all(role->text, "<<GOOGLE_SUB>>", "1122"), kNothingThere);
  EXPECT_TRUE(filled.well) << filled.said;
  EXPECT_EQ(filled.calls,
            "aws sts get-caller-identity\n"
            "aws iam get-role-policy\naws redshift describe-clusters\naws iam get-role-policy\n"
            "aws iam get-role\naws iam list-roles\naws iam create-role\n"
            "aws iam get-role-policy\naws iam put-role-policy\n");
}

TEST(KitShell, ABucketThatIsThereStaysAsItIs) {
  DestinationConfig to = destination_from(kProvisioned);
  const std::string bucket = text(make_kit(to, full_facts()), "bucket");
  const Told there = run(bucket, "*get-bucket-lifecycle*) echo 1 0 0 0 ;;\n");
  EXPECT_TRUE(there.well) << there.said;
  EXPECT_EQ(there.calls.find("s3api put-"), std::string::npos) << there.calls;
  EXPECT_NE(there.said.find("ObjectOwnership=BucketOwnerEnforced"), std::string::npos);
  EXPECT_NE(there.said.find("BlockPublicAcls=true"), std::string::npos);
  const Told fitting = run(bucket,
                           "*get-bucket-ownership*) echo BucketOwnerEnforced ;;\n"
                           "*get-public*) printf 'True\\tTrue\\tTrue\\tTrue\\n' ;;\n"
                           "*get-bucket-lifecycle*) printf '1\\t1\\t1\\t1\\n' ;;\n");
  EXPECT_EQ(fitting.said, "");
  // Files of somebody below the prefix: a rule would delete them.
  const std::string guarded =
      "*get-bucket-ownership*) echo BucketOwnerEnforced ;;\n"
      "*get-public*) printf 'True\\tTrue\\tTrue\\tTrue\\n' ;;\n"
      "*get-bucket-lifecycle*) echo NoSuchLifecycleConfiguration; return 254 ;;\n";
  const Told held = run(bucket, guarded + "*list-objects*) echo vesto/theirs ;;\n");
  EXPECT_FALSE(called(held, "s3api put-bucket-lifecycle-configuration")) << held.calls;
  EXPECT_NE(held.said.find("add this rule"), std::string::npos) << held.said;
  const Told empty = run(bucket, guarded + "*list-objects*) echo None ;;\n");
  EXPECT_TRUE(called(empty, "s3api put-bucket-lifecycle-configuration")) << empty.said;
  const std::string none = std::string(kNothingThere) +
                           "*get-bucket-lifecycle*json) echo '[]' ;;\n"
                           "*get-bucket-lifecycle*) echo 0 0 0 0 ;;\n";
  const Told made = run(bucket, none);
  for (const char* call : {"create-bucket", "put-bucket-ownership-controls",
                           "put-public-access-block", "put-bucket-lifecycle-configuration"}) {
    EXPECT_TRUE(called(made, std::string("s3api ") + call)) << call << made.said;
  }
  // Whatever else head-bucket says, nothing is made: us-east-1 makes a bucket that is there again.
  const Told denied = run(bucket, "*head-bucket*) echo '(403)'; return 254 ;;\n");
  EXPECT_FALSE(denied.well);
  EXPECT_EQ(denied.calls, "aws sts get-caller-identity\naws s3api head-bucket\n");
  to.prefix = "";
  const std::string whole = text(make_kit(to, full_facts()), "bucket");
  EXPECT_FALSE(called(run(whole, "*get-bucket-lifecycle*) echo 0 0 0 0 ;;\n"),
                      "s3api put-bucket-lifecycle-configuration"));
  EXPECT_TRUE(called(run(whole, none), "s3api put-bucket-lifecycle-configuration"));
}

// A rule of our name that does not do its work: how many rules there are, of our name, right ones,
// and for our prefix. `held`: whether files lie below it.
TEST(KitShell, ALifecycleRuleOfOurName) {
  DestinationConfig to = destination_from(kProvisioned);
  const auto script = [&] { return part_shell(to, full_facts(), "lifecycle"); };
  const auto answers = [](const std::string& counted, bool held) {
    return "*get-bucket-lifecycle*length*) echo " + counted +
           " ;;\n*get-bucket-lifecycle*' | [0] '*) echo '{\"ID\": \"vesto-acme\"}' ;;\n"
           "*get-bucket-lifecycle*json) echo '[{\"ID\": \"logs\"}]' ;;\n"
           "*get-bucket-lifecycle*Transition*) echo varies_by_storage_class ;;\n"
           "*put-bucket-lifecycle*) echo \"$*\" >&2 ;;\n"
           "*list-objects*) echo " +
           (held ? "vesto/file" : "None") + " ;;\n";
  };
  const auto with = [&](const std::string& counted, bool held) {
    return run(script(), answers(counted, held));
  };
  const auto puts = [](const Told& told) {
    return called(told, "s3api put-bucket-lifecycle-configuration");
  };
  const auto expect_put = [&](const Told& told, const char* about) {
    EXPECT_TRUE(puts(told) && told.well) << about << told.said;
    // Beside the rules of others, whose sizes stay as they are.
    const std::string ours = "\"DaysAfterInitiation\": 1}},";
    EXPECT_NE(told.said.find(ours + "{\"ID\": \"logs\"}]}"), std::string::npos) << told.said;
    EXPECT_NE(told.said.find("minimum-object-size varies_by_storage_class"), std::string::npos)
        << told.said;
  };
  const std::string was = "is replaced, and was:\n{\"ID\": \"vesto-acme\"}";
  const Told replaced = with("1 1 0 1", false);
  expect_put(replaced, "");
  EXPECT_NE(replaced.said.find(was), std::string::npos) << replaced.said;
  // Those of other destinations are not counted, and stay.
  expect_put(with("0 0 0 0", false), "");
  // Files of somebody, another prefix, whose files we do not know; and rules of others.
  for (const auto& [counted, held, told_of] :
       {std::tuple("1 1 0 1", true, "does not do its work, and stays"),
        std::tuple("2 1 0 1", false, "does not do its work, and stays"),
        std::tuple("1 1 0 0", false, "is for another prefix, and stays"),
        std::tuple("1 1 0 0", true, "is for another prefix, and stays"),
        std::tuple("11 1 0 0", true, "is for another prefix, and stays"),
        std::tuple("3 0 0 0", false, "add this rule to those that stand")}) {
    const Told told = with(counted, held);
    EXPECT_TRUE(!puts(told) && told.well) << counted;
    EXPECT_NE(told.said.find(told_of), std::string::npos) << told.said;
    EXPECT_NE(told.said.find("NEW_LIFECYCLE=yes"), std::string::npos) << told.said;
    EXPECT_NE(told.said.find("\"Days\": 3"), std::string::npos) << told.said;
    EXPECT_EQ(told.said.find("\"Rules\""), std::string::npos) << told.said;  // it would be all
    const Told asked = run("NEW_LIFECYCLE=yes\n" + script(), answers(counted, held));
    expect_put(asked, counted);
    EXPECT_EQ(asked.said.find(was) != std::string::npos, std::string(counted) != "3 0 0 0");
  }
  for (const char* counted : {"1 1 1 1", "5 1 1 1"}) {
    const Told right = with(counted, true);
    EXPECT_TRUE(!puts(right) && right.said.empty()) << right.said;
  }
  to.prefix = "";
  EXPECT_FALSE(puts(with("1 1 0 1", false)));
  EXPECT_FALSE(puts(run("NEW_LIFECYCLE=yes\n" + script(), answers("3 0 0 0", false))));
}

TEST(KitShell, LifecycleRulesThatCannotBeReadAreNotReplaced) {
  const DestinationConfig to = destination_from(kProvisioned);
  const Told told = run(part_shell(to, full_facts(), "lifecycle"),
                        "*get-bucket-lifecycle*) echo AccessDenied; return 254 ;;\n"
                        "*list-objects*) echo None ;;\n");
  EXPECT_FALSE(told.well);
  EXPECT_FALSE(called(told, "s3api put-bucket-lifecycle-configuration")) << told.said;
  EXPECT_NE(told.said.find("could not be read"), std::string::npos) << told.said;
}

// What AWS says of a role that is there: how often our statement stands there, what is loose, what
// stays without it, what lets us in as well, how many the kit may have written, what a person has
// to look at; how many of the kit's are for another.
struct RoleThere {
  std::string ours = "0";
  std::string description = "None";
  std::string statements = "1";
  std::string loose = "[]";
  std::string kept = "[]";
  std::string near = "[]";
  std::string written = "1";
  std::string anothers = "0";
  std::string maybe = "[]";
  std::string longest = "3600";
};

std::string answers_of(const RoleThere& role) {
  return "*'length('*'[?@ =='*) echo " + role.ours + " ;;\n*'--query length('*'[?(('*) echo " +
         role.written + " ;;\n*'--query {near:'*) echo '" + role.near +
         "' ;;\n*'--query {maybe:'*) echo '" + role.maybe +
         "' ;;\n*'[?(Condition.'* | *'[?(Principal.AWS && '*) echo " + role.anothers +
         " ;;\n*'--query length('*) echo " + role.statements +
         " ;;\n*'--query [to_array('*) cat <<'EOT'\n" + role.kept +
         "\nEOT\n;;\n*'--query to_array('*) cat <<'EOT'\n" + role.loose +
         "\nEOT\n;;\n*Role.Description*) echo '" + role.description +
         "' ;;\n*Role.MaxSession*) echo " + role.longest +
         " ;;\n*update-assume-role-policy*) printf 'PUT%sTUP' \"${8}\" >&2 ;;\n";
}

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

TEST(KitShell, NothingIsChangedInAnotherAccount) {
  const std::string elsewhere = "*get-caller-identity*) echo 999999999998 ;;\n";
  const auto stops = [&](const std::string& script, const std::string& by) {
    const Told told = run(script, elsewhere + kNothingThere);
    EXPECT_FALSE(told.well) << script;
    EXPECT_EQ(told.calls, "aws sts get-caller-identity\n");
    EXPECT_NE(told.said.find(by + " is of the account 123456789012, and this runs in 999999999998"),
              std::string::npos)
        << told.said;
  };
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  const Kit kit = make_kit(to, facts);
  for (const char* id : {"bucket", "role", "network", "script", "warehouse"}) {
    stops(text(kit, id), "auth.role_arn");
  }
  for (const char* id :
       {"bucket", "public-access", "lifecycle", "listing", "role", "network", "copy-role"}) {
    stops(part_shell(to, facts, id), "auth.role_arn");
  }
  stops(put_policy_shell(to, facts), "auth.role_arn");
  stops(trust_shell(to, facts), "auth.role_arn");
  stops(ingress_shell(to, facts, "203.0.113.7"), "auth.role_arn");
  DestinationConfig copy = to;
  copy.auth.copy = "attached_role";
  copy.auth.copy_role_arn = "arn:aws:iam::123456789012:role/acme-copy";
  stops(part_shell(copy, facts, "copy-role"), "auth.copy_role_arn");
  // What only looks may be run anywhere, and a bucket may be another account's.
  EXPECT_TRUE(run(part_shell(to, facts, "bucket-policy"), elsewhere).well);
  EXPECT_TRUE(
      called(run(replace_all(text(kit, "bucket"), "#!/bin/sh\n", "#!/bin/sh\nOTHER_ACCOUNT=yes\n"),
                 elsewhere + kNothingThere),
             "s3api create-bucket"));
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

TEST(KitShell, APolicyNamesNoBucketThatIsNotMeant) {
  const DestinationConfig to = destination_from(kProvisioned);
  const std::string script = put_policy_shell(to, full_facts());
  const std::string put = "iam put-role-policy";
  const auto standing = [&](const std::string& resource) {
    return run(script, "*get-role-policy*) echo '  \"arn:aws:s3:::" + resource + "\",' ;;\n");
  };
  EXPECT_TRUE(called(standing(to.bucket + "/" + to.prefix + "*"), put));
  EXPECT_TRUE(called(standing(to.bucket), put));
  for (const std::string& other : {to.bucket + "2/" + to.prefix + "*", to.bucket + "/other/*"}) {
    const Told told = standing(other);
    EXPECT_FALSE(told.well || called(told, put)) << told.calls;
    EXPECT_NE(told.said.find("The policy that stands is for " + other + ".\nstaging.bucket is "),
              std::string::npos)
        << told.said;
  }
}

// What cannot be looked at may be another's.
TEST(KitShell, APolicyThatCannotBeReadIsNotReplaced) {
  for (const char* sample : kSamples) {
    const DestinationConfig to = destination_from(sample);
    const Kit kit = make_kit(to, facts_for(sample));
    for (const char* id : {"script", "role", "key", "copy-role"}) {
      if (kit.find(id) == nullptr) continue;
      const Told told = run(text(kit, id),
                            "*get-role-policy* | *get-user-policy*) echo '(AccessDenied)' >&2; "
                            "return 254 ;;\n" +
                                std::string(kNothingThere));
      EXPECT_FALSE(told.well) << id;
      EXPECT_NE(told.said.find("(AccessDenied)"), std::string::npos) << told.said;
      EXPECT_EQ(told.calls.find("-policy\naws iam put-"), std::string::npos) << told.calls;
      EXPECT_FALSE(called(told, "iam put-role-policy") || called(told, "iam put-user-policy"))
          << told.calls;
    }
  }
  DestinationConfig to = destination_from(kServerless);
  const auto standing = [&](const std::string& id) {
    return run(put_policy_shell(to, full_facts()),
               "*get-role-policy*Resource*) echo "
               "'\"arn:aws:redshift-serverless:eu-west-1:1:workgroup/" +
                   id + "\"' ;;\n*list-workgroups*) echo '(AccessDenied)' >&2; return 254 ;;\n");
  };
  const std::string arn = full_facts().workgroup_arn;
  EXPECT_TRUE(called(standing(arn.substr(arn.rfind('/') + 1)), "iam put-role-policy")) << arn;
  const Told other = standing("0");
  EXPECT_FALSE(other.well || called(other, "iam put-role-policy")) << other.calls;
  EXPECT_NE(other.said.find("(AccessDenied)"), std::string::npos) << other.said;
}

TEST(KitShell, WhatSomebodyHasPutIntoAPolicyIsToldBeforeItIsSetAnew) {
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  for (const std::string& script :
       {put_policy_shell(to, facts), text(make_kit(to, facts), "role")}) {
    const auto with = [&](const std::string& lost, const std::string& before) {
      return run(before + script, "*get-role-policy*Statement*contains*) echo '" + lost + "' ;;\n" +
                                      answers_of({.ours = "1"}));
    };
    const std::string put = "iam put-role-policy";
    const Told same = with("[]", "");
    EXPECT_TRUE(called(same, put)) << same.said;
    EXPECT_EQ(same.said.find("is not kept"), std::string::npos) << same.said;
    const std::string allow = R"([{"Effect": "Allow", "Action": "kms:Decrypt"}])";
    const std::string deny = R"([{"Effect": "Deny", "Action": "s3:*"}])";
    const Told told = with(allow, "");
    EXPECT_TRUE(called(told, put)) << told.said;
    EXPECT_NE(told.said.find("is not kept:\n" + allow), std::string::npos) << told.said;
    const Told stopped = with(deny, "");
    EXPECT_FALSE(stopped.well || called(stopped, put)) << stopped.calls;
    EXPECT_NE(stopped.said.find("is not kept:\n" + deny), std::string::npos) << stopped.said;
    EXPECT_NE(stopped.said.find("NEW_POLICY=yes"), std::string::npos) << stopped.said;
    EXPECT_TRUE(called(with(deny, "NEW_POLICY=yes\n"), put));
  }
}

// Runs it where of the policies only those of this arm of a case are another's: it changes nothing.
void expect_stop_for(const std::string& policy, const std::string& script,
                     const std::string& answers = "") {
  const Told told = run(script, answers + policy +
                                    ") echo '  \"arn:aws:s3:::other/vesto/*\",' ;;\n"
                                    "*get-role-policy* | *get-user-policy*) echo "
                                    "'(NoSuchEntity)' >&2; return 254 ;;\n");
  EXPECT_FALSE(told.well) << policy << told.calls;
  EXPECT_NE(told.said.find("The policy that stands is for other/vesto/*."), std::string::npos)
      << policy << told.said;
  for (const char* change : {" put-", " create-", " update-", " modify-"}) {
    EXPECT_EQ(told.calls.find(change), std::string::npos) << policy << told.calls;
  }
}

// One after the other, each that the script looks at; gives how many these are.
int stops_for_each(const std::string& script, const std::string& answers = "") {
  int seen = 0;
  for (const std::string kind : {"role", "user"}) {
    for (const char* name : {"vesto-acme-policy", "vesto-acme-copy-policy"}) {
      const std::string call = "get-" + kind + "-policy";
      const std::regex looked(call + "[^\n]*(\\\\\n[^\n]*)*--policy-name '?" + name);
      if (!std::regex_search(script, looked)) continue;
      expect_stop_for("*" + call + "*" + name + "*", script, answers);
      ++seen;
    }
  }
  return seen;
}

// Of two installations with a destination of one name the second changes nothing of the first's.
TEST(KitShell, NothingIsChangedWhereAnothersPolicyStands) {
  for (const char* sample : kSamples) {
    const Kit kit = make_kit(destination_from(sample), facts_for(sample));
    EXPECT_EQ(stops_for_each(text(kit, "script")), sample == kAttachedRole ? 2 : 1) << sample;
    for (const char* id : {"role", "key", "copy-role"}) {
      if (kit.find(id) == nullptr) continue;
      EXPECT_EQ(stops_for_each(text(kit, id)), 1) << sample << id;
    }
  }
  // All three: of the role, of the user that assumes it, and of the role that COPY reads with.
  DestinationConfig to = destination_from(kProvisioned);
  to.auth.identity = "access_key";
  to.auth.copy = "attached_role";
  KitFacts facts = full_facts();
  facts.principal_arn = "arn:aws:iam::123456789012:user/vesto";
  for (const char* arn : {"default", "arn:aws:iam::123456789012:role/acme-copy"}) {
    to.auth.copy_role_arn = arn;
    const Kit kit = make_kit(to, facts);
    for (const char* is_default : {"arn:aws:iam::123456789012:role/a/theirs", "None"}) {
      const std::string answers = std::string("*efaultIamRoleArn*) echo ") + is_default + " ;;\n";
      EXPECT_EQ(stops_for_each(text(kit, "script"), answers), 3) << arn;
      EXPECT_EQ(stops_for_each(text(kit, "copy-role"), answers), 1) << arn;
    }
    EXPECT_EQ(stops_for_each(text(kit, "role")) + stops_for_each(text(kit, "key")), 2) << arn;
  }
}

// Nor where the role that COPY reads with is of another account.
TEST(KitShell, NothingIsChangedWhereTheCopyRoleIsOfAnotherAccount) {
  DestinationConfig to = destination_from(kProvisioned);
  to.auth.copy = "attached_role";
  to.auth.copy_role_arn = "arn:aws:iam::123456789013:role/acme-copy";
  const Told told = run(text(make_kit(to, full_facts()), "script"), kNothingThere);
  EXPECT_FALSE(told.well);
  EXPECT_NE(told.said.find("auth.copy_role_arn is of the account 123456789013"), std::string::npos)
      << told.said;
  for (const char* change : {" put-", " create-", " update-", " modify-"}) {
    EXPECT_EQ(told.calls.find(change), std::string::npos) << told.calls;
  }
}

TEST(KitShell, AKeyKeepsTheRoleThatItAssumes) {
  DestinationConfig to = destination_from(kProvisioned);
  to.auth.identity = "access_key";
  to.auth.external_id = "acme-42";
  KitFacts facts = full_facts();
  facts.principal_arn = "arn:aws:iam::999999999999:user/vesto";
  const std::string put = "iam put-user-policy";
  const auto standing = [&](const std::string& role) {
    return run(text(make_kit(to, facts), "key"),
               "*get-caller-identity*) echo 999999999999 ;;\n"
               "*get-user-policy*) echo '    \"arn:aws:iam::" +
                   role + "\"' ;;\n");
  };
  for (const char* same : {"123456789012:role/team/acme-sync", "123456789012:role/acme-sync",
                           "123456789012:role/a/b/acme-sync"}) {
    EXPECT_TRUE(called(standing(same), put)) << same;
  }
  for (const char* other : {"123456789012:role/team/acme-sync2", "123456789012:role/team-acme-sync",
                            "123456789013:role/team/acme-sync"}) {
    const Told told = standing(other);
    EXPECT_FALSE(told.well || called(told, put)) << told.calls;
    EXPECT_NE(told.said.find(std::string("allows to assume arn:aws:iam::") + other + ".\n"),
              std::string::npos)
        << told.said;
  }
  // A user that works by itself: what it may assume would be gone.
  to.auth.role_arn.clear();
  EXPECT_FALSE(called(standing("123456789012:role/acme-sync"), put));
}

TEST(KitShell, ASlipInABucketsNameMakesNoSecondBucket) {
  const DestinationConfig to = destination_from(kProvisioned);
  const std::string script = text(make_kit(to, full_facts()), "bucket");
  const auto among = [&](const std::string& script_text, const std::string& names) {
    return run(script_text, "*list-buckets*) printf '%s\\n' " + names + " ;;\n" + kNothingThere);
  };
  const std::string near = to.bucket + "s";
  const Told stopped = among(script, "logs " + near);
  EXPECT_FALSE(stopped.well || called(stopped, "s3api create-bucket")) << stopped.calls;
  EXPECT_NE(stopped.said.find("typo in staging.bucket? There are:\n" + near + "\nCorrect it"),
            std::string::npos)
      << stopped.said;
  EXPECT_TRUE(called(among(script, "logs"), "s3api create-bucket"));
  const std::string meant = replace_all(script, "#!/bin/sh\n", "#!/bin/sh\nNEW_BUCKET=yes\n");
  EXPECT_TRUE(called(among(meant, near), "s3api create-bucket"));
}

TEST(KitShell, APolicyNamesNoWarehouseThatIsNotMeant) {
  DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  const std::string put = "iam put-role-policy";
  const std::string none = "An error occurred (ClusterNotFound) when calling";
  const auto with = [&](const std::string& answers) {
    return run(put_policy_shell(to, facts), answers);
  };
  const Told missing = with("*'cluster-identifier '*) echo '" + none +
                            "' >&2; return 254 ;;\n*describe-clusters*) echo real ;;\n");
  EXPECT_FALSE(missing.well || called(missing, put)) << missing.calls;
  EXPECT_NE(
      missing.said.find("Is there a typo in auth.warehouse or auth.region? There are:\nreal\n"),
      std::string::npos)
      << missing.said;
  // Who may set policies need not be allowed to look.
  EXPECT_TRUE(called(with("*describe-clusters*) echo '(AccessDenied)' >&2; return 254 ;;\n"), put));
  const auto standing = [&](const std::string& cluster) {
    return with("*get-role-policy*) echo '  \"arn:aws:redshift:eu-west-1:123456789012:dbname:" +
                cluster + "/dev\"' ;;\n");
  };
  EXPECT_TRUE(called(standing(to.auth.warehouse), put));
  const Told other = standing("other");
  EXPECT_FALSE(other.well || called(other, put)) << other.calls;
  EXPECT_NE(other.said.find(":dbname:other/dev.\nauth.warehouse is "), std::string::npos)
      << other.said;
  to.auth.warehouse = "another";  // than the endpoint's
  EXPECT_FALSE(called(with(""), put));
  EXPECT_TRUE(called(run("NEW_WAREHOUSE=yes\n" + put_policy_shell(to, facts), ""), put));
}

TEST(KitShell, OnlyWhatIsSurelyMissingIsMade) {
  for (const char* sample : {kProvisioned, kServerless}) {
    const DestinationConfig to = destination_from(sample);
    const std::string script = text(make_kit(to, full_facts()), "warehouse");
    const std::string make = to.serverless ? "redshift-serverless create-" : "redshift create-";
    const std::string here = "*get-caller-identity*) echo 123456789012 ;;\n";
    const Told denied =
        run(script, here + "*get-* | *describe-*) echo '(AccessDenied)'; return 254 ;;\n");
    EXPECT_FALSE(denied.well);
    EXPECT_EQ(denied.calls.find(make), std::string::npos) << denied.calls;
    EXPECT_NE(denied.said.find("(AccessDenied)"), std::string::npos);
    const Told none = run(script, here +
                                      "*get-* | *describe-*) echo '(ClusterNotFound) "
                                      "(ResourceNotFoundException)'; return 254 ;;\n");
    EXPECT_NE(none.calls.find(make), std::string::npos) << none.calls;
  }
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

TEST(KitShell, NoneIsNoValue) {
  const std::string script =
      text(make_kit(destination_from(kServerless), {.google_sub = "1"}), "role");
  const Told done = run(script, "*get-workgroup*) echo None ;;\n");
  EXPECT_FALSE(done.well);
  EXPECT_NE(done.said.find("AWS does not tell WORKGROUP_ID."), std::string::npos) << done.said;
  EXPECT_EQ(done.calls, "aws sts get-caller-identity\naws redshift-serverless get-workgroup\n");
}

TEST(KitShell, FixesAreOneCommandWhereEverythingIsKnown) {
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  DestinationConfig anywhere = to;  // whose account nothing tells
  anywhere.auth.role_arn.clear();
  anywhere.endpoint.account.clear();
  EXPECT_EQ(ingress_shell(anywhere, facts, "203.0.113.7"),
            "aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id "
            "sg-0123456789abcdef0 --protocol tcp --port 5439 --cidr 203.0.113.7/32\n");
  EXPECT_NE(ingress_shell(to, facts, "2001:db8::7").find("CidrIpv6=2001:db8::7/128"),
            std::string::npos);
  DestinationConfig by_password = to;
  by_password.auth.method = "password";
  by_password.auth.db_user.clear();
  EXPECT_EQ(put_policy_shell(by_password, facts).find("describe-clusters"), std::string::npos);
  // What names the warehouse looks whether it is there.
  EXPECT_NE(put_policy_shell(to, facts).find("\ncase $(aws redshift describe-clusters "),
            std::string::npos)
      << put_policy_shell(to, facts);
  EXPECT_NE(trust_shell(to, facts).find("\n# The role acme-sync"), std::string::npos);
  EXPECT_NE(trust_shell(to, facts).find("\nTRUST='{"), std::string::npos);
  const std::string asked = ingress_shell(to, {}, "203.0.113.7/32");
  EXPECT_NE(
      asked.find("\n# What AWS itself tells:\nSECURITY_GROUP=$(aws redshift describe-clusters"),
      std::string::npos)
      << asked;
  EXPECT_LT(asked.find("get-caller-identity"), asked.find("SECURITY_GROUP="));
  EXPECT_NE(asked.find("--group-id \"$SECURITY_GROUP\" "), std::string::npos) << asked;
  for (const std::string& one : {put_policy_shell(to, {}), trust_shell(to, {}), asked}) {
    EXPECT_TRUE(sh_reads(one)) << one;
  }
}

// AWS names a caller by its session, which is another one tomorrow.

}  // namespace
}  // namespace vesto
