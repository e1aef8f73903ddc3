#include "sandbox/aws/aws_api.h"

#include "base/hash.h"
#include "base/ids.h"
#include "base/strings.h"
#include "sandbox/aws/api_auth.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxBodyBytes = 262'144;
constexpr std::string_view kServerlessTarget = "RedshiftServerless.";
constexpr std::string_view kSecretsTarget = "secretsmanager.";

// 8-4-4-4-12, as AWS's request ids look.
std::string make_request_id() {
  std::string hex = to_hex(random_bytes(16));
  for (const size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

// False: too long, or the connection ended.
bool read_whole(HttpExchange& exchange, std::string* body) {
  char buffer[8192];
  for (;;) {
    const auto got = exchange.read_body(buffer, sizeof(buffer));
    if (!got.ok() || body->size() + *got > kMaxBodyBytes) return false;
    if (*got == 0) return true;
    body->append(buffer, *got);
  }
}

// Which service and which operation. Those of other services and versions are refused.
ApiResult<Unit> read_call(ApiCall* call) {
  const std::string target = call->request->header_or_empty("x-amz-target");
  if (!target.empty()) {
    call->service = ApiService::kRedshiftServerless;
    const bool secrets = target.starts_with(kSecretsTarget);
    if (secrets) call->service = ApiService::kSecretsManager;
    if (!secrets && !target.starts_with(kServerlessTarget)) {
      return IamError{400, "UnknownOperationException", ""};
    }
    call->operation = target.substr(secrets ? kSecretsTarget.size() : kServerlessTarget.size());
    call->document = nlohmann::json::parse(call->body, nullptr, false);
    if (!call->document.is_object()) return IamError{400, "SerializationException", ""};
    return Unit{};
  }
  const auto form = parse_query(replace_all(call->body, "+", "%20"));
  if (!form) return IamError{400, "MalformedQueryString", "Keys may not contain \r\n"};
  call->form = *form;
  call->operation = call->parameter("Action");
  const std::string version = call->parameter("Version");
  call->service = ApiService::kSts;
  if (version == "2012-12-01") call->service = ApiService::kRedshift;
  if (version == "2010-05-08") call->service = ApiService::kIam;
  if (version == "2016-11-15") call->service = ApiService::kEc2;
  if (call->operation.empty()) {
    return IamError{400, "MissingAction", "The request must contain the parameter Action."};
  }
  if (version != "2011-06-15" && call->service == ApiService::kSts) {
    return IamError{400, "InvalidAction",
                    "Could not find operation " + call->operation + " for version " +
                        (version.empty() ? "NO_VERSION_SPECIFIED" : version)};
  }
  return Unit{};
}

// EC2 has one word for nearly all of them.
IamError auth_error(const ApiCall& call, IamError error) {
  if (call.service != ApiService::kEc2) return error;
  if (error.code == "ExpiredToken") return {400, "RequestExpired", "Request has expired."};
  if (error.code == "MissingAuthenticationToken") {
    return {400, "MissingParameter",
            "The request must contain the parameter AWSAccessKeyId or SSH_ACCESS_KEY"};
  }
  return {401, "AuthFailure", "AWS was not able to validate the provided access credentials"};
}

}  // namespace

AwsApi::AwsApi(Iam& iam, TemporaryLogins& logins, SecurityGroups& groups, AdminSecrets& secrets,
               IssuerKeys issuer_keys, WarehouseAddress address, Faults& faults, Clock& clock)
    : iam_(iam),
      secrets_(secrets),
      sts_(iam, std::move(issuer_keys)),
      iam_service_(iam, clock),
      ec2_(iam, groups),
      redshift_(iam, logins, groups, secrets, std::move(address), clock),
      faults_(faults),
      clock_(clock) {}

ApiResult<ApiAnswer> AwsApi::serve(ApiCall* call) {
  const bool sts = call->service == ApiService::kSts;
  if (!sts || StsService::is_signed(*call)) {
    const auto known = authenticate_call(iam_, call);
    if (!known.ok()) return auth_error(*call, known.error());
  }
  if (call->service == ApiService::kEc2) return ec2_.serve(*call);
  if (call->service == ApiService::kSecretsManager) return secrets_.serve(*call);
  if (call->service == ApiService::kIam) return iam_service_.serve(*call);
  return sts ? sts_.serve(*call) : redshift_.serve(*call);
}

// True: the call ended with the fault. Subjects are "AssumeRole" and the like.
bool AwsApi::apply_fault(const ApiCall& call, HttpExchange& exchange, bool* drop_answer) {
  const std::string kind = call.service == ApiService::kSts              ? "aws.sts"
                           : call.service == ApiService::kIam            ? "aws.iam"
                           : call.service == ApiService::kEc2            ? "aws.ec2"
                           : call.service == ApiService::kSecretsManager ? "aws.secretsmanager"
                                                                         : "aws.redshift";
  const auto fault = faults_.hit(kind, call.operation);
  if (!fault) return false;
  if (fault->delay_ms > 0) clock_.sleep_ms(fault->delay_ms, exchange.stop());
  if (fault->drop == "before") {
    exchange.cut();
    return true;
  }
  if (fault->drop == "during") exchange.cut_answer_in_head();
  *drop_answer = fault->drop == "after";
  if (fault->status == 0) return false;
  const std::string code = fault->code.empty() ? "InternalFailure" : fault->code;
  std::string text = "We encountered an internal error.";
  if (code == "Throttling") text = "Rate exceeded";
  // A server that repeats what it was sent: the identity token, or the keys' own.
  if (code == "EchoedSecrets") {
    text = call.body + " " + exchange.request().header_or_empty("x-amz-security-token");
  }
  const ApiAnswer answer = error_answer(call, {fault->status, code, std::move(text)});
  exchange.send(answer.status, answer.headers, answer.body);
  return true;
}

void AwsApi::handle(HttpExchange& exchange) {
  ApiCall call;
  call.request = &exchange.request();
  call.request_id = make_request_id();
  call.now_ms = clock_.wall_ms();
  call.origin = {.source_ip = exchange.peer_address(),
                 .secure_transport = exchange.is_tls(),
                 .region = unsigned_region(*call.request),
                 .user_agent = call.request->header_or_empty("user-agent")};
  bool drop_answer = false;
  if (!read_whole(exchange, &call.body)) {
    const ApiAnswer answer = error_answer(call, {413, "RequestEntityTooLarge", ""});
    exchange.send(answer.status, answer.headers, answer.body);
    return;
  }
  const ApiResult<Unit> known = read_call(&call);
  if (known.ok() && apply_fault(call, exchange, &drop_answer)) return;
  ApiResult<ApiAnswer> served = known.ok() ? serve(&call) : ApiResult<ApiAnswer>(known.error());
  if (drop_answer) {
    exchange.cut();
    return;
  }
  const ApiAnswer answer = served.ok() ? *std::move(served) : error_answer(call, served.error());
  exchange.send(answer.status, answer.headers, answer.body);
}

}  // namespace vesto::sandbox
