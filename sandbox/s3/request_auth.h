// Who sent a request, and whether it is what was signed: SigV4 in its header form and in its
// presigned form, refused with S3's own codes and texts.
// Sources: S3 "Authenticating Requests (AWS Signature Version 4)", S3 "Error responses".
//
// Pure apart from the key ring; any thread.
#ifndef VESTO_SANDBOX_S3_REQUEST_AUTH_H_
#define VESTO_SANDBOX_S3_REQUEST_AUTH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/http/http_head.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/s3/sigv4.h"

namespace vesto::sandbox {

constexpr int64_t kMaxSkewMs = 900'000;

enum class PayloadKind {
  kHashed,               // x-amz-content-sha256 is the hash of the body
  kUnsigned,             // UNSIGNED-PAYLOAD, and every presigned request
  kSignedChunks,         // STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  kSignedChunksTrailer,  // STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  kUnsignedTrailer,      // STREAMING-UNSIGNED-PAYLOAD-TRAILER
};

struct AuthenticRequest {
  std::string access_key_id;
  PayloadKind payload = PayloadKind::kUnsigned;
  std::string payload_sha256;  // lower-case hex, for kHashed
  // What the chunks of a signed body continue from.
  SigningScope scope;
  std::string time;
  std::string key;
  std::string signature;
};

// `region`: of the bucket that is asked for; "": any that has a region's form. `now_ms`: the
// server's wall time.
S3Result<AuthenticRequest> authenticate(const HttpRequest& request, const KeyRing& keys,
                                        std::string_view region, int64_t now_ms);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_REQUEST_AUTH_H_
