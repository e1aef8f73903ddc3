// The Condition element of an IAM policy: operators, set prefixes, IfExists, and the wildcard and
// variable rules that the Resource element shares.
// Source: IAM User Guide, "IAM JSON policy elements: Condition operators", "Single-valued vs.
// multivalued context keys", "Policy variables".
//
// All plain values and pure functions; any thread.
#ifndef VESTO_SANDBOX_IAM_CONDITION_H_
#define VESTO_SANDBOX_IAM_CONDITION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto::sandbox {

// What is known about a request, by condition key. Keys compare without case, as IAM's do, so they
// are kept in lower case. A key that is present may have several values, or none.
class RequestContext {
 public:
  void set(std::string_view key, std::string value);  // replaces
  void set_all(std::string_view key, std::vector<std::string> values);
  // Every key of `other` that is not there yet.
  void add_missing(const RequestContext& other);
  // The values of a key, or nullptr when the request does not carry it.
  [[nodiscard]] const std::vector<std::string>* find(std::string_view key) const;
  [[nodiscard]] size_t size() const { return values_.size(); }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// A text of a policy with "*", "?" and ${variables}, ready to be compared.
// `variables`: Version 2012-10-17; without it "${" is an ordinary text.
// Nothing: a variable in it has no (single) value in this request and no default; it matches
// nothing then. Wildcards inside the value of a variable are ordinary characters.
struct PolicyPattern {
  static constexpr int kAny = -1;        // "*"
  static constexpr int kAnyOne = -2;     // "?"
  static constexpr int kAnyInPart = -3;  // "*" that does not cross a colon
  static constexpr int kOneInPart = -4;  // "?" that is no colon
  std::vector<int> symbols;              // these, or bytes
};
std::optional<PolicyPattern> make_pattern(std::string_view text, const RequestContext& context,
                                          bool variables, bool wildcards);
[[nodiscard]] bool matches(const PolicyPattern& pattern, std::string_view text);

// An ARN of a Resource element against the ARN that is asked for. In the first five parts "*" and
// "?" stay within their part, except for a "*" that ends its part; the sixth is one text.
[[nodiscard]] bool matches_resource(std::string_view pattern, std::string_view resource,
                                    const RequestContext& context, bool variables);

// One line of a Condition: operator, key, values.
struct ConditionTest {
  enum class Operator {
    kStringEquals,
    kStringEqualsIgnoreCase,
    kStringLike,
    kNumericEquals,
    kNumericLessThan,
    kNumericLessThanEquals,
    kNumericGreaterThan,
    kNumericGreaterThanEquals,
    kDateEquals,
    kDateLessThan,
    kDateLessThanEquals,
    kDateGreaterThan,
    kDateGreaterThanEquals,
    kBool,
    kIpAddress,
    kArnLike,  // ArnEquals is the same
    kNull,
  };
  enum class Set { kNone, kForAllValues, kForAnyValue };

  Operator op = Operator::kStringEquals;
  bool negated = false;  // StringNotEquals, NotIpAddress, ...
  bool if_exists = false;
  Set set = Set::kNone;
  std::string key;  // lower case
  std::vector<std::string> values;
};

// The operator of a name such as "ForAnyValue:StringNotLikeIfExists", key and values
// left empty; nothing for an unknown name.
std::optional<ConditionTest> parse_operator(std::string_view name);

// Whether IAM takes `value` for this operator: numbers, moments, addresses and truth values must be
// such; ARNs must have six parts.
[[nodiscard]] bool value_fits(ConditionTest::Operator op, std::string_view value);

[[nodiscard]] bool holds(const ConditionTest& test, const RequestContext& context, bool variables);

// ISO 8601 ("2026-11-22", "2026-11-22T10:00:00Z", with fraction or offset) or seconds since 1970.
// Milliseconds since 1970.
std::optional<int64_t> parse_moment_ms(std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_CONDITION_H_
