#include "config/values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"

namespace vesto {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  constexpr int64_t kLongest = int64_t{400} * 86'400'000;
  const auto first_unit = std::find_if_not(text.begin(), text.end(), digit);
  const auto digits = static_cast<size_t>(first_unit - text.begin());
  const std::optional<int64_t> number = parse_int(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) != unit) continue;
    if (*number > kLongest / factor) return std::nullopt;
    return *number * factor;
  }
  return std::nullopt;
}

std::variant<WarehouseEndpoint, std::string> parse_endpoint(std::string_view text) {
  std::string rest;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') rest += c;
  }
  for (const std::string_view scheme :
       {"jdbc:redshift:iam://", "jdbc:redshift://", "redshift://"}) {
    if (rest.starts_with(scheme)) rest = rest.substr(scheme.size());
  }
  if (const size_t scheme = rest.find("://"); scheme != std::string::npos) {
    return "leave out " + rest.substr(0, scheme + 3) + "; the form is host:port/database";
  }
  if (rest.find('@') != std::string::npos) return "it holds an @: user and password go into auth";
  WarehouseEndpoint endpoint;
  const size_t slash = rest.find('/');
  if (slash == std::string::npos || slash + 1 == rest.size()) {
    return "the database is missing; the form is host:port/database";
  }
  endpoint.database = rest.substr(slash + 1);
  if (endpoint.database.find_first_of("/?;") != std::string::npos) {
    return "nothing may follow the database";
  }
  std::string_view address = std::string_view(rest).substr(0, slash);
  std::string_view port;
  if (address.starts_with('[')) {
    const size_t end = address.find(']');
    if (end == std::string_view::npos) return "a ] is missing";
    port = address.substr(end + 1);
    address = address.substr(1, end - 1);
  } else if (const size_t colon = address.find(':'); colon != std::string_view::npos) {
    port = address.substr(colon);
    address = address.substr(0, colon);
  }
  if (address.empty()) return "the host is missing; the form is host:port/database";
  endpoint.host = std::string(address);
  if (!port.empty()) {
    const std::optional<int64_t> number = parse_int(port.substr(1));
    if (!port.starts_with(':') || !number || *number < 1 || *number > 65535) {
      return "the port must be a number from 1 to 65535";
    }
    endpoint.port = static_cast<int>(*number);
  }
  return endpoint;
}

bool good_object_name(std::string_view name) {
  constexpr size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return letter(c) || digit(c) || c == '_' || c == '-'; });
}

bool good_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || digit(c) || c == '-' || c == '.';
         });
}

}  // namespace vesto
