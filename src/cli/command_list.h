// The names of the commands, each with an example of its use. Pure.
#ifndef VESTO_CLI_COMMAND_LIST_H_
#define VESTO_CLI_COMMAND_LIST_H_

#include <string>
#include <string_view>
#include <vector>

namespace vesto::cli {

// "run", "config check", ...
std::vector<std::string> command_names();

// "vesto run shop-orders --table public.orders"; also of a group ("config") and of "", which is
// vesto alone. "vesto --help" for what is neither.
std::string example_of(std::string_view name);

}  // namespace vesto::cli

#endif  // VESTO_CLI_COMMAND_LIST_H_
