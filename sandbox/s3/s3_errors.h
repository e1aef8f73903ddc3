// The S3 errors that more than one place gives. Texts: S3 "Error responses".
#ifndef VESTO_SANDBOX_S3_S3_ERRORS_H_
#define VESTO_SANDBOX_S3_S3_ERRORS_H_

#include <string>
#include <string_view>

#include "sandbox/s3/object_store.h"

namespace vesto::sandbox {

inline S3Error no_such_bucket(std::string_view bucket) {
  return {404,
          "NoSuchBucket",
          "The specified bucket does not exist",
          {{"BucketName", std::string(bucket)}}};
}
inline S3Error no_such_key(std::string_view key) {
  return {404, "NoSuchKey", "The specified key does not exist.", {{"Key", std::string(key)}}};
}
// `version`: "null", or an id.
inline S3Error no_such_version(std::string_view key, std::string_view version) {
  return {404,
          "NoSuchVersion",
          "The specified version does not exist.",
          {{"Key", std::string(key)}, {"VersionId", std::string(version)}}};
}
inline S3Error no_such_upload(std::string_view id) {
  return {404,
          "NoSuchUpload",
          "The specified upload does not exist. The upload ID may be invalid, or the upload may "
          "have been aborted or completed.",
          {{"UploadId", std::string(id)}}};
}
inline S3Error internal_error() {
  return {500, "InternalError", "We encountered an internal error. Please try again.", {}};
}
inline S3Error precondition_failed(std::string_view condition) {
  return {412,
          "PreconditionFailed",
          "At least one of the pre-conditions you specified did not hold",
          {{"Condition", std::string(condition)}}};
}
inline S3Error invalid_argument(std::string text, std::string_view name, std::string_view value) {
  return {400,
          "InvalidArgument",
          std::move(text),
          {{"ArgumentName", std::string(name)}, {"ArgumentValue", std::string(value)}}};
}
inline S3Error invalid_request(std::string text) {
  return {400, "InvalidRequest", std::move(text), {}};
}
inline S3Error malformed_xml() {
  return {400,
          "MalformedXML",
          "The XML you provided was not well-formed or did not validate against our published "
          "schema",
          {}};
}

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_S3_ERRORS_H_
