// Values inside conditions: numbers, moments, truth values, addresses. Pure; any thread.
#ifndef VESTO_SANDBOX_IAM_CONDITION_VALUES_H_
#define VESTO_SANDBOX_IAM_CONDITION_VALUES_H_

#include <optional>
#include <string_view>

namespace vesto::sandbox {

std::optional<double> parse_number(std::string_view text);
std::optional<bool> parse_truth(std::string_view text);  // "true", "False"
// `block`: an IPv4 or IPv6 address or a CIDR block.
[[nodiscard]] bool is_address_block(std::string_view block);
[[nodiscard]] bool address_in_block(std::string_view address, std::string_view block);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_IAM_CONDITION_VALUES_H_
