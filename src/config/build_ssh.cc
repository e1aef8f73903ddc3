#include "config/build_ssh.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "address/ssh_fingerprint.h"
#include "base/hash.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxEgress = 50;

// "10.0.0.1/24" is an address and no network: AWS refuses it in a rule.
bool no_bits_after(const std::array<unsigned char, sizeof(in6_addr)>& bytes, size_t bits) {
  for (size_t i = bits; i < bytes.size() * 8; ++i) {
    if ((bytes[i / 8] >> (7 - i % 8) & 1) != 0) return false;
  }
  return true;
}

// "203.0.113.7", "203.0.113.0/24", "2001:db8::/48"
bool is_network(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  const bool four = ::inet_pton(AF_INET, address.c_str(), bytes.data()) == 1;
  if (!four && ::inet_pton(AF_INET6, address.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string::npos) return true;
  const auto bits = parse_int(std::string_view(text).substr(slash + 1));
  if (!bits || *bits < 0 || *bits > (four ? 32 : 128)) return false;
  return no_bits_after(bytes, static_cast<size_t>(*bits));
}

}  // namespace

std::string sealed_ssh_key_name(std::string_view kind, std::string_view name) {
  std::string lower = to_lower_ascii(name);
  // Names may differ in capitals alone, names of secrets may not.
  if (lower != name) lower += "." + sha256_hex(name).substr(0, 8);
  return fmt::format("ssh/{}/{}", kind, lower);
}

SshConfig build_ssh(const Section& ssh, std::string_view kind, const std::string& name,
                    std::vector<ConfigIssue>* issues) {
  SshConfig out;
  if (!ssh.given()) return out;
  const auto issue = [&](std::string_view setting, std::string_view what, std::string_view hint) {
    issues->push_back({.code = ErrorCode::kCfgValue,
                       .origin = ssh.origin(setting),
                       .message = fmt::format("{}.{}.ssh.{} {}", kind, name, setting, what),
                       .hint = std::string(hint)});
  };
  out.given = true;
  out.origin = ssh.table_origin();
  out.host = std::string(trim(ssh.text("host")));
  out.port = static_cast<int>(ssh.integer("port"));
  out.user = std::string(trim(ssh.text("user")));
  out.host_key = std::string(trim(ssh.text("host_key")));
  out.key = ssh.reference("key");
  out.passphrase = ssh.reference("passphrase");
  const bool has_port = std::count(out.host.begin(), out.host.end(), ':') == 1;
  if (has_port || out.host.find_first_of(" /@,") != std::string::npos) {
    issue("host", "must be a host name alone", "User and port have settings of their own.");
  }
  if (!out.host_key.empty() && !is_ssh_fingerprint(out.host_key)) {
    issue("host_key", "is no fingerprint of a key",
          "Write it as ssh-keygen -l prints it: SHA256: and 43 letters and digits.");
  }
  if (!out.key.given()) {
    if (out.passphrase.given()) {
      issue("passphrase", "belongs to a key of your own, and key is not set",
            "Set key, or remove passphrase: Vesto's own key is sealed without one.");
    }
    out.own_key = true;
    out.key = {ValueRef::Kind::kSecret, sealed_ssh_key_name(kind, name), out.origin};
  }
  return out;
}

std::vector<std::string> build_public_egress(const Section& server,
                                             std::vector<ConfigIssue>* issues) {
  std::vector<std::string> out = server.texts("public_egress");
  const auto issue = [&](std::string message) {
    issues->push_back({.code = ErrorCode::kCfgValue,
                       .origin = server.origin("public_egress"),
                       .message = std::move(message),
                       .hint = "Write addresses or networks: [\"203.0.113.7/32\"]."});
  };
  if (out.size() > kMaxEgress) issue("server.public_egress holds more than 50 addresses");
  for (const std::string& text : out) {
    if (is_network(text)) continue;
    issue(
        fmt::format("server.public_egress: \"{}\" is no address or network", cut_utf8(text, 100)));
  }
  return out;
}

}  // namespace vesto
