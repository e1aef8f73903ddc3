#include "sandbox/http/http_exchange.h"

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kReadBytes = 65536;
constexpr size_t kMaxChunkLine = 1024;
constexpr size_t kMaxTrailerLines = 32;
constexpr uint64_t kMaxQuietDrain = 262144;  // an unread body up to this keeps the connection

}  // namespace

Result<Unit, BodyError> HttpInput::fill() {
  if (used_ > 0) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  const size_t old_size = buffer_.size();
  buffer_.resize(old_size + kReadBytes);
  auto got = stream_.read(buffer_.data() + old_size, kReadBytes);
  buffer_.resize(old_size + (got.ok() ? *got : 0));
  if (got.ok()) return Unit{};
  return got.error() == IoError::kTimeout ? BodyError::kTimeout : BodyError::kClosed;
}

Result<std::string, BodyError> HttpInput::read_until(std::string_view end, size_t max_bytes) {
  size_t searched = 0;
  for (;;) {
    const std::string_view present = std::string_view(buffer_).substr(used_);
    const size_t at = present.find(end, searched);
    if (at != std::string_view::npos && at + end.size() <= max_bytes) {
      std::string text(present.substr(0, at + end.size()));
      used_ += text.size();
      return text;
    }
    if (at != std::string_view::npos || present.size() >= max_bytes) return BodyError::kMalformed;
    searched = present.size() < end.size() ? 0 : present.size() - end.size() + 1;
    VESTO_TRY(fill());
  }
}

Result<size_t, BodyError> HttpInput::read(char* buffer, size_t size) {
  if (used_ == buffer_.size()) {
    if (size >= kReadBytes) {  // large reads need no copy
      auto got = stream_.read(buffer, size);
      if (got.ok()) return *got;
      return got.error() == IoError::kTimeout ? BodyError::kTimeout : BodyError::kClosed;
    }
    VESTO_TRY(fill());
  }
  const size_t count = std::min(size, buffer_.size() - used_);
  std::memcpy(buffer, buffer_.data() + used_, count);
  used_ += count;
  return count;
}

HttpExchange::HttpExchange(NetStream& stream, HttpInput& input, HttpRequest request,
                           BodyFraming framing, std::stop_token stop, std::string date)
    : stream_(stream),
      input_(input),
      request_(std::move(request)),
      framing_(framing),
      stop_(std::move(stop)),
      date_(std::move(date)),
      left_(framing.length.value_or(0)),
      keep_alive_(wants_keep_alive(request_)) {
  body_done_ = !framing_.chunked && left_ == 0;
  const std::string expect = to_lower_ascii(request_.header_or_empty("expect"));
  continue_wanted_ = !body_done_ && expect == "100-continue" && request_.minor_version == 1;
}

Result<size_t, BodyError> HttpExchange::read_body(char* buffer, size_t size) {
  if (broken_) return BodyError::kClosed;
  if (body_done_ || size == 0) return size_t{0};
  if (continue_wanted_) {
    continue_wanted_ = false;
    if (!stream_.write("HTTP/1.1 100 Continue\r\n\r\n")) {
      broken_ = true;
      return BodyError::kClosed;
    }
  }
  Result<size_t, BodyError> got = BodyError::kClosed;
  if (framing_.chunked) {
    got = read_chunked(buffer, size);
  } else {
    got = input_.read(buffer, static_cast<size_t>(std::min<uint64_t>(size, left_)));
    if (got.ok()) {
      left_ -= *got;
      body_done_ = left_ == 0;
    }
  }
  if (!got.ok()) keep_alive_ = false;
  return got;
}

Result<size_t, BodyError> HttpExchange::read_chunked(char* buffer, size_t size) {
  if (!in_chunk_) {
    VESTO_ASSIGN(const std::string line, input_.read_until("\r\n", kMaxChunkLine));
    const auto chunk = parse_chunk_size(std::string_view(line).substr(0, line.size() - 2));
    if (!chunk) return BodyError::kMalformed;
    left_ = *chunk;
    in_chunk_ = true;
    if (left_ == 0) {
      for (size_t lines = 0; lines < kMaxTrailerLines; ++lines) {
        VESTO_ASSIGN(const std::string trailer, input_.read_until("\r\n", kMaxChunkLine));
        if (trailer.size() == 2) {
          body_done_ = true;
          return size_t{0};
        }
      }
      return BodyError::kMalformed;
    }
  }
  VESTO_ASSIGN(const size_t count,
               input_.read(buffer, static_cast<size_t>(std::min<uint64_t>(size, left_))));
  left_ -= count;
  if (left_ == 0) {
    VESTO_ASSIGN(const std::string end, input_.read_until("\r\n", 2));
    in_chunk_ = false;
  }
  return count;
}

bool HttpExchange::rest_is_small() const {
  return !framing_.chunked && !continue_wanted_ && left_ <= kMaxQuietDrain;
}

bool HttpExchange::send(int status, const HttpHeaders& headers, std::string_view body) {
  return begin(status, headers, body.size()) && write(body);
}

bool HttpExchange::begin(int status, const HttpHeaders& headers, uint64_t length) {
  if (began_ || broken_) return false;
  began_ = true;
  if (!body_done_ && !rest_is_small()) keep_alive_ = false;
  const bool cutting = cut_in_head_ || cut_after_.has_value();
  if (stop_.stop_requested()) keep_alive_ = false;
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head += reason_phrase(status);
  head += "\r\nDate: " + date_ + "\r\n";
  for (const auto& [name, value] : headers) head += name + ": " + value + "\r\n";
  const bool bodiless = status == 204 || status == 304;
  if (!bodiless) head += "Content-Length: " + std::to_string(length) + "\r\n";
  if (!keep_alive_ && !cutting) head += "Connection: close\r\n";
  head += "\r\n";
  to_send_ = bodiless || request_.method == "HEAD" ? 0 : length;
  if (cut_in_head_) {
    stream_.write(std::string_view(head).substr(0, head.size() / 2));
    broken_ = true;
    return false;
  }
  if (!stream_.write(head)) broken_ = true;
  return !broken_;
}

bool HttpExchange::write(std::string_view bytes) {
  if (broken_ || !began_) return false;
  bytes = bytes.substr(0, static_cast<size_t>(std::min<uint64_t>(bytes.size(), to_send_)));
  bool cut_here = false;
  if (cut_after_ && bytes.size() >= *cut_after_) {
    bytes = bytes.substr(0, static_cast<size_t>(*cut_after_));
    cut_here = true;
  }
  if (cut_after_) *cut_after_ -= bytes.size();
  to_send_ -= bytes.size();
  if (!stream_.write(bytes) || cut_here) broken_ = true;
  return !broken_;
}

void HttpExchange::cut() {
  broken_ = true;
  reset_ = true;
}

bool HttpExchange::drain_rest() {
  char waste[16384];
  while (!body_done_) {
    const auto got = read_body(waste, sizeof(waste));
    if (!got.ok()) return false;
  }
  return true;
}

bool HttpExchange::finish() {
  if (reset_) {
    stream_.reset();
    return false;
  }
  if (!began_ && !broken_) {
    send(500, {}, "");
    keep_alive_ = false;
  }
  if (broken_ || to_send_ > 0) {  // cut, or a handler that wrote less than it said
    stream_.close_after_sending(false);
    return false;
  }
  if (cut_after_) {  // the body was shorter than the cut: cut at its end
    stream_.close_after_sending(false);
    return false;
  }
  if (keep_alive_ && !body_done_) keep_alive_ = drain_rest();
  if (!keep_alive_) stream_.close_after_sending(true);
  return keep_alive_;
}

}  // namespace vesto::sandbox
