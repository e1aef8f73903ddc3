#include "kit/kit.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "address/arn.h"
#include "base/strings.h"
#include "kit/places.h"
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

struct Told {
  bool well = false;
  std::string calls;  // "aws iam get-role", a line each
  std::string said;   // stdout and stderr
};

// Runs a script whose calls of AWS are only told. `answers`: arms of a case in sh for what AWS says
// to some of them, by all of their words.
Told run(const std::string& script, const std::string& answers = "") {
  const auto path = std::filesystem::temp_directory_path() /
                    ("vesto_kit_run_" + std::to_string(::getpid()) + ".sh");
  const auto calls = path.string() + ".calls";
  std::ofstream(path) << replace_all(
      script, "set -eu\n",
      "set -eu\naws() {\n  echo \"aws $1 $2\" >>" + calls + "\n  case \"$*\" in\n" + answers +
          "*iamRoles*) ;;\n"
          "*get-caller-identity*) echo 123456789012 ;;\n*) echo value ;;\n  esac\n}\n");
  Told told;
  std::FILE* pipe = ::popen(("sh " + path.string() + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return told;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) told.said += static_cast<char>(c);
  told.well = ::pclose(pipe) == 0;
  std::stringstream read;
  read << std::ifstream(calls).rdbuf();
  told.calls = read.str();
  std::filesystem::remove(path);
  std::filesystem::remove(calls);
  return told;
}

bool called(const Told& told, const std::string& call) {
  return told.calls.find("aws " + call + "\n") != std::string::npos;
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

constexpr const char* kNothingThere =
    "*head-bucket*) echo 'An error occurred (404) when calling'; return 254 ;;\n"
    "*' Role.Arn '*) echo arn:aws:iam::123456789012:role/x ;;\n"
    "*get-role* | *get-user*) return 254 ;;\n"
    "*list-access-keys* | *efaultIamRoleArn*) echo None ;;\n";

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

TEST(Kit, TheRoleOfPodsOnEksTrustsOneServiceAccount) {
  KitFacts facts;
  facts.pod_issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
  facts.pod_subject = "system:serviceaccount:data:vesto";
  facts.account = "123456789012";
  const Kit kit = make_kit(destination_from(kAttachedRole), facts);
  const Json statement = Json::parse(text(kit, "eks-trust"))["Statement"][0];
  EXPECT_EQ(statement["Principal"]["Federated"],
            "arn:aws:iam::123456789012:oidc-provider/" + facts.pod_issuer);
  EXPECT_EQ(statement["Condition"]["StringEquals"],
            (Json{{facts.pod_issuer + ":sub", facts.pod_subject},
                  {facts.pod_issuer + ":aud", "sts.amazonaws.com"}}));
  const Kit unknown = make_kit(destination_from(kAttachedRole), {});
  EXPECT_EQ(unknown.find("eks-trust")->missing,
            (std::vector<std::string>{"OIDC_ISSUER", "POD_NAMESPACE", "SERVICE_ACCOUNT"}));
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
    KitFacts facts = facts_for(sample);
    facts.google_sub = facts.principal_arn = facts.security_group = evil;
    facts.tables = {evil};
    const Kit kit = make_kit(to, facts);
    expect_readable(kit);
    for (const KitPart& part : kit.parts) {
      if (part.kind != "shell") continue;
      const std::string filled = replace_all(part.text, "<<BASTION_SECURITY_GROUP>>", "sg-1");
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

TEST(Kit, ShellDoesNotRunUntilWhatIsMissingIsFilledIn) {
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
            "aws iam get-role\naws sts get-caller-identity\naws iam list-roles\n"
            "aws iam create-role\naws iam put-role-policy\n");
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

TEST(Kit, ABucketThatIsThereStaysAsItIs) {
  DestinationConfig to = destination_from(kProvisioned);
  const std::string bucket = text(make_kit(to, full_facts()), "bucket");
  const Told there = run(bucket, "*get-bucket-lifecycle*) echo theirs ;;\n");
  EXPECT_TRUE(there.well) << there.said;
  EXPECT_EQ(there.calls.find("s3api put-"), std::string::npos) << there.calls;
  EXPECT_NE(there.said.find("ObjectOwnership=BucketOwnerEnforced"), std::string::npos);
  EXPECT_NE(there.said.find("BlockPublicAcls=true"), std::string::npos);
  const Told fitting = run(bucket,
                           "*get-bucket-ownership*) echo BucketOwnerEnforced ;;\n"
                           "*get-public*) printf 'True\\tTrue\\tTrue\\tTrue\\n' ;;\n"
                           "*get-bucket-lifecycle*) echo vesto-acme ;;\n");
  EXPECT_EQ(fitting.said, "");
  // Files of somebody below the prefix: a rule would delete them.
  const std::string guarded =
      "*get-bucket-ownership*) echo BucketOwnerEnforced ;;\n"
      "*get-public*) printf 'True\\tTrue\\tTrue\\tTrue\\n' ;;\n"
      "*get-bucket-lifecycle*) ;;\n";
  const Told held = run(bucket, guarded + "*list-objects*) echo vesto/theirs ;;\n");
  EXPECT_FALSE(called(held, "s3api put-bucket-lifecycle-configuration")) << held.calls;
  EXPECT_NE(held.said.find("add this rule"), std::string::npos) << held.said;
  const Told empty = run(bucket, guarded + "*list-objects*) echo None ;;\n");
  EXPECT_TRUE(called(empty, "s3api put-bucket-lifecycle-configuration")) << empty.said;
  const Told made = run(bucket, std::string(kNothingThere) + "*get-bucket-lifecycle*) ;;\n");
  for (const char* call : {"create-bucket", "put-bucket-ownership-controls",
                           "put-public-access-block", "put-bucket-lifecycle-configuration"}) {
    EXPECT_TRUE(called(made, std::string("s3api ") + call)) << call << made.said;
  }
  // Whatever else head-bucket says, nothing is made: us-east-1 makes a bucket that is there again.
  const Told denied = run(bucket, "*head-bucket*) echo '(403)'; return 254 ;;\n");
  EXPECT_FALSE(denied.well);
  EXPECT_EQ(denied.calls, "aws s3api head-bucket\n");
  // A rule without a name is somebody's.
  EXPECT_FALSE(called(run(bucket, "*get-bucket-lifecycle*) echo None ;;\n"),
                      "s3api put-bucket-lifecycle-configuration"));
  to.prefix = "";
  const std::string whole = text(make_kit(to, full_facts()), "bucket");
  EXPECT_FALSE(called(run(whole, "*get-bucket-lifecycle*) ;;\n"),
                      "s3api put-bucket-lifecycle-configuration"));
  EXPECT_TRUE(called(run(whole, std::string(kNothingThere) + "*get-bucket-lifecycle*) ;;\n"),
                     "s3api put-bucket-lifecycle-configuration"));
}

// What AWS says of a role that is there.
std::string role_there(const std::string& trust, const std::string& description,
                       const std::string& statements, const std::string& longest = "3600") {
  return "*AssumeRolePolicyDocument.Statement*) echo " + statements +
         " ;;\n*AssumeRolePolicyDocument*) cat <<'EOT'\n" + trust +
         "\nEOT\n;;\n*Role.Description*) echo '" + description + "' ;;\n*Role.MaxSession*) echo " +
         longest + " ;;\n";
}

constexpr const char* kOurMark = "Made by the kit of Vesto for the destination acme";

TEST(Kit, ARolesTrustInOthersStays) {
  const DestinationConfig to = destination_from(kProvisioned);
  const KitFacts facts = full_facts();
  const std::string theirs =
      R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]})";
  const std::string ours = trust_policy_for(to, facts);
  const std::string joined =
      R"({"Statement": [{"Sid": "theirs"}, )" + ours.substr(ours.find("\"Statement\": [") + 14);
  const std::string update = "iam update-assume-role-policy";
  for (const std::string& script : {text(make_kit(to, facts), "role"), trust_shell(to, facts)}) {
    // It trusts us already, alone or among others.
    for (const std::string& trust : {ours, joined}) {
      const Told same = run(script, role_there(trust, "None", "1"));
      EXPECT_TRUE(same.well) << same.said;
      EXPECT_FALSE(called(same, update));
    }
    // It is another's, or the kit's with statements that somebody added: nothing is done to it.
    for (const auto& answers : {role_there(theirs, "None", "1"), role_there(theirs, kOurMark, "2"),
                                role_there(theirs, std::string(kOurMark) + "2", "1")}) {
      const Told stopped = run(script, answers);
      EXPECT_FALSE(stopped.well);
      EXPECT_FALSE(called(stopped, update));
      EXPECT_FALSE(called(stopped, "iam put-role-policy"));
      EXPECT_NE(stopped.said.find("accounts.google.com:oaud"), std::string::npos) << stopped.said;
    }
    const Told replaced = run(script, role_there(theirs, kOurMark, "1"));
    EXPECT_TRUE(replaced.well) << replaced.said;
    EXPECT_TRUE(called(replaced, update));
  }
  EXPECT_NE(text(make_kit(to, facts), "role").find("--description '" + std::string(kOurMark)),
            std::string::npos);
}

TEST(Kit, SessionsOnlyBecomeLonger) {
  const DestinationConfig to = destination_from(kServerless);  // asks for 4 h
  const KitFacts facts = full_facts();
  const std::string ours = trust_policy_for(to, facts);
  const std::string script = text(make_kit(to, facts), "role");
  EXPECT_TRUE(called(run(script, role_there(ours, "None", "1", "3600")), "iam update-role"));
  for (const char* longest : {"14400", "43200"}) {
    const Told done = run(script, role_there(ours, "None", "1", longest));
    EXPECT_TRUE(done.well) << done.said;
    EXPECT_FALSE(called(done, "iam update-role")) << longest;
  }
  EXPECT_FALSE(run(script, role_there(ours, "None", "1", "None")).well);
  DestinationConfig copy = destination_from(kAttachedRole);
  copy.auth.session_duration_s = 7200;
  const std::string terraform = text(make_kit(copy, facts), "terraform");
  const size_t at = terraform.find("max_session_duration");
  EXPECT_LT(at, terraform.find("\"aws_iam_role\" \"copy\""));
  EXPECT_EQ(terraform.find("max_session_duration", at + 1), std::string::npos);
}

TEST(Kit, ADefaultRoleThatIsThereStaysTheDefault) {
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

TEST(Kit, ASlipInARolesArnMakesNoSecondRole) {
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
  const Told elsewhere =
      run(script, std::string("*get-caller-identity*) echo 999999999999 ;;\n") + kNothingThere);
  EXPECT_FALSE(elsewhere.well || called(elsewhere, "iam create-role"));
  EXPECT_NE(elsewhere.said.find("is of the account 123456789012, and this runs in 999999999999"),
            std::string::npos)
      << elsewhere.said;
}

TEST(Kit, RolesOfANamespaceStayInWhateverWayTheyAreTold) {
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

TEST(Kit, NoneIsNoValue) {
  const std::string script =
      text(make_kit(destination_from(kServerless), {.google_sub = "1"}), "role");
  const Told done = run(script, "*get-workgroup*) echo None ;;\n");
  EXPECT_FALSE(done.well);
  EXPECT_NE(done.said.find("AWS does not tell WORKGROUP_ID."), std::string::npos) << done.said;
  EXPECT_EQ(done.calls, "aws redshift-serverless get-workgroup\n");
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
  EXPECT_TRUE(trust_shell(to, facts).starts_with("(\nset -eu\n\n# The role acme-sync"));
  EXPECT_NE(trust_shell(to, facts).find("\nTRUST='{"), std::string::npos);
  const std::string asked = ingress_shell(to, {}, "203.0.113.7/32");
  EXPECT_TRUE(asked.starts_with("(\nset -eu\nSECURITY_GROUP=$(aws redshift describe-clusters"));
  EXPECT_NE(asked.find("--group-id \"$SECURITY_GROUP\" "), std::string::npos) << asked;
  for (const std::string& one : {put_policy_shell(to, {}), trust_shell(to, {}), asked}) {
    EXPECT_TRUE(sh_reads(one)) << one;
  }
}

// AWS names a caller by its session, which is another one tomorrow.
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
