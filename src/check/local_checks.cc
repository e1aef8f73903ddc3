// What a destination needs on this machine: config.valid, secret.readable, host.store.
#include "check/destination_state.h"
#include "check/host_checks.h"

namespace vesto::check {

namespace {

std::string place(const State& state) {
  const DestinationConfig& to = state.destination();
  return "destination." + to.name + " (" + to.origin.line_text() + ")";
}

// That it could be read at all is known; what is left needs AWS's policies to be judged.
CheckAnswer config(State& state, const CheckLimits& /*limits*/) {
  const Status fits = check_copy_policy(state.destination());
  if (!fits.ok()) return failed(fits.error());
  Error two(ErrorCode::kCfgValue, "auth.warehouse and the endpoint name two warehouses");
  if (std::optional<Fix> fix = two_warehouses(state, &two)) {
    return warned(std::move(two), std::move(fix));
  }
  return passed({{"set_in", place(state)}});
}

CheckAnswer secrets(State& state, const CheckLimits& /*limits*/) {
  const DestinationUnderTest& target = state.target;
  Config part = part_of(*target.config, *target.destination);
  // Of the warehouse's CA bundle net.tls tells, with the code that a run gives.
  for (DestinationConfig& one : part.destinations) one.tls_ca_file.clear();
  CheckAnswer answer = secrets_answer(part, *target.secrets);
  if (answer.status == CheckStatus::kFailed) return answer;
  auto to = assemble_destination(*target.config, *target.destination, *target.secrets, target.stop);
  if (!to.ok()) return failed(std::move(to).error());
  state.to = std::move(to).value();
  state.s3_options = staging_options(*target.destination, *state.to.identity);
  return answer;
}

CheckAnswer store(State& state, const CheckLimits& limits) {
  CheckAnswer answer = store_answer(state.target.data_dir, limits, state.target.store);
  if (answer.status == CheckStatus::kFailed) return answer;
  auto opened = open_store(state.target.data_dir, *state.target.clock);
  if (!opened.ok()) return failed(opened.error());
  const Result<InstallationId> installation = (*opened)->installation();
  if (!installation.ok()) return failed(installation.error());
  state.store = std::move(opened).value();
  state.space.installation = *installation;
  return answer;
}

}  // namespace

void local_checks(const StatePtr& state, std::vector<Check>* checks) {
  using Run = CheckAnswer (*)(State&, const CheckLimits&);
  const auto add = [&](std::string id, std::string title, std::vector<std::string> needs, Run run) {
    Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.group = "config";
    check.needs = std::move(needs);
    check.run = [state, run](const CheckLimits& limits) { return run(*state, limits); };
    checks->push_back(std::move(check));
  };
  add("config.valid", "Configuration is complete", {}, config);
  add(kSecretsCheck, "Secrets can be opened", {"config.valid"}, secrets);
  add(kStoreCheck, "Local store is whole", {}, store);
}

}  // namespace vesto::check
