// What a test of a bucket looks at beside what staging needs (aws/s3.h).
// Errors and thread rule: as for S3.
// Sources: Amazon S3 API reference (HeadObject: x-amz-expiration, GetBucketPolicyStatus), "Blocking
// public access" ("The meaning of public").
#ifndef VESTO_AWS_S3_LOOK_H_
#define VESTO_AWS_S3_LOOK_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "aws/s3.h"

namespace vesto {

class S3Look {
 public:
  virtual ~S3Look() = default;
  // x-amz-expiration: when a lifecycle rule will remove the object, and which; "" = none will.
  // S3-REFUSED for an object that is not there.
  virtual Result<std::string> expiration(std::string_view key, const std::stop_token& stop) = 0;
  // Whether S3 gives the object to a request without a signature, or, for "", the list of the
  // bucket. Asked once.
  virtual Result<bool> open_to_all(std::string_view key, const std::stop_token& stop) = 0;
  // Whether the bucket's policy is public as AWS defines it: one that lets everybody in, but only
  // from networks, accounts or an organisation that it names, is not. Nothing: this identity may
  // not ask (s3:GetBucketPolicyStatus), or the bucket has no policy.
  virtual Result<std::optional<bool>> policy_is_public(const std::stop_token& stop) = 0;
};

std::unique_ptr<S3Look> make_s3_look(S3Options options, Clock& clock);

}  // namespace vesto

#endif  // VESTO_AWS_S3_LOOK_H_
