#include "aws/s3_client.h"

#include <algorithm>
#include <utility>

#include "aws/endpoints.h"
#include "aws/s3_client_impl.h"
#include "aws/s3_errors.h"
#include "aws/s3_look.h"
#include "aws/s3_xml.h"
#include "aws/sigv4.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/retry.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr int kMaxMoves = 2;  // to a region that S3 named: two servers may not agree

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

}  // namespace

S3Client::S3Client(S3Options options, Clock& clock, std::unique_ptr<HttpTransport> http,
                   const Environment& environment)
    : options_(std::move(options)),
      clock_(clock),
      http_(std::move(http)),
      choice_(endpoint_choice(environment)),
      region_(options_.region),
      setup_(set_up(environment)) {}

Result<std::string> S3Client::region(const std::stop_token& stop) {
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

Status S3Client::set_up(const Environment& environment) {
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

S3Call S3Client::described(const Call& call) const {
  return S3Call{.action = call.action,
                .bucket = options_.bucket,
                .key = call.key,
                .region = region_.empty() ? options_.first_region : region_,
                .now_ms = clock_.wall_ms()};
}

Status S3Client::know_region(const std::stop_token& stop) {
  VESTO_TRY(setup_);
  if (std::string found = options_.found_region->get(); !found.empty()) {
    region_ = std::move(found);
  }
  if (region_.empty()) {
    VESTO_ASSIGN(region_, region(stop));
  }
  return ok_status();
}

void S3Client::found(std::string_view region) {
  region_ = std::string(region);
  options_.found_region->set(region_);
}

Error S3Client::refused(const Call& call, const HttpResponse& response) {
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

Error S3Client::too_long(uint64_t max_bytes) {
  return {ErrorCode::kS3Refused,
          "the object has more than " + format_count(static_cast<int64_t>(max_bytes)) + " bytes"};
}

Status S3Client::send(const Call& call, const std::stop_token& stop, const Accept& accept) {
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

Status S3Client::repeat(const Call& call, const std::stop_token& stop,
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

bool S3Client::keys_expired(const Call& call, const Error& error) {
  if (!options_.credential_source) return false;
  const bool bare = call.method == "HEAD" && error.upstream().code == "400";
  return (bare || is_expired_token(error)) && options_.credential_source->forget(used_);
}

Status S3Client::ask_region(const Call& call, const std::stop_token& stop) {
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

S3Client::Address S3Client::address_of(const Call& call, const std::string& region) const {
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

Result<AwsCredentials> S3Client::credentials_now(const std::stop_token& stop) {
  if (!options_.credential_source) return options_.credentials;
  return options_.credential_source->get(options_.request_timeout_ms, stop);
}

Result<HttpResponse> S3Client::send_once(const Call& call, const std::string& region,
                                         const std::stop_token& stop) {
  static const std::string kEmptyHash = sha256_hex("");
  const Address address = address_of(call, region);
  SigV4Request to_sign{.method = call.method,
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

std::unique_ptr<S3> make_s3_client_on(S3Options options, Clock& clock,
                                      std::unique_ptr<HttpTransport> http,
                                      const Environment& environment) {
  return std::make_unique<S3Client>(std::move(options), clock, std::move(http), environment);
}

namespace {

std::unique_ptr<HttpTransport> http_for(const S3Options& options) {
  return make_http_client({.tls_ca_file = options.tls_ca_file,
                           .ca_named_by = "tls_ca_file in the destination's section staging, or "
                                          "the environment variable AWS_CA_BUNDLE",
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
