#include "sandbox/iam/condition.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/iam/condition_values.h"

namespace vesto::sandbox {

namespace {

using Operator = ConditionTest::Operator;

struct OperatorName {
  std::string_view name;
  Operator op;
  bool negated;
};

constexpr std::array kOperators = {
    OperatorName{"StringEquals", Operator::kStringEquals, false},
    OperatorName{"StringNotEquals", Operator::kStringEquals, true},
    OperatorName{"StringEqualsIgnoreCase", Operator::kStringEqualsIgnoreCase, false},
    OperatorName{"StringNotEqualsIgnoreCase", Operator::kStringEqualsIgnoreCase, true},
    OperatorName{"StringLike", Operator::kStringLike, false},
    OperatorName{"StringNotLike", Operator::kStringLike, true},
    OperatorName{"NumericEquals", Operator::kNumericEquals, false},
    OperatorName{"NumericNotEquals", Operator::kNumericEquals, true},
    OperatorName{"NumericLessThan", Operator::kNumericLessThan, false},
    OperatorName{"NumericLessThanEquals", Operator::kNumericLessThanEquals, false},
    OperatorName{"NumericGreaterThan", Operator::kNumericGreaterThan, false},
    OperatorName{"NumericGreaterThanEquals", Operator::kNumericGreaterThanEquals, false},
    OperatorName{"DateEquals", Operator::kDateEquals, false},
    OperatorName{"DateNotEquals", Operator::kDateEquals, true},
    OperatorName{"DateLessThan", Operator::kDateLessThan, false},
    OperatorName{"DateLessThanEquals", Operator::kDateLessThanEquals, false},
    OperatorName{"DateGreaterThan", Operator::kDateGreaterThan, false},
    OperatorName{"DateGreaterThanEquals", Operator::kDateGreaterThanEquals, false},
    OperatorName{"Bool", Operator::kBool, false},
    OperatorName{"IpAddress", Operator::kIpAddress, false},
    OperatorName{"NotIpAddress", Operator::kIpAddress, true},
    OperatorName{"ArnEquals", Operator::kArnLike, false},
    OperatorName{"ArnLike", Operator::kArnLike, false},
    OperatorName{"ArnNotEquals", Operator::kArnLike, true},
    OperatorName{"ArnNotLike", Operator::kArnLike, true},
    OperatorName{"Null", Operator::kNull, false},
};

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool compare_numbers(Operator op, std::string_view limit_text, std::string_view value_text) {
  const auto limit = parse_number(limit_text);
  const auto value = parse_number(value_text);
  if (!limit || !value) return false;
  switch (op) {
    case Operator::kNumericLessThan:
      return *value < *limit;
    case Operator::kNumericLessThanEquals:
      return *value <= *limit;
    case Operator::kNumericGreaterThan:
      return *value > *limit;
    case Operator::kNumericGreaterThanEquals:
      return *value >= *limit;
    default:
      return *value == *limit;
  }
}

bool compare_moments(Operator op, std::string_view limit_text, std::string_view value_text) {
  const auto limit = parse_moment_ms(limit_text);
  const auto value = parse_moment_ms(value_text);
  if (!limit || !value) return false;
  switch (op) {
    case Operator::kDateLessThan:
      return *value < *limit;
    case Operator::kDateLessThanEquals:
      return *value <= *limit;
    case Operator::kDateGreaterThan:
      return *value > *limit;
    case Operator::kDateGreaterThanEquals:
      return *value >= *limit;
    default:
      return *value == *limit;
  }
}

// The symbols up to the next colon, and that colon taken off.
PolicyPattern take_part(const std::vector<int>& symbols, size_t& at, bool last) {
  const auto from = symbols.begin() + static_cast<std::ptrdiff_t>(at);
  const auto colon = last ? symbols.end() : std::find(from, symbols.end(), int{':'});
  at = static_cast<size_t>(colon - symbols.begin()) + (colon == symbols.end() ? 0 : 1);
  return {.symbols = std::vector<int>(from, colon)};
}

// Each of the six parts for itself.
bool arn_like(const PolicyPattern& pattern, std::string_view value) {
  constexpr int kParts = 6;
  size_t pattern_at = 0;
  size_t value_at = 0;
  for (int part = 1; part <= kParts; ++part) {
    const bool last = part == kParts;
    const size_t colon = last ? value.size() : value.find(':', value_at);
    if (colon == std::string_view::npos || value_at > value.size()) return false;
    if (!matches(take_part(pattern.symbols, pattern_at, last),
                 value.substr(value_at, colon - value_at))) {
      return false;
    }
    value_at = colon + 1;
  }
  return true;
}

bool compare_texts(Operator op, std::string_view wanted, std::string_view value,
                   const RequestContext& context, bool variables) {
  const bool wildcards = op == Operator::kStringLike || op == Operator::kArnLike;
  auto pattern = make_pattern(wanted, context, variables, wildcards);
  if (!pattern) return false;
  if (op == Operator::kArnLike) {
    return wanted == "*" || arn_like(*pattern, value);
  }
  if (op != Operator::kStringEqualsIgnoreCase) return matches(*pattern, value);
  for (int& symbol : pattern->symbols) {
    if (symbol >= 'A' && symbol <= 'Z') symbol += 'a' - 'A';
  }
  return matches(*pattern, to_lower_ascii(value));
}

bool compare(const ConditionTest& test, std::string_view wanted, std::string_view value,
             const RequestContext& context, bool variables) {
  switch (test.op) {
    case Operator::kStringEquals:
    case Operator::kStringEqualsIgnoreCase:
    case Operator::kStringLike:
    case Operator::kArnLike:
      return compare_texts(test.op, wanted, value, context, variables);
    case Operator::kNumericEquals:
    case Operator::kNumericLessThan:
    case Operator::kNumericLessThanEquals:
    case Operator::kNumericGreaterThan:
    case Operator::kNumericGreaterThanEquals:
      return compare_numbers(test.op, wanted, value);
    case Operator::kDateEquals:
    case Operator::kDateLessThan:
    case Operator::kDateLessThanEquals:
    case Operator::kDateGreaterThan:
    case Operator::kDateGreaterThanEquals:
      return compare_moments(test.op, wanted, value);
    case Operator::kBool:
      return parse_truth(value).has_value() && parse_truth(wanted) == parse_truth(value);
    case Operator::kIpAddress:
      return address_in_block(value, wanted);
    case Operator::kNull:
      return false;
  }
  return false;
}

}  // namespace

void RequestContext::set(std::string_view key, std::string value) {
  std::vector<std::string> values;
  values.push_back(std::move(value));
  set_all(key, std::move(values));
}

void RequestContext::set_all(std::string_view key, std::vector<std::string> values) {
  values_.insert_or_assign(to_lower_ascii(key), std::move(values));
}

void RequestContext::add_missing(const RequestContext& other) {
  values_.insert(other.values_.begin(), other.values_.end());
}

const std::vector<std::string>* RequestContext::find(std::string_view key) const {
  const auto it = values_.find(to_lower_ascii(key));
  return it == values_.end() ? nullptr : &it->second;
}

std::optional<ConditionTest> parse_operator(std::string_view name) {
  ConditionTest test;
  if (take_prefix(name, "ForAllValues:")) {
    test.set = ConditionTest::Set::kForAllValues;
  } else if (take_prefix(name, "ForAnyValue:")) {
    test.set = ConditionTest::Set::kForAnyValue;
  }
  constexpr std::string_view kIfExists = "IfExists";
  if (name.ends_with(kIfExists)) {
    test.if_exists = true;
    name.remove_suffix(kIfExists.size());
  }
  const auto found = std::find_if(kOperators.begin(), kOperators.end(),
                                  [&](const OperatorName& known) { return known.name == name; });
  if (found == kOperators.end()) return std::nullopt;
  test.op = found->op;
  test.negated = found->negated;
  // Null asks for existence itself.
  const bool set_prefix = test.set != ConditionTest::Set::kNone;
  if (test.op == Operator::kNull && (test.if_exists || set_prefix)) return std::nullopt;
  return test;
}

bool value_fits(Operator op, std::string_view value) {
  switch (op) {
    case Operator::kStringEquals:
    case Operator::kStringEqualsIgnoreCase:
    case Operator::kStringLike:
      return true;
    case Operator::kArnLike:
      return value == "*" || std::count(value.begin(), value.end(), ':') >= 5;
    case Operator::kNumericEquals:
    case Operator::kNumericLessThan:
    case Operator::kNumericLessThanEquals:
    case Operator::kNumericGreaterThan:
    case Operator::kNumericGreaterThanEquals:
      return parse_number(value).has_value();
    case Operator::kDateEquals:
    case Operator::kDateLessThan:
    case Operator::kDateLessThanEquals:
    case Operator::kDateGreaterThan:
    case Operator::kDateGreaterThanEquals:
      return parse_moment_ms(value).has_value();
    case Operator::kBool:
    case Operator::kNull:
      return parse_truth(value).has_value();
    case Operator::kIpAddress:
      return is_address_block(value);
  }
  return false;
}

bool holds(const ConditionTest& test, const RequestContext& context, bool variables) {
  const std::vector<std::string>* values = context.find(test.key);
  const bool missing = values == nullptr || values->empty();
  if (test.op == Operator::kNull) {
    return std::any_of(test.values.begin(), test.values.end(),
                       [&](const std::string& wanted) { return parse_truth(wanted) == missing; });
  }
  if (missing) {
    if (test.if_exists || test.set == ConditionTest::Set::kForAllValues) return true;
    return test.negated && test.set == ConditionTest::Set::kNone;
  }
  const auto equals_one = [&](const std::string& value) {
    return std::any_of(test.values.begin(), test.values.end(), [&](const std::string& wanted) {
      return compare(test, wanted, value, context, variables);
    });
  };
  const auto satisfies = [&](const std::string& value) {
    return equals_one(value) != test.negated;
  };
  switch (test.set) {
    case ConditionTest::Set::kForAllValues:
      return std::all_of(values->begin(), values->end(), satisfies);
    case ConditionTest::Set::kForAnyValue:
      return std::any_of(values->begin(), values->end(), satisfies);
    case ConditionTest::Set::kNone:
      break;
  }
  // Without a set prefix a key of several values is one thing: equal if one of them is.
  return std::any_of(values->begin(), values->end(), equals_one) != test.negated;
}

}  // namespace vesto::sandbox
