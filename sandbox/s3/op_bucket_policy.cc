// The policy of a bucket: put, get, delete, and whether it is public. Source: S3 API reference
// (PutBucketPolicy, GetBucketPolicyStatus).
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxPolicyBytes = size_t{20} << 10;  // S3's own limit

}  // namespace

S3Result<S3Service::Route> S3Service::route_policy(const S3Call& call) {
  const std::string& method = call.request.method;
  const bool status = call.has("policyStatus");
  if (status && method == "GET") {
    return Route{&S3Service::get_policy_status, nullptr, "s3:GetBucketPolicyStatus"};
  }
  if (!status && method == "PUT")
    return Route{&S3Service::put_policy, nullptr, "s3:PutBucketPolicy"};
  if (!status && method == "GET")
    return Route{&S3Service::get_policy, nullptr, "s3:GetBucketPolicy"};
  if (!status && method == "DELETE")
    return Route{&S3Service::delete_policy, nullptr, "s3:DeleteBucketPolicy"};
  return S3Error{405,
                 "MethodNotAllowed",
                 "The specified method is not allowed against this resource.",
                 {{"Method", method}, {"ResourceType", "BUCKETPOLICY"}}};
}

// Whoever has the right and is of another account than the bucket's may not all the same.
S3Result<Unit> S3Service::check_policy_owner(const S3Call& call) const {
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  if (gate_ == nullptr ||
      gate_->account_of(call.auth.access_key_id) == gate_->owner_of(call.bucket)) {
    return Unit{};
  }
  return S3Error{405,
                 "MethodNotAllowed",
                 "The specified method is not allowed against this resource.",
                 {{"Method", call.request.method}, {"ResourceType", "BUCKETPOLICY"}}};
}

S3Result<Unit> S3Service::put_policy(S3Call& call) {
  VESTO_ASSIGN(auto reader, payload(call, kMaxPolicyBytes));
  if (!reader->has_integrity_header()) {
    return invalid_request("Missing required header for this request: Content-MD5");
  }
  VESTO_ASSIGN(const std::string json, reader->read_all(kMaxPolicyBytes));
  VESTO_TRY(check_policy_owner(call));
  if (gate_ == nullptr) {
    return S3Error{501,
                   "NotImplemented",
                   "A header you provided implies functionality that is not implemented",
                   {}};
  }
  const auto bucket = store_.bucket(call.bucket);
  const bool block_public = bucket && blocks_public_policy(bucket->settings);
  VESTO_TRY(gate_->put_policy(call.bucket, json, block_public));
  return answer(call, 204, {}, "");
}

S3Result<Unit> S3Service::get_policy(S3Call& call) {
  VESTO_TRY(check_policy_owner(call));
  const auto found = gate_ == nullptr ? std::nullopt : gate_->policy_of(call.bucket);
  if (!found) {
    return S3Error{404,
                   "NoSuchBucketPolicy",
                   "The bucket policy does not exist",
                   {{"BucketName", call.bucket}}};
  }
  return answer(call, 200, {{"Content-Type", "application/json"}}, *found);
}

S3Result<Unit> S3Service::get_policy_status(S3Call& call) {
  VESTO_TRY(check_policy_owner(call));
  const auto is_public = gate_ == nullptr ? std::nullopt : gate_->policy_is_public(call.bucket);
  if (!is_public) {
    return S3Error{404,
                   "NoSuchBucketPolicy",
                   "The bucket policy does not exist",
                   {{"BucketName", call.bucket}}};
  }
  XmlWriter xml;
  xml.open("PolicyStatus " + std::string(kS3Namespace));
  xml.text("IsPublic", *is_public ? "true" : "false").close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::delete_policy(S3Call& call) {
  VESTO_TRY(check_policy_owner(call));
  if (gate_ != nullptr) VESTO_TRY(gate_->delete_policy(call.bucket));
  return answer(call, 204, {}, "");
}

}  // namespace vesto::sandbox
