// A text as a JSON string literal, quotes included. Bytes that are no UTF-8 become U+FFFD.
#ifndef VESTO_BASE_JSON_TEXT_H_
#define VESTO_BASE_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace vesto {
std::string json_quote(std::string_view text);
}  // namespace vesto

#endif  // VESTO_BASE_JSON_TEXT_H_
