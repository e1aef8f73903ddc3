#include "sandbox/control/control_server.h"

#include <gtest/gtest.h>

#include "test_client.h"

namespace vesto::sandbox {
namespace {

class ControlServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = ControlServer::start(
        0, "token", *faults_,
        [this]() -> Result<LeftCounts, std::string> {
          if (broken_) return std::string("no connection");
          return LeftCounts{1, 2, 3, 4};
        },
        {}, {{"/v1/secrets", [] { return std::string("{\"secrets\": [\"s\"]}"); }}});
    ASSERT_TRUE(server.ok()) << server.error();
    server_ = std::move(server).value();
  }
  Answer ask(const std::string& call, const std::string& body = "",
             const std::string& token = "token") {
    RawClient client(server_->port());
    client.send(call + " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + token +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.receive();
  }
  std::unique_ptr<Faults> faults_ = make_faults();
  bool broken_ = false;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(ControlServerTest, AddsAndClearsFaults) {
  EXPECT_EQ(ask("POST /v1/faults", R"({"on": "disk", "count": 5, "then": {"error": "x"}})").status,
            204);
  EXPECT_TRUE(faults_->hit("disk", "").has_value());
  EXPECT_EQ(ask("DELETE /v1/faults").status, 204);
  EXPECT_FALSE(faults_->hit("disk", "").has_value());
  const Answer bad = ask("POST /v1/faults", R"({"on": "disc", "then": {"error": "x"}})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_NE(bad.body.find("disc"), std::string::npos);
  EXPECT_EQ(ask("POST /v1/faults", std::string(70000, ' ')).status, 413);
}

TEST_F(ControlServerTest, ShowsCounts) {
  faults_->hit("s3.put", "k");
  faults_->count("copy");
  EXPECT_EQ(ask("GET /v1/calls").body, "{\"copy\": 1, \"s3.put\": 1}\n");
  EXPECT_EQ(ask("GET /v1/left").body,
            "{\"objects\": 1, \"uploads\": 2, \"tables\": 3, \"sessions\": 4}\n");
  broken_ = true;
  const Answer failed = ask("GET /v1/left");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body, "{\"error\": \"no connection\"}\n");
}

TEST_F(ControlServerTest, ShowsWhatPartsAdd) {
  EXPECT_EQ(ask("GET /v1/secrets").body, "{\"secrets\": [\"s\"]}\n");
  EXPECT_EQ(ask("POST /v1/secrets", "{}").status, 404);
}

TEST_F(ControlServerTest, NeedsTheToken) {
  EXPECT_EQ(ask("GET /v1/secrets", "", "tokem").status, 401);
  EXPECT_EQ(ask("GET /v1/calls", "", "tokem").status, 401);
  EXPECT_EQ(ask("GET /v1/calls", "", "").status, 401);
  EXPECT_EQ(ask("POST /v1/faults", R"({"on": "disk", "then": {"error": "x"}})", "x").status, 401);
  EXPECT_FALSE(faults_->hit("disk", "").has_value());
  RawClient client(server_->port());
  client.send("GET /v1/calls HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.receive().status, 401);
}

TEST_F(ControlServerTest, UnknownCalls) {
  EXPECT_EQ(ask("GET /v1/faults").status, 404);
  EXPECT_EQ(ask("GET /").status, 404);
}

}  // namespace
}  // namespace vesto::sandbox
