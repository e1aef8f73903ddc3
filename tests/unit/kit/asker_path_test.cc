// Who assumes the role is itself a role, of which AWS tells the name and not the path.
#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

constexpr const char* kSession = "arn:aws:sts::123456789012:assumed-role/worker/i-0abc";

KitFacts asked_by(const std::string& session) {
  KitFacts facts = full_facts();
  add_asker("the environment", session, &facts);
  return facts;
}

std::string principal_in(const std::string& policy) {
  const Json json = Json::parse(policy, nullptr, false);
  return json.is_discarded() ? policy : json["Statement"][0]["Principal"]["AWS"].get<std::string>();
}

// The trust policy of the role that was made.
std::string made_trust(const Told& told) {
  const size_t at = told.said.find("PUT{");
  if (at == std::string::npos) return told.said;
  return told.said.substr(at + 3, told.said.find("TUP", at) - at - 3);
}

std::string with_path(const std::string& path) {
  return "*Role.Path*) echo '" + path + "' ;;\n*create-role*) for LAST; do :; done; " +
         "printf 'PUT%sTUP' \"$LAST\" >&2 ;;\n" + kNothingThere;
}

TEST(KitAskerPath, ASessionDoesNotTellIt) {
  KitFacts facts;
  add_asker("the environment", kSession, &facts);
  EXPECT_EQ(facts.principal_arn, "arn:aws:iam::123456789012:role/worker");
  EXPECT_TRUE(facts.principal_path_unknown);
  add_asker("profile x (arn:aws:iam::123456789012:role/a/worker)", kSession, &facts);
  EXPECT_EQ(facts.principal_arn, "arn:aws:iam::123456789012:role/a/worker");
  EXPECT_FALSE(facts.principal_path_unknown);
  add_asker("", "arn:aws:iam::123456789012:user/team/loader", &facts);
  EXPECT_FALSE(facts.principal_path_unknown);
}

TEST(KitAskerPath, APolicyLeavesItOpen) {
  const DestinationConfig to = destination_from(kAttachedRole);
  const KitFacts facts = asked_by(kSession);
  EXPECT_EQ(principal_in(trust_policy_for(to, facts)),
            "arn:aws:iam::123456789012:role<<PRINCIPAL_PATH>>worker");
  const Kit kit = make_kit(to, facts);
  EXPECT_EQ(kit.find("trust-policy")->missing, std::vector<std::string>{"PRINCIPAL_PATH"});
  EXPECT_NE(missing_help("PRINCIPAL_PATH"), "");
  expect_readable(kit);
}

TEST(KitAskerPath, TheAdminOfItsAccountLooksItUp) {
  const DestinationConfig to = destination_from(kAttachedRole);
  const KitFacts facts = asked_by(kSession);
  const Kit kit = make_kit(to, facts);
  for (const std::string& script : {text(kit, "role"), trust_shell(to, facts)}) {
    EXPECT_EQ(script.find("<<"), std::string::npos) << script;
    const Told made = run(script, with_path("/team/data/"));
    EXPECT_TRUE(made.well) << made.said;
    EXPECT_EQ(principal_in(made_trust(made)), "arn:aws:iam::123456789012:role/team/data/worker");
    EXPECT_EQ(principal_in(made_trust(run(script, with_path("/")))),
              "arn:aws:iam::123456789012:role/worker");
    // It would end the text that it is put into.
    for (const char* odd : {"/a\"/", "/a`/", "/a\\/"}) {
      const Told stopped = run(script, with_path(odd));
      EXPECT_FALSE(stopped.well || called(stopped, "iam create-role")) << odd << stopped.said;
      EXPECT_NE(stopped.said.find("cannot be written into a policy"), std::string::npos);
    }
  }
  EXPECT_TRUE(kit.find("script")->missing.empty());
  const std::string terraform = text(kit, "terraform");
  EXPECT_NE(terraform.find("data \"aws_iam_role\" \"asks\" {\n  name = \"worker\"\n}\n"),
            std::string::npos);
  EXPECT_NE(terraform.find(":role${data.aws_iam_role.asks.path}worker\""), std::string::npos);
}

// No admin may look into another account.
TEST(KitAskerPath, OfAnotherAccountItIsToBeFilledIn) {
  const DestinationConfig to = destination_from(kAttachedRole);
  const KitFacts facts = asked_by("arn:aws:sts::999999999999:assumed-role/worker/i-0abc");
  const Kit kit = make_kit(to, facts);
  for (const std::string& script :
       {text(kit, "role"), text(kit, "script"), trust_shell(to, facts)}) {
    const Told stopped = run(script, with_path("/never/"));
    EXPECT_FALSE(stopped.well);
    EXPECT_EQ(stopped.calls, "");
    EXPECT_NE(stopped.said.find("Fill in <<PRINCIPAL_PATH>> first: / for a role without"),
              std::string::npos)
        << stopped.said;
    const Told made =
        run(replace_all(script, "<<PRINCIPAL_PATH>>", "/team/"), with_path("/never/"));
    EXPECT_TRUE(made.well) << made.said;
    EXPECT_EQ(principal_in(made_trust(made)), "arn:aws:iam::999999999999:role/team/worker");
  }
  EXPECT_EQ(kit.find("terraform")->missing, std::vector<std::string>{"PRINCIPAL_PATH"});
  // What lets it assume the role names no principal.
  EXPECT_TRUE(kit.find("asker")->missing.empty());
}

}  // namespace
}  // namespace vesto
