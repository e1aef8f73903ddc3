// Addresses and networks as allow-lists of AWS take them. Pure; any thread.
#ifndef VESTO_ADDRESS_CIDR_H_
#define VESTO_ADDRESS_CIDR_H_

#include <string>

namespace vesto {

// "203.0.113.7", "203.0.113.0/24", "2001:db8::/48"; no network with host bits.
bool is_network(const std::string& text);

// What is said of a network that holds far more than who it is meant for, as the end of "TEXT is
// ...": all of IPv4 or IPv6, or one that is wider than /16 (IPv6: /32). "" of any other text.
std::string too_wide(const std::string& network);

}  // namespace vesto

#endif  // VESTO_ADDRESS_CIDR_H_
