// Which headers of a request become part of the object, and which are refused.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/s3_service.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxMetadataBytes = 2048;

// Headers with a meaning that the sandbox does not have: better refused than passed over.
bool is_unknown_feature(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames = {"x-amz-tagging",
                                                      "x-amz-object-lock-mode",
                                                      "x-amz-object-lock-retain-until-date",
                                                      "x-amz-object-lock-legal-hold",
                                                      "x-amz-website-redirect-location",
                                                      "x-amz-write-offset-bytes",
                                                      "x-amz-server-side-encryption-context"};
  constexpr std::string_view kCustomerKey = "x-amz-server-side-encryption-customer-";
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.substr(0, kCustomerKey.size()) == kCustomerKey;
}

std::string without_aws_chunked(const std::string& value) {
  std::vector<std::string> kept;
  for (const std::string& part : split(value, ',')) {
    const std::string_view word = trim(part);
    if (!word.empty() && to_lower_ascii(word) != "aws-chunked") kept.emplace_back(word);
  }
  return join(kept, ",");
}

// KMS keys are kept with the object; whether the caller may use one is asked later.
S3Result<Unit> add_encryption(const HttpRequest& request, ObjectHeaders* headers) {
  const std::string algorithm = request.header_or_empty(kEncryptionHeader);
  const std::string key = request.header_or_empty(kKmsKeyHeader);
  if (algorithm == "aws:kms") {
    (*headers)[kEncryptionHeader] = algorithm;
    if (!key.empty()) (*headers)[kKmsKeyHeader] = key;
    return Unit{};
  }
  if (!algorithm.empty() && algorithm != "AES256") {
    return S3Error{501,
                   "NotImplemented",
                   "A header you provided implies functionality that is not implemented",
                   {{"Header", kEncryptionHeader}}};
  }
  if (key.empty()) return Unit{};
  return S3Error{400,
                 "InvalidArgument",
                 "Server Side Encryption with AWS KMS managed key requires HTTP header "
                 "x-amz-server-side-encryption : aws:kms",
                 {}};
}

}  // namespace

S3Result<Unit> check_acl_headers(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    const bool grant = name.rfind("x-amz-grant-", 0) == 0;
    if (grant || (name == "x-amz-acl" && value != "bucket-owner-full-control")) {
      return S3Error{400, "AccessControlListNotSupported", "The bucket does not allow ACLs", {}};
    }
  }
  return Unit{};
}

S3Result<ObjectHeaders> object_headers(const HttpRequest& request) {
  constexpr std::array<std::string_view, 5> kPlain = {
      "content-type", "content-disposition", "content-language", "cache-control", "expires"};
  VESTO_TRY(check_acl_headers(request));
  ObjectHeaders headers;
  size_t metadata_bytes = 0;
  for (const auto& [name, value] : request.headers) {
    if (is_unknown_feature(name)) {
      return S3Error{501,
                     "NotImplemented",
                     "A header you provided implies functionality that is not implemented",
                     {{"Header", name}}};
    }
    if (std::find(kPlain.begin(), kPlain.end(), name) != kPlain.end()) {
      headers[name] = value;
    } else if (name == "content-encoding") {
      const std::string kept = without_aws_chunked(value);
      if (!kept.empty()) headers[name] = kept;
    } else if (name.rfind("x-amz-meta-", 0) == 0) {
      metadata_bytes += name.size() - 11 + value.size();
      std::string& stored = headers[name];
      stored = stored.empty() ? value : stored + "," + value;
    } else if (name == "x-amz-storage-class" && value != "STANDARD") {
      return S3Error{400,
                     "InvalidStorageClass",
                     "The storage class you specified is not valid",
                     {{"StorageClassRequested", value}}};
    }
  }
  VESTO_TRY(add_encryption(request, &headers));
  if (metadata_bytes > kMaxMetadataBytes) {
    return S3Error{400,
                   "MetadataTooLarge",
                   "Your metadata headers exceed the maximum allowed metadata size",
                   {{"Size", std::to_string(metadata_bytes)},
                    {"MaxSizeAllowed", std::to_string(kMaxMetadataBytes)}}};
  }
  if (headers.count("content-type") == 0) headers["content-type"] = "binary/octet-stream";
  return headers;
}

S3Result<PutCondition> put_condition(const HttpRequest& request) {
  PutCondition condition;
  if (const std::string* none = request.header("if-none-match")) {
    if (*none != "*") {
      return S3Error{501,
                     "NotImplemented",
                     "A header you provided implies functionality that is not implemented",
                     {{"Header", "If-None-Match"}}};
    }
    condition.if_none_match_any = true;
  }
  if (const std::string* match = request.header("if-match")) {
    condition.if_match = "\"" + replace_all(*match, "\"", "") + "\"";
  }
  return condition;
}

}  // namespace vesto::sandbox
