#include "aws/s3_errors.h"

#include <cstdlib>

#include "aws/endpoints.h"
#include "base/error_causes.h"
#include "base/redact.h"
#include "base/strings.h"
#include "base/time_text.h"

namespace vesto {

namespace {

// By S3's code first: the status alone says less. What was asked tells which right is missing.
const ErrorCause* cause_of(const S3Call& call, std::string_view s3_code, std::string_view text) {
  if (const ErrorCause* cause = recognise(call.action, s3_code, text)) return cause;
  return recognise("s3", s3_code, text);
}

// Where no <Error> came with it (HEAD has no body; a proxy writes what it likes).
ErrorCode code_of_status(int status, bool body_expected) {
  if (status == 503 || status == 429) return ErrorCode::kS3Slow;
  if (status >= 500) return ErrorCode::kS3Server;
  if (body_expected) return ErrorCode::kS3Answer;
  if (status == 401 || status == 403) return ErrorCode::kS3Denied;
  if (status == 404) return ErrorCode::kS3NoBucket;
  if (status == 301) return ErrorCode::kS3Region;
  return ErrorCode::kS3Refused;
}

std::string subject(const S3Call& call) {
  std::string out = "s3://" + std::string(call.bucket);
  if (!call.key.empty()) out += "/" + std::string(call.key);
  return out;
}

// What a policy should name: all below the prefix, not the one object. Staged keys end in
// <installation>/<sync>/<run>/<stream>/<part>; other keys are named as they are.
std::string allowed_keys(std::string_view key) {
  constexpr int kOwnSegments = 5;
  size_t at = key.size();
  for (int i = 0; i < kOwnSegments; ++i) {
    if (at == 0) return std::string(key);
    at = key.rfind('/', at - 1);
    if (at == std::string_view::npos) return i == kOwnSegments - 1 ? "*" : std::string(key);
  }
  return std::string(key.substr(0, at + 1)) + "*";
}

std::string denied_hint(const S3Call& call, std::string_view message) {
  std::string hint = "Allow " + std::string(call.action) +
                     " on arn:" + std::string(partition_of_region(call.region).name) +
                     ":s3:::" + std::string(call.bucket);
  if (!call.key.empty()) hint += "/" + allowed_keys(call.key);
  hint += '.';
  if (message.find("explicit deny") != std::string_view::npos) {
    hint += " A policy denies it explicitly: an Allow alone does not help.";
  }
  return hint;
}

// "This machine's clock is 1h 2m behind S3's."
std::string skew_text(const S3Call& call, const HttpResponse& response) {
  const auto there_ms = parse_http_date(response.header("date"));
  if (!there_ms) return "this machine's clock differs from S3's by more than 15 minutes";
  const int64_t ahead_ms = call.now_ms - *there_ms;
  return "this machine's clock is " + format_duration(std::abs(ahead_ms)) +
         (ahead_ms > 0 ? " ahead of" : " behind") + " S3's";
}

Error region_error(const S3Call& call, const std::string& found) {
  if (found.empty()) {
    return Error(ErrorCode::kS3Region, "the bucket " + std::string(call.bucket) +
                                           " is not in region " + std::string(call.region));
  }
  return Error(ErrorCode::kS3Region, "the bucket " + std::string(call.bucket) + " is in region " +
                                         found + ", not in " + std::string(call.region))
      .with_hint("Set staging.region = \"" + found + "\".");
}

// A region's name as AWS makes them; else "": it goes into a hint that people paste.
std::string plausible_region(std::string_view text) {
  if (text.size() > 40) return "";
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return "";
  }
  return std::string(text);
}

std::string named_region(const S3ErrorBody& body, const HttpResponse& response) {
  return plausible_region(body.region.empty() ? response.header("x-amz-bucket-region")
                                              : body.region);
}

Error error_with(const S3Call& call, ErrorCode code, const S3ErrorBody& body,
                 const ErrorCause* cause) {
  std::string message = std::string(call.action) + " on " + subject(call) + ": " + body.code;
  if (!body.message.empty()) message += ": " + body.message;
  Error error(code, std::move(message));
  error.because(cause);
  const bool advised = cause != nullptr && !cause->hint.empty();
  if (code == ErrorCode::kS3Denied && !advised) error.with_hint(denied_hint(call, body.message));
  return error;
}

}  // namespace

Error s3_error(const S3Call& call, const HttpResponse& response) {
  const auto parsed = parse_s3_error(response.body);
  const bool is_head = response.body.empty();
  const S3ErrorBody body = parsed.value_or(S3ErrorBody{});
  const std::string status = std::to_string(response.status);
  const ErrorCause* cause = parsed    ? cause_of(call, body.code, body.message)
                            : is_head ? recognise(call.action, status, "")
                                      : nullptr;
  ErrorCode code = code_of_status(response.status, !is_head);
  if (cause != nullptr) {
    code = cause->code;
  } else if (parsed && response.status < 500) {
    code = response.status == 403 ? ErrorCode::kS3Denied : ErrorCode::kS3Refused;
  }
  const std::string found_region = named_region(body, response);
  if (body.code == "AuthorizationHeaderMalformed" && !body.region.empty()) {
    cause = cause_named("bucket-signed-elsewhere");
    code = cause->code;
  } else if (!parsed && response.status == 400 && !found_region.empty() &&
             found_region != call.region) {
    cause = cause_named("bucket-elsewhere");  // HEAD signed for another region: 400, no body
    code = cause->code;
  }
  if (cause == nullptr && code == ErrorCode::kS3Region) cause = cause_named("bucket-elsewhere");

  Upstream upstream{.system = "s3",
                    .code = parsed ? status + " " + body.code : status,
                    .text = body.message,
                    .request_id = body.request_id};
  if (upstream.request_id.empty()) {
    upstream.request_id = std::string(cut_utf8(response.header("x-amz-request-id"), 128));
  }
  const auto made = [&]() -> Error {
    if (code == ErrorCode::kS3Region) return region_error(call, found_region).because(cause);
    if (code == ErrorCode::kSysClockSkew) {
      return Error(code, skew_text(call, response)).because(cause);
    }
    if (parsed) return error_with(call, code, body, cause);
    if (code == ErrorCode::kS3Answer) {
      return Error(code, std::string(call.action) + " on " + subject(call) + ": status " + status +
                             " without an error that S3 would send");
    }
    return error_with(call, code, S3ErrorBody{.code = "status " + status}, cause);
  };
  return made().with_upstream(std::move(upstream));
}

std::string s3_named_region(const HttpResponse& response) {
  return named_region(parse_s3_error(response.body).value_or(S3ErrorBody{}), response);
}

Error s3_delete_error(const S3Call& call, const S3DeleteFailure& failure) {
  S3Call one = call;
  const std::string key = redact(failure.key);
  one.key = key;
  const ErrorCause* cause = cause_of(one, failure.error.code, failure.error.message);
  const ErrorCode code = cause != nullptr ? cause->code : ErrorCode::kS3Refused;
  return error_with(one, code, failure.error, cause)
      .with_upstream({.system = "s3",
                      .code = "200 " + failure.error.code,
                      .text = failure.error.message,
                      .request_id = failure.error.request_id});
}

}  // namespace vesto
