// S3, as far as staging needs it: put, get, list, delete, head. One narrow interface; the client on
// libcurl implements it (make_s3_client), and tests have a faulty twin.
//
// Every request is repeated by itself (bounded by S3Options::attempts, with backoff) after a 500 or
// 503, a lost connection, a cut answer or an error inside a 200; all of them may be repeated.
// Errors: S3-DENIED, S3-NO-BUCKET, S3-REGION, S3-SLOW, S3-SERVER, S3-ANSWER, S3-REFUSED, AWS-KEY,
// SYS-CLOCK-SKEW, NET-*, CFG-VALUE (endpoint, bucket, CA file), RUN-INTERRUPTED.
// Sources: Amazon S3 API reference; SigV4 for header authentication.
// Thread rule: one client belongs to one thread; make one per lane.
#ifndef VESTO_AWS_S3_H_
#define VESTO_AWS_S3_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace vesto {

// The region that S3 named for the bucket: shared by the clients of one destination, so that it is
// asked for once and a wrong one is corrected for all of them. Any thread.
class BucketRegion {
 public:
  // "" until S3 has named one.
  [[nodiscard]] std::string get() const VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return region_;
  }
  void set(const std::string& region) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    region_ = region;
  }

 private:
  mutable Mutex mutex_;
  std::string region_ VESTO_GUARDED_BY(mutex_);
};

struct S3Options {
  std::string endpoint;     // "https://localhost:9000"; empty: AWS's own for the region
  std::string tls_ca_file;  // empty: the system's
  std::string region;       // empty: found by asking; a wrong one is corrected by S3's answer
  std::shared_ptr<BucketRegion> found_region = std::make_shared<BucketRegion>();
  std::string first_region = "us-east-1";  // where it is asked for: one of the bucket's partition
  bool path_style = false;
  std::string bucket;
  // Asked for each request; may be shared by clients of several threads (make_cached). Empty:
  // `credentials`.
  std::shared_ptr<CredentialSource> credential_source = nullptr;
  AwsCredentials credentials;
  std::string kms_key_arn = {};  // objects are encrypted with it; empty: as the bucket says
  int64_t connect_timeout_ms = 10'000;
  int64_t request_timeout_ms = 300'000;
  int attempts = 5;  // for each request: 500, 503, connection lost, cut answers
};

struct S3Object {
  std::string key;
  uint64_t size_bytes = 0;
  int64_t modified_ms = 0;
};

struct S3ListPage {
  std::vector<S3Object> objects;
  std::string next_token;  // empty: the last page
};

struct S3PutResult {
  std::string etag;
  bool versioned = false;  // the answer carried x-amz-version-id: deletes keep old versions
};

class S3 {
 public:
  virtual ~S3() = default;
  // One PUT, no multipart. The body's SHA-256 is signed, so a damaged upload is refused.
  Result<S3PutResult> put(std::string_view key, std::string_view body,
                          const std::stop_token& stop) {
    return put_hashed(key, body, {}, stop);
  }
  // The same for a caller that knows the hash: `body_sha256` are its 32 bytes, or "" (computed).
  virtual Result<S3PutResult> put_hashed(std::string_view key, std::string_view body,
                                         std::string_view body_sha256,
                                         const std::stop_token& stop) = 0;
  // The object's bytes. At most `max_bytes` (or 1 MiB, if that is more) are taken into memory;
  // S3-REFUSED for an object that is longer, and for one that is not there.
  virtual Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                         const std::stop_token& stop) = 0;
  // One page (up to 1,000 objects) of the keys that begin with `prefix`, in their byte order.
  virtual Result<S3ListPage> list(std::string_view prefix, std::string_view continuation_token,
                                  const std::stop_token& stop) = 0;
  // Deletes one object; one that is not there counts as deleted.
  virtual Status remove(std::string_view key, const std::stop_token& stop) = 0;
  // Deletes up to 1,000 objects in one request (DeleteObjects).
  virtual Status remove_many(const std::vector<std::string>& keys, const std::stop_token& stop) = 0;
  // Size of the object, or nothing if it is not there.
  virtual Result<std::optional<uint64_t>> head(std::string_view key,
                                               const std::stop_token& stop) = 0;
  // The bucket's region: asked for once, of HeadBucket. The given one where S3 does not say, or
  // cannot be asked.
  virtual Result<std::string> region(const std::stop_token& stop) = 0;
};

std::unique_ptr<S3> make_s3_client(S3Options options, Clock& clock);

}  // namespace vesto

#endif  // VESTO_AWS_S3_H_
