// The STS client against scripted answers: what it sends, what it keeps, what it repeats.
#include "aws/sts.h"

#include "tests/unit/aws/query_support.h"

namespace vesto {
namespace {

using testing_support::has;
using testing_support::query_fault;
using testing_support::QueryTest;

const std::string kRole = "arn:aws:iam::123456789012:role/transfer";
const std::string kToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl+/=";

std::string role_answer(const std::string& action, const std::string& expiration) {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><Credentials><AccessKeyId>ASIAEXAMPLE12345</AccessKeyId>"
         "<SecretAccessKey>se/cret+of+answer</SecretAccessKey>"
         "<SessionToken>IQoJtoken-of-answer==</SessionToken><Expiration>" +
         expiration +
         "</Expiration></Credentials><AssumedRoleUser>"
         "<Arn>arn:aws:sts::123456789012:assumed-role/transfer/vesto</Arn>"
         "<AssumedRoleId>AROAX:vesto</AssumedRoleId></AssumedRoleUser>"
         "<SubjectFromWebIdentityToken>112233</SubjectFromWebIdentityToken>"
         "<Audience>vesto-abc</Audience><PackedPolicySize>6</PackedPolicySize></" +
         action + "Result><ResponseMetadata><RequestId>R</RequestId></ResponseMetadata></" +
         action + "Response>";
}

class StsTest : public QueryTest {
 protected:
  std::unique_ptr<Sts> sts(const std::string& region = "us-east-1",
                           const std::string& endpoint = "") {
    return make_sts({.region = region, .endpoint = endpoint}, clock_, transport());
  }
  Result<AssumedRole> with_token(const AssumeRoleRequest& request) {
    return sts()->assume_role_with_web_identity(request, Secret(kToken), {});
  }
  static AssumeRoleRequest request() {
    return {.role_arn = kRole, .session_name = "vesto", .duration_s = 900};
  }
};

TEST_F(StsTest, AnAccessKeyIdThatIsNoneIsRefused) {
  for (const char* id : {"ASIA' REGION 'x", "ASIA'x", "ASIA&quot;x", "ASIA/x", "ASIA,x"}) {
    std::string answer = role_answer("AssumeRoleWithWebIdentity", "2026-01-02T04:04:05Z");
    const std::string good = "ASIAEXAMPLE12345";
    answer.replace(answer.find(good), good.size(), id);
    for (int i = 0; i < 3; ++i) script_.answer(200, answer);
    const auto role = with_token(request());
    script_.answers.clear();
    ASSERT_FALSE(role.ok()) << id;
    EXPECT_EQ(role.error().code(), ErrorCode::kAwsAnswer) << id;
  }
}

// An answer that names no session of a role did not come from AWS: its keys are not used.
TEST_F(StsTest, ASessionThatIsNoneIsRefused) {
  const std::string good = "arn:aws:sts::123456789012:assumed-role/transfer/vesto";
  for (const char* arn :
       {"arn:", "arn:aws:iam::123456789012:role/transfer", "arn:aws:sts::1:assumed-role/transfer/v",
        "arn:aws:sts::123456789012:assumed-role/transfer", "transfer",
        "arn:moon:sts::123456789012:assumed-role/transfer/vesto"}) {
    for (const std::string action : {"AssumeRoleWithWebIdentity", "AssumeRole"}) {
      std::string answer = role_answer(action, "2026-01-02T04:04:05Z");
      answer.replace(answer.find(good), good.size(), arn);
      for (int i = 0; i < 3; ++i) script_.answer(200, answer);
      const auto role =
          action == "AssumeRole" ? sts()->assume_role(request(), as_, {}) : with_token(request());
      script_.answers.clear();
      ASSERT_FALSE(role.ok()) << arn;
      EXPECT_EQ(role.error().code(), ErrorCode::kAwsAnswer) << arn;
      EXPECT_TRUE(has(role.error().to_string(), "AssumedRoleUser/Arn")) << role.error().to_string();
      EXPECT_FALSE(has(role.error().to_string(), "se/cret")) << arn;
    }
  }
}

// Vector V1: the same request signed by botocore has this signature.
TEST_F(StsTest, CallerIdentityIsSignedAsBotocoreSignsIt) {
  script_.answer(200,
                 "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u"
                 "</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
                 "</GetCallerIdentityResult></GetCallerIdentityResponse>");
  const auto who = sts()->get_caller_identity(as_, {});
  ASSERT_TRUE(who.ok()) << who.error().to_string();
  EXPECT_EQ(who->arn, "arn:aws:iam::1:user/u");
  EXPECT_EQ(who->account, "123456789012");
  EXPECT_EQ(who->user_id, "AIDA");
  const auto& sent = script_.sent.at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, "https://sts.us-east-1.amazonaws.com/");
  EXPECT_EQ(sent.body, "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_EQ(sent.headers.at("content-type"), "application/x-www-form-urlencoded; charset=utf-8");
  EXPECT_EQ(sent_signature(), "29f51a4625d88ecf3fc224cd3c1dbf34312a6127ea8cd5e3fa0a3c28214dee45");
}

TEST_F(StsTest, WebIdentityIsNotSigned) {
  script_.answer(200, role_answer("AssumeRoleWithWebIdentity", "2026-01-02T04:04:05Z"));
  AssumeRoleRequest wanted = request();
  wanted.session_policy = "{\"a\": 1}";
  wanted.external_id = "not sent here";
  const auto role = with_token(wanted);
  ASSERT_TRUE(role.ok()) << role.error().to_string();
  EXPECT_EQ(role->credentials.access_key_id, "ASIAEXAMPLE12345");
  EXPECT_EQ(role->credentials.secret_access_key.reveal(), "se/cret+of+answer");
  EXPECT_EQ(role->credentials.session_token.reveal(), "IQoJtoken-of-answer==");
  EXPECT_EQ(role->credentials.expires_at_ms, 1'767'326'645'000);
  EXPECT_EQ(role->arn, "arn:aws:sts::123456789012:assumed-role/transfer/vesto");
  EXPECT_EQ(role->subject, "112233");
  EXPECT_EQ(role->audience, "vesto-abc");
  const auto& sent = script_.sent.at(0);
  EXPECT_EQ(sent.headers.count("authorization"), 0U);
  EXPECT_EQ(sent.headers.count("x-amz-date"), 0U);
  EXPECT_EQ(sent.body,
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
            "&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Ftransfer&RoleSessionName=vesto"
            "&DurationSeconds=900&Policy=%7B%22a%22%3A%201%7D"
            "&WebIdentityToken=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl%2B%2F%3D");
}

TEST_F(StsTest, AssumeRoleSendsTheExternalId) {
  script_.answer(200, role_answer("AssumeRole", "2026-01-02T04:04:05.123Z"));
  AssumeRoleRequest wanted = request();
  wanted.external_id = "ext/1";
  const auto role = sts("eu-west-1", "http://127.0.0.1:4566")->assume_role(wanted, as_, {});
  ASSERT_TRUE(role.ok()) << role.error().to_string();
  EXPECT_TRUE(has(script_.sent.at(0).body, "&ExternalId=ext%2F1"));
  EXPECT_EQ(script_.sent.at(0).url, "http://127.0.0.1:4566/");
  EXPECT_TRUE(has(script_.sent.at(0).headers.at("authorization"), "/eu-west-1/sts/aws4_request"));
}

TEST_F(StsTest, SessionNames) {
  const std::pair<std::string, std::string> cases[] = {
      {"shop orders/2026", "shop-orders-2026"},
      {"a_b+c=d,e.f@g-h", "a_b%2Bc%3Dd%2Ce.f%40g-h"},
      {"", "vesto"},
      {"x", "vesto-x"},
      {"m\xC3\xBCll", "m-ll"},
      {"\xF0\x9F\x98\x80!", "--"},
      {std::string(100, 'n'), std::string(64, 'n')},
  };
  for (const auto& [given, sent] : cases) {
    script_.answer(200, role_answer("AssumeRoleWithWebIdentity", "2026-01-02T04:04:05Z"));
    AssumeRoleRequest wanted = request();
    wanted.session_name = given;
    ASSERT_TRUE(with_token(wanted).ok());
    EXPECT_TRUE(has(script_.sent.back().body, "&RoleSessionName=" + sent + "&")) << sent;
  }
}

TEST_F(StsTest, RefusesWhatStsCouldNotTake) {
  AssumeRoleRequest wanted = request();
  wanted.duration_s = 899;
  EXPECT_EQ(with_token(wanted).error().code(), ErrorCode::kCfgValue);
  wanted.duration_s = 43'201;
  EXPECT_EQ(with_token(wanted).error().code(), ErrorCode::kCfgValue);
  wanted = request();
  wanted.role_arn = "transfer";
  EXPECT_EQ(with_token(wanted).error().code(), ErrorCode::kCfgValue);
  EXPECT_EQ(sts()->assume_role_with_web_identity(request(), Secret(), {}).error().code(),
            ErrorCode::kAwsToken);
  EXPECT_EQ(sts()
                ->assume_role_with_web_identity(request(), Secret(std::string(20'001, 'x')), {})
                .error()
                .code(),
            ErrorCode::kAwsToken);
  EXPECT_EQ(sts("evil.com/#")->get_caller_identity(as_, {}).error().code(), ErrorCode::kCfgValue);
  EXPECT_EQ(sts("")->get_caller_identity(as_, {}).error().code(), ErrorCode::kCfgValue);
  EXPECT_EQ(sts("eu-west-1", "nothing")->get_caller_identity(as_, {}).error().code(),
            ErrorCode::kCfgValue);
  EXPECT_TRUE(script_.sent.empty());
}

TEST_F(StsTest, RepeatsWhatPasses) {
  const std::string good = role_answer("AssumeRoleWithWebIdentity", "2026-01-02T04:04:05Z");
  const std::function<void()> passing[] = {
      [&] { script_.fail(ErrorCode::kNetReset); },
      [&] { script_.answer(500, "oops"); },
      [&] { script_.answer(503, query_fault("ServiceUnavailable", "x")); },
      [&] { script_.answer(400, query_fault("Throttling", "Rate exceeded")); },
      [&] { script_.answer(400, query_fault("IDPCommunicationError", "x")); },
      [&] {
        script_.answer(400, query_fault("InvalidIdentityToken",
                                        "Couldn't retrieve verification key from your identity "
                                        "provider, please reference documentation"));
      },
      [&] { script_.answer(200, "cut <AssumeRole"); },
  };
  for (const auto& fault : passing) {
    script_.sent.clear();
    fault();
    fault();
    script_.answer(200, good);
    EXPECT_TRUE(with_token(request()).ok());
    EXPECT_EQ(script_.sent.size(), 3U);
  }
  EXPECT_EQ(script_.sent.at(0).body, script_.sent.at(2).body);
}

TEST_F(StsTest, GivesUpAfterThreeAndAtOnceOnARefusal) {
  for (int i = 0; i < 3; ++i) script_.answer(503, query_fault("ServiceUnavailable", "x"));
  EXPECT_EQ(with_token(request()).error().code(), ErrorCode::kAwsServer);
  EXPECT_EQ(script_.sent.size(), 3U);
  script_.sent.clear();
  script_.answer(403, query_fault("AccessDenied", "Not authorized"));
  EXPECT_EQ(with_token(request()).error().code(), ErrorCode::kAwsAssumeDenied);
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(StsTest, StopsBetweenAttempts) {
  script_.answer(503, query_fault("ServiceUnavailable", "x"));
  std::stop_source stop;
  stop.request_stop();
  const auto role =
      sts()->assume_role_with_web_identity(request(), Secret(kToken), stop.get_token());
  EXPECT_EQ(role.error().code(), ErrorCode::kRunInterrupted);
}

// AWS echoes tokens in some texts, whole or cut.
TEST_F(StsTest, NoTokenInAnyError) {
  script_.answer(400, query_fault("ValidationError", "bad value " + kToken + " and again " +
                                                         kToken.substr(0, 25) + "..."));
  const Error error = with_token(request()).error();
  const std::string all = error.to_string() + error.hint() + error.upstream().text;
  EXPECT_FALSE(has(all, "eyJ")) << all;
  EXPECT_TRUE(has(all, "***"));
  // A secret of the answer itself, in a field that makes the answer bad.
  for (int i = 0; i < 3; ++i) {
    script_.answer(200, role_answer("AssumeRole", "se/cret+of+answer"));
  }
  const Error bad = sts()->assume_role(request(), as_, {}).error();
  EXPECT_EQ(bad.code(), ErrorCode::kAwsAnswer);
  EXPECT_FALSE(has(bad.to_string(), "cret+of"));
}

TEST_F(StsTest, AnExpiryInThePastIsNoAnswer) {
  for (int i = 0; i < 3; ++i) {
    script_.answer(200, role_answer("AssumeRoleWithWebIdentity", "2026-01-02T03:04:05Z"));
  }
  const Error error = with_token(request()).error();
  EXPECT_EQ(error.code(), ErrorCode::kAwsAnswer);
  EXPECT_TRUE(has(error.hint(), "clock"));
}

}  // namespace
}  // namespace vesto
