#include "check/destination_checks.h"

#include <cerrno>

#include "base/error_causes.h"
#include "check/destination_state.h"
#include "check/reach_checks.h"
#include "net/socket.h"
#include "sync/warehouse_wait.h"

namespace vesto {

namespace {

// Seen from here, or from the SSH server.
bool is_silence(const Error& error) {
  const Upstream& said = error.upstream();
  if (error.code() == ErrorCode::kSshConnect) {
    return said.system == "os" && said.code == std::to_string(ETIMEDOUT);
  }
  if (error.code() == ErrorCode::kSshForward) {
    return error.cause() != nullptr && error.cause()->name == "ssh-target-silent";
  }
  return error.code() == ErrorCode::kNetTimeout;
}

// What a private address sees of us: the one that we dialled it from. Others than it see NAT's.
std::string seen_within(const CheckAnswer& answer) {
  std::string address;
  std::string ours;
  for (const Evidence& one : answer.evidence) {
    if (one.name == "address") address = one.value;
    if (one.name == "our_address") ours = one.value;
  }
  return is_private_address(address) ? ours : "";
}

// Silence is most often an inbound rule that is not there.
void offer_way_in(const check::StatePtr& state, Check* step) {
  if (step->id != "net.tcp" && step->id != "ssh.connect" && step->id != "ssh.forward") return;
  step->run = [state, run = std::move(step->run), step = step->id](const CheckLimits& limits) {
    CheckAnswer answer = run(limits);
    if (answer.error && is_silence(*answer.error)) {
      KitFacts facts = state->facts();
      const std::string within = step == "net.tcp" ? seen_within(answer) : "";
      if (!within.empty()) facts.public_egress = {within};
      answer.fix = Fix{.who = "network_admin",
                       .kind = "shell",
                       .snippet = part_shell(state->destination(), facts, "network")};
    }
    return answer;
  };
}

}  // namespace

SyncId check_sync(std::string_view destination) {
  return sync_id(std::string(kFormerCheckSync) + " " + std::string(destination));
}

std::string check_lock_path(const std::string& data_dir, const SyncId& check_sync) {
  return data_dir + "/check-" + check_sync.text + ".lock";
}

std::vector<Check> destination_checks(const DestinationUnderTest& target) {
  const auto state = std::make_shared<check::State>();
  const DestinationConfig& destination = *target.destination;
  state->target = target;
  state->known.public_egress = target.config->public_egress;
  state->known.account = destination.endpoint.account;
  state->space = {.bucket = destination.bucket,
                  .prefix = destination.prefix,
                  .installation = {},  // host.store tells it
                  .sync = check_sync(destination.name),
                  .run = make_run_id(target.clock->wall_ms())};
  state->mark = random_alphanumeric(8);
  const auto setting_at = [&](const char* setting, const Origin& origin) {
    return "destination." + destination.name + "." + setting + " (" + origin.line_text() + ")";
  };
  ReachTarget way{.host = destination.host,
                  .port = destination.port,
                  .ca_file = destination.tls_ca_file,
                  .public_egress = target.config->public_egress,
                  .setting = setting_at("endpoint", destination.endpoint_origin),
                  .ssh_setting = setting_at("ssh", destination.ssh.origin),
                  .explain = [state](Error error) {
                    return state->not_public ? not_public(std::move(error)) : std::move(error);
                  }};
  if (destination.ssh.given) way.tunnel = [state] { return state->to.tunnel.get(); };
  std::vector<Check> checks;
  check::local_checks(state, &checks);
  std::vector<std::string> up = check::status_check(state, &checks);
  if (up.empty()) up = {check::kSecretsCheck};
  for (Check& step : reach_checks(way, up)) {
    offer_way_in(state, &step);
    checks.push_back(std::move(step));
  }
  check::clock_check(state, &checks);
  const std::string keys = check::identity_checks(state, &checks);
  check::warehouse_checks(state, reach_end(way), keys, &checks);
  check::bucket_checks(state, keys, &checks);
  check::load_checks(state, &checks);
  return checks;
}

}  // namespace vesto
