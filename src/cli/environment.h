// Flags that are given by a variable of the environment. Pure but for getenv().
#ifndef VESTO_CLI_ENVIRONMENT_H_
#define VESTO_CLI_ENVIRONMENT_H_

#include <optional>
#include <string>

namespace vesto::cli {

// What CLI11 takes for a flag: true, on, yes, 1, ...; nothing where it would refuse it.
std::optional<bool> truth_of(const std::string& value);

// Says which variable of a flag is neither yes nor no; "" if there is none.
std::string wrong_environment();

}  // namespace vesto::cli

#endif  // VESTO_CLI_ENVIRONMENT_H_
