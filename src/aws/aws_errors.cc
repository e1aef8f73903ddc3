#include "aws/aws_errors.h"

#include <cstdlib>

#include "aws/denied_hint.h"
#include "aws/json_answer.h"
#include "aws/redshift_api.h"
#include "base/error_causes.h"
#include "base/strings.h"
#include "base/time_text.h"

namespace vesto {

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_web_identity(const AwsCall& call) { return call.action == "sts:AssumeRoleWithWebIdentity"; }

// The table of causes: what is particular to the service stands before what all of AWS says.
const ErrorCause* cause_of(const AwsCall& call, const AwsFault& fault) {
  const bool is_sts = call.service == AwsService::kSts;
  for (const std::string_view system :
       {is_web_identity(call) ? "sts-web-identity" : "", is_sts ? "sts" : "redshift-api", "aws"}) {
    if (system.empty()) continue;
    if (const ErrorCause* cause = recognise(system, fault.code, fault.message)) return cause;
  }
  return nullptr;
}

ErrorCode code_of(const AwsCall& call, int status, const ErrorCause* cause) {
  if (cause != nullptr) return cause->code;
  if (status >= 500 || status == 429) return ErrorCode::kAwsServer;
  return call.service == AwsService::kSts ? ErrorCode::kAwsSts : ErrorCode::kRsApi;
}

// "20240217T173539Z" as milliseconds since 1970.
std::optional<int64_t> parse_amz_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T') return std::nullopt;
  const auto part = [&](size_t at, size_t count) { return std::string(text.substr(at, count)); };
  return parse_iso8601_utc(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(9, 2) +
                           ":" + part(11, 2) + ":" + part(13, 2) + "Z");
}

// AWS's own time: from the header, or from the text: "(20240217T175039Z - 15 min.)".
std::optional<int64_t> aws_time_ms(const HttpResponse& response, std::string_view message) {
  if (const auto there_ms = parse_http_date(response.header("date"))) return there_ms;
  const size_t bracket = message.find('(');
  if (bracket == std::string_view::npos) return std::nullopt;
  return parse_amz_date(message.substr(bracket + 1, 16));
}

std::string skew_text(const AwsCall& call, const HttpResponse& response, const AwsFault& fault) {
  const auto there_ms = aws_time_ms(response, fault.message);
  if (!there_ms) return "this machine's clock differs from AWS's by some minutes or more";
  const int64_t ahead_ms = call.now_ms - *there_ms;
  return "this machine's clock is " + format_duration(std::abs(ahead_ms)) +
         (ahead_ms > 0 ? " ahead of" : " behind") + " AWS's";
}

// A name can tell that it is of the other kind: clusters begin with a letter, hold no two hyphens
// in a row and do not end in one; workgroups have three characters or more and no dot.
bool is_other_kind(const AwsCall& call) {
  const bool asked_serverless = call.service == AwsService::kRedshiftServerless;
  const WarehouseHost host = parse_warehouse_host(call.host.empty() ? call.what : call.host);
  if (!host.warehouse.empty()) return host.serverless != asked_serverless;
  if (asked_serverless) return !call.what.empty() && call.what.size() < 3;
  const std::string& name = call.what;
  return !name.empty() && (name.front() < 'a' || name.front() > 'z' || name.back() == '-' ||
                           contains(name, "--") || name.size() > 63);
}

std::string sts_hint(const AwsCall& call, const AwsFault& fault) {
  if (contains(fault.message, "MaxSessionDuration")) {
    return "Ask for a shorter duration, or raise the maximum session duration of " + call.what +
           ".";
  }
  if (fault.code == "RegionDisabledException") {
    return "Switch STS on for " + call.region +
           " in the account of the role (IAM console, account "
           "settings), or use another region.";
  }
  if (contains(fault.message, "Request ARN is invalid")) {
    return "\"" + call.what + "\" is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME).";
  }
  return "";
}

std::string not_found_hint(const AwsCall& call) {
  if (call.service == AwsService::kRedshiftServerless) {
    return "Give the workgroup's name (not the namespace's), and check region and account. For a "
           "cluster set kind = \"redshift\".";
  }
  return "Give the cluster's identifier, the first label of its endpoint, and check region and "
         "account. For a workgroup set kind = \"redshift-serverless\".";
}

std::string hint_of(const AwsCall& call, ErrorCode code, const AwsFault& fault) {
  switch (code) {
    case ErrorCode::kAwsSts:
      return sts_hint(call, fault);
    case ErrorCode::kAwsAssumeDenied:
      return assume_denied_hint(call, fault.message);
    case ErrorCode::kRsCredDenied:
      // Nothing that is allowed helps against a Deny: its cause says what does.
      return refusal_in(fault.message).denies ? "" : credentials_denied_hint(call, fault);
    case ErrorCode::kRsApi:
      return fault.code == "UnsupportedOperation" ? credentials_denied_hint(call, fault) : "";
    case ErrorCode::kRsClusterNotFound:
      return not_found_hint(call);
    case ErrorCode::kRsCredKind:
      return call.service == AwsService::kRedshiftServerless
                 ? "\"" + call.what + "\" is a cluster: set kind = \"redshift\"."
                 : "\"" + call.what + "\" is a workgroup: set kind = \"redshift-serverless\".";
    default:
      return "";
  }
}

std::string asked(const AwsCall& call) {
  return call.what.empty() ? call.action : call.action + " on " + call.what;
}

// Without a fault that AWS would write: a proxy or another server answered, or AWS is down.
Error unreadable(const AwsCall& call, const HttpResponse& response) {
  const std::string status = std::to_string(response.status);
  const bool passing = response.status >= 500 || response.status == 429;
  return Error(passing ? ErrorCode::kAwsServer : ErrorCode::kAwsAnswer,
               asked(call) + ": status " + status + " without an error that AWS would send")
      .with_upstream({.system = "aws",
                      .code = status,
                      .text = "",
                      .request_id = outside_text(response.header("x-amzn-requestid"), 128)});
}

}  // namespace

Error aws_error(const AwsCall& call, const HttpResponse& response) {
  const auto fault = call.service == AwsService::kRedshiftServerless ? parse_json_fault(response)
                                                                     : parse_query_fault(response);
  if (!fault) return unreadable(call, response);
  const ErrorCause* cause = cause_of(call, *fault);
  if (cause != nullptr && cause->code == ErrorCode::kRsClusterNotFound && is_other_kind(call)) {
    cause = cause_named(call.service == AwsService::kRedshiftServerless
                            ? "cluster-asked-as-serverless"
                            : "serverless-asked-as-cluster");
  }
  const ErrorCode code = code_of(call, response.status, cause);
  std::string message = asked(call) + ": ";
  if (code == ErrorCode::kSysClockSkew) {
    message += skew_text(call, response, *fault);
  } else {
    message += fault->code;
    if (!fault->message.empty()) message += ": " + fault->message;
  }
  Error error(code, std::move(message));
  error.because(cause);
  if (std::string hint = hint_of(call, code, *fault); !hint.empty()) error.with_hint(hint);
  return std::move(error.with_upstream({.system = "aws",
                                        .code = std::to_string(response.status) + " " + fault->code,
                                        .text = fault->message,
                                        .request_id = fault->request_id}));
}

bool is_passing_fault(const Error& error) {
  if (error.retry() == Retry::kBackoff) return true;
  // AWS could not fetch the issuer's keys in time; a second try finds them in its cache.
  return error.code() == ErrorCode::kAwsToken &&
         contains(error.upstream().text, "verification key");
}

}  // namespace vesto
