// base64url without padding (RFC 4648 section 5, RFC 7515 section 2). Pure; any thread.
#ifndef VESTO_AWS_BASE64URL_H_
#define VESTO_AWS_BASE64URL_H_

#include <optional>
#include <string>
#include <string_view>

namespace vesto {

std::string base64url_encode(std::string_view bytes);
// Nothing for padding, blanks, other letters, a length that cannot be and bits that must be zero.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace vesto

#endif  // VESTO_AWS_BASE64URL_H_
