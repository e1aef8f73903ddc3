// Numbers and switches in the environment. Pure; any thread.
#ifndef VESTO_AWS_ENV_NUMBER_H_
#define VESTO_AWS_ENV_NUMBER_H_

#include <cstdint>
#include <string_view>

#include "aws/credentials.h"
#include "base/result.h"

namespace vesto {

// The variable as a whole number between `least` and `most`; `otherwise` where it is not set or
// empty. Errors: CFG-VALUE naming the variable.
Result<int64_t> env_number(const Environment& environment, std::string_view name, int64_t otherwise,
                           int64_t least, int64_t most);

// The variable's value; "" where it is not set, or there is no environment.
std::string env_text(const Environment& environment, std::string_view name);

// Whether it is "true", in any case, with or without blanks around it.
bool env_is_true(const Environment& environment, std::string_view name);

}  // namespace vesto

#endif  // VESTO_AWS_ENV_NUMBER_H_
