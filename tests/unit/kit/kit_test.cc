#include "kit/kit.h"

#include <algorithm>

#include "address/arn.h"
#include "base/strings.h"
#include "kit/places.h"
#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

TEST(Kit, PartsThatHaveAMeaning) {
  const std::vector<std::string> google = {
      "warehouse", "bucket",  "trust-policy", "permission-policy", "role",   "sql",
      "owner",     "network", "script",       "terraform",         "message"};
  EXPECT_EQ(ids(make_kit(destination_from(kProvisioned), {})), google);
  std::vector<std::string> tunnel = google;
  tunnel.insert(tunnel.begin() + 8, "authorized-keys");
  EXPECT_EQ(ids(make_kit(destination_from(kServerless), {})), tunnel);
  EXPECT_EQ(ids(make_kit(destination_from(kAccessKey), {})),
            (std::vector<std::string>{"warehouse", "bucket", "permission-policy", "key", "sql",
                                      "owner", "network", "script", "terraform", "message"}));
  EXPECT_NE(make_kit(destination_from(kAttachedRole), {}).find("copy-role"), nullptr);
  EXPECT_EQ(make_kit(destination_from(kAttachedRole), {}).find("key"), nullptr);
}

TEST(Kit, TheRoleOfPodsOnEksTrustsOneServiceAccount) {
  KitFacts facts;
  facts.pod_issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
  facts.pod_subject = "system:serviceaccount:data:vesto";
  facts.account = "123456789012";
  facts.pod_role_arn = "arn:aws:iam::777777777777:role/pods";
  // Elsewhere than the role that they assume, which may be a customer's.
  facts.principal_arn = "arn:aws:iam::999999999999:role/vesto";
  DestinationConfig to = destination_from(kAttachedRole);
  const auto provider_in = [&](const std::string& account) {
    EXPECT_NE(text(make_kit(to, facts), "eks-trust")
                  .find("arn:aws:iam::" + account + ":oidc-provider/" + facts.pod_issuer),
              std::string::npos)
        << account << text(make_kit(to, facts), "eks-trust");
  };
  const Kit kit = make_kit(to, facts);
  const Json statement = Json::parse(text(kit, "eks-trust"))["Statement"][0];
  EXPECT_EQ(statement["Principal"]["Federated"],
            "arn:aws:iam::777777777777:oidc-provider/" + facts.pod_issuer);
  EXPECT_EQ(statement["Condition"]["StringEquals"],
            (Json{{facts.pod_issuer + ":sub", facts.pod_subject},
                  {facts.pod_issuer + ":aud", "sts.amazonaws.com"}}));
  facts.pod_role_arn = "";
  provider_in("999999999999");
  facts.principal_arn = "";
  provider_in("<<POD_ACCOUNT>>");
  // Without a role to assume they work as their own, in the warehouse's account.
  to.auth.role_arn = to.auth.external_id = "";
  provider_in("123456789012");
  const Kit unknown = make_kit(destination_from(kAttachedRole), {});
  EXPECT_EQ(
      unknown.find("eks-trust")->missing,
      (std::vector<std::string>{"POD_ACCOUNT", "OIDC_ISSUER", "POD_NAMESPACE", "SERVICE_ACCOUNT"}));
  EXPECT_EQ(make_kit(destination_from(kProvisioned), {}).find("eks-trust"), nullptr);
}

TEST(Kit, EveryPartHasANameATitleAndSomebodyWhoActs) {
  for (const char* sample : kSamples) {
    for (const KitPart& part : make_kit(destination_from(sample), {}).parts) {
      const auto& names = kit_part_names();
      EXPECT_TRUE(std::any_of(names.begin(), names.end(),
                              [&](const KitPartName& name) { return name.id == part.id; }));
      EXPECT_FALSE(part.title.empty()) << part.id;
      EXPECT_FALSE(part.who.empty()) << part.id;
      EXPECT_TRUE(part.text.ends_with('\n')) << part.id;
      for (const std::string& name : part.missing) EXPECT_FALSE(missing_help(name).empty()) << name;
    }
  }
}

TEST(Kit, EveryPlaceholderIsListed) {
  for (const char* sample : kSamples) {
    for (const KitPart& part : make_kit(destination_from(sample), {}).parts) {
      size_t found = 0;
      for (const std::string& name : part.missing) {
        EXPECT_NE(part.text.find("<<" + name + ">>"), std::string::npos) << part.id;
        ++found;
      }
      // HCL's heredocs begin with << as well.
      const std::string bare = replace_all(part.text, "<<EOT", "");
      EXPECT_EQ(found == 0, bare.find("<<") == std::string::npos) << part.id << part.text;
    }
  }
}

TEST(Kit, WithEverythingKnownNothingIsMissing) {
  const Kit kit = make_kit(destination_from(kProvisioned), full_facts());
  for (const KitPart& part : kit.parts) {
    EXPECT_EQ(part.missing, std::vector<std::string>()) << part.id;
  }
}

TEST(Kit, IsReadable) {
  for (const char* sample : kSamples) {
    expect_readable(make_kit(destination_from(sample), {}));
    expect_readable(make_kit(destination_from(sample), facts_for(sample)));
  }
}

TEST(Kit, AwsIsAskedForWhatItKnows) {
  DestinationConfig to = destination_from(kServerless);
  const std::string role = text(make_kit(to, {.google_sub = "1"}), "role");
  EXPECT_NE(role.find("WORKGROUP_ID=$(aws redshift-serverless get-workgroup --region eu-west-1 "
                      "--workgroup-name analytics --query workgroup.workgroupId --output text)\n"),
            std::string::npos)
      << role;
  EXPECT_NE(role.find("workgroup/'\"$WORKGROUP_ID\"'"), std::string::npos) << role;
  EXPECT_EQ(role.find("<<"), std::string::npos);
  // JSON cannot ask.
  EXPECT_EQ(make_kit(to, {}).find("permission-policy")->missing,
            std::vector<std::string>{"WORKGROUP_ID"});
  const std::string terraform = text(make_kit(to, {.google_sub = "1"}), "terraform");
  EXPECT_NE(terraform.find("workgroup/${data.aws_redshiftserverless_workgroup.vesto.workgroup_id}"),
            std::string::npos);
  EXPECT_EQ(make_kit(to, {.google_sub = "1"}).find("terraform")->missing,
            std::vector<std::string>());
}

TEST(Kit, TheHintOfAWorkgroupsIdIsOfThatWorkgroup) {
  const std::string hint = missing_help("WORKGROUP_ID", destination_from(kServerless));
  EXPECT_NE(hint.find("get-workgroup --region eu-west-1 --workgroup-name analytics --query"),
            std::string::npos)
      << hint;
  EXPECT_EQ(missing_help("SECURITY_GROUP", destination_from(kServerless)),
            missing_help("SECURITY_GROUP"));
}

// Behind a VPC endpoint the warehouse's group lets nobody in: it has one of its own.
TEST(Kit, AVpcEndpointLetsInByItsOwnGroup) {
  const std::string host = "shop-endpoint-k7rfausgmlzieup51zgg.abc123.eu-west-1";
  const std::string toml =
      replace_all(kProvisioned, "examplecluster.abc123.eu-west-1", host) +
      "[destination.acme.ssh]\nhost = \"bastion.example.com\"\nuser = \"vesto\"\n";
  KitFacts facts = full_facts();
  facts.security_group.clear();
  for (const bool tunnel : {false, true}) {
    DestinationConfig to =
        destination_from(replace_all(toml, "[destination.acme.auth]\n",
                                     "[destination.acme.auth]\nwarehouse = \"examplecluster\"\n"));
    to.ssh.given = tunnel;
    ASSERT_TRUE(to.endpoint.vpc_endpoint);
    const Kit kit = make_kit(to, facts);
    for (const char* part : {"network", "script", "terraform"}) {
      const std::string said = text(kit, part);
      EXPECT_EQ(said.find("VpcSecurityGroup"), std::string::npos) << part << said;
      EXPECT_EQ(said.find("vpc_security_group_ids"), std::string::npos) << part << said;
      if (std::string_view(part) == "network") continue;
      EXPECT_EQ(said.find("ingress_rule"), std::string::npos) << part << said;
      EXPECT_EQ(said.find("authorize-security-group-ingress"), std::string::npos) << part << said;
      EXPECT_EQ(kit.find(part)->missing, std::vector<std::string>()) << part;
    }
    const auto& open = kit.find("network")->missing;
    EXPECT_NE(std::find(open.begin(), open.end(), "SECURITY_GROUP"), open.end());
    EXPECT_NE(text(kit, "network").find("describe-endpoint-access"), std::string::npos)
        << text(kit, "network");
    EXPECT_NE(missing_help("SECURITY_GROUP", to).find(host), std::string::npos);
    const auto& green = kit.find("script")->checks;
    EXPECT_EQ(std::find(green.begin(), green.end(), "net.tcp"), green.end());
    EXPECT_NE(text(make_kit(to, full_facts()), "network").find("sg-0123456789abcdef0"),
              std::string::npos);
  }
}

TEST(Kit, WhatAPartClaimsItDoes) {
  const Kit kit = make_kit(destination_from(kAttachedRole), {});
  const auto claims = [&](std::string_view part, const std::string& check) {
    const std::vector<std::string>& checks = kit.find(part)->checks;
    return std::find(checks.begin(), checks.end(), check) != checks.end();
  };
  EXPECT_TRUE(claims("copy-role", "redshift.copy") && claims("script", "redshift.copy"));
  // It makes the role and does not attach it.
  EXPECT_FALSE(claims("terraform", "redshift.copy"));
  EXPECT_TRUE(claims("terraform", "s3.put"));
  EXPECT_NE(text(kit, "terraform")
                .find("kit " + destination_from(kAttachedRole).name + " --part copy-role"),
            std::string::npos);
}

TEST(Kit, ScriptsCompareTheAccountBeforeTheyAskForMore) {
  const std::string script =
      text(make_kit(destination_from(kServerless), {.google_sub = "1"}), "script");
  const size_t compared = script.find("HERE=$(");
  const size_t asked = script.find("WORKGROUP_ID=$(");
  ASSERT_TRUE(compared != std::string::npos && asked != std::string::npos) << script;
  EXPECT_LT(compared, asked);
}

TEST(Kit, PermissionFollowsTheLogin) {
  DestinationConfig to = destination_from(kProvisioned);
  const auto allowing = [&](const std::string& service) {
    const Json policy = Json::parse(permission_policy_for(to, {}));
    for (const Json& one : policy["Statement"]) {
      const bool named = one["Action"].is_string();
      if (named && one["Action"].get<std::string>().starts_with(service)) return one;
    }
    return Json();
  };
  const auto login = [&] { return allowing("redshift:Get"); };
  EXPECT_EQ(login()["Action"], "redshift:GetClusterCredentials");
  EXPECT_EQ(login()["Resource"],
            Json::array({"arn:aws:redshift:eu-west-1:123456789012:dbuser:examplecluster/vesto_load",
                         "arn:aws:redshift:eu-west-1:123456789012:dbname:examplecluster/dev"}));
  to.auth.db_user = "";
  EXPECT_EQ(login()["Action"], "redshift:GetClusterCredentialsWithIAM");
  EXPECT_EQ(login()["Resource"],
            Json::array({"arn:aws:redshift:eu-west-1:123456789012:dbname:examplecluster/dev"}));
  EXPECT_EQ(allowing("redshift:Describe"),
            (Json{{"Effect", "Allow"},
                  {"Action", "redshift:DescribeClusters"},
                  {"Resource", "arn:aws:redshift:eu-west-1:123456789012:cluster:examplecluster"}}));
  to.auth.method = "password";
  EXPECT_EQ(allowing("redshift"), Json());
}

// A name of the configuration is that name: neither a pattern nor a variable of IAM.
TEST(Kit, NoNameWidensAPolicy) {
  DestinationConfig to = destination_from(kProvisioned);
  to.auth.db_user = "a*";
  to.database = "d?";
  to.auth.warehouse = "c*$";
  const std::string login = permission_policy_for(to, {});
  for (const char* resource :
       {"dbuser:c${*}${$}/a${*}\"", "dbname:c${*}${$}/d${?}\"", ":cluster:c${*}${$}\""}) {
    EXPECT_NE(login.find(resource), std::string::npos) << resource << login;
  }
  to = destination_from(kServerless);
  to.auth.role_arn = "arn:aws:iam::123456789012:role/a*/sync";
  EXPECT_NE(permission_policy_for(to, {}).find(":role/a${*}/sync\""), std::string::npos);
  KitFacts facts;
  facts.workgroup_arn = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/*";
  const std::string workgroup = permission_policy_for(to, facts);
  EXPECT_NE(workgroup.find(":workgroup/${*}\""), std::string::npos) << workgroup;
  EXPECT_EQ(workgroup.find(":workgroup/*"), std::string::npos) << workgroup;
  to = destination_from(kAccessKey);
  to.auth.role_arn = "arn:aws-cn:iam::123456789012:role/a?/sync";
  EXPECT_NE(text(make_kit(to, {}), "key").find(":role/a${?}/sync\""), std::string::npos);
  // Nothing of it is a template of Terraform.
  EXPECT_NE(text(make_kit(to, {}), "terraform").find(":role/a$${?}/sync\""), std::string::npos);
}

TEST(Kit, StatusOfAWorkgroupIsSeenByItsId) {
  const DestinationConfig to = destination_from(kAttachedRole);
  const auto resource_of = [&](const KitFacts& facts) -> Json {
    const Json policy = Json::parse(permission_policy_for(to, facts));
    for (const Json& one : policy["Statement"]) {
      if (one["Action"] == "redshift-serverless:GetWorkgroup") return one["Resource"];
    }
    return {};
  };
  EXPECT_EQ(resource_of(full_facts()), full_facts().workgroup_arn);
  EXPECT_EQ(resource_of({}),
            "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/<<WORKGROUP_ID>>");
}

TEST(Kit, Partitions) {
  DestinationConfig to = destination_from(kAccessKey);
  EXPECT_EQ(Json::parse(permission_policy_for(to, {}))["Statement"][0]["Resource"],
            "arn:aws-cn:s3:::acme-staging");
  // IAM of China is another one.
  EXPECT_NE(text(make_kit(to, {}), "key").find("aws iam create-user --region cn-north-1 "),
            std::string::npos);
  to.auth.region = to.region = to.endpoint.region = "us-gov-west-1";
  EXPECT_EQ(Json::parse(permission_policy_for(to, {}))["Statement"][0]["Resource"],
            "arn:aws-us-gov:s3:::acme-staging");
}

TEST(Kit, TrustByIdentity) {
  DestinationConfig to = destination_from(kProvisioned);
  const auto trust = [&](const KitFacts& facts) {
    return Json::parse(trust_policy_for(to, facts))["Statement"][0];
  };
  EXPECT_EQ(
      trust({.google_sub = "1122"})["Condition"]["StringEquals"],
      (Json{{"accounts.google.com:sub", "1122"}, {"accounts.google.com:oaud", "vesto-acme-7f3a"}}));
  EXPECT_EQ(trust({})["Condition"]["StringEquals"]["accounts.google.com:sub"], "<<GOOGLE_SUB>>");
  to = destination_from(kAttachedRole);
  EXPECT_EQ(trust({.principal_arn = "arn:aws:iam::999999999999:role/vesto"})["Principal"]["AWS"],
            "arn:aws:iam::999999999999:role/vesto");
  EXPECT_EQ(trust({})["Condition"]["StringEquals"], (Json{{"sts:ExternalId", "acme-42"}}));
}

TEST(Kit, AnIdentityOfItsOwnGetsRightsAndNoTrust) {
  DestinationConfig to = destination_from(kAttachedRole);
  to.auth.role_arn = to.auth.external_id = "";
  const Kit kit = make_kit(to, {.principal_arn = "arn:aws:iam::123456789012:role/host"});
  EXPECT_EQ(kit.find("trust-policy"), nullptr);
  EXPECT_NE(text(kit, "role").find("put-role-policy --region eu-west-1 --role-name host "),
            std::string::npos);
  EXPECT_EQ(text(kit, "role").find("create-role"), std::string::npos);
  EXPECT_NE(text(kit, "sql").find("CREATE USER \"IAMR:host\""), std::string::npos);
  EXPECT_EQ(make_kit(to, {}).find("role")->missing, std::vector<std::string>{"ROLE_NAME"});
}

TEST(Kit, AnIamUserOfItsOwnGetsTheRightsItself) {
  DestinationConfig to = destination_from(kAttachedRole);
  to.auth.role_arn = to.auth.external_id = "";
  const KitFacts facts = {.principal_arn = "arn:aws:iam::123456789012:user/team/loader"};
  const Kit kit = make_kit(to, facts);
  const Told done = run(text(kit, "role"));
  EXPECT_TRUE(done.well) << done.said;
  EXPECT_TRUE(done.calls.ends_with("aws iam put-user-policy\n")) << done.calls;
  EXPECT_FALSE(called(done, "iam put-role-policy"));
  EXPECT_NE(text(kit, "role").find(" --user-name loader "), std::string::npos);
  EXPECT_NE(text(kit, "terraform").find("\"aws_iam_user_policy\" \"vesto\""), std::string::npos);
  EXPECT_NE(text(kit, "sql").find("CREATE USER \"IAM:loader\""), std::string::npos);
  EXPECT_NE(put_policy_shell(to, facts).find("put-user-policy"), std::string::npos);
}

TEST(Kit, AKeyThatAssumesARole) {
  DestinationConfig to = destination_from(kAccessKey);
  to.auth.role_arn = "arn:aws-cn:iam::123456789012:role/acme-sync";
  const Kit kit = make_kit(to, {});
  EXPECT_NE(text(kit, "key").find("\"Action\": \"sts:AssumeRole\""), std::string::npos);
  EXPECT_EQ(text(kit, "key").find("s3:PutObject"), std::string::npos);
  EXPECT_NE(text(kit, "role").find("s3:PutObject"), std::string::npos);
  // The user that the kit makes is the one whom the role trusts, and is there before it.
  EXPECT_NE(text(kit, "trust-policy").find("\"arn:aws-cn:iam::123456789012:user/vesto-acme\""),
            std::string::npos);
  const Told done = run(text(kit, "script"), kNothingThere);
  EXPECT_TRUE(done.well) << done.said;
  const size_t user = done.calls.find("aws iam create-user\naws iam wait\n");
  EXPECT_NE(user, std::string::npos) << done.calls;
  EXPECT_LT(user, done.calls.find("aws iam create-role\n")) << done.calls;
  EXPECT_NE(done.calls.find("aws iam create-role\n"), std::string::npos);
}

TEST(Kit, AKnownUserWhoseKeyAssumesARole) {
  DestinationConfig to = destination_from(kAccessKey);
  to.auth.role_arn = "arn:aws-cn:iam::123456789012:role/acme-sync";
  const Kit kit = make_kit(to, china_facts());
  const std::string secret = "the access key's ID and secret";
  EXPECT_NE(text(kit, "message").find(secret), std::string::npos);
  EXPECT_NE(text(kit, "key").find("get-user --region cn-north-1 --user-name loader "),
            std::string::npos);
  EXPECT_NE(text(kit, "trust-policy").find(":user/team/loader\""), std::string::npos);
  // In another account it is nothing for this account's admin, whose script makes no second one.
  KitFacts facts = china_facts();
  facts.principal_arn = "arn:aws-cn:iam::999999999999:user/loader";
  const Kit other = make_kit(to, facts);
  EXPECT_FALSE(called(run(text(other, "script"), kNothingThere), "iam create-user"));
  EXPECT_EQ(text(other, "terraform").find("aws_iam_user"), std::string::npos);
  EXPECT_NE(text(other, "trust-policy").find(facts.principal_arn), std::string::npos);
  EXPECT_EQ(text(other, "message").find(secret), std::string::npos);
}

TEST(Kit, FactsOfAnotherPartitionCountForNothing) {
  DestinationConfig to = destination_from(kAccessKey);
  const Kit kit = make_kit(to, full_facts());
  for (const KitPart& part : kit.parts) {
    EXPECT_EQ(part.text.find("arn:aws:"), std::string::npos) << part.id;
  }
  EXPECT_NE(text(kit, "permission-policy").find("arn:aws-cn:s3:::acme-staging"), std::string::npos);
  to = destination_from(kAttachedRole);
  EXPECT_EQ(make_kit(to, china_facts()).find("trust-policy")->missing,
            std::vector<std::string>{"PRINCIPAL_ARN"});
}

TEST(Kit, LongNamesFitIam) {
  DestinationConfig to = destination_from(kAttachedRole);
  to.name = std::string(64, 'n');
  to.auth.copy_role_arn = "default";
  const std::string role = text(make_kit(to, {}), "copy-role");
  const size_t at = role.find("--role-name ") + 12;
  const std::string name = role.substr(at, role.find(' ', at) - at);
  EXPECT_EQ(name.size(), 64U);
  EXPECT_TRUE(name.starts_with("vesto-nnn") && name.ends_with("-copy-role")) << name;
  to.name.back() = 'm';
  EXPECT_EQ(text(make_kit(to, {}), "copy-role").find(name + " "), std::string::npos);
}

TEST(Kit, Grants) {
  DestinationConfig to = destination_from(kProvisioned);
  EXPECT_EQ(grant_sql(to, "temp", "IAMR:x"), R"(GRANT TEMPORARY ON DATABASE "dev" TO "IAMR:x";)");
  EXPECT_EQ(grant_sql(to, "create", "u"), R"(GRANT CREATE ON DATABASE "dev" TO "u";)");
  EXPECT_EQ(grant_sql(to, "schema", "u"), R"(GRANT ALL ON SCHEMA "shop" TO "u";)");
  EXPECT_EQ(grant_sql(to, "owner", "u", {"a\"b", "c"}),
            "ALTER TABLE \"shop\".\"a\"\"b\" OWNER TO \"u\";\n"
            "ALTER TABLE \"shop\".\"c\" OWNER TO \"u\";");
  EXPECT_EQ(grant_sql(to, "owner", "u"), "");
  EXPECT_EQ(grant_sql(to, "all", "u"), "");
  EXPECT_EQ(login_grants(to, "u"),
            (std::vector<std::string>{R"(CREATE USER "u" PASSWORD DISABLE;)",
                                      R"(GRANT CREATE, TEMPORARY ON DATABASE "dev" TO "u";)"}));
  to.create_schema = false;
  EXPECT_EQ(login_grants(to, "u"),
            (std::vector<std::string>{R"(CREATE USER "u" PASSWORD DISABLE;)",
                                      R"(GRANT TEMPORARY ON DATABASE "dev" TO "u";)",
                                      R"(GRANT ALL ON SCHEMA "shop" TO "u";)"}));
}

TEST(Kit, WhoLogsIn) {
  DestinationConfig to = destination_from(kServerless);
  EXPECT_EQ(login_user(to, "arn:aws:iam::123456789012:role/team/acme-sync"), "IAMR:acme-sync");
  EXPECT_EQ(login_user(to, "arn:aws:sts::123456789012:assumed-role/acme/s"), "IAMR:acme");
  EXPECT_EQ(login_user(to, "arn:aws:iam::123456789012:user/team/loader"), "IAM:loader");
  EXPECT_EQ(login_user(to, ""), "");
  EXPECT_EQ(login_user(to, "a/b"), "");
  EXPECT_EQ(login_user(destination_from(kProvisioned), ""), "vesto_load");
}

TEST(Askers, ATrustPolicyNamesTheRoleOfASession) {
  const std::string session = "arn:aws:sts::123456789012:assumed-role/worker/i-0abc";
  EXPECT_EQ(asker_principal("the default chain", session), "arn:aws:iam::123456789012:role/worker");
  EXPECT_EQ(asker_principal("profile x (arn:aws:iam::123456789012:role/a/b/worker)", session),
            "arn:aws:iam::123456789012:role/a/b/worker");
  // Another role, and another account.
  for (const char* other : {"arn:aws:iam::123456789012:role/a/other",
                            "arn:aws:iam::210987654321:role/a/worker", "arn:", "arn:aws:iam::"}) {
    EXPECT_EQ(asker_principal(other, session), "arn:aws:iam::123456789012:role/worker") << other;
  }
  const std::string user = "arn:aws:iam::123456789012:user/team/loader";
  EXPECT_EQ(asker_principal("", user), user);
  DestinationConfig to;
  to.name = "rs";
  to.auth.method = "iam_role";
  to.auth.identity = "aws";
  to.auth.role_arn = "arn:aws:iam::123456789012:role/vesto";
  KitFacts facts;
  facts.principal_arn = asker_principal("", session);
  const std::string policy = trust_policy_for(to, facts);
  EXPECT_NE(policy.find("\"arn:aws:iam::123456789012:role/worker\""), std::string::npos) << policy;
  EXPECT_EQ(policy.find("assumed-role"), std::string::npos) << policy;
}

TEST(Addresses, GetTheBitsOfOneHost) {
  EXPECT_EQ(kit::with_bits("203.0.113.7"), "203.0.113.7/32");
  EXPECT_EQ(kit::with_bits("2001:db8::7"), "2001:db8::7/128");
  EXPECT_EQ(kit::with_bits("203.0.113.0/24"), "203.0.113.0/24");
}

}  // namespace
}  // namespace vesto
