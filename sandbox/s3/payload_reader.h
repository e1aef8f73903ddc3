// The body of a request, decoded and checked while it streams: aws-chunked coding with signed or
// unsigned chunks and trailers, x-amz-content-sha256, Content-MD5, x-amz-checksum-*.
// Sources: S3 "Signature calculations: transferring payload in multiple chunks", "Including
// trailing headers", "Checking object integrity".
//
// Nothing that was read may be kept before read() has returned 0: only then everything was checked.
// Thread rule: one thread.
#ifndef VESTO_SANDBOX_S3_PAYLOAD_READER_H_
#define VESTO_SANDBOX_S3_PAYLOAD_READER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "sandbox/http/http_exchange.h"
#include "sandbox/s3/checksum.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/s3/request_auth.h"

namespace vesto::sandbox {

// Up to `size` bytes of the body as it was sent (without a transfer coding); 0 at its end.
using BodySource = std::function<Result<size_t, BodyError>(char* buffer, size_t size)>;

class PayloadReader {
 public:
  // Looks at the headers that concern the body. 400 for values that cannot be right, and for a body
  // of more than `max_bytes`; 411 where its length is not known.
  static S3Result<std::unique_ptr<PayloadReader>> make(const HttpRequest& request,
                                                       const BodyFraming& framing,
                                                       const AuthenticRequest& auth,
                                                       BodySource source, uint64_t max_bytes);

  // Up to `size` bytes of the content; 0 at the end, when all checks have passed.
  S3Result<size_t> read(char* buffer, size_t size);
  // The whole content, at most `max_bytes` (else 400 MalformedXML, as for S3's documents).
  S3Result<std::string> read_all(size_t max_bytes);

  // After the end: the checksum that was given and checked, as x-amz-checksum-<algorithm>, or the
  // one that want_default_checksum() asked for.
  [[nodiscard]] const std::map<std::string, std::string>& checksums() const { return verified_; }
  // Computes CRC64NVME where the client gives no checksum. Before the first read().
  void want_default_checksum();
  [[nodiscard]] bool has_integrity_header() const { return has_md5_ || !algorithm_.empty(); }

 private:
  enum class State { kChunkHead, kChunkData, kTrailer, kPlain, kEnd };

  explicit PayloadReader(BodySource source) : source_(std::move(source)) {}
  std::optional<S3Error> read_checksum_headers(const HttpRequest& request);
  std::optional<S3Error> read_lengths(const HttpRequest& request, const BodyFraming& framing,
                                      uint64_t max_bytes);
  S3Result<size_t> read_source(char* buffer, size_t size);
  S3Result<std::string> read_line(size_t max_bytes);
  S3Result<Unit> read_chunk_head();
  S3Result<size_t> read_chunk_data(char* buffer, size_t size);
  S3Result<Unit> check_chunk_signature();
  S3Result<Unit> read_trailer();
  S3Result<Unit> check_end();

  BodySource source_;
  State state_ = State::kPlain;
  AuthenticRequest auth_;
  uint64_t expected_bytes_ = 0;
  uint64_t read_bytes_ = 0;

  // aws-chunked
  std::string buffer_;  // read from the source, not used yet
  size_t used_ = 0;
  uint64_t chunk_left_ = 0;
  bool small_chunk_seen_ = false;
  std::string chunk_signature_;
  std::string previous_signature_;
  Sha256 chunk_hash_;
  std::string announced_trailer_;

  // Checks of the whole
  std::unique_ptr<Checksum> sha256_;
  std::unique_ptr<Checksum> md5_;
  std::string md5_expected_;
  bool has_md5_ = false;
  std::string algorithm_;  // of the checksum header or trailer
  std::unique_ptr<Checksum> checksum_;
  std::optional<std::string> checksum_expected_;  // Base64; from the header or the trailer
  std::map<std::string, std::string> verified_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_PAYLOAD_READER_H_
