#include "cli/command_list.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace vesto::cli {

namespace {

struct Command {
  std::string_view name;
  std::string_view example;
};

constexpr std::array kCommands = {
    Command{"run", "vesto run shop-orders --table public.orders"},
    Command{"sync plan", "vesto sync plan shop-orders --sql"},
    Command{"sync parity", "vesto sync parity shop-orders --table public.orders"},
    Command{"sync rejected", "vesto sync rejected shop-orders --csv"},
    Command{"status", "vesto status shop-orders"},
    Command{"history", "vesto history shop-orders --limit 50"},
    Command{"show", "vesto show run_01J7X --tables"},
    Command{"source test", "vesto source test shop"},
    Command{"source tables", "vesto source tables shop"},
    Command{"destination endpoint", "vesto destination endpoint \"jdbc:redshift://host:5439/dev\""},
    Command{"destination list", "vesto destination list --json"},
    Command{"destination show", "vesto destination show acme"},
    Command{"destination kit", "vesto destination kit acme --part script"},
    Command{"destination add", "vesto destination add acme"},
    Command{"destination remove", "vesto destination remove acme"},
    Command{"destination test", "vesto destination test acme --only s3.*"},
    Command{"ssh-key", "vesto ssh-key destination.acme"},
    Command{"doctor", "vesto doctor s3.* redshift.login"},
    Command{"config check", "vesto config check --config vesto.toml"},
    Command{"config show", "vesto config show --origin"},
    Command{"init", "vesto init"},
    Command{"secret set", "vesto secret set acme/password < password.txt"},
    Command{"secret list", "vesto secret list --json"},
    Command{"secret remove", "vesto secret remove acme/password"},
    Command{"secret rotate-key", "vesto secret rotate-key"},
    Command{"identity show", "vesto identity show acme"},
    Command{"help", "vesto help RS-OWNER"},
    Command{"version", "vesto version --json"},
};

// What is no command by itself.
constexpr std::array kGroups = {
    Command{"", "vesto status"},
    Command{"sync", "vesto sync plan shop-orders"},
    Command{"source", "vesto source tables shop"},
    Command{"destination", "vesto destination list"},
    Command{"config", "vesto config check"},
    Command{"secret", "vesto secret list"},
    Command{"identity", "vesto identity show"},
};

}  // namespace

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : kCommands) names.emplace_back(command.name);
  return names;
}

std::string example_of(std::string_view name) {
  const auto named = [name](const Command& one) { return one.name == name; };
  for (const auto& list :
       {std::span<const Command>(kCommands), std::span<const Command>(kGroups)}) {
    const auto found = std::find_if(list.begin(), list.end(), named);
    if (found != list.end()) return std::string(found->example);
  }
  return "vesto --help";
}

}  // namespace vesto::cli
