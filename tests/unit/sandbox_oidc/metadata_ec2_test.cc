#include "sandbox/oidc/metadata_ec2.h"

#include "google_fixture.h"
#include "sandbox/oidc/container_credentials.h"
#include "test_client.h"

namespace vesto::sandbox {
namespace {

using Json = nlohmann::json;

const std::string kRoles = "/latest/meta-data/iam/security-credentials/";

Answer ask(uint16_t port, const std::string& line, const std::string& headers = "") {
  RawClient client(port);
  client.send(line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  return client.receive();
}

struct Machine {
  StillClock clock;
  std::unique_ptr<Faults> faults = make_faults();
  bool may_assume = true;
  std::unique_ptr<Ec2MetadataServer> server;

  Ec2CredentialGiver giver() {
    return [this](const std::string& role) -> std::optional<Ec2Credentials> {
      if (!may_assume || role != "loader") return std::nullopt;
      return Ec2Credentials{"ASIAEXAMPLE", "secret/\"1", "token", clock.wall_ms() + 3'600'000};
    };
  }
  explicit Machine(const std::string& role = "loader", bool version_1 = false) {
    Ec2MetadataOptions options;
    options.role = role;
    options.version_1 = version_1;
    options.clock = &clock;
    server = std::move(Ec2MetadataServer::start(options, giver(), *faults)).value();
  }
  Answer open(const std::string& headers) const {
    return ask(server->port(), "PUT /latest/api/token", headers);
  }
  [[nodiscard]] std::string session(const std::string& life = "60") const {
    const Answer answer = open("x-aws-ec2-metadata-token-ttl-seconds: " + life + "\r\n");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.size(), 56U);
    return "x-aws-ec2-metadata-token: " + answer.body + "\r\n";
  }
  Answer get(const std::string& path, const std::string& headers) const {
    return ask(server->port(), "GET " + path, headers);
  }
};

TEST(Ec2Metadata, Credentials) {
  const Machine machine;
  const std::string session = machine.session();
  EXPECT_EQ(machine.get(kRoles, session).body, "loader");
  const Answer answer = machine.get(kRoles + "loader", session);
  EXPECT_EQ(answer.status, 200);
  const Json json = Json::parse(answer.body);
  EXPECT_EQ(json["Code"], "Success");
  EXPECT_EQ(json["Type"], "AWS-HMAC");
  EXPECT_EQ(json["AccessKeyId"], "ASIAEXAMPLE");
  EXPECT_EQ(json["SecretAccessKey"], "secret/\"1");
  EXPECT_EQ(json["Token"], "token");
  EXPECT_EQ(json["LastUpdated"], "2026-09-21T14:13:20Z");
  EXPECT_EQ(json["Expiration"], "2026-09-21T15:13:20Z");
  EXPECT_EQ(machine.get(kRoles + "other", session).status, 404);
  EXPECT_EQ(machine.get("/latest/meta-data/placement/availability-zone", session).body,
            "eu-west-1a");
  EXPECT_EQ(machine.get("/latest/meta-data/placement/region", session).body, "eu-west-1");
  EXPECT_EQ(machine.get("/latest/user-data", session).status, 404);
  EXPECT_EQ(ask(machine.server->port(), "POST " + kRoles, session).status, 405);
}

TEST(Ec2Metadata, Sessions) {
  Machine machine;
  EXPECT_EQ(machine.get(kRoles, "").status, 401);
  EXPECT_EQ(machine.get(kRoles, "x-aws-ec2-metadata-token: x\r\n").status, 401);
  const std::string session = machine.session("60");
  machine.clock.move_s(59);
  EXPECT_EQ(machine.get(kRoles, session).status, 200);
  machine.clock.move_s(1);
  EXPECT_EQ(machine.get(kRoles, session).status, 401);
  const std::string name = "x-aws-ec2-metadata-token-ttl-seconds: ";
  for (const char* life : {"", "0", "21601", "-1", "1.5", "x", "99999999999999999999"}) {
    EXPECT_EQ(machine.open(name + life + "\r\n").status, 400) << life;
  }
  EXPECT_EQ(machine.open("").status, 400);
  EXPECT_EQ(machine.open(name + "60\r\nX-Forwarded-For: 1.2.3.4\r\n").status, 403);
  EXPECT_EQ(ask(machine.server->port(), "GET /latest/api/token", name + "60\r\n").status, 405);
  // The number of sessions is bounded; the oldest goes.
  const std::string oldest = machine.session();
  RawClient client(machine.server->port());
  for (int i = 0; i < 1000; ++i) {
    client.send("PUT /latest/api/token HTTP/1.1\r\nHost: l\r\n" + name + "60\r\n\r\n");
    ASSERT_EQ(client.receive().status, 200);
  }
  EXPECT_EQ(machine.get(kRoles, oldest).status, 401);
}

TEST(Ec2Metadata, VersionOneAndNoRole) {
  const Machine old("loader", true);
  EXPECT_EQ(old.get(kRoles, "").status, 200);
  EXPECT_EQ(old.get(kRoles, "x-aws-ec2-metadata-token: x\r\n").status, 401);
  const Machine bare("");
  EXPECT_EQ(bare.get(kRoles, bare.session()).status, 404);
}

TEST(Ec2Metadata, RefusedRoleAndFaults) {
  Machine machine;
  const std::string session = machine.session();
  machine.may_assume = false;
  Answer answer = machine.get(kRoles + "loader", session);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Json::parse(answer.body)["Code"], "AssumeRoleUnauthorizedAccess");
  machine.may_assume = true;
  ASSERT_TRUE(machine.faults
                  ->add(R"({"on": "ec2.metadata", "match": "loader$",
                            "then": {"error": "InternalError"}})")
                  .ok());
  EXPECT_EQ(machine.get(kRoles, session).status, 200);
  answer = machine.get(kRoles + "loader", session);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Json::parse(answer.body)["Code"], "InternalError");
  EXPECT_FALSE(Json::parse(answer.body).contains("AccessKeyId"));
  ASSERT_TRUE(machine.faults->add(R"({"on": "ec2.token", "then": {"status": 403}})").ok());
  EXPECT_EQ(machine.open("x-aws-ec2-metadata-token-ttl-seconds: 60\r\n").status, 403);
}

TEST(ContainerCredentials, AuthorizationIsChecked) {
  Machine machine;
  ContainerOptions options;
  options.role = "loader";
  options.account_id = "123456789012";
  EXPECT_FALSE(ContainerCredentialServer::start(options, machine.giver(), *machine.faults).ok());
  options.authorization = "first-token";
  options.clock = &machine.clock;
  const auto server =
      std::move(ContainerCredentialServer::start(options, machine.giver(), *machine.faults))
          .value();
  const auto get = [&](const std::string& headers) {
    return ask(server->port(), "GET /v1/credentials", headers);
  };
  const Answer answer = get("Authorization: first-token\r\n");
  ASSERT_EQ(answer.status, 200);
  const Json json = Json::parse(answer.body);
  EXPECT_EQ(json["AccessKeyId"], "ASIAEXAMPLE");
  EXPECT_EQ(json["Token"], "token");
  EXPECT_EQ(json["AccountId"], "123456789012");
  EXPECT_EQ(json["Expiration"], "2026-09-21T15:13:20Z");
  EXPECT_EQ(get("").status, 401);
  EXPECT_EQ(get("Authorization: \r\n").status, 401);
  EXPECT_EQ(get("Authorization: first-token\r\nAuthorization: first-token\r\n").status, 401);
  EXPECT_EQ(get("Authorization: first-toke\r\n").status, 403);
  EXPECT_EQ(get("Authorization: Bearer first-token\r\n").status, 403);
  server->set_authorization("second");
  server->set_authorization("");
  EXPECT_EQ(get("Authorization: first-token\r\n").status, 403);
  EXPECT_EQ(get("Authorization: second\r\n").status, 200);
  machine.may_assume = false;
  EXPECT_EQ(get("Authorization: second\r\n").status, 403);
  EXPECT_EQ(ask(server->port(), "GET /v2", "Authorization: second\r\n").status, 404);
  EXPECT_EQ(ask(server->port(), "PUT /v1/credentials", "Authorization: second\r\n").status, 405);
  ASSERT_TRUE(
      machine.faults->add(R"({"on": "container.credentials", "then": {"status": 500}})").ok());
  EXPECT_EQ(get("Authorization: second\r\n").status, 500);
}

}  // namespace
}  // namespace vesto::sandbox
