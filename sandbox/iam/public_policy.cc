#include "sandbox/iam/public_policy.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

// Keys whose fixed values hold a statement to somebody.
constexpr std::array<std::string_view, 10> kNarrowKeys = {
    "aws:sourceip",      "aws:sourcearn",     "aws:sourcevpc",         "aws:sourcevpce",
    "aws:sourceowner",   "aws:userid",        "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
    "aws:sourceaccount", "aws:principalorgid"};

bool is_narrow_block(std::string_view block) {
  constexpr int64_t kFewestBits = 8;
  constexpr int64_t kFewestBits6 = 32;
  const size_t slash = block.find('/');
  if (slash == std::string_view::npos) return true;
  const auto bits = parse_int(block.substr(slash + 1));
  const bool v6 = block.find(':') != std::string_view::npos;
  return bits && *bits >= (v6 ? kFewestBits6 : kFewestBits);
}

bool is_narrow_value(const ConditionTest& test, std::string_view value) {
  if (test.key == "aws:sourceip") return is_narrow_block(value);
  return !value.empty() && value.find_first_of("*?$") == std::string_view::npos;
}

// Holds only for who has one of a few fixed values.
bool is_narrow(const ConditionTest& test) {
  using Operator = ConditionTest::Operator;
  const bool asks_for_values = test.op == Operator::kStringEquals ||
                               test.op == Operator::kStringEqualsIgnoreCase ||
                               test.op == Operator::kStringLike || test.op == Operator::kArnLike ||
                               test.op == Operator::kIpAddress;
  // ForAllValues and ...IfExists hold for who has no value at all.
  const bool may_be_absent = test.if_exists || test.set == ConditionTest::Set::kForAllValues;
  if (!asks_for_values || test.negated || may_be_absent) return false;
  if (std::find(kNarrowKeys.begin(), kNarrowKeys.end(), test.key) == kNarrowKeys.end()) {
    return false;
  }
  return std::all_of(test.values.begin(), test.values.end(),
                     [&test](const std::string& value) { return is_narrow_value(test, value); });
}

bool is_public(const PolicyStatement& statement) {
  if (!statement.allow) return false;
  const auto& aws = statement.principal.aws;
  const bool everyone = statement.not_principal || statement.principal.anyone ||
                        std::find(aws.begin(), aws.end(), "*") != aws.end();
  return everyone &&
         std::none_of(statement.conditions.begin(), statement.conditions.end(), is_narrow);
}

}  // namespace

bool is_public_policy(const IamPolicy& policy) {
  return std::any_of(policy.statements.begin(), policy.statements.end(), is_public);
}

}  // namespace vesto::sandbox
