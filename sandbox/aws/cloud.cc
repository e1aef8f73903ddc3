#include "sandbox/aws/cloud.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json_text.h"

namespace vesto::sandbox {

namespace {

Result<World, std::string> read_world(const CloudOptions& options) {
  if (options.world_file.empty()) {
    return default_world({.id = options.key.id, .secret = options.key.secret});
  }
  std::ifstream in(options.world_file, std::ios::binary);
  std::string text(kMaxWorldBytes + 1, '\0');
  if (in) in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in && !in.eof()) {
    return "cannot read " + options.world_file + ": " + std::strerror(errno);
  }
  text.resize(static_cast<size_t>(in.gcount()));
  return parse_world(text, options.world_file);
}

// {"allow_from": ["127.0.0.1/32"]}; null: everybody.
Result<AllowList, std::string> parse_allow_list(const std::string& body) {
  const std::string expected = "{\"allow_from\": [address or block, ...] or null} is expected";
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object() || document.size() != 1 || !document.contains("allow_from")) {
    return expected;
  }
  const nlohmann::json& given = document["allow_from"];
  if (given.is_null()) return AllowList();
  if (!given.is_array()) return expected;
  std::vector<std::string> list;
  for (const nlohmann::json& each : given) {
    if (!each.is_string()) return expected;
    list.push_back(each.get<std::string>());
  }
  if (const auto wrong = check_allow_list(list)) return *wrong;
  return AllowList(std::move(list));
}

std::string text_of(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

Cloud::Cloud(const CloudOptions& options, World world, WarehouseName served, Faults& faults)
    : dir_(options.dir),
      served_(std::move(served), world.serve_first_created),
      faults_(faults),
      state_(options.serverless),
      iam_(std::make_unique<Iam>(std::move(world), clock_)),
      key_ring_(*iam_),
      gate_(*iam_),
      roles_(*iam_, served_),
      logins_(clock_, served_),
      secrets_(*iam_) {
  if (served_.waits()) state_.be_absent();
}

Cloud::~Cloud() { stop(); }

void Cloud::stop() {
  if (google_server_) google_server_->stop();
  if (machine_) machine_->stop();
}

Result<std::unique_ptr<Cloud>, std::string> Cloud::start(const CloudOptions& options,
                                                         Faults& faults) {
  VESTO_ASSIGN(World world, read_world(options));
  VESTO_ASSIGN(WarehouseName served,
               choose_warehouse(world, options.serverless, options.warehouse));
  if (world.serve_first_created && !served.name.empty()) {
    return std::string("serve_first_created: the world has a warehouse already");
  }
  std::unique_ptr<Cloud> cloud(new Cloud(options, std::move(world), std::move(served), faults));
  VESTO_TRY(cloud->start_google(options));
  VESTO_ASSIGN(cloud->machine_, Machine::start(options.dir, *cloud->iam_, faults, cloud->clock_));
  return cloud;
}

Result<Unit, std::string> Cloud::start_google(const CloudOptions& options) {
  VESTO_ASSIGN(google_, GoogleIssuer::open(dir_, clock_));
  VESTO_ASSIGN(const ServiceAccount account, google_->add_account(kGoogleEmail, kGoogleSubject));
  GoogleServerOptions server;
  server.tls = options.tls;
  server.linked_account = account.email;
  server.clock = &clock_;
  VESTO_ASSIGN(google_server_, GoogleServer::start(server, *google_, faults_));
  VESTO_TRY(google_->write_key_file(account.email, google_server_->token_uri(),
                                    dir_ + "/google-key.json"));
  VESTO_ASSIGN(eks_, EksIssuer::open(dir_, clock_, kEksIssuerUrl));
  return eks_->write_token_file(dir_ + "/eks-token", "default", "vesto");
}

std::optional<JwkSet> Cloud::issuer_keys(const std::string& issuer_url) const {
  std::string jwks;
  if (issuer_url == kGoogleIssuerUrl) jwks = google_->jwks();
  if (issuer_url == eks_->url()) jwks = eks_->jwks();
  if (jwks.empty()) return std::nullopt;
  auto keys = JwkSet::parse(jwks);
  if (!keys.ok()) return std::nullopt;
  return *std::move(keys);
}

HttpHandler Cloud::open_api(WarehouseAddress address) {
  address.served = &served_;
  address.state = &state_;
  groups_ = std::make_unique<SecurityGroups>(iam_->world(), served_, address.port);
  api_ = std::make_unique<AwsApi>(
      *iam_, logins_, *groups_, secrets_,
      [this](const std::string& issuer) { return issuer_keys(issuer); }, std::move(address),
      faults_, clock_);
  return [this](HttpExchange& exchange) { api_->handle(exchange); };
}

AllowList Cloud::allow_from() const {
  if (served_.waits()) return std::vector<std::string>();
  return allow_from_of(iam_->world(), served_.get());
}

AccessKey Cloud::first_key() const {
  const World world = iam_->world();
  for (const WorldAccount& account : world.accounts) {
    for (const WorldUser& user : account.users) {
      if (user.access_keys.empty()) continue;
      AccessKey key;
      key.id = user.access_keys.front().id;
      key.secret = user.access_keys.front().secret;
      return key;
    }
  }
  return {};
}

std::string Cloud::endpoints_json() const {
  return ",\n  \"google\": {\"metadata_host\": " + json_quote(google_server_->metadata_host()) +
         ", \"token_uri\": " + json_quote(google_server_->token_uri()) +
         ",\n    \"email\": " + json_quote(kGoogleEmail) +
         ", \"subject\": " + json_quote(kGoogleSubject) +
         ", \"key_file\": " + json_quote(dir_ + "/google-key.json") +
         "},\n  \"eks\": {\"issuer\": " + json_quote(eks_->url()) +
         ", \"token_file\": " + json_quote(dir_ + "/eks-token") + "}" + machine_->endpoints_json();
}

// One change: {"put_role_trust": {"role": ARN, "policy": {...}}} and its kin.
Result<Unit, std::string> Cloud::change_policy(const std::string& body) {
  const auto document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object() || document.size() != 1 || !document.begin()->is_object()) {
    return std::string("one object with one change is expected");
  }
  const std::string& change = document.begin().key();
  const nlohmann::json& what = *document.begin();
  const std::string policy = text_of(what, "policy");
  const std::string name = text_of(what, "name");
  const auto done = [&]() -> Result<Unit, IamError> {
    if (change == "put_role_trust") return iam_->put_role_trust(text_of(what, "role"), policy);
    if (change == "put_role_policy") {
      return iam_->put_role_policy(text_of(what, "role"), name, policy);
    }
    if (change == "delete_role_policy") {
      return iam_->delete_role_policy(text_of(what, "role"), name);
    }
    if (change == "delete_role") return iam_->delete_role(text_of(what, "role"));
    if (change == "put_user_policy") {
      return iam_->put_user_policy(text_of(what, "user"), name, policy);
    }
    if (change == "delete_access_key") return iam_->delete_access_key(text_of(what, "key"));
    if (change == "put_bucket_policy") {
      return iam_->put_bucket_policy(text_of(what, "bucket"), policy);
    }
    return IamError{400, "InvalidAction", "no such change: " + change};
  }();
  if (done.ok()) return Unit{};
  return done.error().code + ": " + done.error().message;
}

ControlCalls Cloud::control_calls(std::function<void(const AllowList&)> set_allowed,
                                  std::function<void()> settle) {
  ControlCalls calls;
  calls["/v1/clock"] = [this, settle](const std::string& body) -> Result<Unit, std::string> {
    const auto document = nlohmann::json::parse(body, nullptr, false);
    const auto offset = document.is_object() ? document.find("offset_ms") : document.end();
    if (!document.is_object() || offset == document.end() || !offset->is_number_integer()) {
      return std::string("{\"offset_ms\": n} is expected");
    }
    clock_.set_offset_ms(offset->get<int64_t>());
    // A warehouse that is being created may be ready now.
    settle();
    // Whoever reads the token file finds one that is good now, as the kubelet sees to it.
    return eks_->write_token_file(dir_ + "/eks-token", "default", "vesto");
  };
  calls["/v1/propagation"] = [this](const std::string& body) -> Result<Unit, std::string> {
    const auto document = nlohmann::json::parse(body, nullptr, false);
    if (!document.is_object() || !document.value("ms", nlohmann::json()).is_number_integer()) {
      return std::string("{\"ms\": n} is expected");
    }
    iam_->set_propagation_ms(document["ms"].get<int64_t>());
    return Unit{};
  };
  groups_->on_change(std::move(set_allowed));
  calls["/v1/security-group"] = [this](const std::string& body) {
    auto list = parse_allow_list(body);
    if (list.ok()) groups_->replace(*list);
    return list.ok() ? Result<Unit, std::string>(Unit{}) : list.error();
  };
  calls["/v1/warehouse"] = [this, settle = std::move(settle)](const std::string& body) {
    auto done = state_.set(body);
    if (done.ok()) settle();
    return done;
  };
  calls["/v1/iam"] = [this](const std::string& body) { return change_policy(body); };
  return calls;
}

ControlViews Cloud::control_views() {
  return {{"/v1/secrets", [this] { return secrets_json(); }},
          {"/v1/warehouse", [this] { return state_.json(); }}};
}

std::string Cloud::secrets_json() {
  std::string json;
  const auto add = [&json](const std::vector<std::string>& secrets) {
    for (const std::string& each : secrets) {
      json += (json.empty() ? "" : ",\n  ") + json_quote(each);
    }
  };
  add(iam_->secrets());
  add(logins_.passwords());
  add(secrets_.passwords());
  add(machine_->secrets());
  add(google_->seen_tokens());
  std::ifstream token(dir_ + "/eks-token", std::ios::binary);
  std::stringstream text;
  if (token) text << token.rdbuf();
  if (!text.str().empty()) add({text.str()});
  return "{\"secrets\": [" + json + "]}";
}

}  // namespace vesto::sandbox
