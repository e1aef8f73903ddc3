#include "sandbox/http/http_head.h"

#include <algorithm>
#include <limits>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

// Bytes above 0x7f pass: they reach the signature check as they are.
bool is_target_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte != 0x7f;
}

bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next line without its CRLF; false where there is none.
bool take_line(std::string_view& text, std::string_view& line) {
  const size_t end = text.find("\r\n");
  if (end == std::string_view::npos) return false;
  line = text.substr(0, end);
  text.remove_prefix(end + 2);
  return true;
}

std::optional<HttpProblem> parse_request_line(std::string_view line, HttpRequest& request) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return HttpProblem{400, "bad request line"};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return HttpProblem{400, "bad method"};
  if (target.empty() || target.front() != '/' ||
      !std::all_of(target.begin(), target.end(), is_target_char)) {
    return HttpProblem{400, "bad request target"};
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool other = version.substr(0, 5) == "HTTP/";
    return HttpProblem{other ? 505 : 400, "unknown HTTP version"};
  }
  request.method = std::string(method);
  request.target = std::string(target);
  const size_t mark = target.find('?');
  request.path = std::string(target.substr(0, mark));
  if (mark != std::string_view::npos) request.query = std::string(target.substr(mark + 1));
  request.minor_version = version.back() == '1' ? 1 : 0;
  return std::nullopt;
}

std::optional<HttpProblem> parse_header_line(std::string_view line, HttpRequest& request) {
  const size_t colon = line.find(':');
  // A blank before the colon, and a line that continues the last one, end here as well.
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return HttpProblem{400, "bad header line"};
  }
  const std::string_view value = trim_blanks(line.substr(colon + 1));
  if (!std::all_of(value.begin(), value.end(), is_value_char)) {
    return HttpProblem{400, "bad header value"};
  }
  if (request.headers.size() >= kMaxHeaders) return HttpProblem{431, "too many headers"};
  request.headers.emplace_back(to_lower_ascii(line.substr(0, colon)), std::string(value));
  return std::nullopt;
}

bool list_contains(std::string_view list, std::string_view word) {
  for (const std::string& item : split(list, ',')) {
    if (to_lower_ascii(trim_blanks(item)) == word) return true;
  }
  return false;
}

std::optional<uint64_t> parse_decimal(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

}  // namespace

const std::string* HttpRequest::header(std::string_view name) const {
  for (const auto& entry : headers) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

std::string HttpRequest::header_or_empty(std::string_view name) const {
  const std::string* value = header(name);
  return value == nullptr ? std::string() : *value;
}

Result<HttpRequest, HttpProblem> parse_request_head(std::string_view head) {
  HttpRequest request;
  std::string_view line;
  if (!take_line(head, line)) return HttpProblem{400, "bad request line"};
  if (auto problem = parse_request_line(line, request)) return *std::move(problem);
  for (;;) {
    if (!take_line(head, line)) return HttpProblem{400, "the head does not end"};
    if (line.empty()) break;
    if (auto problem = parse_header_line(line, request)) return *std::move(problem);
  }
  if (!head.empty()) return HttpProblem{400, "bytes after the head"};
  const auto hosts = std::count_if(request.headers.begin(), request.headers.end(),
                                   [](const auto& entry) { return entry.first == "host"; });
  if (hosts > 1 || (hosts == 0 && request.minor_version == 1)) {
    return HttpProblem{400, "not exactly one Host header"};
  }
  return request;
}

Result<BodyFraming, HttpProblem> body_framing(const HttpRequest& request) {
  BodyFraming framing;
  bool coded = false;
  for (const auto& [name, value] : request.headers) {
    if (name == "content-length") {
      const std::optional<uint64_t> length = parse_decimal(value);
      if (!length || (framing.length && *framing.length != *length)) {
        return HttpProblem{400, "bad Content-Length"};
      }
      framing.length = length;
    } else if (name == "transfer-encoding") {
      if (coded || to_lower_ascii(value) != "chunked") {
        return HttpProblem{501, "unknown transfer coding"};
      }
      coded = true;
    }
  }
  if (coded && (framing.length || request.minor_version == 0)) {
    return HttpProblem{400, "Content-Length and Transfer-Encoding together"};
  }
  framing.chunked = coded;
  return framing;
}

std::optional<uint64_t> parse_chunk_size(std::string_view line) {
  const std::string_view digits = trim_blanks(line.substr(0, line.find(';')));
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  uint64_t size = 0;
  for (const char c : digits) {
    uint64_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<uint64_t>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<uint64_t>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    size = size * 16 + digit;
  }
  return size;
}

bool wants_keep_alive(const HttpRequest& request) {
  bool keep = request.minor_version == 1;
  for (const auto& [name, value] : request.headers) {
    if (name == "connection" && list_contains(value, "close")) keep = false;
  }
  return keep;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 416:
      return "Requested Range Not Satisfiable";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace vesto::sandbox
