#include "aws/redshift_api.h"

#include "aws/query_api.h"
#include "base/json_text.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr const char* kVersion = "2012-12-01";
constexpr size_t kMaxUserBytes = 2048;  // "IAMA:user:group:group"
constexpr size_t kMaxPasswordBytes = 4096;
constexpr size_t kMaxArnBytes = 2048;
constexpr size_t kMaxHostBytes = 253;
constexpr int64_t kShortestS = 900;
constexpr int64_t kLongestS = 3600;

Status check_request(const std::string& warehouse, int64_t duration_s) {
  if (warehouse.empty()) {
    return Error(ErrorCode::kCfgValue, "the cluster or workgroup has no name");
  }
  if (duration_s < kShortestS || duration_s > kLongestS) {
    return Error(ErrorCode::kCfgValue, "a login cannot be had for " + std::to_string(duration_s) +
                                           " seconds: 900 to 3,600 are possible");
  }
  return ok_status();
}

int port_of(const AwsAnswer& answer, std::string_view path) {
  const int64_t port = answer.number(path);
  return port >= 1 && port <= 65535 ? static_cast<int>(port) : 0;
}

AwsCall call_for(const LoginRequest& request, const std::string& action, const AwsCredentials& as) {
  return {.action = action,
          .who = as.access_key_id,
          .what = request.warehouse,
          .db_user = request.db_user,
          .database = request.database,
          .host = request.host,
          .account = request.account};
}

class ClusterApi final : public RedshiftApi {
 public:
  ClusterApi(QueryApiOptions options, Clock& clock, std::unique_ptr<HttpTransport> http)
      : api_(std::move(options), clock, std::move(http)) {}

  Result<WarehouseLogin> get_login(const LoginRequest& request, const AwsCredentials& as,
                                   const std::stop_token& stop) override {
    VESTO_TRY(check_request(request.warehouse, request.duration_s));
    const bool named = !request.db_user.empty();
    const std::string action = named ? "GetClusterCredentials" : "GetClusterCredentialsWithIAM";
    NameValues fields = {
        {"Action", action}, {"Version", kVersion}, {"ClusterIdentifier", request.warehouse}};
    if (named) fields.emplace_back("DbUser", request.db_user);
    if (!request.database.empty()) fields.emplace_back("DbName", request.database);
    if (named) fields.emplace_back("AutoCreate", "false");
    fields.emplace_back("DurationSeconds", std::to_string(request.duration_s));
    WarehouseLogin login;
    VESTO_TRY(api_.send(call_for(request, "redshift:" + action, as),
                        {.content_type = kFormContentType, .body = form_body(fields), .as = &as},
                        stop, [&](const std::string& body) -> Status {
                          VESTO_ASSIGN(login, read_login(body, action, api_.now_ms()));
                          return ok_status();
                        }));
    return login;
  }

  Result<WarehouseInfo> describe(const std::string& warehouse, const AwsCredentials& as,
                                 const std::stop_token& stop) override {
    VESTO_TRY(check_request(warehouse, kLongestS));
    const NameValues fields = {
        {"Action", "DescribeClusters"}, {"Version", kVersion}, {"ClusterIdentifier", warehouse}};
    WarehouseInfo info;
    VESTO_TRY(api_.send(call_for({.warehouse = warehouse}, "redshift:DescribeClusters", as),
                        {.content_type = kFormContentType, .body = form_body(fields), .as = &as},
                        stop, [&](const std::string& body) -> Status {
                          VESTO_ASSIGN(info, read_cluster(body));
                          return ok_status();
                        }));
    return info;
  }

 private:
  static Result<WarehouseLogin> read_login(const std::string& body, const std::string& action,
                                           int64_t now_ms) {
    VESTO_ASSIGN(const auto answer, parse_xml_answer(body, action + "Response"));
    const std::string result = action + "Result/";
    WarehouseLogin login;
    login.password = answer->secret(result + "DbPassword");
    VESTO_TRY(check_secret(login.password, "DbPassword", kMaxPasswordBytes));
    VESTO_ASSIGN(login.user, answer->text(result + "DbUser", kMaxUserBytes));
    VESTO_ASSIGN(login.expires_at_ms, answer->expiry_ms(result + "Expiration", now_ms));
    return login;
  }

  static Result<WarehouseInfo> read_cluster(const std::string& body) {
    VESTO_ASSIGN(const auto answer, parse_xml_answer(body, "DescribeClustersResponse"));
    const std::string clusters = "DescribeClustersResult/Clusters";
    const std::string cluster = clusters + "/Cluster/";
    if (!answer->has(clusters)) return bad_aws_answer("no Clusters");
    if (!answer->has(clusters + "/Cluster")) {
      return Error(ErrorCode::kRsClusterNotFound, "AWS lists no cluster of that name");
    }
    WarehouseInfo info;
    VESTO_ASSIGN(info.status, answer->text(cluster + "ClusterStatus", 100));
    VESTO_ASSIGN(info.availability,
                 answer->optional_text(cluster + "ClusterAvailabilityStatus", 100));
    // A cluster that is being made, or is paused, may have no address yet.
    VESTO_ASSIGN(info.address, answer->optional_text(cluster + "Endpoint/Address", kMaxHostBytes));
    info.port = port_of(*answer, cluster + "Endpoint/Port");
    info.publicly_accessible = answer->is_true(cluster + "PubliclyAccessible");
    return info;
  }

  QueryApi api_;
};

class ServerlessApi final : public RedshiftApi {
 public:
  ServerlessApi(QueryApiOptions options, Clock& clock, std::unique_ptr<HttpTransport> http)
      : api_(std::move(options), clock, std::move(http)) {}

  Result<WarehouseLogin> get_login(const LoginRequest& request, const AwsCredentials& as,
                                   const std::stop_token& stop) override {
    VESTO_TRY(check_request(request.warehouse, request.duration_s));
    std::string body = "{\"workgroupName\":" + json_quote(request.warehouse);
    if (!request.database.empty()) body += ",\"dbName\":" + json_quote(request.database);
    body += ",\"durationSeconds\":" + std::to_string(request.duration_s) + "}";
    WarehouseLogin login;
    VESTO_TRY(send("GetCredentials", call_for(request, "redshift-serverless:GetCredentials", as),
                   std::move(body), as, stop, [&](const AwsAnswer& answer) -> Status {
                     VESTO_ASSIGN(login, read_login(answer, api_.now_ms()));
                     return ok_status();
                   }));
    return login;
  }

  Result<WarehouseInfo> describe(const std::string& warehouse, const AwsCredentials& as,
                                 const std::stop_token& stop) override {
    VESTO_TRY(check_request(warehouse, kLongestS));
    WarehouseInfo info;
    VESTO_TRY(send("GetWorkgroup",
                   call_for({.warehouse = warehouse}, "redshift-serverless:GetWorkgroup", as),
                   "{\"workgroupName\":" + json_quote(warehouse) + "}", as, stop,
                   [&](const AwsAnswer& answer) -> Status {
                     VESTO_ASSIGN(info, read_workgroup(answer));
                     return ok_status();
                   }));
    return info;
  }

 private:
  using Read = std::function<Status(const AwsAnswer&)>;

  Status send(const std::string& operation, AwsCall call, std::string body,
              const AwsCredentials& as, const std::stop_token& stop, const Read& read) {
    return api_.send(std::move(call),
                     {.content_type = "application/x-amz-json-1.1",
                      .headers = {{"x-amz-target", "RedshiftServerless." + operation}},
                      .body = std::move(body),
                      .as = &as},
                     stop, [&](const std::string& text) -> Status {
                       VESTO_ASSIGN(const auto answer, parse_json_answer(text));
                       return read(*answer);
                     });
  }

  static Result<WarehouseLogin> read_login(const AwsAnswer& answer, int64_t now_ms) {
    WarehouseLogin login;
    login.password = answer.secret("dbPassword");
    VESTO_TRY(check_secret(login.password, "dbPassword", kMaxPasswordBytes));
    VESTO_ASSIGN(login.user, answer.text("dbUser", kMaxUserBytes));
    VESTO_ASSIGN(login.expires_at_ms, answer.expiry_ms("expiration", now_ms));
    return login;
  }

  static Result<WarehouseInfo> read_workgroup(const AwsAnswer& answer) {
    WarehouseInfo info;
    VESTO_ASSIGN(info.status, answer.text("workgroup/status", 100));
    VESTO_ASSIGN(info.address, answer.optional_text("workgroup/endpoint/address", kMaxHostBytes));
    info.port = port_of(answer, "workgroup/endpoint/port");
    VESTO_ASSIGN(info.resource_arn, answer.optional_text("workgroup/workgroupArn", kMaxArnBytes));
    VESTO_ASSIGN(info.workgroup_id, answer.optional_text("workgroup/workgroupId", 128));
    info.publicly_accessible = answer.is_true("workgroup/publiclyAccessible");
    return info;
  }

  QueryApi api_;
};

}  // namespace

std::unique_ptr<RedshiftApi> make_redshift_api(RedshiftApiOptions options, Clock& clock,
                                               std::unique_ptr<HttpTransport> http) {
  QueryApiOptions api{.service = AwsService::kRedshift,
                      .signing_name = "redshift",
                      .region = std::move(options.region),
                      .endpoint = std::move(options.endpoint)};
  if (!options.serverless) {
    return std::make_unique<ClusterApi>(std::move(api), clock, std::move(http));
  }
  api.service = AwsService::kRedshiftServerless;
  api.signing_name = "redshift-serverless";
  return std::make_unique<ServerlessApi>(std::move(api), clock, std::move(http));
}

}  // namespace vesto
