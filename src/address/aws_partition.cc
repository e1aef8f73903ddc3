#include "address/aws_partition.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace vesto {

namespace {

struct KnownPartition {
  AwsPartition partition;
  std::string_view region_prefix;
};

// The first stands for regions of no known form.
constexpr std::array<KnownPartition, 4> kPartitions = {{
    {{"aws", "amazonaws.com", "api.aws", "us-east-1"}, ""},
    {{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"}, "cn-"},
    {{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1"}, "us-gov-"},
    {{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"}, "eusc-"},
}};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

const AwsPartition& partition_of_region(std::string_view region) {
  for (const KnownPartition& known : kPartitions) {
    if (!known.region_prefix.empty() && region.starts_with(known.region_prefix)) {
      return known.partition;
    }
  }
  return kPartitions.front().partition;
}

const AwsPartition* find_partition(std::string_view name) {
  for (const KnownPartition& known : kPartitions) {
    if (known.partition.name == name) return &known.partition;
  }
  return nullptr;
}

std::string_view aws_suffix_of(std::string_view host) {
  std::string lower = to_lower_ascii(host);
  if (lower.ends_with('.')) lower.pop_back();  // a name may end in the root's dot
  const auto is_below = [&](std::string_view suffix) {
    return lower.size() > suffix.size() + 1 && lower.ends_with(suffix) &&
           lower[lower.size() - suffix.size() - 1] == '.';
  };
  for (const KnownPartition& known : kPartitions) {
    if (is_below(known.partition.dns_suffix)) return known.partition.dns_suffix;
    if (is_below(known.partition.dual_stack_suffix)) return known.partition.dual_stack_suffix;
  }
  return {};
}

// Words of lower-case letters, and a number as the last one: "us-gov-west-1".
bool is_region_name(std::string_view text) {
  if (text.empty() || text.size() > 40) return false;
  const std::vector<std::string> words = split(text, '-');
  if (words.size() < 3) return false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_last = i + 1 == words.size();
    if (word.empty() || !std::all_of(word.begin(), word.end(), is_last ? is_digit : is_lower)) {
      return false;
    }
  }
  return true;
}

}  // namespace vesto
