// A command line split into words as a shell would, without running one. Pure; any thread.
#ifndef VESTO_AWS_SHELL_WORDS_H_
#define VESTO_AWS_SHELL_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

// Blanks part words; '...' and "..." keep them; \ takes the next letter as it is (within "...":
// only " and \). Nothing if a quote is not closed or a \ stands at the end.
// Source: POSIX shell quoting, as Python's shlex does it.
std::optional<std::vector<std::string>> split_shell_words(std::string_view text);

}  // namespace vesto

#endif  // VESTO_AWS_SHELL_WORDS_H_
