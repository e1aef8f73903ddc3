// [destination.NAME.ssh] and [source.NAME.ssh], and what an allow-list has to take. Pure; any
// thread.
#ifndef VESTO_CONFIG_BUILD_SSH_H_
#define VESTO_CONFIG_BUILD_SSH_H_

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/section.h"

namespace vesto {

// `kind` is "destination" or "source". Where no key is named, it is the one that
// `vesto ssh-key KIND.NAME` seals.
SshConfig build_ssh(const Section& ssh, std::string_view kind, const std::string& name,
                    std::vector<ConfigIssue>* issues);

// [server] public_egress: addresses or networks ("203.0.113.7/32").
std::vector<std::string> build_public_egress(const Section& server,
                                             std::vector<ConfigIssue>* issues);

}  // namespace vesto

#endif  // VESTO_CONFIG_BUILD_SSH_H_
