// Pure; any thread.
#ifndef VESTO_ENCODE_UTF8_H_
#define VESTO_ENCODE_UTF8_H_

#include <string_view>

namespace vesto {

// Whether the bytes are valid UTF-8 (no surrogates, nothing above U+10FFFF, no overlong forms).
bool is_utf8(std::string_view bytes);

}  // namespace vesto

#endif  // VESTO_ENCODE_UTF8_H_
