// The calls of the S3 client, one function each: what is asked, and what is made of the answer.
#include <openssl/evp.h>

#include <algorithm>

#include "aws/s3_client_impl.h"
#include "aws/s3_errors.h"
#include "aws/s3_xml.h"
#include "aws/sigv4.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxDeleteKeys = 1000;
constexpr uint64_t kMaxErrorBytes = 1 << 20;  // of an <Error> in the place of an object

Status check_key(std::string_view key) {
  if (!key.empty() && key.size() <= kMaxKeyBytes) return ok_status();
  return Error(ErrorCode::kInternal,
               "an object key of " + std::to_string(key.size()) + " bytes cannot be used");
}

Result<std::string> content_md5(std::string_view body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(body.data(), body.size(), digest, &size, EVP_md5(), nullptr) != 1) {
    return Error(ErrorCode::kInternal, "this machine's OpenSSL has no MD5, which S3 asks for");
  }
  return base64_encode({reinterpret_cast<const char*>(digest), size});
}

}  // namespace

Result<S3PutResult> S3Client::put_hashed(std::string_view key, std::string_view body,
                                         std::string_view body_sha256,
                                         const std::stop_token& stop) {
  VESTO_TRY(check_key(key));
  Call call{.method = "PUT",
            .action = "s3:PutObject",
            .key = key,
            .headers = {{"content-type", "application/octet-stream"}},
            .body = body,
            .payload_hash = body_sha256.size() == 32 ? to_hex(body_sha256) : sha256_hex(body)};
  if (!options_.kms_key_arn.empty()) {
    call.headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
    call.headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options_.kms_key_arn);
  }
  S3PutResult result;
  VESTO_TRY(send(call, stop, [&](const HttpResponse& response) -> Status {
    result.etag = std::string(cut_utf8(response.header("etag"), 256));
    if (result.etag.empty()) {
      return Error(ErrorCode::kS3Answer, "an upload was answered without an ETag");
    }
    result.versioned = !response.header("x-amz-version-id").empty() &&
                       response.header("x-amz-version-id") != "null";
    return ok_status();
  }));
  return result;
}

Result<std::string> S3Client::get_object(std::string_view key, uint64_t max_bytes,
                                         const std::stop_token& stop) {
  VESTO_TRY(check_key(key));
  const Call call{.method = "GET",
                  .action = "s3:GetObject",
                  .key = key,
                  .max_answer_bytes = std::max(max_bytes, kMaxErrorBytes),
                  .is_data = true};
  std::string body;
  VESTO_TRY(send(call, stop, [&](const HttpResponse& response) -> Status {
    if (response.body.size() > max_bytes) return too_long(max_bytes);
    body = response.body;
    return ok_status();
  }));
  return body;
}

Result<S3ListPage> S3Client::list(std::string_view prefix, std::string_view continuation_token,
                                  const std::stop_token& stop) {
  Call call{.method = "GET", .action = "s3:ListBucket", .key = ""};
  call.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", std::string(prefix)}};
  if (!continuation_token.empty()) {
    call.query.emplace_back("continuation-token", std::string(continuation_token));
  }
  S3ListPage page;
  VESTO_TRY(send(call, stop, [&](const HttpResponse& response) -> Status {
    VESTO_ASSIGN(page, parse_s3_list(response.body, prefix));
    return ok_status();
  }));
  return page;
}

Status S3Client::remove(std::string_view key, const std::stop_token& stop) {
  VESTO_TRY(check_key(key));
  const Call call{.method = "DELETE", .action = "s3:DeleteObject", .key = key};
  return send(call, stop, [](const HttpResponse&) -> Status { return ok_status(); });
}

Status S3Client::remove_many(const std::vector<std::string>& keys, const std::stop_token& stop) {
  if (keys.empty()) return ok_status();
  if (keys.size() > kMaxDeleteKeys) {
    return Error(ErrorCode::kInternal, "more than 1,000 keys in one delete");
  }
  for (const std::string& key : keys) VESTO_TRY(check_key(key));
  const std::string body = s3_delete_xml(keys);
  VESTO_ASSIGN(const std::string md5, content_md5(body));
  const Call call{.method = "POST",
                  .action = "s3:DeleteObject",
                  .key = "",
                  .query = {{"delete", ""}},
                  .headers = {{"content-type", "application/xml"}, {"content-md5", md5}},
                  .body = body,
                  .payload_hash = sha256_hex(body)};
  return send(call, stop, [&](const HttpResponse& response) -> Status {
    VESTO_ASSIGN(const std::vector<S3DeleteFailure> failures,
                 parse_s3_delete_result(response.body));
    // The request may be repeated as a whole: a key that has gone counts as deleted.
    if (failures.empty()) return ok_status();
    return s3_delete_error(described(call), failures.front())
        .in(format_count(static_cast<int64_t>(failures.size())) + " of " +
            format_count(static_cast<int64_t>(keys.size())) + " deletes");
  });
}

Result<std::optional<uint64_t>> S3Client::head(std::string_view key, const std::stop_token& stop) {
  VESTO_TRY(check_key(key));
  const Call call{.method = "HEAD", .action = "s3:GetObject", .key = key};
  std::optional<uint64_t> size;
  VESTO_TRY(send(call, stop, [&](const HttpResponse& response) -> Status {
    if (response.status == 404) return ok_status();
    const auto length = parse_int(response.header("content-length"));
    if (!length || *length < 0) {
      return Error(ErrorCode::kS3Answer, "an object without Content-Length");
    }
    size = static_cast<uint64_t>(*length);
    return ok_status();
  }));
  return size;
}

Result<std::string> S3Client::expiration(std::string_view key, const std::stop_token& stop) {
  VESTO_TRY(check_key(key));
  const Call call{.method = "HEAD", .action = "s3:GetObject", .key = key};
  std::string told;
  VESTO_TRY(send(call, stop, [&](const HttpResponse& response) -> Status {
    if (response.status == 404) return Error(ErrorCode::kS3Refused, "no such object");
    told = std::string(cut_utf8(response.header("x-amz-expiration"), 512));
    return ok_status();
  }));
  return told;
}

Result<bool> S3Client::open_to_all(std::string_view key, const std::stop_token& stop) {
  VESTO_TRY(know_region(stop));
  Call call{.method = "GET",
            .action = key.empty() ? "s3:ListBucket" : "s3:GetObject",
            .key = key,
            .is_data = true};
  if (key.empty()) call.query = {{"list-type", "2"}, {"max-keys", "0"}};
  const Address address = address_of(call, region_);
  HttpRequest request{.method = call.method, .url = address.origin.url() + address.path};
  if (!call.query.empty()) request.url += "?" + canonical_query(call.query);
  VESTO_ASSIGN(const HttpResponse response, http_->send(request, stop));
  if (response.status >= 200 && response.status < 300) return true;
  if (response.status >= 400 && response.status < 500) return false;
  return s3_error(described(call), response);
}

Result<std::optional<bool>> S3Client::policy_is_public(const std::stop_token& stop) {
  const Call call{.method = "GET",
                  .action = "s3:GetBucketPolicyStatus",
                  .key = "",
                  .query = {{"policyStatus", ""}}};
  std::optional<bool> told;
  const Status asked = send(call, stop, [&](const HttpResponse& response) -> Status {
    VESTO_ASSIGN(told, parse_s3_policy_status(response.body));
    return ok_status();
  });
  if (asked.ok()) return told;
  const Error& error = asked.error();
  const bool not_told = error.code() == ErrorCode::kS3Denied ||
                        error.upstream().code == "NoSuchBucketPolicy" ||
                        error.upstream().code == "NotImplemented";
  if (not_told) return std::optional<bool>();
  return error;
}

}  // namespace vesto
