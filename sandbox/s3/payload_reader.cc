#include "sandbox/s3/payload_reader.h"

#include <algorithm>
#include <cstring>

#include "base/strings.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/sigv4.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kSourceBytes = 65536;
constexpr size_t kMaxLine = 1024;
constexpr size_t kMaxTrailerLines = 16;
constexpr uint64_t kMinChunkBytes = 8192;
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";
constexpr std::string_view kSignatureMark = ";chunk-signature=";

S3Error incomplete_body() {
  return {400,
          "IncompleteBody",
          "You did not provide the number of bytes specified by the Content-Length HTTP header",
          {}};
}
S3Error malformed_trailer() {
  return {400,
          "MalformedTrailerError",
          "The request contained trailing data that was not well-formed or did not conform to our "
          "published schema.",
          {}};
}
S3Error chunk_signature_mismatch() {
  return {403,
          "SignatureDoesNotMatch",
          "The request signature we calculated does not match the signature you provided. Check "
          "your key and signing method.",
          {}};
}

bool is_streaming(PayloadKind kind) {
  return kind != PayloadKind::kHashed && kind != PayloadKind::kUnsigned;
}
bool has_signed_chunks(PayloadKind kind) {
  return kind == PayloadKind::kSignedChunks || kind == PayloadKind::kSignedChunksTrailer;
}

}  // namespace

S3Result<std::unique_ptr<PayloadReader>> PayloadReader::make(const HttpRequest& request,
                                                             const BodyFraming& framing,
                                                             const AuthenticRequest& auth,
                                                             BodySource source,
                                                             uint64_t max_bytes) {
  std::unique_ptr<PayloadReader> reader(new PayloadReader(std::move(source)));
  reader->auth_ = auth;
  reader->previous_signature_ = auth.signature;
  reader->state_ = is_streaming(auth.payload) ? State::kChunkHead : State::kPlain;
  if (auth.payload == PayloadKind::kHashed) reader->sha256_ = make_checksum("sha256");
  if (auto error = reader->read_lengths(request, framing, max_bytes)) return *std::move(error);
  if (auto error = reader->read_checksum_headers(request)) return *std::move(error);
  return reader;
}

std::optional<S3Error> PayloadReader::read_lengths(const HttpRequest& request,
                                                   const BodyFraming& framing, uint64_t max_bytes) {
  if (is_streaming(auth_.payload)) {
    const auto decoded = parse_int(request.header_or_empty("x-amz-decoded-content-length"));
    if (!decoded || *decoded < 0) {
      return S3Error{411, "MissingContentLength",
                     "You must provide the Content-Length HTTP header."};
    }
    expected_bytes_ = static_cast<uint64_t>(*decoded);
  } else if (framing.length) {
    expected_bytes_ = *framing.length;
  } else if (framing.chunked || request.method == "PUT") {
    return S3Error{411, "MissingContentLength", "You must provide the Content-Length HTTP header."};
  }
  if (expected_bytes_ <= max_bytes) return std::nullopt;
  return S3Error{400,
                 "EntityTooLarge",
                 "Your proposed upload exceeds the maximum allowed size",
                 {{"ProposedSize", std::to_string(expected_bytes_)},
                  {"MaxSizeAllowed", std::to_string(max_bytes)}}};
}

std::optional<S3Error> PayloadReader::read_checksum_headers(const HttpRequest& request) {
  if (const std::string* md5 = request.header("content-md5")) {
    const auto raw = base64_decode(*md5);
    if (!raw || raw->size() != checksum_size("md5")) {
      return S3Error{400,
                     "InvalidDigest",
                     "The Content-MD5 you specified was invalid.",
                     {{"Content-MD5", *md5}}};
    }
    has_md5_ = true;
    md5_expected_ = *md5;
    md5_ = make_checksum("md5");
  }
  for (const std::string& algorithm : header_checksum_algorithms()) {
    const std::string name = std::string(kChecksumPrefix) + algorithm;
    const std::string* value = request.header(name);
    if (value == nullptr) continue;
    if (!algorithm_.empty()) {
      return invalid_request(
          "Expecting a single x-amz-checksum- header. Multiple checksum Types "
          "are not allowed.");
    }
    const auto raw = base64_decode(*value);
    if (!raw || raw->size() != checksum_size(algorithm)) {
      return invalid_request("Value for " + name + " header is invalid.");
    }
    algorithm_ = algorithm;
    checksum_expected_ = *value;
  }
  const bool trailers = auth_.payload == PayloadKind::kSignedChunksTrailer ||
                        auth_.payload == PayloadKind::kUnsignedTrailer;
  const std::string trailer = to_lower_ascii(request.header_or_empty("x-amz-trailer"));
  if (trailers && !trailer.empty()) {
    const bool known = trailer.rfind(kChecksumPrefix, 0) == 0 &&
                       checksum_size(trailer.substr(kChecksumPrefix.size())) > 0;
    if (!known || !algorithm_.empty()) {
      return invalid_request("The value specified in the x-amz-trailer header is not supported");
    }
    announced_trailer_ = trailer;
    algorithm_ = trailer.substr(kChecksumPrefix.size());
  }
  if (!algorithm_.empty()) checksum_ = make_checksum(algorithm_);
  return std::nullopt;
}

void PayloadReader::want_default_checksum() {
  if (!algorithm_.empty()) return;
  algorithm_ = "crc64nvme";
  checksum_ = make_checksum(algorithm_);
}

S3Result<size_t> PayloadReader::read_source(char* buffer, size_t size) {
  auto got = source_(buffer, size);
  if (got.ok()) return *got;
  if (got.error() == BodyError::kTimeout) {
    return S3Error{400, "RequestTimeout",
                   "Your socket connection to the server was not read from or written to within "
                   "the timeout period. Idle connections will be closed."};
  }
  return incomplete_body();
}

// Including its CRLF, which is cut off.
S3Result<std::string> PayloadReader::read_line(size_t max_bytes) {
  for (;;) {
    const size_t end = buffer_.find("\r\n", used_);
    if (end != std::string::npos && end - used_ <= max_bytes) {
      std::string line = buffer_.substr(used_, end - used_);
      used_ = end + 2;
      return line;
    }
    if (end != std::string::npos || buffer_.size() - used_ > max_bytes + 2) {
      return incomplete_body();
    }
    buffer_.erase(0, used_);
    used_ = 0;
    const size_t old_size = buffer_.size();
    buffer_.resize(old_size + kSourceBytes);
    auto got = read_source(buffer_.data() + old_size, kSourceBytes);
    buffer_.resize(old_size + (got.ok() ? *got : 0));
    if (!got.ok()) return std::move(got).error();
    if (*got == 0) return incomplete_body();
  }
}

S3Result<Unit> PayloadReader::read_chunk_head() {
  VESTO_ASSIGN(const std::string line, read_line(kMaxLine));
  const auto size = parse_chunk_size(line);
  if (!size || *size > expected_bytes_ - read_bytes_) return incomplete_body();
  chunk_left_ = *size;
  if (*size > 0 && small_chunk_seen_) {
    return S3Error{403,
                   "InvalidChunkSizeError",
                   "Only the last chunk is allowed to have a size less than 8192 bytes",
                   {{"BadChunkSize", std::to_string(*size)}}};
  }
  small_chunk_seen_ = *size < kMinChunkBytes;
  if (has_signed_chunks(auth_.payload)) {
    const size_t at = line.find(kSignatureMark);
    if (at == std::string::npos) return incomplete_body();
    chunk_signature_ = line.substr(at + kSignatureMark.size());
  }
  if (chunk_left_ > 0) {
    state_ = State::kChunkData;
    return Unit{};
  }
  state_ = State::kTrailer;
  return check_chunk_signature();
}

S3Result<Unit> PayloadReader::check_chunk_signature() {
  if (!has_signed_chunks(auth_.payload)) return Unit{};
  const std::string text = chunk_string_to_sign(auth_.time, auth_.scope, previous_signature_,
                                                to_hex(chunk_hash_.finish()));
  previous_signature_ = sign_hex(auth_.key, text);
  if (previous_signature_ != chunk_signature_) return chunk_signature_mismatch();
  return Unit{};
}

// At least one byte of the present chunk.
S3Result<size_t> PayloadReader::read_chunk_data(char* buffer, size_t size) {
  size = static_cast<size_t>(std::min<uint64_t>(size, chunk_left_));
  if (used_ < buffer_.size()) {
    size = std::min(size, buffer_.size() - used_);
    std::memcpy(buffer, buffer_.data() + used_, size);
    used_ += size;
  } else {
    VESTO_ASSIGN(size, read_source(buffer, size));
    if (size == 0) return incomplete_body();
  }
  chunk_left_ -= size;
  if (has_signed_chunks(auth_.payload)) chunk_hash_.update({buffer, size});
  if (chunk_left_ == 0) {
    VESTO_ASSIGN(const std::string end, read_line(0));
    VESTO_TRY(check_chunk_signature());
    state_ = State::kChunkHead;
  }
  return size;
}

S3Result<Unit> PayloadReader::read_trailer() {
  std::string signed_text;
  bool signature_seen = false;
  bool ended = false;
  for (size_t i = 0; i < kMaxTrailerLines && !ended; ++i) {
    VESTO_ASSIGN(const std::string line, read_line(kMaxLine));
    if (line.empty()) {
      ended = true;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string::npos || signature_seen) return malformed_trailer();
    const std::string name = to_lower_ascii(trim(std::string_view(line).substr(0, colon)));
    const std::string value(trim(std::string_view(line).substr(colon + 1)));
    if (name == "x-amz-trailer-signature" && auth_.payload == PayloadKind::kSignedChunksTrailer) {
      const std::string text = trailer_string_to_sign(auth_.time, auth_.scope, previous_signature_,
                                                      sha256_hex(signed_text));
      if (sign_hex(auth_.key, text) != value) return chunk_signature_mismatch();
      signature_seen = true;
      continue;
    }
    if (announced_trailer_.empty() || name != announced_trailer_ || checksum_expected_) {
      return malformed_trailer();
    }
    const auto raw = base64_decode(value);
    if (!raw || raw->size() != checksum_size(algorithm_)) {
      return invalid_request("Value for " + name + " trailing header is invalid.");
    }
    checksum_expected_ = value;
    signed_text += name + ":" + value + "\n";
  }
  const bool signature_missing =
      auth_.payload == PayloadKind::kSignedChunksTrailer && !signature_seen;
  const bool trailer_missing = !announced_trailer_.empty() && !checksum_expected_;
  if (!ended || signature_missing || trailer_missing) return malformed_trailer();
  return Unit{};
}

S3Result<Unit> PayloadReader::check_end() {
  if (read_bytes_ != expected_bytes_ || used_ < buffer_.size()) return incomplete_body();
  if (is_streaming(auth_.payload)) {
    char more = 0;
    VESTO_ASSIGN(const size_t extra, read_source(&more, 1));
    if (extra != 0) return incomplete_body();
  }
  if (sha256_) {
    const std::string ours = to_hex(sha256_->finish());
    if (ours != auth_.payload_sha256) {
      return S3Error{400,
                     "XAmzContentSHA256Mismatch",
                     "The provided 'x-amz-content-sha256' header does not match what was computed.",
                     {{"ClientComputedContentSHA256", auth_.payload_sha256},
                      {"S3ComputedContentSHA256", ours}}};
    }
  }
  if (md5_) {
    const std::string ours = base64_encode(md5_->finish());
    if (ours != md5_expected_) {
      return S3Error{400,
                     "BadDigest",
                     "The Content-MD5 you specified did not match what we received.",
                     {{"ExpectedDigest", md5_expected_}, {"CalculatedDigest", ours}}};
    }
  }
  if (checksum_) {
    const std::string ours = base64_encode(checksum_->finish());
    if (checksum_expected_ && ours != *checksum_expected_) {
      return S3Error{400,
                     "BadDigest",
                     "The " + to_upper_ascii(algorithm_) +
                         " you specified did not match the calculated checksum.",
                     {}};
    }
    verified_[std::string(kChecksumPrefix) + algorithm_] = ours;
  }
  return Unit{};
}

S3Result<size_t> PayloadReader::read(char* buffer, size_t size) {
  if (size == 0) return size_t{0};
  size_t got = 0;
  while (got == 0 && state_ != State::kEnd) {
    switch (state_) {
      case State::kChunkHead: {
        VESTO_TRY(read_chunk_head());
        break;
      }
      case State::kChunkData: {
        VESTO_ASSIGN(got, read_chunk_data(buffer, size));
        break;
      }
      case State::kPlain: {
        const uint64_t left = expected_bytes_ - read_bytes_;
        if (left > 0) {
          VESTO_ASSIGN(got,
                       read_source(buffer, static_cast<size_t>(std::min<uint64_t>(size, left))));
        }
        if (got == 0) {
          VESTO_TRY(check_end());
          state_ = State::kEnd;
        }
        break;
      }
      case State::kTrailer: {
        VESTO_TRY(read_trailer());
        VESTO_TRY(check_end());
        state_ = State::kEnd;
        break;
      }
      case State::kEnd:
        break;
    }
  }
  if (got == 0) return got;  // the end: the sums are closed
  const std::string_view bytes(buffer, got);
  read_bytes_ += got;
  if (sha256_) sha256_->update(bytes);
  if (md5_) md5_->update(bytes);
  if (checksum_) checksum_->update(bytes);
  return got;
}

S3Result<std::string> PayloadReader::read_all(size_t max_bytes) {
  std::string all;
  std::string buffer(kSourceBytes, '\0');
  for (;;) {
    VESTO_ASSIGN(const size_t got, read(buffer.data(), buffer.size()));
    if (got == 0) return all;
    if (all.size() + got > max_bytes) return malformed_xml();
    all.append(buffer.data(), got);
  }
}

}  // namespace vesto::sandbox
