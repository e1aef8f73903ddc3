// What `destination add` and `destination remove` say. Pure; any thread.
#ifndef VESTO_CLI_ADD_TEXT_H_
#define VESTO_CLI_ADD_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace vesto::cli {

// What one person has to do.
struct KitErrand {
  std::string who;                        // "aws_admin", as in the kit
  std::string whom;                       // the same for people
  std::string part;                       // "script"
  std::string command;                    // "vesto destination kit acme --part script"
  std::vector<std::string> missing = {};  // that stands there as <<NAME>>
};
// One or two for each person, in the order in which they are needed.
std::vector<KitErrand> kit_errands(const Config& config, const DestinationConfig& to);
std::string errands_text(const std::vector<KitErrand>& errands);
// What is to be written so that the kit names the address that Vesto dials from, as a sentence; ""
// where it does, or needs none.
std::string egress_note(const std::vector<KitErrand>& errands, const std::string& file);
std::string errands_json(const std::vector<KitErrand>& errands);

// Names of sealed secrets that `gone` names and nothing in `config` does.
std::vector<std::string> secrets_of_its_own(const Config& config, const DestinationConfig& gone);

// Those of `own` that nothing in `config` but the destination `gone` names.
std::vector<std::string> not_of_others(const Config& config, const std::vector<std::string>& own,
                                       std::string_view gone);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_TEXT_H_
