#include "sandbox/oidc/google_server.h"

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "sandbox/oidc/google_grant.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kRoot = "/computeMetadata/v1/";
constexpr std::string_view kAccounts = "/computeMetadata/v1/instance/service-accounts/";
constexpr size_t kMaxFormBytes = 65536;
constexpr const char* kHtml = "text/html; charset=UTF-8";
constexpr const char* kText = "application/text";
constexpr const char* kJson = "application/json; charset=utf-8";

WebAnswer not_found() {
  return {404, kHtml, "<!DOCTYPE html><title>Error 404 (Not Found)</title>"};
}

WebAnswer refuse_metadata(const FaultAction& fault) {
  const std::string code = fault.code.empty() ? "the sandbox was told to fail" : fault.code;
  return {fault.status, kHtml, "<!DOCTYPE html><title>" + code + "</title>"};
}

std::string oauth_error(const std::string& error, const std::string& description) {
  return Json{{"error", error}, {"error_description", description}}.dump(
      2, ' ', false, Json::error_handler_t::replace);
}

WebAnswer refuse_grant(const FaultAction& fault) {
  const std::string code = !fault.code.empty()   ? fault.code
                           : fault.status >= 500 ? "internal_failure"
                                                 : "invalid_grant";
  return {fault.status, kJson, oauth_error(code, "The sandbox was told to fail.")};
}

}  // namespace

GoogleServer::GoogleServer(const GoogleServerOptions& options, GoogleIssuer& issuer, Faults& faults)
    : issuer_(issuer),
      faults_(faults),
      clock_(options.clock != nullptr ? *options.clock : system_clock()),
      kubernetes_account_(options.kubernetes_account),
      tls_(options.tls != nullptr),
      linked_(options.linked_account) {}

Result<std::unique_ptr<GoogleServer>, std::string> GoogleServer::start(
    const GoogleServerOptions& options, GoogleIssuer& issuer, Faults& faults) {
  std::unique_ptr<GoogleServer> server(new GoogleServer(options, issuer, faults));
  GoogleServer* raw = server.get();
  HttpServerOptions metadata;
  metadata.port = options.metadata_port;
  metadata.clock = &server->clock_;
  VESTO_ASSIGN(server->metadata_http_, HttpServer::start(metadata, [raw](HttpExchange& exchange) {
                 raw->handle_metadata(exchange);
               }));
  HttpServerOptions token;
  token.port = options.token_port;
  token.tls = options.tls;
  token.clock = &server->clock_;
  VESTO_ASSIGN(server->token_http_, HttpServer::start(token, [raw](HttpExchange& exchange) {
                 raw->handle_token(exchange);
               }));
  server->token_port_ = server->token_http_->port();
  return server;
}

GoogleServer::~GoogleServer() { stop(); }

void GoogleServer::stop() {
  if (metadata_http_) metadata_http_->stop();
  if (token_http_) token_http_->stop();
}

void GoogleServer::link_account(const std::string& email) {
  Lock lock(mutex_);
  linked_ = email;
}

std::string GoogleServer::linked() const {
  Lock lock(mutex_);
  return linked_;
}

uint16_t GoogleServer::metadata_port() const { return metadata_http_->port(); }
uint16_t GoogleServer::token_port() const { return token_port_; }
std::string GoogleServer::metadata_host() const {
  return "127.0.0.1:" + std::to_string(metadata_port());
}
std::string GoogleServer::base_url(const std::string& host) const {
  return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(token_port());
}
std::string GoogleServer::token_uri() const { return base_url("localhost") + "/token"; }

void GoogleServer::handle_metadata(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  serve_with_faults({exchange, faults_, clock_}, "google.metadata", request.path, refuse_metadata,
                    [&] { return metadata(request); });
}

WebAnswer GoogleServer::metadata(const HttpRequest& request) {
  // A forwarded request is someone else's, whom a proxy was made to ask for.
  if (request.header("x-forwarded-for") != nullptr) {
    return {403, kHtml, "Requests with X-Forwarded-For are refused."};
  }
  if (count_headers(request, "metadata-flavor") != 1 ||
      request.header_or_empty("metadata-flavor") != "Google") {
    return {403, "text/plain; charset=utf-8",
            "Missing required header \"Metadata-Flavor\": \"Google\"\n"};
  }
  WebAnswer answer = not_found();
  const auto path = percent_decode(request.path, false);
  if (request.method != "GET" && request.method != "HEAD") {
    answer = {405, kHtml, "The metadata server answers GET."};
  } else if (!path) {
    answer = {400, kHtml, "The path cannot be decoded."};
  } else if (*path == "/") {
    answer = {200, kText, "computeMetadata/\n"};
  } else if (*path == "/computeMetadata/" || *path == "/computeMetadata") {
    answer = {200, kText, "v1/\n"};
  } else if (*path == kRoot) {
    answer = {200, kText, "instance/\nproject/\n"};
  } else if (*path == std::string(kRoot) + "project/project-id") {
    const auto account = issuer_.account(linked());
    answer = {200, kText, account ? account->project : "vesto-sandbox"};
  } else if (path->rfind(kAccounts, 0) == 0) {
    const std::string rest = path->substr(kAccounts.size());
    const size_t slash = rest.find('/');
    const bool whole = slash == std::string::npos;
    answer = account_metadata(rest.substr(0, slash), whole ? "" : rest.substr(slash + 1), request);
  }
  answer.headers.emplace_back("Metadata-Flavor", "Google");
  answer.headers.emplace_back("Server", "Metadata Server for VM");
  return answer;
}

WebAnswer GoogleServer::account_metadata(const std::string& name, const std::string& what,
                                         const HttpRequest& request) {
  const std::string email = linked();
  const auto account = issuer_.account(email);
  if (!account) return what == "identity" ? no_account() : not_found();
  if (name.empty()) return {200, kText, "default/\n" + email + "/\n"};
  if (name != "default" && name != email) return not_found();
  if (what == "identity") return identity(*account, request);
  if (what == "email") return {200, kText, email};
  if (what == "aliases") return {200, kText, "default\n"};
  if (!what.empty()) return not_found();
  const auto query = parse_query(request.query);
  const std::string* recursive = query ? find_parameter(*query, "recursive") : nullptr;
  if (recursive == nullptr || to_lower_ascii(*recursive) != "true") {
    return {200, kText, "aliases\nemail\nidentity\n"};
  }
  const Json json = {{"aliases", Json::array({"default"})},
                     {"email", email},
                     {"scopes", Json::array({"https://www.googleapis.com/auth/cloud-platform"})}};
  return {200, "application/json", json.dump()};
}

WebAnswer GoogleServer::identity(const ServiceAccount& account, const HttpRequest& request) {
  const auto query = parse_query(request.query);
  if (!query) return {400, kHtml, "The query cannot be decoded."};
  const std::string* audience = find_parameter(*query, "audience");
  if (audience == nullptr || audience->empty()) {
    return {400, kHtml, "non-empty audience parameter required"};
  }
  const std::string* format = find_parameter(*query, "format");
  const bool full = format != nullptr && *format == "full";
  if (format != nullptr && !full && *format != "standard") {
    return {400, kHtml, "format must be full or standard"};
  }
  const auto token = issuer_.id_token(account.email, *audience,
                                      full ? TokenForm::kMetadataFull : TokenForm::kMetadata);
  if (!token) return not_found();
  return {200, kHtml, *token};
}

// As GKE answers a pod whose Kubernetes account stands for no Google account.
WebAnswer GoogleServer::no_account() const {
  return {404, "text/plain; charset=utf-8",
          "Your Kubernetes service account (" + kubernetes_account_ +
              ") is not annotated with a target Google service account, which is a requirement "
              "for retrieving Identity Tokens using Workload Identity.\n"
              "Please add the annotation iam.gke.io/gcp-service-account=<GSA>@<project> to it.\n"};
}

void GoogleServer::handle_token(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const WebCall call{exchange, faults_, clock_};
  if (request.path == "/token") {
    const auto form = read_body(exchange, kMaxFormBytes);
    if (!form) {
      send_answer(exchange, {413, kJson, oauth_error("invalid_request", "Bad Request")});
      return;
    }
    serve_with_faults(call, "google.token", assertion_issuer(*form), refuse_grant,
                      [&] { return grant(request, *form); });
    return;
  }
  serve_with_faults(call, "google.keys", request.path, refuse_grant, [&] {
    if (request.method != "GET" && request.method != "HEAD") return not_found();
    if (request.path == "/oauth2/v3/certs") {
      return WebAnswer{200,
                       kJson,
                       issuer_.jwks(),
                       {{"Cache-Control", "public, max-age=20000, must-revalidate"}}};
    }
    if (request.path == "/.well-known/openid-configuration") return discovery();
    return not_found();
  });
}

WebAnswer GoogleServer::grant(const HttpRequest& request, const std::string& form) {
  if (request.method != "POST") return not_found();
  const std::string type = to_lower_ascii(request.header_or_empty("content-type"));
  if (trim(type.substr(0, type.find(';'))) != "application/x-www-form-urlencoded") {
    return {400, kJson, oauth_error("invalid_request", "Bad Request")};
  }
  const std::vector<std::string> audiences = {std::string(kGoogleTokenUrl), token_uri(),
                                              base_url("127.0.0.1") + "/token"};
  const auto token = exchange_assertion(form, audiences, issuer_, clock_);
  if (!token.ok()) {
    return {400, kJson, oauth_error(token.error().error, token.error().description)};
  }
  return {200, kJson, Json{{"id_token", *token}}.dump(2), {{"Cache-Control", "no-store"}}};
}

WebAnswer GoogleServer::discovery() const {
  const std::string base = base_url("localhost");
  const Json json = {{"issuer", kGoogleIssuerUrl},
                     {"token_endpoint", base + "/token"},
                     {"jwks_uri", base + "/oauth2/v3/certs"},
                     {"response_types_supported", Json::array({"id_token"})},
                     {"subject_types_supported", Json::array({"public"})},
                     {"id_token_signing_alg_values_supported", Json::array({"RS256"})},
                     {"claims_supported", Json::array({"aud", "azp", "email", "email_verified",
                                                       "exp", "iat", "iss", "sub"})}};
  return {200, kJson, json.dump(2)};
}

}  // namespace vesto::sandbox
