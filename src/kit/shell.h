// The frame of a shell text: what is missing stops it, what AWS can tell is asked of AWS.
// Pure; any thread.
#ifndef VESTO_KIT_SHELL_H_
#define VESTO_KIT_SHELL_H_

#include <string>
#include <string_view>
#include <vector>

#include "kit/kit.h"
#include "kit/places.h"

namespace vesto::kit {

// What the lines below it are for: a comment, after an empty line.
std::string step(std::string_view what);

// "aws iam get-role --region eu-west-1": the region tells the partition, whose IAM it is.
std::string iam_call(const Places& places, std::string_view operation);
// "aws redshift describe-clusters --region eu-west-1"
std::string regional_call(std::string_view service_and_operation, const std::string& region);

// Of an inbound rule: " --protocol tcp --port 5439 --cidr 203.0.113.7/32"
std::string rule_flags(int port, const std::string& cidr);

// A line that gives the shell variable `name` what AWS tells for the placeholder of that name; ""
// where AWS cannot be asked for it.
std::string lookup(std::string_view name, const DestinationConfig& destination,
                   const Places& places);

// A line that ends the shell where that variable has no value: awscli writes None for nothing.
std::string told(std::string_view variable);

// `steps` as a script: set -eu, comments, a guard for each value that is missing, `account` (what
// account_guard() gave; "" = none), the look-ups, the steps. Every placeholder in `steps` stands
// within '...'.
std::string shell_script(const std::vector<std::string>& about, const std::string& account,
                         const std::string& steps, const DestinationConfig& destination,
                         const Places& places);
// `steps` behind the look-ups that they need: for one branch of a script, whose other branches are
// for people who need not be allowed to look.
std::string with_lookups(std::string steps, const DestinationConfig& destination,
                         const Places& places);
// Steps to paste into a shell that goes on after them, whether they end well or not.
std::string shell_apart(const std::string& account, const std::string& steps,
                        const DestinationConfig& destination, const Places& places);
// One command, to paste into a shell that goes on after it: in a shell of its own where it needs
// guards or look-ups.
std::string shell_line(const std::string& account, const std::string& command,
                       const DestinationConfig& destination, const Places& places);

}  // namespace vesto::kit

#endif  // VESTO_KIT_SHELL_H_
