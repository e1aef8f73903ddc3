// Answers that nobody at AWS would send: each is a clear AWS-ANSWER, and none is a crash.
#include <nlohmann/json.hpp>

#include "aws/aws_answer.h"
#include "aws/json_answer.h"
#include "aws/redshift_api.h"
#include "aws/sts.h"
#include "tests/unit/aws/query_support.h"

namespace vesto {
namespace {

using testing_support::has;
using testing_support::QueryTest;

std::string login_xml(const std::string& user, const std::string& password,
                      const std::string& expiration) {
  return "<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>" + user +
         "</DbUser><DbPassword>" + password + "</DbPassword><Expiration>" + expiration +
         "</Expiration></GetClusterCredentialsResult></GetClusterCredentialsResponse>";
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

const std::string kLater = "2026-01-02T04:04:05Z";

class HostileAnswers : public QueryTest {
 protected:
  // The code for this answer, given to every attempt.
  std::string cluster_code(const std::string& body, int status = 200) {
    return code_of(false, body, status, {});
  }
  std::string serverless_code(const std::string& body, int status = 200,
                              const std::map<std::string, std::string>& headers = {}) {
    return code_of(true, body, status, headers);
  }
  std::string code_of(bool serverless, const std::string& body, int status,
                      const std::map<std::string, std::string>& headers) {
    script_.answers.clear();
    for (int i = 0; i < 3; ++i) script_.answer(status, body, headers);
    const auto api =
        make_redshift_api({.region = "eu-west-1", .serverless = serverless}, clock_, transport());
    const auto login = api->get_login({.warehouse = "shop", .db_user = "etl"}, as_, {});
    return login.ok() ? "ok" : std::string(login.error().name());
  }
};

TEST_F(HostileAnswers, GoodOnesPass) {
  EXPECT_EQ(cluster_code(login_xml("IAM:etl", "good-password", kLater)), "ok");
  EXPECT_EQ(serverless_code(R"({"dbUser":"u","dbPassword":"pppp","expiration":1767326645})"), "ok");
  EXPECT_EQ(
      serverless_code(R"({"dbUser":"u","dbPassword":"pppp","expiration":"2026-01-02T04:04:05Z"})"),
      "ok");
}

// Deeper than any answer of AWS's; a parser that goes down with it would need much stack.
TEST_F(HostileAnswers, DeepJson) {
  const auto nested = [](int depth) {
    return R"({"dbUser":"u","dbPassword":"pppp","expiration":1767326645,"x":)" +
           repeated("[", depth) + repeated("]", depth) + "}";
  };
  EXPECT_EQ(serverless_code(nested(20)), "ok");
  const std::string deep = nested(40);
  EXPECT_EQ(serverless_code(deep), "AWS-ANSWER");
  EXPECT_EQ(serverless_code("{\"x\":" + repeated("[", 100'000)), "AWS-ANSWER");
  EXPECT_EQ(serverless_code(deep, 400), "AWS-ANSWER");
}

// What is cut out of a token, at either end or in its middle, and a line of a key.
TEST_F(HostileAnswers, PiecesOfTokensAreMasked) {
  const std::string piece =
      "cGllY2Utb2YtYS1zaWduYXR1cmUtdGhhdC1pcy1sb25nLWVub3VnaC10by1iZS1vbmUtMDEyMzQ1Njc4OQ";
  for (const std::string& text :
       {"at " + piece + " end", "\"" + piece + "\"", "assertion=" + piece + "&x",
        "eyJhbGciOiJSUzI1NiJ9." + piece + "." + piece, piece}) {
    const std::string shown = outside_text(text, 1000);
    EXPECT_EQ(shown.find(piece.substr(10, 20)), std::string::npos) << shown;
    EXPECT_NE(shown.find("***"), std::string::npos) << shown;
  }
  // Names and ids that people need to see.
  for (const std::string& text :
       {std::string(
            "arn:aws:iam::123456789012:role/AWSReservedSSO_AdministratorAccess_0123456789ab"),
        std::string("https://accounts.google.com/o/oauth2/auth?client_id=7"),
        std::string(
            "vesto/acme/2026-11-22T01-26-56Z/orders/part-000000000000000000000000000001.gz"),
        std::string("0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b")}) {
    EXPECT_EQ(outside_text(text, 1000), text);
  }
}

TEST_F(HostileAnswers, CutAtEveryByte) {
  const std::string xml = login_xml("IAM:etl", "good-password", kLater);
  for (size_t size = 0; size < xml.size(); ++size) {
    EXPECT_EQ(cluster_code(xml.substr(0, size)), "AWS-ANSWER") << size;
  }
  const std::string json = R"({"dbUser":"u","dbPassword":"pppp","expiration":1767326645})";
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_EQ(serverless_code(json.substr(0, size)), "AWS-ANSWER") << size;
  }
}

TEST_F(HostileAnswers, MissingOrBadFields) {
  const std::string cases[] = {
      login_xml("", "pppp", kLater),
      login_xml("u", "", kLater),
      login_xml("u", "pppp", ""),
      login_xml("u", "pppp", "tomorrow"),
      login_xml("u", "pppp", "2026-01-02T03:04:05Z"),
      login_xml("u", "pppp", "1970-01-01T00:00:00Z"),
      login_xml("u", "pp pp", kLater),
      login_xml("u", "pp&#10;pp", kLater),
      login_xml("u", "pp\x01pp", kLater),
      login_xml("u&#27;[2J", "pppp", kLater),
      login_xml("u\xC2\x9B", "pppp", kLater),
      login_xml(std::string(3000, 'u'), "pppp", kLater),
      login_xml("u", std::string(5000, 'p'), kLater),
      "<GetClusterCredentialsResponse/>",
      "<Other/>",
      "",
      "{}",
      std::string("\0\0\0\0", 4),
      "<html><body>Sign in to the network</body></html>",
  };
  for (const std::string& body : cases) {
    EXPECT_EQ(cluster_code(body), "AWS-ANSWER") << body.substr(0, 200);
  }
}

TEST_F(HostileAnswers, JsonOfOtherShapes) {
  const std::string cases[] = {
      "[]",
      "[{\"dbUser\":\"u\"}]",
      "null",
      "1",
      "\"text\"",
      "{}",
      "{\"dbUser\":{}}",
      R"({"dbUser":["u"],"dbPassword":"pppp","expiration":1767326645})",
      R"({"dbUser":"u","dbPassword":["pppp"],"expiration":1767326645})",
      R"({"dbUser":"u","dbPassword":null,"expiration":1767326645})",
      R"({"dbUser":"u","dbPassword":"pppp"})",
      R"({"dbUser":"u","dbPassword":"pppp","expiration":null})",
      R"({"dbUser":"u","dbPassword":"pppp","expiration":-1})",
      R"({"dbUser":"u","dbPassword":"pppp","expiration":1e300})",
      R"({"dbUser":"u","dbPassword":"pppp","expiration":1e999})",
      R"({"dbUser":"u","dbPassword":"pppp","expiration":18446744073709551615})",
      R"({"dbUser":"u","dbPassword":"pppp","expiration":1})",
      R"({"dbUser":"u\u0000x","dbPassword":"pppp","expiration":1767326645})",
      R"({"dbUser":"u","dbPassword":"pp\npp","expiration":1767326645})",
      "{\"dbUser\":\"\xff\",\"dbPassword\":\"pppp\",\"expiration\":1767326645}",
  };
  for (const std::string& body : cases) {
    EXPECT_EQ(serverless_code(body), "AWS-ANSWER") << body;
  }
}

TEST_F(HostileAnswers, DeepNesting) {
  constexpr int kDeep = 100'000;
  EXPECT_EQ(cluster_code(repeated("<a>", kDeep) + repeated("</a>", kDeep)), "AWS-ANSWER");
  EXPECT_EQ(cluster_code(repeated("<a>", kDeep)), "AWS-ANSWER");
  EXPECT_EQ(serverless_code(repeated("[", kDeep) + repeated("]", kDeep)), "AWS-ANSWER");
  EXPECT_EQ(serverless_code(repeated("{\"a\":", kDeep) + "1" + repeated("}", kDeep)), "AWS-ANSWER");
  EXPECT_EQ(serverless_code(repeated("[", kDeep), 400), "AWS-ANSWER");
  EXPECT_EQ(cluster_code(repeated("<a>", kDeep), 400), "AWS-ANSWER");
}

TEST_F(HostileAnswers, TenMegabytes) {
  HttpResponse cut;  // as the transport gives it, which stops at the bound
  cut.status = 200;
  cut.body = std::string(256 << 10, '<');
  cut.too_large = true;
  script_.answers.clear();
  for (int i = 0; i < 3; ++i) script_.answers.emplace_back(cut);
  const auto api = make_redshift_api({.region = "eu-west-1"}, clock_, transport());
  const auto login = api->get_login({.warehouse = "shop", .db_user = "etl"}, as_, {});
  EXPECT_EQ(login.error().code(), ErrorCode::kAwsAnswer);
  EXPECT_TRUE(has(login.error().message(), "256 KiB"));
  // And a transport that would not keep the bound.
  EXPECT_EQ(cluster_code(std::string(10 << 20, 'x')), "AWS-ANSWER");
  EXPECT_EQ(cluster_code(login_xml("u", std::string(10 << 20, 'p'), kLater)), "AWS-ANSWER");
  EXPECT_EQ(serverless_code("\"" + std::string(10 << 20, 'x') + "\""), "AWS-ANSWER");
  EXPECT_EQ(cluster_code(std::string(10 << 20, 'x'), 400), "AWS-ANSWER");
}

// The parser knows no entities but XML's own five: nothing is multiplied, no file is read.
TEST_F(HostileAnswers, EntityBombAndForeignEntities) {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\">";
  for (char c = 'b'; c <= 'j'; ++c) {
    const std::string before = std::string("&") + static_cast<char>(c - 1) + ";";
    bomb += std::string("<!ENTITY ") + c + " \"" + repeated(before, 10) + "\">";
  }
  bomb += "]>";
  const auto answer = parse_xml_answer(bomb + "<R><Name>&j;</Name></R>", "R");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(*(*answer)->text("Name", 100), "&j;");
  EXPECT_EQ(cluster_code(bomb + login_xml("u", "&j; &j;", kLater)), "AWS-ANSWER");
  const auto file = parse_xml_answer(
      "<!DOCTYPE r [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><R><Name>&f;</Name></R>", "R");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*(*file)->text("Name", 100), "&f;");
}

TEST_F(HostileAnswers, FaultsAreCutAndPrintable) {
  HttpResponse response;
  response.status = 400;
  response.body = "<ErrorResponse><Error><Code>" + std::string(5000, 'C') +
                  "</Code><Message>a&#27;[2Jb\r\nc" + std::string(5000, 'm') +
                  "</Message></Error><RequestId>" + std::string(5000, 'R') +
                  "</RequestId></ErrorResponse>";
  const auto fault = parse_query_fault(response);
  ASSERT_TRUE(fault);
  EXPECT_LE(fault->code.size(), 100U);
  EXPECT_LE(fault->message.size(), 1000U);
  EXPECT_LE(fault->request_id.size(), 128U);
  EXPECT_FALSE(has(fault->message, "\x1b"));
  EXPECT_FALSE(has(fault->message, "\n"));
  response.body = R"({"__type":["x"],"message":{"a":1}})";
  EXPECT_FALSE(parse_json_fault(response));
  response.body = R"({"__type":"#:","message":"x"})";
  EXPECT_FALSE(parse_json_fault(response));
  response.body = "<ErrorResponse><Error><Code>  </Code></Error></ErrorResponse>";
  EXPECT_FALSE(parse_query_fault(response));
}

TEST_F(HostileAnswers, DescribeWithOddParts) {
  const auto api =
      make_redshift_api({.region = "eu-west-1", .serverless = true}, clock_, transport());
  script_.answer(200, R"({"workgroup":{"status":"X","endpoint":[],"publiclyAccessible":"yes"}})");
  auto info = api->describe("shop", as_, {});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->port, 0);
  EXPECT_FALSE(info->publicly_accessible);
  script_.answer(200, R"({"workgroup":{"status":"X","endpoint":{"port":99999999999}}})");
  info = api->describe("shop", as_, {});
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->port, 0);
  for (int i = 0; i < 3; ++i) script_.answer(200, R"({"workgroup":[]})");
  EXPECT_EQ(api->describe("shop", as_, {}).error().code(), ErrorCode::kAwsAnswer);
}

TEST(AwsTexts, TokensAreTakenOut) {
  const Secret known("a-secret-that-is-known");
  EXPECT_EQ(outside_text("x a-secret-that-is-known y", 100), "x *** y");
  EXPECT_EQ(outside_text("token eyJhbGciOiJSUzI1NiIsImtpZ, and IQoJb3JpZ2luX2VjEXAMPLE.", 100),
            "token ***, and ***");
  EXPECT_EQ(outside_text("eyJ short", 100), "eyJ short");
  EXPECT_EQ(outside_text("arn:aws:iam::1:role/eyJ", 100), "arn:aws:iam::1:role/eyJ");
}

}  // namespace
}  // namespace vesto
