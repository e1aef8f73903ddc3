#include "check/destination_checks.h"

#include "check/destination_state.h"
#include "check/reach_checks.h"
#include "sync/warehouse_wait.h"

namespace vesto {

std::vector<Check> destination_checks(const DestinationUnderTest& target) {
  const auto state = std::make_shared<check::State>();
  state->target = target;
  state->space = {.bucket = target.destination->bucket,
                  .prefix = target.destination->prefix,
                  .installation = target.installation,
                  .sync = sync_id(kCheckSync),
                  .run = make_run_id(target.clock->wall_ms())};
  state->mark = random_alphanumeric(8);
  const auto setting_at = [&](const char* setting, const Origin& origin) {
    return "destination." + target.destination->name + "." + setting + " (" + origin.line_text() +
           ")";
  };
  const ReachTarget way{.host = target.destination->host,
                        .port = target.destination->port,
                        .ca_file = target.destination->tls_ca_file,
                        .tunnel = target.to->tunnel.get(),
                        .public_egress = target.config->public_egress,
                        .setting = setting_at("endpoint", target.destination->endpoint_origin),
                        .ssh_setting = setting_at("ssh", target.destination->ssh.origin),
                        .explain = [state](Error error) {
                          return state->not_public ? not_public(std::move(error))
                                                   : std::move(error);
                        }};
  std::vector<Check> checks;
  const std::vector<std::string> up = check::status_check(state, &checks);
  for (Check& step : reach_checks(way, up)) checks.push_back(std::move(step));
  const std::string keys = check::identity_checks(state, &checks);
  check::warehouse_checks(state, reach_end(way), keys, &checks);
  check::bucket_checks(state, keys, &checks);
  check::load_checks(state, &checks);
  return checks;
}

}  // namespace vesto
