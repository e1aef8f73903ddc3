// What a PostgreSQL server says where it answers the question for TLS by an error: that it cannot
// take another connection, or that it is too old to know the question.
// Source: PostgreSQL's protocol: ErrorResponse of version 3 (fields), and that of version 2 (a text
// that ends with a NUL), which a server sends before it has forked or knows our version.
// Thread rule: pure.
#ifndef VESTO_NET_SERVER_REFUSAL_H_
#define VESTO_NET_SERVER_REFUSAL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vesto {

struct ServerRefusal {
  std::string sqlstate;  // "53300"; "" where it was not told
  std::string text;      // one printable line of at most 400 bytes, secrets taken out
};

// Bytes of an answer that are read at most.
inline constexpr size_t kMaxRefusalBytes = 8192;

// Whether `bytes`, which begin with 'E', hold the whole message or as much as is read.
bool refusal_is_whole(std::string_view bytes);

// Nothing: this is no ErrorResponse. Nobody has proved who says this: it came before any
// encryption, so it is shown and sorted, and nothing more hangs on it.
std::optional<ServerRefusal> parse_refusal(std::string_view bytes);

}  // namespace vesto

#endif  // VESTO_NET_SERVER_REFUSAL_H_
