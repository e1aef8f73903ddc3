#include "address/cidr.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>

#include "base/strings.h"

namespace vesto {

namespace {

// What no single company's exit is as wide as: a provider of the Internet gets a /32 of IPv6.
constexpr int64_t kWideBits = 16;
constexpr int64_t kWideBitsSix = 32;

// "10.0.0.1/24" is an address and no network: AWS refuses it in a rule.
bool no_bits_after(const std::array<unsigned char, sizeof(in6_addr)>& bytes, size_t bits) {
  for (size_t i = bits; i < bytes.size() * 8; ++i) {
    if ((bytes[i / 8] >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

struct Network {
  bool four = false;
  int64_t bits = 0;
};

std::optional<Network> network_of(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool four = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  if (!four && ::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return std::nullopt;
  const int64_t all = four ? 32 : 128;
  if (slash == std::string::npos) return Network{.four = four, .bits = all};
  const auto bits = parse_int(std::string_view(text).substr(slash + 1));
  if (!bits || *bits < 0 || *bits > all) return std::nullopt;
  if (!no_bits_after(bytes, static_cast<size_t>(*bits))) return std::nullopt;
  return Network{.four = four, .bits = *bits};
}

}  // namespace

bool is_network(const std::string& text) { return network_of(text).has_value(); }

std::string too_wide(const std::string& network) {
  const std::optional<Network> found = network_of(network);
  if (!found) return "";
  const int64_t wide = found->four ? kWideBits : kWideBitsSix;
  if (found->bits >= wide) return "";
  if (found->bits == 0) return found->four ? "everybody on the Internet" : "everybody by IPv6";
  return fmt::format("a network wider than /{}", wide);
}

}  // namespace vesto
