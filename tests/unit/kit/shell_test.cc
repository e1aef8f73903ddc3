// What the kit's scripts do, run with an AWS that only tells its calls.
#include <algorithm>

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

Told run_with(const std::string& variables, const std::string& script,
              const std::string& answers = "") {
  return run(replace_all(script, "#!/bin/sh\n", "#!/bin/sh\n" + variables + "\n"),
             answers + kNothingThere);
}

// Others may share the warehouse's group.
TEST(KitShell, TheWholeScriptOpensTheNetworkOnlyWhereItIsAskedTo) {
  const std::string look = "redshift describe-clusters";
  const std::string open = "ec2 authorize-security-group-ingress";
  KitFacts facts = full_facts();
  facts.security_group.clear();
  const DestinationConfig to = destination_from(kProvisioned);
  const Kit kit = make_kit(to, facts);
  const std::string script = text(kit, "script");
  EXPECT_EQ(script.find("Turns green: net.tcp"), std::string::npos);
  for (const KitPart* part : {kit.find("script"), kit.find("terraform")}) {
    EXPECT_EQ(std::count(part->checks.begin(), part->checks.end(), "net.tcp"), 0) << part->id;
  }
  const Told closed = run(script, kNothingThere);
  EXPECT_TRUE(closed.well && !called(closed, open)) << closed.said;
  const Told opened = run_with("OPEN_NETWORK=yes", script, "*VpcSecurityGroups*) echo sg-1 ;;\n");
  EXPECT_TRUE(opened.well && called(opened, open)) << opened.said;
  EXPECT_NE(opened.said.find("--group-id' 'sg-1'"), std::string::npos) << opened.said;
  // A group that nothing tells is asked for by the part of its own alone.
  DestinationConfig unknown = to;
  unknown.endpoint.name.clear();
  unknown.auth.warehouse.clear();
  unknown.auth.method = "password";
  const Kit of_unknown = make_kit(unknown, facts);
  EXPECT_EQ(of_unknown.find("script")->missing, std::vector<std::string>());
  EXPECT_EQ(text(of_unknown, "script").find(open), std::string::npos);
}

TEST(KitShell, AnInboundRuleGoesIntoTheGroupOfChoiceAndTellsWhatTakesItAway) {
  KitFacts facts = full_facts();
  facts.security_group.clear();
  const std::string script = text(make_kit(destination_from(kProvisioned), facts), "network");
  const std::string first = "*VpcSecurityGroups*) echo sg-1 ;;\n";
  EXPECT_NE(script.find("others may share"), std::string::npos) << script;
  const Told usual = run(script, first);
  const std::string away =
      "\n  aws ec2 revoke-security-group-ingress --region eu-west-1 "
      "'--group-id' '";
  EXPECT_NE(usual.said.find(away + "sg-1' '--protocol' 'tcp' '--port' '5439' '--cidr' "
                                   "'203.0.113.7/32'\n"),
            std::string::npos)
      << usual.said;
  EXPECT_NE(usual.said.find("Ipv6Ranges=[{CidrIpv6=2001:db8::7/128}]'\n"), std::string::npos);
  const Told chosen = run_with("INBOUND_GROUP=sg-2", script, first);
  EXPECT_NE(chosen.said.find(away + "sg-2'"), std::string::npos) << chosen.said;
  EXPECT_EQ(chosen.said.find("sg-1"), std::string::npos) << chosen.said;
  EXPECT_FALSE(called(chosen, "redshift describe-clusters"));
  const Told there =
      run(script, first + "*authorize*) echo '(InvalidPermission.Duplicate)'; return 254 ;;\n");
  EXPECT_TRUE(there.well) << there.said;
  EXPECT_EQ(there.said.find("revoke"), std::string::npos) << there.said;
}

TEST(KitShell, ANetworkThatIsHardlyMeantIsSaid) {
  const DestinationConfig to = destination_from(kProvisioned);
  KitFacts facts = full_facts();
  const std::string warning = "0.0.0.0/0 is everybody on the Internet";
  for (const char* part : {"network", "terraform", "message"}) {
    EXPECT_EQ(text(make_kit(to, facts), part).find("everybody"), std::string::npos) << part;
  }
  facts.public_egress = {"203.0.113.7", "0.0.0.0/0"};
  for (const char* part : {"network", "terraform", "message"}) {
    EXPECT_NE(text(make_kit(to, facts), part).find(warning), std::string::npos) << part;
  }
  EXPECT_NE(run(text(make_kit(to, facts), "network")).said.find("Warning: " + warning),
            std::string::npos);
  facts.public_egress = {"10.0.0.0/8"};
  EXPECT_NE(ingress_shell(to, facts, "10.0.0.0/8").find("ingress"), std::string::npos);
  EXPECT_NE(part_shell(to, facts, "network").find("10.0.0.0/8 is a network wider than /16"),
            std::string::npos);
}

// What it prints at its end is what the next step takes.
TEST(KitShell, TheWarehousesScriptTellsTheWholeEndpoint) {
  for (const char* sample : {kProvisioned, kServerless}) {
    DestinationConfig to = destination_from(sample);
    to.host.clear();  // a draft's
    to.ssh.given = false;
    const std::string script = text(make_kit(to, full_facts()), "warehouse");
    const std::string here = "*get-caller-identity*) echo 123456789012 ;;\n";
    const Told early =
        run(script, here + "*'Status,'* | *'[status,'*) echo 'creating None None' ;;\n");
    EXPECT_NE(early.said.find("State: creating\nIt has no endpoint yet"), std::string::npos)
        << early.said;
    const Told there =
        run(script, here + "*'Status,'* | *'[status,'*) echo 'available h.example.com 5439' ;;\n");
    EXPECT_NE(there.said.find("State: available\nEndpoint: h.example.com:5439/dev\n"
                              "Next: vesto destination add acme --endpoint "
                              "h.example.com:5439/dev\n"),
              std::string::npos)
        << there.said;
    // Before it is run, what it makes.
    for (const char* said : {"It is publicly accessible", "admin awsuser", "--warehouse NAME"}) {
      EXPECT_NE(script.find(said), std::string::npos) << said << script;
    }
    to.ssh.given = true;
    EXPECT_NE(text(make_kit(to, full_facts()), "warehouse").find("It is not publicly accessible"),
              std::string::npos);
  }
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
      asked.find("\n[ -n \"$SECURITY_GROUP\" ] || SECURITY_GROUP=$(aws redshift describe-clusters"),
      std::string::npos)
      << asked;
  EXPECT_LT(asked.find("get-caller-identity"), asked.find("SECURITY_GROUP="));
  EXPECT_NE(asked.find("--group-id \"$SECURITY_GROUP\" "), std::string::npos) << asked;
  for (const std::string& one : {put_policy_shell(to, {}), trust_shell(to, {}), asked}) {
    EXPECT_TRUE(sh_reads(one)) << one;
  }
}

}  // namespace
}  // namespace vesto
