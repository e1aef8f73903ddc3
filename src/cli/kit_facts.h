// What the kit is made with beside the configuration: what lies here, and what Google and AWS tell
// (bounded by their clients' own timeouts and attempts). One thread at a time.
//
//   KitFactFinder finder(context, config, destination);
//   finder.look();
//   if (std::any_of(missing.begin(), missing.end(), KitFactFinder::asks)) finder.ask();
//   const Kit kit = make_kit(destination, finder.facts());
#ifndef VESTO_CLI_KIT_FACTS_H_
#define VESTO_CLI_KIT_FACTS_H_

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "config/config.h"
#include "kit/kit.h"
#include "sync/identity.h"

namespace vesto::cli {

// What it is made with must outlive it.
class KitFactFinder {
 public:
  KitFactFinder(const Context& context, const Config& config, const DestinationConfig& to)
      : context_(context), config_(config), to_(to) {}

  // Whether a <<NAME>> may be known after ask().
  static bool asks(std::string_view name);

  [[nodiscard]] const KitFacts& facts() const { return facts_; }

  // What is here.
  void look();
  // Told before, by whoever added it.
  void account(std::string digits) { facts_.account = std::move(digits); }
  // What only others know.
  void ask();
  // Why what is missing is not known.
  [[nodiscard]] std::vector<std::string> notes(const std::vector<std::string>& missing) const;

 private:
  void add_tables(const SyncConfig& sync);
  void add_own_tables();
  void ssh_line();
  void google();
  void aws();
  void workgroup();
  std::shared_ptr<DestinationIdentity> make_identity();

  const Context& context_;
  const Config& config_;
  const DestinationConfig& to_;
  const std::stop_token stop_;
  KitFacts facts_;
  std::string ssh_note_;
  std::string asked_note_;
};

}  // namespace vesto::cli

#endif  // VESTO_CLI_KIT_FACTS_H_
