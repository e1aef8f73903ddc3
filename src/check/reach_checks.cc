#include "check/reach_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "base/error_causes.h"
#include "base/strings.h"
#include "kit/kit.h"

namespace vesto {

namespace {

constexpr int64_t kProbeTimeoutMs = 10'000;
constexpr int64_t kTunnelProbeTimeoutMs = 30'000;  // the SSH session, its login and the other end
constexpr int64_t kDayMs = 24LL * 3600 * 1000;

// What both ends of the way have in common, in the order in which a failure meets them.
struct Stage {
  const char* id;
  const char* title;
};
constexpr Stage kDirect[] = {{"net.dns", "Host name is known"},
                             {"net.tcp", "Port is open"},
                             {"net.tls", "Encrypted and verified"}};
constexpr Stage kTunnelled[] = {{"ssh.connect", "SSH server answers"},
                                {"ssh.host_key", "SSH server is the one you approved"},
                                {"ssh.login", "SSH server accepts our key"},
                                {"ssh.forward", "SSH server reaches the other end"},
                                {"net.tls", "Encrypted and verified"}};

// The stage at which an error ended the way.
std::string_view stage_of(ErrorCode code, bool tunnelled, bool connected) {
  switch (code) {
    case ErrorCode::kSshHostKeyNew:
    case ErrorCode::kSshHostKeyChanged:
      return "ssh.host_key";
    case ErrorCode::kSshAuth:
    case ErrorCode::kSshKey:
      return "ssh.login";
    case ErrorCode::kSshForward:
      return "ssh.forward";
    case ErrorCode::kSshConnect:
    case ErrorCode::kSshLost:
      return "ssh.connect";
    case ErrorCode::kNetDns:
    case ErrorCode::kNetResolver:
      return tunnelled ? "ssh.connect" : "net.dns";
    default:
      break;
  }
  // A connection that was dropped or cut before it stood is TCP's; behind that it is TLS's.
  if (connected) return "net.tls";
  return tunnelled ? "ssh.forward" : "net.tcp";
}

// The probe and what it found, shared by the checks of one way.
struct Look {
  ReachTarget target;
  std::optional<ProbeReport> report;
  std::string failed_at;        // "" = nowhere
  SshTunnel* tunnel = nullptr;  // nullptr: the way is direct

  const ProbeReport& ask(const CheckLimits& limits) {
    if (report) return *report;
    if (target.tunnel) tunnel = target.tunnel();
    ProbeOptions ask;
    ask.host = target.host;
    ask.port = target.port;
    ask.tls = target.tls;
    ask.ca_file = target.ca_file;
    ask.dialer = tunnel;
    ask.server = target.server;
    ask.public_egress = target.public_egress;
    ask.timeout_ms = tunnel != nullptr ? kTunnelProbeTimeoutMs : kProbeTimeoutMs;
    ask.stop = limits.stop;
    report = probe(ask);
    if (report->error) {
      failed_at = stage_of(report->error->code(), tunnel != nullptr, report->tcp_ms >= 0);
    }
    return *report;
  }
};

void add(CheckAnswer* answer, const char* name, std::string value) {
  if (!value.empty()) answer->evidence.push_back({name, std::move(value)});
}

void add_ms(CheckAnswer* answer, int64_t ms) {
  if (ms >= 0) add(answer, "time", fmt::format("{} ms", ms));
}

void add_certificate(CheckAnswer* answer, const ProbeReport& report) {
  add(answer, "version", report.tls_version);
  if (!report.certificate) return;
  const int64_t left_ms = report.certificate->not_after_s * 1000 - system_clock().wall_ms();
  add(answer, "issuer", report.certificate->issuer);
  add(answer, "valid_for", fmt::format("{} days", std::max<int64_t>(left_ms / kDayMs, 0)));
}

// The line for authorized_keys, where it is that line that lacks.
std::optional<Fix> line_fix(const SshTunnel& tunnel, const Error& error) {
  // Who asks for more than a key has taken it.
  const bool refused =
      error.code() == ErrorCode::kSshAuth && error.upstream().code != kSshPartialSuccess;
  const bool forbidden = error.cause() != nullptr && error.cause()->name == "ssh-forward-forbidden";
  const std::string line = tunnel.authorize_line();
  if (line.empty() || (!refused && !forbidden)) return std::nullopt;
  return Fix{
      .who = "network_admin", .kind = "shell", .snippet = authorize_shell(tunnel.login(), line)};
}

// "SHA256:..." as the error names it: the tunnel keeps that of a key which was approved.
std::string shown_fingerprint(const Error& error) {
  const std::string& text = error.message();
  const size_t at = text.rfind(" SHA256:");
  return at == std::string::npos ? "" : text.substr(at + 1, text.find(' ', at + 1) - at - 1);
}

// What is mended by a line of our own configuration, in front of a source as well.
std::optional<Fix> own_fix(const Error& error) {
  if (error.code() == ErrorCode::kNetDns) return Fix{.who = "you", .kind = "text", .snippet = ""};
  if (error.code() != ErrorCode::kSshHostKeyNew) return std::nullopt;
  const std::string shown = shown_fingerprint(error);
  if (shown.empty()) return std::nullopt;
  return Fix{.who = "you", .kind = "toml", .snippet = fmt::format("host_key = \"{}\"", shown)};
}

CheckAnswer answer_of(Look& look, std::string_view stage, const CheckLimits& limits) {
  const ProbeReport& report = look.ask(limits);
  CheckAnswer answer;
  const SshTunnel* tunnel = look.tunnel;
  if (stage == "net.dns") {
    add(&answer, "addresses", join(report.addresses, ", "));
    add_ms(&answer, report.dns_ms);
  } else if (stage == "net.tcp") {
    add(&answer, "address", report.address);
    add(&answer, "our_address", report.our_address);
    add_ms(&answer, report.tcp_ms);
  } else if (stage == "net.tls") {
    add_certificate(&answer, report);
    add_ms(&answer, report.tls_ms);
  } else if (stage == "ssh.connect") {
    add(&answer, "server", tunnel->describe());
  } else if (stage == "ssh.host_key") {
    add(&answer, "fingerprint", tunnel->seen_host_key());
  } else if (stage == "ssh.forward") {
    add(&answer, "target", fmt::format("{}:{}", look.target.host, look.target.port));
    add_ms(&answer, report.tcp_ms);
  }
  if (look.failed_at == stage) {
    answer.status = CheckStatus::kFailed;
    const bool ssh = stage.starts_with("ssh.") && stage != "ssh.forward";
    Error error = Error(*report.error).in(ssh ? look.target.ssh_setting : look.target.setting);
    answer.fix = own_fix(error);
    if (!answer.fix && tunnel != nullptr) answer.fix = line_fix(*tunnel, error);
    answer.error = look.target.explain ? look.target.explain(std::move(error)) : std::move(error);
  }
  return answer;
}

std::vector<Stage> stages_of(const ReachTarget& target) {
  std::vector<Stage> stages;
  if (target.tunnel) {
    stages.assign(std::begin(kTunnelled), std::end(kTunnelled));
  } else {
    stages.assign(std::begin(kDirect), std::end(kDirect));
  }
  if (!target.tls) stages.pop_back();
  return stages;
}

}  // namespace

std::string reach_end(const ReachTarget& target) { return stages_of(target).back().id; }

std::vector<Check> reach_checks(const ReachTarget& target, const std::vector<std::string>& needs) {
  const auto look = std::make_shared<Look>(Look{.target = target, .report = {}, .failed_at = {}});
  std::vector<Check> checks;
  for (const Stage& stage : stages_of(target)) {
    Check check;
    check.id = stage.id;
    check.title = stage.title;
    check.group = "network";
    check.needs = checks.empty() ? needs : std::vector<std::string>{checks.back().id};
    check.limit_ms = target.tunnel ? kTunnelProbeTimeoutMs : kProbeTimeoutMs;
    check.run = [look, id = check.id](const CheckLimits& limits) {
      return answer_of(*look, id, limits);
    };
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace vesto
