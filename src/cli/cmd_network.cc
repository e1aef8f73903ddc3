// ssh-key: the public key of a tunnel.
#include <fmt/format.h>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "sync/assemble.h"
#include "sync/tunnel.h"

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

}  // namespace

int cmd_ssh_key(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const Status shown = show_ssh_key(context, *config);
  return shown.ok() ? kExitOk : fail(context, shown.error());
}

}  // namespace vesto::cli
