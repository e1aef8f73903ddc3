// Which operation a request asks for, and by which right.
#include <array>
#include <optional>

#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

// Sub-resources of S3 that the sandbox does not have: they must not be mistaken for plain calls.
constexpr std::array<std::string_view, 30> kUnknownResources = {
    "accelerate",     "analytics",         "attributes",
    "cors",           "encryption",        "intelligent-tiering",
    "inventory",      "legal-hold",        "lifecycle",
    "logging",        "metrics",           "notification",
    "object-lock",    "ownershipControls", "policy",
    "policyStatus",   "publicAccessBlock", "replication",
    "requestPayment", "restore",           "retention",
    "select",         "select-type",       "session",
    "tagging",        "torrent",           "website",
    "metadataTable",  "renameObject",      "append"};

S3Error not_implemented() {
  return {501,
          "NotImplemented",
          "A header you provided implies functionality that is not implemented",
          {}};
}

// Where a bucket has nothing of the kind, S3 says so with these.
std::optional<S3Error> absent_configuration(const S3Call& call) {
  static constexpr std::array<std::array<const char*, 3>, 3> kAbsent = {{
      {"object-lock", "ObjectLockConfigurationNotFoundError",
       "Object Lock configuration does not exist for this bucket"},
      {"tagging", "NoSuchTagSet", "The TagSet does not exist"},
      {"cors", "NoSuchCORSConfiguration", "The CORS configuration does not exist"},
  }};
  if (call.request.method != "GET" || !call.key.empty()) return std::nullopt;
  for (const auto& [name, code, text] : kAbsent) {
    if (call.has(name)) return S3Error{404, code, text, {{"BucketName", call.bucket}}};
  }
  return std::nullopt;
}

}  // namespace

S3Result<S3Service::Route> S3Service::route(const S3Call& call) {
  if (auto absent = absent_configuration(call)) {
    return *std::move(absent);
  }
  const BucketSetting* setting = setting_of(call);
  if (setting != nullptr && !call.bucket.empty() && call.key.empty()) {
    return route_setting(call, *setting);
  }
  if ((call.has("policy") || call.has("policyStatus")) && !call.bucket.empty() &&
      call.key.empty()) {
    return route_policy(call);
  }
  for (const std::string_view name : kUnknownResources) {
    if (call.has(name)) return not_implemented();
  }
  const bool of_the_bucket =
      !call.bucket.empty() && call.key.empty() && call.request.method == "GET";
  if (call.has("versions") && !of_the_bucket) return not_implemented();
  const bool of_a_version = !call.key.empty() && !call.has("uploadId") && !call.has("acl") &&
                            call.request.method != "PUT" && call.request.method != "POST";
  if (call.has("versionId") && !of_a_version) return not_implemented();
  if (call.has("versionId") && !is_version_id(call.parameter_or_empty("versionId"))) {
    return invalid_argument("Invalid version id specified", "versionId",
                            call.parameter_or_empty("versionId"));
  }
  if (call.bucket.empty()) {
    if (call.request.method == "GET")
      return Route{&S3Service::list_buckets, nullptr, "s3:ListAllMyBuckets"};
  } else if (call.key.empty()) {
    return route_bucket(call);
  } else {
    return route_key(call);
  }
  return S3Error{405,
                 "MethodNotAllowed",
                 "The specified method is not allowed against this resource.",
                 {{"Method", call.request.method}, {"ResourceType", "SERVICE"}}};
}

S3Result<S3Service::Route> S3Service::route_bucket(const S3Call& call) {
  const std::string& method = call.request.method;
  if (method == "HEAD") return Route{&S3Service::head_bucket, "s3.head", "s3:ListBucket"};
  if (method == "GET") {
    if (call.has("location"))
      return Route{&S3Service::bucket_location, nullptr, "s3:GetBucketLocation"};
    if (call.has("acl")) return Route{&S3Service::get_acl, nullptr, nullptr};
    if (call.has("uploads"))
      return Route{&S3Service::list_uploads, "s3.multipart", "s3:ListBucketMultipartUploads"};
    if (call.has("versions"))
      return Route{&S3Service::list_versions, "s3.list", "s3:ListBucketVersions"};
    if (call.parameter_or_empty("list-type") == "2") {
      return Route{&S3Service::list_objects_v2, "s3.list", "s3:ListBucket"};
    }
    return Route{&S3Service::list_objects_v1, "s3.list", "s3:ListBucket"};
  }
  if (method == "PUT" && call.has("acl")) return Route{&S3Service::put_acl, nullptr, nullptr};
  if (method == "PUT") return Route{&S3Service::create_bucket, nullptr, "s3:CreateBucket"};
  if (method == "DELETE") return Route{&S3Service::delete_bucket, nullptr, "s3:DeleteBucket"};
  if (method == "POST" && call.has("delete")) {
    return Route{&S3Service::delete_objects, "s3.delete", nullptr};
  }
  if (method == "PUT" || method == "POST") return not_implemented();
  return S3Error{405,
                 "MethodNotAllowed",
                 "The specified method is not allowed against this resource.",
                 {{"Method", method}, {"ResourceType", "BUCKET"}}};
}

S3Result<S3Service::Route> S3Service::route_key(const S3Call& call) {
  const std::string& method = call.request.method;
  const bool upload = call.has("uploadId");
  const bool version = call.has("versionId");
  const char* get = version ? "s3:GetObjectVersion" : "s3:GetObject";
  const char* remove = version ? "s3:DeleteObjectVersion" : "s3:DeleteObject";
  const bool copy = call.request.header("x-amz-copy-source") != nullptr;
  if (method == "HEAD") return Route{&S3Service::head_object, "s3.head", get};
  if (method == "GET") {
    if (upload) return Route{&S3Service::list_parts, "s3.multipart", "s3:ListMultipartUploadParts"};
    if (call.has("acl")) return Route{&S3Service::get_acl, nullptr, nullptr};
    return Route{&S3Service::get_object, "s3.get", get};
  }
  if (method == "PUT") {
    if (call.has("acl")) return Route{&S3Service::put_acl, nullptr, nullptr};
    if (upload && copy) return not_implemented();
    if (upload || call.has("partNumber"))
      return Route{&S3Service::upload_part, "s3.multipart", "s3:PutObject"};
    if (copy) return Route{&S3Service::copy_object, "s3.put", "s3:PutObject"};
    return Route{&S3Service::put_object, "s3.put", "s3:PutObject"};
  }
  if (method == "POST") {
    if (call.has("uploads"))
      return Route{&S3Service::create_upload, "s3.multipart", "s3:PutObject"};
    if (upload) return Route{&S3Service::complete_upload, "s3.multipart", "s3:PutObject"};
    return not_implemented();
  }
  if (method == "DELETE") {
    if (upload) return Route{&S3Service::abort_upload, "s3.multipart", "s3:AbortMultipartUpload"};
    return Route{&S3Service::delete_object, "s3.delete", remove};
  }
  return S3Error{405,
                 "MethodNotAllowed",
                 "The specified method is not allowed against this resource.",
                 {{"Method", method}, {"ResourceType", "OBJECT"}}};
}

}  // namespace vesto::sandbox
