// destination test, ssh-key: the way to a server.
#include <fmt/format.h>

#include <optional>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "cli/check_text.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "sync/assemble.h"
#include "sync/tunnel.h"
#include "sync/warehouse_wait.h"

namespace vesto::cli {

namespace {

// "destination.acme", "source.shop", or a name that only one of them has.
Result<TunnelPlace> find_place(const Config& config, const std::string& name) {
  const auto bare = [&](std::string_view kind) {
    const std::string head = std::string(kind) + ".";
    return name.starts_with(head) ? name.substr(head.size()) : name;
  };
  const DestinationConfig* destination =
      name.starts_with("source.") ? nullptr : config.find_destination(bare("destination"));
  const SourceConfig* source =
      name.starts_with("destination.") ? nullptr : config.find_source(bare("source"));
  if (destination != nullptr && source != nullptr) {
    return Error(ErrorCode::kUsage, "a source and a destination have this name")
        .with_hint(fmt::format("Say which: vesto ssh-key source.{0}, or vesto ssh-key "
                               "destination.{0}",
                               name));
  }
  if (destination != nullptr) return tunnel_place(*destination);
  if (source != nullptr) return tunnel_place(*source);
  std::vector<std::string> known;
  for (const auto& d : config.destinations) known.push_back("destination." + d.name);
  for (const auto& s : config.sources) known.push_back("source." + s.name);
  return no_object("destination or source", name, known);
}

struct OwnKey {
  Secret value;
  bool made = false;
};

// The key of the tunnel; Vesto's own is made where there is none, or where another one is asked
// for.
Result<OwnKey> tunnel_key(const Context& context, const TunnelPlace& place) {
  SealedStore store = sealed_store(context);
  if (!place.ssh->own_key) {
    if (context.options.new_key) {
      return Error(ErrorCode::kUsage, place.shown() + ".ssh names a key of your own")
          .with_hint("Remove key from the section to have Vesto make one.");
    }
    VESTO_ASSIGN(Secret own, resolve_secret(place.ssh->key, store));
    return OwnKey{.value = std::move(own)};
  }
  const std::string name = sealed_ssh_key_name(place.kind, place.name);
  if (!context.options.new_key) {
    auto kept = store.get(name);
    if (kept.ok()) return OwnKey{.value = std::move(kept).value()};
    if (kept.error().code() != ErrorCode::kSecMissing) return std::move(kept).error();
  }
  VESTO_ASSIGN(Secret made, make_ssh_key());
  if (context.options.new_key) {
    VESTO_TRY(store.set(name, made));
    return OwnKey{.value = std::move(made), .made = true};
  }
  // Another process may have made one meanwhile: its key is the one whose line has to be shown.
  VESTO_ASSIGN(Secret kept, store.get_or_set(name, made));
  const bool ours = kept.reveal() == made.reveal();
  return OwnKey{.value = std::move(kept), .made = ours};
}

Status show_ssh_key(const Context& context, const Config& config) {
  VESTO_ASSIGN(const TunnelPlace place, find_place(config, context.options.name));
  if (!place.ssh->given) {
    return Error(ErrorCode::kCfgMissing, fmt::format("[{}.ssh] is not there", place.shown()))
        .with_hint(
            fmt::format("Add [{}.ssh] with host and user of the SSH server.", place.shown()));
  }
  VESTO_ASSIGN(const OwnKey key, tunnel_key(context, place));
  Secret passphrase;
  if (place.ssh->passphrase.given()) {
    VESTO_ASSIGN(passphrase, resolve_secret(place.ssh->passphrase, sealed_store(context)));
  }
  VESTO_ASSIGN(const SshPublicKey shown, ssh_public_key(key.value, passphrase));
  const std::string line = tunnel_authorize_line(config, place, shown);
  if (context.options.json) {
    write_out(fmt::format(
        R"({{"schema":"vesto.ssh-key/1","for":{},"made":{},"fingerprint":{},"line":{}}})"
        "\n",
        json_quote(place.shown()), key.made, json_quote(shown.fingerprint), json_quote(line)));
    return ok_status();
  }
  write_out(line + "\n");
  if (context.options.quiet) return ok_status();
  write_err(
      fmt::format("{}One line for ~{}/.ssh/authorized_keys on {} (folder 700, file 600).\n"
                  "Next:  vesto {} test {}\n",
                  key.made ? "Made a new key, sealed in the data directory. " : "", place.ssh->user,
                  place.ssh->host, place.kind, place.name));
  return ok_status();
}

// A login, as the run makes it: the last step. A server that starts up has the code that a run
// gives it. What AWS says of the warehouse is a step of its own, so it is not asked here.
CheckStep login_step(AssembledDestination& to) {
  CheckStep step{.id = "redshift.login",
                 .title = "Login works",
                 .state = CheckStep::State::kPassed,
                 .evidence = "",
                 .duration_ms = -1,
                 .error = std::nullopt};
  constexpr int64_t kLoginTimeoutMs = 60'000;
  const int64_t from_ms = system_clock().monotonic_ms();
  WarehouseWait no_wait({.care = {.wait_ms = 0, .name = to.care().name, .ask = {}},
                         .clock = &system_clock(),
                         .stop = {},
                         .tell = {}});
  auto session = no_wait.connector(to.connector())(kLoginTimeoutMs);
  step.duration_ms = system_clock().monotonic_ms() - from_ms;
  if (session.ok()) {
    step.evidence = (*session)->where();
  } else {
    step.state = CheckStep::State::kFailed;
    step.error = std::move(session).error();
  }
  return step;
}

// What AWS says of the warehouse, where we may ask. A login that worked is the better witness.
std::optional<CheckStep> status_step(AssembledDestination& to, bool reached) {
  const WarehouseCare care = to.care();
  if (!care.ask) return std::nullopt;
  const int64_t from_ms = system_clock().monotonic_ms();
  const Result<WarehouseInfo> info = care.ask({});
  if (!info.ok()) return std::nullopt;
  CheckStep step{.id = "redshift.status",
                 .title = "Warehouse is available",
                 .state = CheckStep::State::kPassed,
                 .evidence = to_lower_ascii(info->status),
                 .duration_ms = system_clock().monotonic_ms() - from_ms,
                 .error = std::nullopt};
  const std::optional<WarehouseAway> away = warehouse_away(*info);
  if (away && reached) step.evidence += "; " + away->reason;
  if (away && !reached) {
    step.state = CheckStep::State::kFailed;
    step.error = away_error(*away, 0, care.name);
  }
  return step;
}

}  // namespace

int cmd_ssh_key(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const Status shown = show_ssh_key(context, *config);
  return shown.ok() ? kExitOk : fail(context, shown.error());
}

int cmd_destination_test(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const std::string& name = context.options.name;
  const auto found = named_destination(context, *config);
  if (!found.ok()) return fail(context, found.error());
  const DestinationConfig* const destination = *found;
  // What was understood stands there before anything is dialled.
  if (!context.options.json) {
    write_out(fmt::format("Testing destination {} ({})\n", name,
                          describe_warehouse_endpoint(destination->endpoint)));
  }
  auto to = assemble_destination(*config, *destination, sealed_store(context), {});
  if (!to.ok()) return fail(context, to.error());
  std::vector<CheckStep> steps = check_reach({.host = destination->host,
                                              .port = destination->port,
                                              .ca_file = destination->tls_ca_file,
                                              .tunnel = to->tunnel.get(),
                                              .public_egress = config->public_egress,
                                              .stop = {}});
  if (all_passed(steps)) steps.push_back(login_step(*to));
  if (auto status = status_step(*to, all_passed(steps))) {
    // Where it is away, that is the cause of what follows.
    steps.insert(status->error ? steps.begin() : steps.end(), *std::move(status));
  }
  if (context.options.json) {
    write_out(checks_json("destination", name, steps));
    return checks_exit_code(steps);
  }
  write_out(checks_text(context.terminal, steps));
  write_out(all_passed(steps) ? fmt::format("{} can be reached.\n", name)
                              : fmt::format("{0} cannot be used yet. Then again: vesto "
                                            "destination test {0}\n",
                                            name));
  return checks_exit_code(steps);
}

}  // namespace vesto::cli
