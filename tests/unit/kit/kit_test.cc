#include "kit/kit.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "tests/unit/kit/samples.h"

namespace vesto {
namespace {

using Json = nlohmann::json;

std::vector<std::string> ids(const Kit& kit) {
  std::vector<std::string> out;
  for (const KitPart& part : kit.parts) out.push_back(part.id);
  return out;
}

std::string text(const Kit& kit, std::string_view id) {
  const KitPart* part = kit.find(id);
  return part == nullptr ? "no part " + std::string(id) : part->text;
}

// Whether sh can read it, without running it.
bool sh_reads(const std::string& script) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("vesto_kit_test_" + std::to_string(::getpid()) + ".sh");
  std::ofstream(path) << script;
  const std::string command = "sh -n " + path.string();
  const int code = std::system(command.c_str());  // NOLINT: a shell is what is tested
  std::filesystem::remove(path);
  return code == 0;
}

// Runs a script whose calls of AWS are only told; whether it ended well, and what it would have
// called.
std::pair<bool, std::string> run_told(const std::string& script) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("vesto_kit_run_" + std::to_string(::getpid()) + ".sh");
  std::ofstream(path) << replace_all(script, "set -eu\n",
                                     "set -eu\naws() { echo \"aws $1 $2\" >&3; }\n");
  std::FILE* pipe = ::popen(("sh " + path.string() + " 3>&1 >/dev/null 2>&1").c_str(), "r");
  if (pipe == nullptr) return {false, "no shell"};
  std::string out;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) out += static_cast<char>(c);
  const bool well = ::pclose(pipe) == 0;
  std::filesystem::remove(path);
  return {well, out};
}

void expect_readable(const Kit& kit) {
  for (const KitPart& part : kit.parts) {
    if (part.kind == "json") {
      EXPECT_FALSE(Json::parse(part.text, nullptr, false).is_discarded()) << part.text;
    }
    if (part.kind != "shell") continue;
    EXPECT_TRUE(sh_reads(part.text)) << part.text;
    EXPECT_TRUE(part.text.starts_with("#!/bin/sh\nset -eu\n")) << part.id;
  }
}

const char* const kSamples[] = {kProvisioned, kServerless, kAccessKey, kAttachedRole};

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
    expect_readable(make_kit(destination_from(sample), full_facts()));
  }
}

TEST(Kit, HostileValuesStayValues) {
  const auto mark =
      std::filesystem::temp_directory_path() / ("vesto_kit_ran_" + std::to_string(::getpid()));
  const std::string evil = "a'b\"c$(touch " + mark.string() + ")`touch " + mark.string() +
                           "`\\ \n; touch " + mark.string() + "; DROP TABLE x; -- ${x} caf\xc3\xa9";
  for (const char* sample : kSamples) {
    DestinationConfig to = destination_from(sample);
    to.database = to.schema = to.prefix = to.bucket = to.auth.external_id = to.auth.audience = evil;
    to.auth.warehouse = to.auth.region = to.region = to.ssh.host = to.ssh.user = evil;
    if (to.auth.method == "iam_role" && !to.serverless) to.auth.db_user = evil;
    KitFacts facts = full_facts();
    facts.google_sub = facts.principal_arn = facts.security_group = evil;
    facts.tables = {evil};
    const Kit kit = make_kit(to, facts);
    expect_readable(kit);
    for (const KitPart& part : kit.parts) {
      if (part.kind != "shell") continue;
      const std::string filled = replace_all(part.text, "<<BASTION_SECURITY_GROUP>>", "sg-1");
      EXPECT_NE(run_told(filled).second, "") << part.id;
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

TEST(Kit, ShellDoesNotRunUntilWhatIsMissingIsFilledIn) {
  const Kit kit = make_kit(destination_from(kProvisioned), {});
  const KitPart* role = kit.find("role");
  ASSERT_NE(role, nullptr);
  EXPECT_EQ(role->missing, std::vector<std::string>{"GOOGLE_SUB"});
  EXPECT_EQ(run_told(role->text), std::make_pair(false, std::string()));
  const auto [ok, calls] = run_told(replace_all(role->text, "<<GOOGLE_SUB>>", "1122"));
  EXPECT_TRUE(ok);
  EXPECT_EQ(calls,
            "aws iam get-role\naws iam update-assume-role-policy\naws iam put-role-policy\n");
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

TEST(Kit, PermissionFollowsTheLogin) {
  DestinationConfig to = destination_from(kProvisioned);
  const auto login = [&] { return Json::parse(permission_policy_for(to, {}))["Statement"].back(); };
  EXPECT_EQ(login()["Action"], "redshift:GetClusterCredentials");
  EXPECT_EQ(login()["Resource"],
            Json::array({"arn:aws:redshift:eu-west-1:123456789012:dbuser:examplecluster/vesto_load",
                         "arn:aws:redshift:eu-west-1:123456789012:dbname:examplecluster/dev"}));
  to.auth.db_user = "";
  EXPECT_EQ(login()["Action"], "redshift:GetClusterCredentialsWithIAM");
  EXPECT_EQ(login()["Resource"],
            Json::array({"arn:aws:redshift:eu-west-1:123456789012:dbname:examplecluster/dev"}));
  to.auth.method = "password";
  EXPECT_EQ(login()["Action"], Json::array({"kms:GenerateDataKey", "kms:Decrypt"}));
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

TEST(Kit, APodOfEksBecomesTheRoleItself) {
  DestinationConfig to = destination_from(kAttachedRole);
  to.auth.role_arn = to.auth.external_id = "";
  KitFacts facts;
  facts.principal_arn =
      "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
  const Json trust = Json::parse(trust_policy_for(to, facts))["Statement"][0];
  EXPECT_EQ(trust["Principal"]["Federated"], facts.principal_arn);
  EXPECT_EQ(trust["Action"], "sts:AssumeRoleWithWebIdentity");
  EXPECT_EQ(trust["Condition"]["StringEquals"],
            (Json{{"oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub",
                   "system:serviceaccount:<<POD_NAMESPACE>>:<<POD_SERVICE_ACCOUNT>>"},
                  {"oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud", "sts.amazonaws.com"}}));
  const Kit kit = make_kit(to, facts);
  EXPECT_NE(text(kit, "role").find("create-role --region eu-west-1 --role-name vesto-acme-role"),
            std::string::npos);
  EXPECT_NE(text(kit, "sql").find("\"IAMR:vesto-acme-role\""), std::string::npos);
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

TEST(Kit, AKeyThatAssumesARole) {
  DestinationConfig to = destination_from(kAccessKey);
  to.auth.role_arn = "arn:aws-cn:iam::123456789012:role/acme-sync";
  const Kit kit = make_kit(to, {});
  EXPECT_NE(text(kit, "key").find("\"Action\": \"sts:AssumeRole\""), std::string::npos);
  EXPECT_EQ(text(kit, "key").find("s3:PutObject"), std::string::npos);
  EXPECT_NE(text(kit, "role").find("s3:PutObject"), std::string::npos);
  EXPECT_EQ(kit.find("trust-policy")->missing, std::vector<std::string>{"PRINCIPAL_ARN"});
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

TEST(Kit, FixesAreOneCommandWhereEverythingIsKnown) {
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  EXPECT_EQ(ingress_shell(to, facts, "203.0.113.7"),
            "aws ec2 authorize-security-group-ingress --region eu-west-1 --group-id "
            "sg-0123456789abcdef0 --protocol tcp --port 5439 --cidr 203.0.113.7/32\n");
  EXPECT_NE(ingress_shell(to, facts, "2001:db8::7").find("CidrIpv6=2001:db8::7/128"),
            std::string::npos);
  EXPECT_TRUE(put_policy_shell(to, facts).starts_with(
      "aws iam put-role-policy --region eu-west-1 --role-name acme-sync --policy-name "
      "vesto-acme-policy \\\n"));
  EXPECT_TRUE(trust_shell(to, facts).starts_with(
      "aws iam update-assume-role-policy --region eu-west-1 --role-name acme-sync \\\n"));
  const std::string asked = ingress_shell(to, {}, "203.0.113.7/32");
  EXPECT_TRUE(asked.starts_with("(\nset -eu\nSECURITY_GROUP=$(aws redshift describe-clusters"));
  EXPECT_NE(asked.find("--group-id \"$SECURITY_GROUP\" "), std::string::npos) << asked;
  for (const std::string& one : {put_policy_shell(to, {}), trust_shell(to, {}), asked}) {
    EXPECT_TRUE(sh_reads(one)) << one;
  }
}

}  // namespace
}  // namespace vesto
