#include "sandbox/oidc/metadata_ec2.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/oidc/jwt.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxSessions = 1000;
constexpr size_t kTokenBytes = 42;  // 56 characters, as EC2's
constexpr int64_t kLongestSessionS = 21600;
constexpr std::string_view kMetaData = "/latest/meta-data/";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials";
constexpr const char* kTtlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
constexpr const char* kTokenHeader = "x-aws-ec2-metadata-token";

WebAnswer page(int status) {
  const std::string title = std::to_string(status) + " - " + std::string(reason_phrase(status));
  return {status, "text/html",
          "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html><head><title>" + title +
              "</title></head><body><h1>" + title + "</h1></body></html>\n"};
}

}  // namespace

Ec2MetadataServer::Ec2MetadataServer(const Ec2MetadataOptions& options, Ec2CredentialGiver giver,
                                     Faults& faults)
    : options_(options),
      giver_(std::move(giver)),
      faults_(faults),
      clock_(options.clock != nullptr ? *options.clock : system_clock()) {}

Result<std::unique_ptr<Ec2MetadataServer>, std::string> Ec2MetadataServer::start(
    const Ec2MetadataOptions& options, Ec2CredentialGiver giver, Faults& faults) {
  std::unique_ptr<Ec2MetadataServer> server(
      new Ec2MetadataServer(options, std::move(giver), faults));
  VESTO_ASSIGN(server->http_, serve_plain(options.port, server->clock_,
                                          [raw = server.get()](HttpExchange& exchange) {
                                            raw->handle(exchange);
                                          }));
  return server;
}

Ec2MetadataServer::~Ec2MetadataServer() { stop(); }

void Ec2MetadataServer::stop() {
  if (http_) http_->stop();
}

uint16_t Ec2MetadataServer::port() const { return http_->port(); }
std::string Ec2MetadataServer::url() const { return "http://127.0.0.1:" + std::to_string(port()); }

void Ec2MetadataServer::handle(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const WebCall call{exchange, faults_, clock_};
  if (request.path == "/latest/api/token") {
    serve_with_faults(
        call, "ec2.token", request.path,
        [](const FaultAction& fault) { return page(fault.status); },
        [&] { return open_session(request); });
    return;
  }
  serve_with_faults(
      call, "ec2.metadata", request.path,
      [&](const FaultAction& fault) {
        return fault.status != 0 ? page(fault.status) : metadata(request, fault.error);
      },
      [&] { return metadata(request, ""); });
}

WebAnswer Ec2MetadataServer::open_session(const HttpRequest& request) {
  if (request.method != "PUT") return page(405);
  // A request that came through a proxy is not the instance's own.
  if (request.header("x-forwarded-for") != nullptr) return page(403);
  const auto life_s = parse_int(request.header_or_empty(kTtlHeader));
  if (count_headers(request, kTtlHeader) != 1 || !life_s || *life_s < 1 ||
      *life_s > kLongestSessionS) {
    return page(400);
  }
  const std::string token = base64url(random_bytes(kTokenBytes));
  Lock lock(mutex_);
  if (sessions_.size() >= kMaxSessions) sessions_.pop_front();
  sessions_.push_back(Session{token, clock_.monotonic_ms() + *life_s * 1000});
  return {200, "text/plain", token, {{kTtlHeader, std::to_string(*life_s)}}};
}

bool Ec2MetadataServer::is_session(const std::string& token) {
  const int64_t now_ms = clock_.monotonic_ms();
  Lock lock(mutex_);
  for (const Session& session : sessions_) {
    if (session.token == token) return now_ms < session.ends_ms;
  }
  return false;
}

WebAnswer Ec2MetadataServer::metadata(const HttpRequest& request, const std::string& failure) {
  const std::string* token = request.header(kTokenHeader);
  if (token == nullptr ? !options_.version_1 : !is_session(*token)) return page(401);
  if (request.method != "GET" && request.method != "HEAD") return page(405);
  const std::string& path = request.path;
  if (path.rfind(kMetaData, 0) != 0) return page(404);
  const std::string what = path.substr(kMetaData.size());
  if (what == "placement/availability-zone") return {200, "text/plain", options_.availability_zone};
  if (what == "placement/region") {
    // The zone's name is the region's with one letter behind it.
    const std::string& zone = options_.availability_zone;
    return {200, "text/plain", zone.substr(0, zone.empty() ? 0 : zone.size() - 1)};
  }
  if (options_.role.empty() || path.rfind(kRoles, 0) != 0) return page(404);
  const std::string rest = path.substr(kRoles.size());
  if (rest.empty() || rest == "/") return {200, "text/plain", options_.role};
  if (rest == "/" + options_.role) return role_document(failure);
  return page(404);
}

WebAnswer Ec2MetadataServer::role_document(const std::string& failure) {
  const auto keys = failure.empty() ? giver_(options_.role) : std::nullopt;
  const std::string updated = format_utc_seconds(clock_.wall_ms());
  Json json;
  if (keys) {
    json = {{"Code", "Success"},
            {"LastUpdated", updated},
            {"Type", "AWS-HMAC"},
            {"AccessKeyId", keys->access_key_id},
            {"SecretAccessKey", keys->secret_access_key},
            {"Token", keys->session_token},
            {"Expiration", format_utc_seconds(keys->expires_at_ms)}};
  } else {
    // EC2 tells a role that it cannot assume with status 200.
    json = {{"Code", failure.empty() ? "AssumeRoleUnauthorizedAccess" : failure},
            {"Message", "EC2 cannot assume the role " + options_.role + "."},
            {"LastUpdated", updated}};
  }
  return {200, "text/plain", json.dump(2, ' ', false, Json::error_handler_t::replace)};
}

}  // namespace vesto::sandbox
