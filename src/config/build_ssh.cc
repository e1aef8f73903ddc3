#include "config/build_ssh.h"

#include <fmt/format.h>

#include <algorithm>

#include "address/cidr.h"
#include "address/ssh_fingerprint.h"
#include "base/hash.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxEgress = 50;
constexpr size_t kMaxHostBytes = 255;
constexpr size_t kMaxUserBytes = 255;

// What a resolver takes: letters, digits and ". - _", or an address (with its zone).
bool is_host(const std::string& text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
  };
  const bool has_port = std::count(text.begin(), text.end(), ':') == 1;
  return text.size() <= kMaxHostBytes && !text.starts_with('-') && !has_port &&
         std::all_of(text.begin(), text.end(), plain);
}

// What no user name of an SSH server is like, as it is shown; "" if it may be one. It is what
// OpenSSH's own client refuses, spaces, and what is not ASCII, as pasted names carry it unseen.
std::string odd_in_user(const std::string& user) {
  if (user.starts_with('-')) return "begins with a dash";
  if (user.ends_with('\\')) return "ends in a backslash";
  for (size_t at = 0; at < user.size(); ++at) {
    const auto c = static_cast<unsigned char>(user[at]);
    if (c == ' ') return "holds a space";
    if (c == '\n' || c == '\r') return "holds a line break";
    if (c < 0x20 || c == 0x7f) return "holds a control character";
    if (c >= 0x80) return fmt::format("holds a character that is not ASCII, after {} others", at);
    if (std::string_view("'`\";&<>|(){}").find(user[at]) != std::string_view::npos) {
      return fmt::format("holds the character {}", user[at]);
    }
  }
  return "";
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
  if (!is_host(out.host)) {
    issue("host", "must be a host name alone",
          "Letters, digits, dots and dashes, or an address. User and port have settings of their "
          "own.");
  }
  if (const std::string odd = odd_in_user(out.user); !odd.empty()) {
    issue("user", odd,
          "Write the name of the user on the SSH server alone, as in ~user/.ssh there.");
  } else if (out.user.size() > kMaxUserBytes) {
    issue("user", "is longer than 255 bytes", "Write the name of the user on the SSH server.");
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
  const auto issue = [&](std::string message, std::string_view hint, bool warning) {
    issues->push_back({.code = ErrorCode::kCfgValue,
                       .origin = server.origin("public_egress"),
                       .message = std::move(message),
                       .hint = std::string(hint),
                       .warning = warning});
  };
  constexpr std::string_view kForm = "Write addresses or networks: [\"203.0.113.7/32\"].";
  if (out.size() > kMaxEgress) {
    issue("server.public_egress holds more than 50 addresses", kForm, false);
  }
  for (const std::string& text : out) {
    const std::string wide = too_wide(text);
    if (!wide.empty()) {
      issue(fmt::format("server.public_egress: {} is {}: the kit's inbound rules let all of it in",
                        text, wide),
            "Write the addresses alone that Vesto dials from: [\"203.0.113.7/32\"].", true);
    }
    if (is_network(text)) continue;
    issue(fmt::format("server.public_egress: \"{}\" is no address or network", cut_utf8(text, 100)),
          kForm, false);
  }
  return out;
}

}  // namespace vesto
