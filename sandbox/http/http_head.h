// The head of an HTTP/1.1 request, read strictly (RFC 9112): bytes in, values out. Nothing is
// decoded or normalised here, since SigV4 needs the target as it was sent.
//
// Pure functions; any thread. No input can make them fail otherwise than by their result.
#ifndef VESTO_SANDBOX_HTTP_HTTP_HEAD_H_
#define VESTO_SANDBOX_HTTP_HTTP_HEAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vesto::sandbox {

constexpr size_t kMaxHeadBytes = 32768;
constexpr size_t kMaxHeaders = 128;

struct HttpRequest {
  std::string method;
  std::string target;  // as sent
  std::string path;    // of the target, before '?', still encoded
  std::string query;   // after '?', still encoded; empty where there is none
  int minor_version = 1;
  // In the order of arrival; names in lower case, values without blanks around them.
  std::vector<std::pair<std::string, std::string>> headers;

  // The first header of that (lower-case) name, or nullptr.
  [[nodiscard]] const std::string* header(std::string_view name) const;
  // Its value, or an empty text.
  [[nodiscard]] std::string header_or_empty(std::string_view name) const;
};

struct HttpProblem {
  int status = 400;
  std::string text;
};

// `head`: from the request line up to and including the empty line.
// 400: not HTTP; 431: more than kMaxHeaders; 505: another version.
Result<HttpRequest, HttpProblem> parse_request_head(std::string_view head);

// How the body is delimited: no body, `length` bytes, or chunks.
struct BodyFraming {
  bool chunked = false;
  std::optional<uint64_t> length;  // nothing: no Content-Length was sent
};

// 400: lengths that differ, or a length together with a transfer coding; 501: another coding.
Result<BodyFraming, HttpProblem> body_framing(const HttpRequest& request);

// The size in a chunk's first line, without its CRLF; extensions are passed over.
std::optional<uint64_t> parse_chunk_size(std::string_view line);

// True where the connection stays open after this request.
bool wants_keep_alive(const HttpRequest& request);

std::string_view reason_phrase(int status);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_HTTP_HTTP_HEAD_H_
