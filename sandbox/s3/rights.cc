// Whether the sender of a request may do what it asks for.
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

S3Sender S3Service::sender_of(const S3Call& call) const {
  S3Sender sender{.source_ip = call.exchange.peer_address(),
                  .secure_transport = call.exchange.is_tls(),
                  .user_agent = call.header("user-agent"),
                  .region = call.auth.scope.region,
                  .presigned = call.has("X-Amz-Signature")};
  sender.parameters.insert(call.query.begin(), call.query.end());
  sender.headers.insert(call.request.headers.begin(), call.request.headers.end());
  if (!call.has("uploadId")) return sender;
  // A part is encrypted as its upload says, and has no header of its own for it.
  const auto upload = store_.upload(call.bucket, call.key, call.parameter_or_empty("uploadId"));
  if (!upload.ok()) return sender;
  sender.headers.insert_or_assign(kEncryptionHeader, "AES256");
  for (const char* name : {kEncryptionHeader, kKmsKeyHeader}) {
    const auto found = upload->headers.find(name);
    if (found != upload->headers.end()) sender.headers.insert_or_assign(name, found->second);
  }
  return sender;
}

S3Result<Unit> S3Service::check_right(const S3Call& call, const char* action,
                                      std::string_view key) const {
  // A bucket that is not there is told as such to everyone.
  const bool missing = !call.bucket.empty() && !store_.bucket_exists(call.bucket);
  const bool makes = std::string_view(action) == "s3:CreateBucket";
  if (gate_ == nullptr || (missing && !makes)) return Unit{};
  const bool anonymous = call.auth.access_key_id.empty();
  const S3Access access{.access_key_id = call.auth.access_key_id,
                        .action = action,
                        .bucket = call.bucket,
                        .key = key,
                        .sender = sender_of(call)};
  auto refused = gate_->refuse(access);
  const auto bucket = store_.bucket(call.bucket);
  if (!refused && anonymous && bucket && restricts_public(bucket->settings)) {
    refused = S3Error{403, "AccessDenied", "Access Denied", {}};
  }
  if (!refused) return Unit{};
  // The region is told to everyone.
  if (call.request.method == "HEAD" && call.key.empty() && bucket) {
    refused->extra["Region"] = bucket->region;
  }
  return *std::move(refused);
}

// Whoever may not list a bucket does not learn that a key is not there.
S3Error S3Service::hide_absence(const S3Call& call, S3Error error) const {
  const bool read = call.request.method == "GET" || call.request.method == "HEAD";
  if (error.code != "NoSuchKey" || !read) return error;
  const auto may_list = check_right(call, "s3:ListBucket", "");
  return may_list.ok() ? error : may_list.error();
}

}  // namespace vesto::sandbox
