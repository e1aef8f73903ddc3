#include "sandbox/oidc/google_server.h"

#include <atomic>
#include <thread>

#include "google_fixture.h"
#include "test_client.h"

namespace vesto::sandbox {
namespace {

using Json = nlohmann::json;

constexpr const char* kFlavor = "Metadata-Flavor: Google\r\n";
const std::string kAccount = "/computeMetadata/v1/instance/service-accounts/default/";

class GoogleServerTest : public testing::Test {
 protected:
  void SetUp() override {
    GoogleServerOptions options;
    options.linked_account = kEmail;
    options.clock = &google().clock;
    server_ = std::move(GoogleServer::start(options, *google().issuer, *faults_)).value();
  }
  static Answer ask(uint16_t port, const std::string& line, const std::string& headers,
                    const std::string& body = "") {
    RawClient client(port);
    client.send(line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body);
    return client.receive(line.rfind("HEAD", 0) == 0);
  }
  Answer metadata(const std::string& path, const std::string& headers = kFlavor) {
    return ask(server_->metadata_port(), "GET " + path, headers);
  }
  Answer post(const std::string& form,
              const std::string& type = "application/x-www-form-urlencoded") {
    return ask(
        server_->token_port(), "POST /token",
        "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(form.size()) + "\r\n",
        form);
  }
  static std::string good_form() {
    return grant_form(google().key->sign(assertion_claims().dump()));
  }

  std::unique_ptr<Faults> faults_ = make_faults();
  std::unique_ptr<GoogleServer> server_;
};

TEST_F(GoogleServerTest, Identity) {
  const Answer answer = metadata(kAccount + "identity?audience=https%3A%2F%2Fa%2Fb&format=full");
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("metadata-flavor"), "Google");
  const auto claims = verify_jwt(answer.body, *JwkSet::parse(google().issuer->jwks()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->audience, "https://a/b");
  EXPECT_EQ(claims->authorized_party, kUniqueId);
  EXPECT_EQ(claims->email, kEmail);
  const std::string by_name =
      std::string("/computeMetadata/v1/instance/service-accounts/") + kEmail + "/identity";
  EXPECT_EQ(metadata(by_name + "?audience=a").status, 200);
  EXPECT_EQ(metadata(kAccount + "identity?audience=a&format=standard").status, 200);
  EXPECT_EQ(metadata(kAccount + "identity?audience=a&format=x").status, 400);
  for (const char* query : {"", "?audience=", "?audience", "?format=full"}) {
    const Answer empty = metadata(kAccount + "identity" + query);
    EXPECT_EQ(empty.status, 400);
    EXPECT_EQ(empty.body, "non-empty audience parameter required");
  }
  EXPECT_EQ(metadata(kAccount + "identity?audience=%zz").status, 400);
}

TEST_F(GoogleServerTest, Headers) {
  const std::string path = kAccount + "identity?audience=a";
  for (const std::string& headers :
       {std::string(), std::string("Metadata-Flavor: google\r\n"),
        std::string("Metadata-Flavor: Google\r\nMetadata-Flavor: Google\r\n"),
        std::string("X-Google-Metadata-Request: True\r\n"),
        std::string(kFlavor) + "X-Forwarded-For: 10.0.0.1\r\n"}) {
    const Answer answer = metadata(path, headers);
    EXPECT_EQ(answer.status, 403) << headers;
    EXPECT_EQ(answer.header("metadata-flavor"), "");
    EXPECT_EQ(answer.body.find("eyJ"), std::string::npos);
  }
  EXPECT_EQ(metadata("/", "").status, 403);
  EXPECT_EQ(metadata("/").status, 200);
  EXPECT_EQ(metadata("/").header("metadata-flavor"), "Google");
  EXPECT_EQ(ask(server_->metadata_port(), "HEAD /", kFlavor).status, 200);
  EXPECT_EQ(ask(server_->metadata_port(), "POST " + path, kFlavor).status, 405);
}

TEST_F(GoogleServerTest, OtherMetadata) {
  EXPECT_EQ(metadata(kAccount + "email").body, kEmail);
  EXPECT_EQ(Json::parse(metadata(kAccount + "?recursive=true").body)["email"], kEmail);
  EXPECT_EQ(metadata("/computeMetadata/v1/project/project-id").body, "data-prod");
  EXPECT_EQ(metadata("/computeMetadata/v1/instance/service-accounts/").body,
            std::string("default/\n") + kEmail + "/\n");
  for (const char* path : {"/x", "/computeMetadata/v2/", "/computeMetadata/v1/x",
                           "/computeMetadata/v1/instance/service-accounts/a@b/email",
                           "/computeMetadata/v1/instance/service-accounts/default/token"}) {
    EXPECT_EQ(metadata(path).status, 404) << path;
  }
}

TEST_F(GoogleServerTest, NoLinkedAccount) {
  server_->link_account("");
  const Answer answer = metadata(kAccount + "identity?audience=a");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(
      answer.body.rfind("Your Kubernetes service account (default/vesto) is not annotated", 0), 0U);
  EXPECT_EQ(metadata(kAccount + "email").status, 404);
}

TEST_F(GoogleServerTest, TokenEndpoint) {
  const Answer answer = post(good_form());
  ASSERT_EQ(answer.status, 200);
  const auto claims = verify_jwt(Json::parse(answer.body)["id_token"].get<std::string>(),
                                 *JwkSet::parse(google().issuer->jwks()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->authorized_party, kEmail);
  Json own = assertion_claims();
  own["aud"] = server_->token_uri();
  EXPECT_EQ(post(grant_form(google().key->sign(own.dump()))).status, 200);
  own["aud"] = "http://localhost:1/token";
  const Answer wrong = post(grant_form(google().key->sign(own.dump())));
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(Json::parse(wrong.body)["error"], "invalid_grant");
  EXPECT_EQ(post(good_form(), "application/json").status, 400);
  EXPECT_EQ(post(std::string(100000, 'a')).status, 413);
  EXPECT_EQ(ask(server_->token_port(), "GET /token", "").status, 404);
}

TEST_F(GoogleServerTest, KeysAndDiscovery) {
  const Answer discovery = ask(server_->token_port(), "GET /.well-known/openid-configuration", "");
  const Json document = Json::parse(discovery.body);
  EXPECT_EQ(document["issuer"], "https://accounts.google.com");
  EXPECT_EQ(document["jwks_uri"],
            "http://localhost:" + std::to_string(server_->token_port()) + "/oauth2/v3/certs");
  const Answer keys = ask(server_->token_port(), "GET /oauth2/v3/certs", "");
  EXPECT_EQ(JwkSet::parse(keys.body)->size(), 1U);
  EXPECT_EQ(ask(server_->token_port(), "POST /oauth2/v3/certs", "").status, 404);
  EXPECT_EQ(ask(server_->token_port(), "GET /x", "").status, 404);
}

TEST_F(GoogleServerTest, FaultsOnDemand) {
  const auto add = [&](const std::string& json) { ASSERT_TRUE(faults_->add(json).ok()) << json; };
  add(R"({"on": "google.metadata", "match": "identity$", "then": {"status": 503}})");
  EXPECT_EQ(metadata(kAccount + "email").status, 200);
  EXPECT_EQ(metadata(kAccount + "identity?audience=a").status, 503);
  EXPECT_EQ(metadata(kAccount + "identity?audience=a").status, 200);
  add(R"({"on": "google.metadata", "then": {"cut_after_bytes": 10}})");
  const Answer cut = metadata(kAccount + "identity?audience=a");
  EXPECT_EQ(cut.body.size(), 10U);
  EXPECT_FALSE(cut.whole);
  add(R"({"on": "google.token", "match": "data-prod", "then": {"status": 400,
          "code": "invalid_grant"}})");
  const Answer refused = post(good_form());
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(Json::parse(refused.body)["error"], "invalid_grant");
  for (const char* drop : {"before", "during", "after"}) {
    add(std::string(R"({"on": "google.token", "then": {"drop": ")") + drop + "\"}}");
    EXPECT_EQ(post(good_form()).status, 0) << drop;
  }
  add(R"({"on": "google.keys", "then": {"status": 500, "delay_ms": 5}})");
  EXPECT_EQ(ask(server_->token_port(), "GET /oauth2/v3/certs", "").status, 500);
  EXPECT_EQ(faults_->counts().at("google.token"), 4U);
}

TEST_F(GoogleServerTest, ManyAtATime) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 5; ++k) {
        if (i == 0) server_->link_account(kEmail);
        const Answer answer =
            i % 2 == 0 ? metadata(kAccount + "identity?audience=a") : post(good_form());
        if (answer.status == 200) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 40);
}

}  // namespace
}  // namespace vesto::sandbox
