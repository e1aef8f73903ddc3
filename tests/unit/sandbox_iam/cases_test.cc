// Runs tests/sandbox_iam/policy_cases.toml, each case as a test of its own name.
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <set>

#include "base/strings.h"
#include "sandbox/iam/evaluate.h"

namespace vesto::sandbox {
namespace {

struct Case {
  std::string name;
  std::string expect;
  std::string why;
  const toml::table* table = nullptr;
};

const toml::table& case_file() {
  static const toml::table kFile = toml::parse_file(VESTO_IAM_CASES);
  return kFile;
}

std::vector<Case> load_cases() {
  std::vector<Case> out;
  const auto* list = case_file()["case"].as_array();
  if (list == nullptr) return out;
  for (const toml::node& node : *list) {
    const toml::table& table = *node.as_table();
    out.push_back({.name = table["name"].value_or(std::string()),
                   .expect = table["expect"].value_or(std::string()),
                   .why = table["why"].value_or(std::string()),
                   .table = &table});
  }
  return out;
}

IamPrincipal principal_of(const std::string& text) {
  IamPrincipal who;
  who.arn = text;
  if (text == "anonymous") {
    who.arn.clear();
    return who;
  }
  if (text.starts_with("web:")) {
    who.kind = IamPrincipal::Kind::kFederated;
    who.arn = text.substr(4);
    return who;
  }
  if (!text.starts_with("arn:")) {
    who.kind = IamPrincipal::Kind::kService;
    return who;
  }
  const std::vector<std::string> parts = split(text, ':');
  who.account = parts.at(4);
  const std::vector<std::string> path = split(parts.at(5), '/');
  if (path[0] == "root") {
    who.kind = IamPrincipal::Kind::kRoot;
  } else if (path[0] == "user") {
    who.kind = IamPrincipal::Kind::kUser;
    who.name = path.at(1);
  } else {
    who.kind = IamPrincipal::Kind::kRoleSession;
    who.name = path.at(1);
    who.session_name = path.at(2);
    who.role_arn = "arn:aws:iam::" + who.account + ":role/" + who.name;
  }
  return who;
}

RequestContext context_of(const toml::table& table) {
  RequestContext context;
  const auto* given = table["context"].as_table();
  if (given == nullptr) return context;
  for (const auto& [key, value] : *given) {
    std::vector<std::string> values;
    if (const auto* text = value.as_string()) values.push_back(text->get());
    if (const auto* list = value.as_array()) {
      for (const toml::node& item : *list) values.push_back(item.as_string()->get());
    }
    context.set_all(key.str(), values);
  }
  return context;
}

// The policies of a case; they must outlive the PolicySet.
struct Policies {
  std::vector<IamPolicy> identity;
  std::vector<IamPolicy> session;
  std::optional<IamPolicy> boundary;
  std::optional<IamPolicy> resource;
  std::vector<std::string> refused;

  std::optional<IamPolicy> read(const toml::node& node, PolicyKind kind) {
    auto parsed = parse_policy(node.as_string()->get(), kind);
    if (parsed.ok()) return *parsed;
    refused.push_back(parsed.error().text + " (" + parsed.error().detail + ")");
    return std::nullopt;
  }

  // One, or a list of them.
  void read_sessions(const toml::node& node) {
    const auto* list = node.as_array();
    if (list == nullptr) {
      if (auto policy = read(node, PolicyKind::kSession)) session.push_back(*policy);
      return;
    }
    for (const toml::node& one : *list) {
      if (auto policy = read(one, PolicyKind::kSession)) session.push_back(*policy);
    }
  }

  explicit Policies(const toml::table& table) {
    if (const auto* list = table["identity"].as_array()) {
      for (const toml::node& node : *list) {
        if (auto policy = read(node, PolicyKind::kIdentity)) identity.push_back(*policy);
      }
    }
    if (const auto* node = table.get("session")) read_sessions(*node);
    if (const auto* node = table.get("boundary")) boundary = read(*node, PolicyKind::kBoundary);
    if (const auto* node = table.get("bucket")) resource = read(*node, PolicyKind::kResource);
    if (const auto* node = table.get("key")) resource = read(*node, PolicyKind::kKey);
    if (const auto* node = table.get("trust")) resource = read(*node, PolicyKind::kTrust);
  }

  [[nodiscard]] PolicySet set() const {
    PolicySet out;
    for (const IamPolicy& policy : identity) out.identity.push_back(&policy);
    for (const IamPolicy& policy : session) out.session.push_back(&policy);
    if (boundary) out.boundary = &*boundary;
    if (resource) out.resource = &*resource;
    return out;
  }
};

std::string answer(const Case& one, std::string& explanation) {
  const toml::table& table = *one.table;
  const Policies policies(table);
  if (!policies.refused.empty()) {
    explanation = policies.refused.front();
    return "invalid";
  }
  const std::string who =
      table["principal"].value_or(std::string("arn:aws:iam::111122223333:user/ann"));
  AccessRequest request{.principal = principal_of(who),
                        .action = table["action"].value_or(std::string()),
                        .resource = table["resource"].value_or(std::string()),
                        .resource_account = table["resource_account"].value_or(std::string()),
                        .context = context_of(table)};
  const Decision decision = evaluate(policies.set(), request);
  if (decision.allowed) return "allow";
  explanation = denial_text(DenialStyle::kGeneric, request, decision);
  return decision.explicit_deny ? "explicit_deny" : "deny";
}

class PolicyCase : public testing::Test {
 public:
  explicit PolicyCase(Case one) : case_(std::move(one)) {}
  void TestBody() override {
    std::string explanation;
    EXPECT_EQ(answer(case_, explanation), case_.expect)
        << case_.name << "\n  why: " << case_.why << "\n  answer: " << explanation;
  }

 private:
  Case case_;
};

// A test's name in GoogleTest takes letters, digits and "_".
std::string test_name(const std::string& name) {
  std::string out;
  for (const char c : name) {
    out += (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c : '_';
  }
  return out;
}

const bool kRegistered = [] {
  for (const Case& one : load_cases()) {
    testing::RegisterTest("PolicyCases", test_name(one.name).c_str(), nullptr, nullptr,
                          VESTO_IAM_CASES, 1,
                          [one]() -> testing::Test* { return new PolicyCase(one); });
  }
  return true;
}();

TEST(PolicyCaseFile, IsComplete) {
  ASSERT_TRUE(kRegistered);
  const std::set<std::string> keys = {
      "name", "expect", "why",       "identity", "session",  "boundary",         "bucket",
      "key",  "trust",  "principal", "action",   "resource", "resource_account", "context"};
  const std::set<std::string> answers = {"allow", "deny", "explicit_deny", "invalid"};
  std::set<std::string> names;
  const std::vector<Case> cases = load_cases();
  EXPECT_GE(cases.size(), 200U);
  for (const Case& one : cases) {
    EXPECT_TRUE(names.insert(test_name(one.name)).second) << "twice: " << one.name;
    EXPECT_TRUE(answers.contains(one.expect)) << one.name;
    EXPECT_FALSE(one.why.empty()) << one.name;
    for (const auto& [key, value] : *one.table) {
      EXPECT_TRUE(keys.contains(std::string(key.str()))) << one.name << ": " << key.str();
    }
  }
}

}  // namespace
}  // namespace vesto::sandbox
