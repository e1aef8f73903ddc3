// What the kit's scripts look at before they change anything: the account, the policies that stand,
// and what the names in them are.
#include <regex>

#include "tests/unit/kit/role_there.h"

namespace vesto {
namespace {

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

}  // namespace
}  // namespace vesto
