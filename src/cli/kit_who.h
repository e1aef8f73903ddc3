// For whom a part of the kit is, as people read it. Pure; any thread.
#ifndef VESTO_CLI_KIT_WHO_H_
#define VESTO_CLI_KIT_WHO_H_

#include <string>

#include "config/config.h"
#include "kit/kit.h"

namespace vesto::cli {

// "an AWS admin"
std::string who_text(const KitPart& part, const DestinationConfig& of);

}  // namespace vesto::cli

#endif  // VESTO_CLI_KIT_WHO_H_
