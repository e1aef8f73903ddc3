#include "sync/reach_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr int64_t kProbeTimeoutMs = 10'000;
constexpr int64_t kTunnelProbeTimeoutMs = 30'000;  // above what the SSH session itself may take
constexpr int64_t kDayMs = 24LL * 3600 * 1000;

// Which step a failure belongs to; the steps before it have passed.
enum class Stage { kDnsOrSsh, kTcp, kTls };

Stage stage_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNetDns:
    case ErrorCode::kSshConnect:
    case ErrorCode::kSshHostKeyNew:
    case ErrorCode::kSshHostKeyChanged:
    case ErrorCode::kSshAuth:
    case ErrorCode::kSshKey:
    case ErrorCode::kSshLost:
      return Stage::kDnsOrSsh;
    case ErrorCode::kNetRefused:
    case ErrorCode::kNetUnreachable:
    case ErrorCode::kSshForward:
      return Stage::kTcp;
    default:
      return Stage::kTls;
  }
}

std::string way_evidence(const ProbeReport& report, const SshTunnel* tunnel) {
  if (tunnel != nullptr) {
    const std::string key = tunnel->seen_host_key();
    return tunnel->describe() + (key.empty() ? "" : ", " + key);
  }
  return join(report.addresses, ", ");
}

std::string tls_evidence(const ProbeReport& report) {
  if (!report.certificate) return "";
  const int64_t left_ms = report.certificate->not_after_s * 1000 - system_clock().wall_ms();
  return fmt::format("{}, issued by {}, {} days left", report.tls_version,
                     report.certificate->issuer, std::max<int64_t>(left_ms / kDayMs, 0));
}

std::string tcp_evidence(const ProbeReport& report, const SshTunnel* tunnel) {
  if (report.tcp_ms < 0) return "";
  if (tunnel != nullptr) return "through the SSH server";
  return fmt::format("{} from {}", report.address, report.our_address);
}

}  // namespace

std::vector<CheckStep> check_reach(const ReachTarget& target) {
  ProbeOptions ask;
  ask.host = target.host;
  ask.port = target.port;
  ask.tls = target.tls;
  ask.ca_file = target.ca_file;
  ask.dialer = target.tunnel;
  ask.server = target.server;
  ask.public_egress = target.public_egress;
  ask.timeout_ms = target.tunnel != nullptr ? kTunnelProbeTimeoutMs : kProbeTimeoutMs;
  ask.stop = target.stop;
  const ProbeReport report = probe(ask);

  std::vector<CheckStep> steps;
  const auto add = [&](std::string id, std::string title, std::string evidence, int64_t ms) {
    steps.push_back({.id = std::move(id),
                     .title = std::move(title),
                     .state = CheckStep::State::kPassed,
                     .evidence = std::move(evidence),
                     .duration_ms = ms,
                     .error = std::nullopt});
  };
  if (target.tunnel != nullptr) {
    add("network.ssh", "SSH server lets us in", way_evidence(report, target.tunnel), -1);
  } else {
    add("network.dns", "Host name is known", way_evidence(report, nullptr), report.dns_ms);
  }
  add("network.tcp", "Port is open", tcp_evidence(report, target.tunnel), report.tcp_ms);
  if (target.tls) {
    add("network.tls", "Encrypted and verified", tls_evidence(report), report.tls_ms);
  }
  if (!report.error) return steps;
  // A connection that was dropped or cut before it stood is TCP's; behind that it is TLS's.
  Stage stage = stage_of(report.error->code());
  if (stage == Stage::kTls && report.tcp_ms < 0) stage = Stage::kTcp;
  const size_t failed = std::min(static_cast<size_t>(stage), steps.size() - 1);
  steps[failed].state = CheckStep::State::kFailed;
  steps[failed].error = report.error;
  for (size_t i = failed + 1; i < steps.size(); ++i) {
    steps[i].state = CheckStep::State::kNotRun;
    steps[i].evidence.clear();
  }
  return steps;
}

bool all_passed(const std::vector<CheckStep>& steps) {
  return std::all_of(steps.begin(), steps.end(),
                     [](const CheckStep& s) { return s.state == CheckStep::State::kPassed; });
}

}  // namespace vesto
