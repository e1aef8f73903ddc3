// Every way in which a request can fail to prove who sent it.
#include "sandbox/s3/request_auth.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/s3/dates.h"
#include "sandbox/s3/key_ring.h"

namespace vesto::sandbox {
namespace {

constexpr int64_t kNowMs = 1767323045000;  // 20260102T030405Z
constexpr const char* kRegion = "eu-west-1";

class RequestAuthTest : public testing::Test {
 protected:
  RequestAuthTest() {
    keys_.add({"AKIDEXAMPLE", "secret", "", 0});
    keys_.add({"ASIATEMP", "other", "token", kNowMs + 1000});
  }

  // A correctly signed GET of the key pair `id`; `change` may alter it before it is signed.
  static HttpRequest signed_get(const std::string& id = "AKIDEXAMPLE",
                                const std::string& secret = "secret",
                                const std::vector<std::pair<std::string, std::string>>& more = {},
                                int64_t time_ms = kNowMs, const SigningScope* scope = nullptr) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/b/k";
    request.query = "list-type=2";
    const std::string time = format_amz_time(time_ms);
    request.headers = {
        {"host", "localhost:9000"}, {"x-amz-content-sha256", sha256_hex("")}, {"x-amz-date", time}};
    request.headers.insert(request.headers.end(), more.begin(), more.end());
    const SigningScope own{time.substr(0, 8), kRegion, "s3"};
    sign(request, id, secret, time, scope == nullptr ? own : *scope);
    return request;
  }

  static void sign(HttpRequest& request, const std::string& id, const std::string& secret,
                   const std::string& time, const SigningScope& scope) {
    std::vector<std::string> names;
    for (const auto& header : request.headers) names.push_back(header.first);
    const std::string canonical =
        request.method + "\n" + *canonical_path(request.path) + "\n" +
        *canonical_query(request.query, "") + "\n" + canonical_headers(request.headers, names) +
        "\n" + join(names, ";") + "\n" + request.header_or_empty("x-amz-content-sha256");
    const std::string signature =
        sign_hex(signing_key(secret, scope), string_to_sign(time, scope, canonical));
    request.headers.emplace_back(
        "authorization", "AWS4-HMAC-SHA256 Credential=" + id + "/" + scope.text() +
                             ", SignedHeaders=" + join(names, ";") + ", Signature=" + signature);
  }

  S3Result<AuthenticRequest> check(const HttpRequest& request) const {
    return authenticate(request, keys_, kRegion, kNowMs);
  }
  std::string code(const HttpRequest& request) const {
    const auto result = check(request);
    return result.ok() ? "ok" : std::to_string(result.error().status) + " " + result.error().code;
  }

  MemoryKeyRing keys_;
};

TEST_F(RequestAuthTest, AcceptsWhatIsRight) {
  const auto result = check(signed_get());
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(result->payload, PayloadKind::kHashed);
}

TEST_F(RequestAuthTest, WrongSecret) {
  const auto result = check(signed_get("AKIDEXAMPLE", "Secret"));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().status, 403);
  EXPECT_EQ(result.error().code, "SignatureDoesNotMatch");
  EXPECT_EQ(result.error().extra.at("AWSAccessKeyId"), "AKIDEXAMPLE");
  EXPECT_EQ(result.error().extra.at("StringToSign").rfind("AWS4-HMAC-SHA256\n", 0), 0U);
  EXPECT_EQ(result.error().extra.at("CanonicalRequest").rfind("GET\n/b/k\nlist-type=2\n", 0), 0U);
  EXPECT_EQ(result.error().extra.at("StringToSignBytes").substr(0, 5), "41 57");
}

TEST_F(RequestAuthTest, AnyChangeAfterSigning) {
  HttpRequest path = signed_get();
  path.path = "/b/K";
  HttpRequest query = signed_get();
  query.query = "list-type=1";
  HttpRequest method = signed_get();
  method.method = "DELETE";
  HttpRequest header = signed_get();
  header.headers[0].second = "localhost:9001";
  for (const HttpRequest& request : {path, query, method, header}) {
    EXPECT_EQ(code(request), "403 SignatureDoesNotMatch");
  }
}

TEST_F(RequestAuthTest, UnknownKey) {
  EXPECT_EQ(code(signed_get("AKIDOTHER", "secret")), "403 InvalidAccessKeyId");
}

TEST_F(RequestAuthTest, SessionTokens) {
  const auto with = [](const std::string& token) {
    return signed_get("ASIATEMP", "other", {{"x-amz-security-token", token}});
  };
  EXPECT_EQ(code(with("token")), "ok");
  EXPECT_EQ(code(with("tokem")), "400 InvalidToken");
  EXPECT_EQ(code(signed_get("ASIATEMP", "other")), "403 InvalidAccessKeyId");
  EXPECT_EQ(code(signed_get("AKIDEXAMPLE", "secret", {{"x-amz-security-token", "token"}})),
            "400 InvalidToken");
  const auto late = authenticate(with("token"), keys_, kRegion, kNowMs + 1000);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, "ExpiredToken");
  EXPECT_EQ(late.error().status, 400);
}

TEST_F(RequestAuthTest, SkewedClock) {
  EXPECT_EQ(code(signed_get("AKIDEXAMPLE", "secret", {}, kNowMs + kMaxSkewMs)), "ok");
  EXPECT_EQ(code(signed_get("AKIDEXAMPLE", "secret", {}, kNowMs - kMaxSkewMs)), "ok");
  EXPECT_EQ(code(signed_get("AKIDEXAMPLE", "secret", {}, kNowMs + kMaxSkewMs + 1000)),
            "403 RequestTimeTooSkewed");
  const auto old = check(signed_get("AKIDEXAMPLE", "secret", {}, kNowMs - kMaxSkewMs - 1000));
  ASSERT_FALSE(old.ok());
  EXPECT_EQ(old.error().code, "RequestTimeTooSkewed");
  EXPECT_EQ(old.error().extra.at("ServerTime"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(old.error().extra.at("MaxAllowedSkewMilliseconds"), "900000");
}

TEST_F(RequestAuthTest, WrongScope) {
  const auto scoped = [](const SigningScope& scope) {
    return signed_get("AKIDEXAMPLE", "secret", {}, kNowMs, &scope);
  };
  const auto region = check(scoped({"20260102", "us-east-1", "s3"}));
  ASSERT_FALSE(region.ok());
  EXPECT_EQ(region.error().status, 400);
  EXPECT_EQ(region.error().code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(region.error().message,
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting "
            "'eu-west-1'");
  EXPECT_EQ(region.error().extra.at("Region"), "eu-west-1");
  EXPECT_EQ(code(scoped({"20260102", kRegion, "sts"})), "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(code(scoped({"20260101", kRegion, "s3"})), "400 AuthorizationHeaderMalformed");
}

TEST_F(RequestAuthTest, HeadersThatMustBeSigned) {
  HttpRequest request = signed_get();
  request.headers.emplace_back("x-amz-meta-a", "b");
  const auto result = check(request);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, "AccessDenied");
  EXPECT_EQ(result.error().extra.at("HeadersNotSigned"), "x-amz-meta-a");
  request.headers.back().first = "content-type";
  EXPECT_EQ(code(request), "ok");
}

TEST_F(RequestAuthTest, MalformedAndMissing) {
  const auto with = [](const std::string& header) {
    HttpRequest request;
    request.method = "GET";
    request.path = "/";
    request.headers = {{"host", "h"}, {"x-amz-date", "20260102T030405Z"}};
    if (!header.empty()) request.headers.emplace_back("authorization", header);
    return request;
  };
  EXPECT_EQ(code(with("")), "403 AccessDenied");
  EXPECT_EQ(code(with("AWS AKID:sig")), "400 InvalidRequest");
  EXPECT_EQ(code(with("Bearer x")), "400 InvalidRequest");
  for (const char* header :
       {"AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a", "AWS4-HMAC-SHA256 Credential=",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/s3/aws4, SignedHeaders=host, "
        "Signature=0"}) {
    EXPECT_EQ(code(with(header)), "400 AuthorizationHeaderMalformed") << header;
  }
  HttpRequest undated = signed_get();
  undated.headers.erase(undated.headers.begin() + 2);
  EXPECT_EQ(code(undated), "403 AccessDenied");
  HttpRequest unhashed = signed_get();
  unhashed.headers.erase(unhashed.headers.begin() + 1);
  EXPECT_EQ(code(unhashed), "400 InvalidRequest");
  HttpRequest odd = signed_get();
  odd.headers[1].second = "UNSIGNED";
  EXPECT_EQ(code(odd), "400 InvalidArgument");
  HttpRequest uri = signed_get();
  uri.path = "/%";
  EXPECT_EQ(code(uri), "400 InvalidURI");
}

// ---- presigned ----------------------------------------------------------------------------------

HttpRequest presigned(const std::string& expires, const std::string& secret = "secret",
                      const std::string& host = "h") {
  HttpRequest request;
  request.method = "GET";
  request.path = "/b/k";
  request.headers = {{"host", host}};
  request.query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Feu-west-1%2Fs3%2F"
      "aws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=" +
      expires + "&X-Amz-SignedHeaders=host";
  const SigningScope scope{"20260102", kRegion, "s3"};
  const std::string canonical =
      "GET\n/b/k\n" + *canonical_query(request.query, "") + "\nhost:h\n\nhost\nUNSIGNED-PAYLOAD";
  request.query +=
      "&X-Amz-Signature=" +
      sign_hex(signing_key(secret, scope), string_to_sign("20260102T030405Z", scope, canonical));
  return request;
}

TEST_F(RequestAuthTest, Presigned) {
  EXPECT_EQ(code(presigned("900")), "ok");
  EXPECT_EQ(code(presigned("900", "wrong")), "403 SignatureDoesNotMatch");
  EXPECT_EQ(code(presigned("900", "secret", "other")), "403 SignatureDoesNotMatch");
  EXPECT_EQ(code(presigned("604801")), "400 AuthorizationQueryParametersError");
  EXPECT_EQ(code(presigned("x")), "400 AuthorizationQueryParametersError");
  EXPECT_EQ(code(presigned("-1")), "400 AuthorizationQueryParametersError");
  const auto at = [&](int64_t now_ms) {
    return authenticate(presigned("900"), keys_, kRegion, now_ms);
  };
  EXPECT_TRUE(at(kNowMs + 900'000).ok());
  const auto late = at(kNowMs + 901'000);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().message, "Request has expired");
  EXPECT_EQ(late.error().extra.at("Expires"), "2026-01-02T03:19:05Z");
  const auto early = at(kNowMs - kMaxSkewMs - 1000);
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().message, "Request is not yet valid");
  EXPECT_TRUE(at(kNowMs - kMaxSkewMs).ok());
}

TEST_F(RequestAuthTest, PresignedIncompleteOrDouble) {
  HttpRequest request = presigned("900");
  request.query = replace_all(request.query, "X-Amz-Expires=900&", "");
  EXPECT_EQ(code(request), "400 AuthorizationQueryParametersError");
  HttpRequest both = presigned("900");
  both.headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=x");
  EXPECT_EQ(code(both), "400 InvalidArgument");
  HttpRequest old;
  old.method = "GET";
  old.path = "/";
  old.query = "AWSAccessKeyId=a&Signature=b&Expires=1";
  EXPECT_EQ(code(old), "400 InvalidRequest");
}

}  // namespace
}  // namespace vesto::sandbox
