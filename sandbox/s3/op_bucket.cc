// Buckets: list, head, create, delete, and the few questions about them that clients ask.
#include "base/clock.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kOwnerId =
    "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a";

void write_owner(XmlWriter& xml) {
  xml.open("Owner").text("ID", kOwnerId).text("DisplayName", "vesto-sandbox").close();
}

}  // namespace

S3Result<Unit> S3Service::list_buckets(S3Call& call) {
  XmlWriter xml;
  xml.open("ListAllMyBucketsResult " + std::string(kS3Namespace));
  write_owner(xml);
  xml.open("Buckets");
  const std::string account = gate_ == nullptr ? "" : gate_->account_of(call.auth.access_key_id);
  for (const BucketInfo& bucket : store_.buckets()) {
    if (gate_ != nullptr && gate_->owner_of(bucket.name) != account) continue;
    xml.open("Bucket")
        .text("Name", bucket.name)
        .text("CreationDate", format_utc(bucket.created_ms))
        .close();
  }
  xml.close().close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::head_bucket(S3Call& call) {
  const auto bucket = store_.bucket(call.bucket);
  if (!bucket) return no_such_bucket(call.bucket);
  return answer(call, 200, {{"x-amz-bucket-region", bucket->region}}, "");
}

S3Result<Unit> S3Service::create_bucket(S3Call& call) {
  VESTO_ASSIGN(const std::string body, document(call));
  VESTO_ASSIGN(const std::string asked, parse_create_bucket_request(body));
  const std::string region = asked == "EU" ? "eu-west-1" : asked.empty() ? "us-east-1" : asked;
  const std::string account = gate_ == nullptr ? "" : gate_->account_of(call.auth.access_key_id);
  if (store_.bucket_exists(call.bucket)) {
    if (gate_ != nullptr && gate_->owner_of(call.bucket) != account) {
      return S3Error{409,
                     "BucketAlreadyExists",
                     "The requested bucket name is not available. The bucket namespace is shared "
                     "by all users of the system. Please select a different name and try again.",
                     {{"BucketName", call.bucket}}};
    }
    VESTO_TRY(store_.create_bucket(call.bucket, region));  // says whose it is
  }
  if (region != region_) {
    const std::string what = asked.empty() ? "unspecified" : asked;
    return S3Error{400,
                   "IllegalLocationConstraintException",
                   "The " + what +
                       " location constraint is incompatible for the region specific endpoint this "
                       "request was sent to.",
                   {}};
  }
  const std::string acl = call.header("x-amz-acl");
  if (!acl.empty() && acl != "private") {
    return S3Error{400,
                   "InvalidBucketAclWithObjectOwnership",
                   "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
                   {}};
  }
  VESTO_TRY(
      store_.create_bucket(call.bucket, region, account, call.header("x-amz-object-ownership")));
  if (gate_ != nullptr) gate_->bucket_made(call.bucket, account, region);
  return answer(call, 200, {{"Location", "/" + call.bucket}}, "");
}

S3Result<Unit> S3Service::delete_bucket(S3Call& call) {
  VESTO_TRY(store_.delete_bucket(call.bucket));
  if (gate_ != nullptr) gate_->bucket_removed(call.bucket);
  return answer(call, 204, {}, "");
}

S3Result<Unit> S3Service::bucket_location(S3Call& call) {
  const auto bucket = store_.bucket(call.bucket);
  if (!bucket) return no_such_bucket(call.bucket);
  const std::string text = bucket->region == "us-east-1" ? "" : bucket->region;
  XmlWriter xml;
  xml.text("LocationConstraint", text);
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::get_acl(S3Call& call) {
  if (call.key.empty()) {
    if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  } else {
    VESTO_TRY(store_.head(call.bucket, call.key));
  }
  XmlWriter xml;
  xml.open("AccessControlPolicy " + std::string(kS3Namespace));
  write_owner(xml);
  xml.open("AccessControlList").open("Grant");
  xml.open(
         "Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
         "xsi:type=\"CanonicalUser\"")
      .text("ID", kOwnerId)
      .text("DisplayName", "vesto-sandbox")
      .close();
  xml.text("Permission", "FULL_CONTROL").close().close().close();
  return answer_xml(call, xml);
}

S3Result<Unit> S3Service::put_acl(S3Call& call) {
  if (!store_.bucket_exists(call.bucket)) return no_such_bucket(call.bucket);
  return S3Error{400, "AccessControlListNotSupported", "The bucket does not allow ACLs", {}};
}

}  // namespace vesto::sandbox
