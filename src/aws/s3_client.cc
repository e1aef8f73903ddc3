#include "aws/s3_client.h"

#include <openssl/evp.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "aws/endpoints.h"
#include "aws/s3_errors.h"
#include "aws/s3_look.h"
#include "aws/s3_xml.h"
#include "aws/sigv4.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxKeyBytes = 1024;
constexpr size_t kMaxDeleteKeys = 1000;
constexpr uint64_t kMaxAnswerBytes = 8 << 20;  // 1,000 percent-encoded keys are under 4 MiB
constexpr int kMaxMoves = 2;  // to a region that S3 named: two servers may not agree
constexpr uint64_t kMaxErrorBytes = 1 << 20;  // of an <Error> in the place of an object

struct Call {
  std::string method;
  std::string_view action;  // the IAM action it needs
  std::string_view key;     // "" = the bucket itself
  NameValues query = {};
  NameValues headers = {};  // signed; beside those that every request has
  std::string_view body = {};
  std::string payload_hash = {};
  uint64_t max_answer_bytes = kMaxAnswerBytes;
  bool is_data = false;  // the answer is an object's bytes, whatever they look like
};

// Takes a 2xx answer. An S3-ANSWER or an error from an <Error> body repeats the request.
using Accept = std::function<Status(const HttpResponse&)>;

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 255) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

// A dot breaks S3's wildcard certificate, and old names with capitals are no host names.
bool can_be_host_label(std::string_view bucket) {
  return bucket.size() <= 63 && std::all_of(bucket.begin(), bucket.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 40 && can_be_host_label(text);
}

Result<std::string> content_md5(std::string_view body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(body.data(), body.size(), digest, &size, EVP_md5(), nullptr) != 1) {
    return Error(ErrorCode::kInternal, "this machine's OpenSSL has no MD5, which S3 asks for");
  }
  return base64_encode({reinterpret_cast<const char*>(digest), size});
}

// Not repeated: the object will be as long again.
Error too_long(uint64_t max_bytes) {
  return {ErrorCode::kS3Refused,
          "the object has more than " + format_count(static_cast<int64_t>(max_bytes)) + " bytes"};
}

class S3Client final : public S3, public S3Look {
 public:
  S3Client(S3Options options, Clock& clock, std::unique_ptr<HttpTransport> http,
           const Environment& environment)
      : options_(std::move(options)),
        clock_(clock),
        http_(std::move(http)),
        choice_(endpoint_choice(environment)),
        region_(options_.region),
        setup_(set_up(environment)) {}

  Result<S3PutResult> put_hashed(std::string_view key, std::string_view body,
                                 std::string_view body_sha256,
                                 const std::stop_token& stop) override {
    VESTO_TRY(check_key(key));
    Call call{.method = "PUT",
              .action = "s3:PutObject",
              .key = key,
              .headers = {{"content-type", "application/octet-stream"}},
              .body = body,
              .payload_hash = body_sha256.size() == 32 ? to_hex(body_sha256) : sha256_hex(body)};
    if (!options_.kms_key_arn.empty()) {
      call.headers.emplace_back("x-amz-server-side-encryption", "aws:kms");
      call.headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id",
                                options_.kms_key_arn);
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

  Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                 const std::stop_token& stop) override {
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

  Result<S3ListPage> list(std::string_view prefix, std::string_view continuation_token,
                          const std::stop_token& stop) override {
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

  Status remove(std::string_view key, const std::stop_token& stop) override {
    VESTO_TRY(check_key(key));
    const Call call{.method = "DELETE", .action = "s3:DeleteObject", .key = key};
    return send(call, stop, [](const HttpResponse&) -> Status { return ok_status(); });
  }

  Status remove_many(const std::vector<std::string>& keys, const std::stop_token& stop) override {
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

  Result<std::optional<uint64_t>> head(std::string_view key, const std::stop_token& stop) override {
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

  Result<std::string> expiration(std::string_view key, const std::stop_token& stop) override {
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

  Result<bool> open_to_all(std::string_view key, const std::stop_token& stop) override {
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

  Result<std::optional<bool>> policy_is_public(const std::stop_token& stop) override {
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

  Result<std::string> region(const std::stop_token& stop) override {
    VESTO_TRY(setup_);
    if (const std::string found = options_.found_region->get(); !found.empty()) return found;
    const Call call{.method = "HEAD", .action = "s3:ListBucket", .key = ""};
    if (options_.region.empty()) {
      VESTO_TRY(repeat(call, stop, [&]() -> Status { return ask_region(call, stop); }));
      return region_;
    }
    // One that is given is good enough where S3 cannot be asked: the first upload says why.
    const Status asked = ask_region(call, stop);
    if (!asked.ok() && asked.error().code() == ErrorCode::kS3NoBucket) return asked.error();
    if (stop.stop_requested()) return Error(ErrorCode::kRunInterrupted, "stopped");
    return region_;
  }

 private:
  Status set_up(const Environment& environment) {
    if (!is_bucket_name(options_.bucket)) {
      return Error(ErrorCode::kCfgValue,
                   "\"" + std::string(cut_utf8(options_.bucket, 100)) + "\" is no bucket name");
    }
    if (!region_.empty() && !is_region(region_)) {
      return Error(ErrorCode::kCfgValue,
                   "\"" + std::string(cut_utf8(region_, 100)) + "\" is no AWS region");
    }
    VESTO_ASSIGN(const std::string endpoint,
                 configured_endpoint(AwsService::kS3, options_.endpoint, environment));
    if (!endpoint.empty()) {
      VESTO_ASSIGN(origin_, parse_origin(endpoint));
    }
    return ok_status();
  }

  static Status check_key(std::string_view key) {
    if (!key.empty() && key.size() <= kMaxKeyBytes) return ok_status();
    return Error(ErrorCode::kInternal,
                 "an object key of " + std::to_string(key.size()) + " bytes cannot be used");
  }

  [[nodiscard]] S3Call described(const Call& call) const {
    return S3Call{.action = call.action,
                  .bucket = options_.bucket,
                  .key = call.key,
                  .region = region_.empty() ? options_.first_region : region_,
                  .now_ms = clock_.wall_ms()};
  }

  // A region that is given is good until S3 names another.
  Status know_region(const std::stop_token& stop) {
    VESTO_TRY(setup_);
    if (std::string found = options_.found_region->get(); !found.empty()) {
      region_ = std::move(found);
    }
    if (region_.empty()) {
      VESTO_ASSIGN(region_, region(stop));
    }
    return ok_status();
  }

  void found(std::string_view region) {
    region_ = std::string(region);
    options_.found_region->set(region_);
  }

  // The error of an answer. Where it names the bucket's region, the next request goes there.
  Error refused(const Call& call, const HttpResponse& response) {
    Error error = s3_error(described(call), response);
    const std::string named = s3_named_region(response);
    if (error.code() == ErrorCode::kS3Region && is_region(named) && named != region_ &&
        moves_ < kMaxMoves) {
      ++moves_;
      moved_ = true;
      found(named);
    }
    return error;
  }

  // Sends until `accept` is content, an error is final, or the attempts are used up.
  Status send(const Call& call, const std::stop_token& stop, const Accept& accept) {
    VESTO_TRY(know_region(stop));
    return repeat(call, stop, [&]() -> Status {
      VESTO_ASSIGN(const HttpResponse response, send_once(call, region_, stop));
      if (response.too_large) {
        if (call.is_data) return too_long(call.max_answer_bytes);
        return Error(ErrorCode::kS3Answer, "an answer of more than 8 MiB");
      }
      const bool head_of_nothing = call.method == "HEAD" && response.status == 404;
      const bool success = response.status >= 200 && response.status < 300;
      if (!success && !head_of_nothing) return refused(call, response);
      if (!call.is_data && parse_s3_error(response.body)) return refused(call, response);
      return accept(response);
    });
  }

  Status repeat(const Call& call, const std::stop_token& stop,
                const std::function<Status()>& attempt) {
    Backoff backoff({.attempts = options_.attempts, .first_wait_ms = 400, .max_wait_ms = 20'000});
    bool renewed = false;
    while (true) {
      Status status = attempt();
      if (!status.ok() && !renewed && keys_expired(call, status.error())) {
        renewed = true;  // once, and it is no attempt
        log_debug("s3 keys renewed", {{"action", std::string(call.action)}});
        continue;
      }
      if (!status.ok() && std::exchange(moved_, false)) continue;
      if (status.ok() || status.error().retry() != Retry::kBackoff) return status;
      const std::string reason(status.error().name());
      if (!backoff.next(clock_, stop)) {
        if (!stop.stop_requested()) return status;
        return Error(ErrorCode::kRunInterrupted, "a request to S3 was stopped");
      }
      log_debug("s3 request repeated", {{"action", std::string(call.action)},
                                        {"attempt", std::to_string(backoff.attempt())},
                                        {"reason", reason}});
    }
  }

  // Keys may end between the signing and S3's look at them: a laptop slept, a body took its time.
  // An answer to HEAD has no body that says so, its status alone. True: there may be new ones.
  bool keys_expired(const Call& call, const Error& error) {
    if (!options_.credential_source) return false;
    const bool bare = call.method == "HEAD" && error.upstream().code == "400";
    return (bare || is_expired_token(error)) && options_.credential_source->forget(used_);
  }

  // HeadBucket tells the region of any bucket, whatever the caller may do with it and wherever it
  // is asked. A region that is given stands where S3 does not say: a proxy's 403, a server of
  // one's own without regions.
  Status ask_region(const Call& call, const std::stop_token& stop) {
    const std::string first = region_.empty() ? options_.first_region : region_;
    VESTO_ASSIGN(const HttpResponse response, send_once(call, first, stop));
    const std::string_view named = response.header("x-amz-bucket-region");
    if (is_region(named) && response.status != 404) {
      found(named);
      return ok_status();
    }
    const bool success = response.status >= 200 && response.status < 300;
    const bool may_be_right = success || response.status == 403;
    if (!region_.empty() && may_be_right) return ok_status();
    if (!success) return s3_error(described(call), response);
    if (!origin_) {
      return Error(ErrorCode::kS3Answer, "S3 did not tell the region of the bucket")
          .with_hint("Set staging.region.");
    }
    found(options_.first_region);  // a server without regions takes the usual one
    return ok_status();
  }

  struct Address {
    HttpOrigin origin;
    std::string path;  // encoded
  };

  [[nodiscard]] Address address_of(const Call& call, const std::string& region) const {
    Address address;
    if (origin_) {
      address.origin = *origin_;
    } else {
      address.origin.host = aws_endpoint(AwsService::kS3, region, choice_).substr(8);  // https://
    }
    const bool in_path =
        options_.path_style || !can_be_host_label(options_.bucket) || address.origin.is_address();
    if (in_path) {
      address.path = "/" + options_.bucket;
    } else {
      address.origin.host = options_.bucket + "." + address.origin.host;
    }
    if (!call.key.empty()) address.path += "/" + percent_encode(call.key, /*keep_slash=*/true);
    if (address.path.empty()) address.path = "/";
    return address;
  }

  Result<AwsCredentials> credentials_now(const std::stop_token& stop) {
    if (!options_.credential_source) return options_.credentials;
    return options_.credential_source->get(options_.request_timeout_ms, stop);
  }

  Result<HttpResponse> send_once(const Call& call, const std::string& region,
                                 const std::stop_token& stop) {
    static const std::string kEmptyHash = sha256_hex("");
    const Address address = address_of(call, region);
    SigV4Request to_sign{
        .method = call.method,
        .path = address.path,
        .query = call.query,
        .headers = call.headers,
        .payload_hash = call.payload_hash.empty() ? kEmptyHash : call.payload_hash};
    to_sign.headers.emplace_back("x-amz-date", amz_date(clock_.wall_ms()));
    to_sign.headers.emplace_back("x-amz-content-sha256", to_sign.payload_hash);
    VESTO_ASSIGN(const AwsCredentials credentials, credentials_now(stop));
    used_ = credentials;
    if (!credentials.session_token.empty()) {
      to_sign.headers.emplace_back("x-amz-security-token", credentials.session_token.reveal());
    }
    HttpRequest request{.method = call.method,
                        .url = address.origin.url() + address.path,
                        .headers = to_sign.headers,
                        .body = call.body,
                        .max_answer_bytes = call.max_answer_bytes};
    if (!call.query.empty()) request.url += "?" + canonical_query(call.query);
    to_sign.headers.emplace_back("host", address.origin.host_header());  // libcurl sends it itself
    request.headers.emplace_back(
        "authorization",
        sigv4_authorization(to_sign, {.access_key_id = credentials.access_key_id,
                                      .secret_access_key = credentials.secret_access_key,
                                      .region = region,
                                      .service = "s3"}));
    return http_->send(request, stop);
  }

  const S3Options options_;
  Clock& clock_;
  const std::unique_ptr<HttpTransport> http_;
  const EndpointChoice choice_;
  std::optional<HttpOrigin> origin_;  // given; else AWS's own
  std::string region_;                // "" until it is known
  int moves_ = 0;                     // to a region that S3 named
  bool moved_ = false;                // by the last answer
  AwsCredentials used_;               // of the last request
  const Status setup_;
};

}  // namespace

std::unique_ptr<S3> make_s3_client_on(S3Options options, Clock& clock,
                                      std::unique_ptr<HttpTransport> http,
                                      const Environment& environment) {
  return std::make_unique<S3Client>(std::move(options), clock, std::move(http), environment);
}

namespace {

std::unique_ptr<HttpTransport> http_for(const S3Options& options) {
  return make_http_client({.tls_ca_file = options.tls_ca_file,
                           .connect_timeout_ms = options.connect_timeout_ms,
                           .request_timeout_ms = options.request_timeout_ms});
}

}  // namespace

std::unique_ptr<S3> make_s3_client(S3Options options, Clock& clock) {
  auto http = http_for(options);
  return make_s3_client_on(std::move(options), clock, std::move(http), process_environment());
}

std::unique_ptr<S3Look> make_s3_look(S3Options options, Clock& clock) {
  auto http = http_for(options);
  return std::make_unique<S3Client>(std::move(options), clock, std::move(http),
                                    process_environment());
}

}  // namespace vesto
