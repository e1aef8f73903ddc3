// Texts as JSON. Bytes that are no UTF-8 become U+FFFD. Pure; any thread.
#ifndef VESTO_BASE_JSON_TEXT_H_
#define VESTO_BASE_JSON_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace vesto {
// A string literal, quotes included.
std::string json_quote(std::string_view text);
// An array of them: ["a","b"].
std::string json_list(const std::vector<std::string>& texts);
}  // namespace vesto

#endif  // VESTO_BASE_JSON_TEXT_H_
