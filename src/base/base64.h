// base64 (RFC 4648 section 4, with padding) and base64url (section 5, without, as RFC 7515 section
// 2 has it). Readers are strict: one text for each row of bytes. No byte of what they are given
// stays in memory but in the result. Pure; any thread.
#ifndef VESTO_BASE_BASE64_H_
#define VESTO_BASE_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace vesto {

std::string base64_encode(std::string_view bytes);
// Nothing for what base64_encode() would not write: other letters, spaces or line ends, a group
// that is not whole, wrong padding, bits of no byte.
std::optional<std::string> base64_decode(std::string_view text);

std::string base64url_encode(std::string_view bytes);
// The same strictness; padding is refused.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace vesto

#endif  // VESTO_BASE_BASE64_H_
