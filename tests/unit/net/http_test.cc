// The HTTP client against real sockets: good answers, and as many bad ones as there are codes.
#include "net/http.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "tests/support/raw_server.h"

namespace vesto {
namespace {

using testing_support::make_certificate;
using testing_support::RawServer;
using testing_support::TestCertificate;

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Some: thing \r\n\r\nhi";

std::string url_of(const RawServer& server, const std::string& path = "/",
                   const std::string& scheme = "http", const std::string& host = "127.0.0.1") {
  return scheme + "://" + host + ":" + std::to_string(server.port()) + path;
}

Result<HttpResponse> get(const std::string& url, HttpOptions options = {},
                         uint64_t max_answer_bytes = 1 << 20) {
  return make_http_client(std::move(options))
      ->send({.method = "GET", .url = url, .max_answer_bytes = max_answer_bytes}, {});
}

ErrorCode code_of(const Result<HttpResponse>& result) {
  return result.ok() ? ErrorCode::kUsage : result.error().code();
}

// Answers every request with the same bytes, for as long as the client asks.
RawServer::Handler always(const std::string& bytes) {
  return [bytes](RawServer::Connection& connection) {
    while (!connection.read_request().empty()) connection.write(bytes);
  };
}

TEST(Http, GetsStatusHeadersAndBody) {
  RawServer server(always(kOk));
  const auto answer = get(url_of(server, "/a//b/../c%2F?x=1"));
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hi");
  EXPECT_EQ(answer->header("x-some"), "thing");
  EXPECT_EQ(answer->header("absent"), "");
  EXPECT_FALSE(answer->too_large);
  const std::string sent = server.requests().at(0);
  EXPECT_TRUE(sent.starts_with("GET /a//b/../c%2F?x=1 HTTP/1.1\r\n")) << sent;
}

TEST(Http, PutsABody) {
  RawServer server(always(kOk));
  std::string body(300'000, 'b');
  body[7] = '\0';
  const auto answer = make_http_client({})->send({.method = "PUT",
                                                  .url = url_of(server, "/k"),
                                                  .headers = {{"x-one", "1"}, {"x-empty", ""}},
                                                  .body = body},
                                                 {});
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  const std::string sent = server.requests().at(0);
  EXPECT_TRUE(sent.starts_with("PUT /k HTTP/1.1\r\n"));
  EXPECT_NE(sent.find("\r\nContent-Length: 300000\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\r\nx-one: 1\r\n"), std::string::npos);
  EXPECT_NE(sent.find("\r\nx-empty:\r\n"), std::string::npos);
  EXPECT_EQ(sent.find("Expect:"), std::string::npos);
  EXPECT_EQ(sent.find("Content-Type:"), std::string::npos);
  EXPECT_EQ(sent.find("Transfer-Encoding"), std::string::npos);
  EXPECT_TRUE(sent.ends_with(body));
}

TEST(Http, OtherMethods) {
  RawServer server(always("HTTP/1.1 204 No Content\r\nContent-Length: 123\r\n\r\n"));
  const auto client = make_http_client({});
  for (const char* method : {"DELETE", "POST", "PUT", "HEAD"}) {
    const auto answer = client->send({.method = method, .url = url_of(server)}, {});
    ASSERT_TRUE(answer.ok()) << method << answer.error().to_string();
    EXPECT_EQ(answer->status, 204);
  }
  const auto sent = server.requests();
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_TRUE(sent[0].starts_with("DELETE / "));
  EXPECT_NE(sent[1].find("Content-Length: 0"), std::string::npos);
  EXPECT_NE(sent[2].find("Content-Length: 0"), std::string::npos);
  EXPECT_TRUE(sent[3].starts_with("HEAD / "));
}

TEST(Http, KeepsTheConnection) {
  RawServer server(always(kOk));
  const auto client = make_http_client({});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(client->send({.url = url_of(server)}, {}).ok());
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, SetsNothingOverFromOneRequestToTheNext) {
  RawServer server(always(kOk));
  const auto client = make_http_client({});
  ASSERT_TRUE(
      client
          ->send(
              {.method = "PUT", .url = url_of(server), .headers = {{"x-one", "1"}}, .body = "body"},
              {})
          .ok());
  ASSERT_TRUE(client->send({.method = "GET", .url = url_of(server)}, {}).ok());
  const std::string second = server.requests().at(1);
  EXPECT_TRUE(second.starts_with("GET / "));
  EXPECT_EQ(second.find("x-one"), std::string::npos);
  EXPECT_EQ(second.find("Content-Length"), std::string::npos);
}

TEST(Http, ErrorStatusAndRedirectsAreAnswers) {
  for (const char* status : {"500 Oops", "403 No", "301 Moved", "307 Elsewhere"}) {
    RawServer server(always("HTTP/1.1 " + std::string(status) +
                            "\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 1\r\n\r\nx"));
    const auto answer = get(url_of(server));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, std::atoi(status));
    EXPECT_EQ(answer->body, "x");
    EXPECT_EQ(server.requests().size(), 1U);
  }
}

TEST(Http, InterimAnswerIsSkipped) {
  RawServer server(always("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\n" + kOk));
  const auto answer = get(url_of(server));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->header("x-interim"), "");
}

TEST(Http, LargeAnswerIsCut) {
  RawServer server(
      always("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x')));
  const auto answer = get(url_of(server), {}, 1000);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer->too_large);
  EXPECT_EQ(answer->body.size(), 1000U);
  const auto exact = get(url_of(server), {}, 100'000);
  ASSERT_TRUE(exact.ok());
  EXPECT_FALSE(exact->too_large);
}

TEST(Http, EndlessHeadersAreCut) {
  RawServer server([](RawServer::Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10'000; ++i) connection.write("X-H: " + std::string(100, 'h') + "\r\n");
    connection.write("\r\n");
  });
  const auto answer = get(url_of(server));
  if (answer.ok()) {
    EXPECT_TRUE(answer->too_large);
  } else {
    EXPECT_EQ(answer.error().code(), ErrorCode::kNetReset);
  }
}

// The name has no address, so only a proxy can answer for it.
TEST(Http, ProxyOfTheEnvironmentUnlessSwitchedOff) {
  RawServer proxy(always(kOk));
  const std::string url = "http://" + std::string(70, 'a') + ".invalid/some?path";
  setenv("http_proxy", url_of(proxy).c_str(), 1);
  const auto through = get(url);
  const auto around = get(url, {.no_proxy = true});
  unsetenv("http_proxy");
  ASSERT_TRUE(through.ok()) << through.error().to_string();
  ASSERT_EQ(proxy.requests().size(), 1U);
  EXPECT_TRUE(proxy.requests()[0].starts_with("GET " + url)) << proxy.requests()[0];
  EXPECT_EQ(code_of(around), ErrorCode::kNetDns);
}

TEST(HttpErrors, Refused) {
  int port = 0;
  {
    const RawServer server(always(kOk));
    port = server.port();
  }  // nobody listens there any more
  const auto answer = get("http://127.0.0.1:" + std::to_string(port) + "/secret?path");
  EXPECT_EQ(code_of(answer), ErrorCode::kNetRefused);
  EXPECT_EQ(answer.error().to_string().find("secret"), std::string::npos);
}

TEST(HttpErrors, UnknownName) {
  // A label of more than 63 bytes: no resolver is asked.
  EXPECT_EQ(code_of(get("http://" + std::string(70, 'a') + ".invalid/")), ErrorCode::kNetDns);
}

TEST(HttpErrors, CutConnections) {
  RawServer nothing([](RawServer::Connection& connection) { connection.read_request(); });
  EXPECT_EQ(code_of(get(url_of(nothing))), ErrorCode::kNetReset);
  RawServer half([](RawServer::Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
  });
  EXPECT_EQ(code_of(get(url_of(half))), ErrorCode::kNetReset);
  RawServer chunk([](RawServer::Connection& connection) {
    connection.read_request();
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this");
  });
  EXPECT_EQ(code_of(get(url_of(chunk))), ErrorCode::kNetReset);
  RawServer garbage([](RawServer::Connection& connection) {
    connection.read_request();
    connection.write("220 mail.example ESMTP\r\n");
  });
  EXPECT_EQ(code_of(get(url_of(garbage))), ErrorCode::kNetWrongPort);
}

TEST(HttpErrors, NoAnswerInTime) {
  RawServer silent([](RawServer::Connection& connection) { connection.wait_for_end(); });
  EXPECT_EQ(code_of(get(url_of(silent), {.request_timeout_ms = 200})), ErrorCode::kNetTimeout);
}

TEST(HttpErrors, StopEndsARequestThatWaits) {
  std::stop_source source;
  RawServer silent([&](RawServer::Connection& connection) {
    connection.read_request();
    source.request_stop();
    connection.wait_for_end();
  });
  const auto answer = make_http_client({})->send({.url = url_of(silent)}, source.get_token());
  EXPECT_EQ(code_of(answer), ErrorCode::kRunInterrupted);
}

TEST(HttpErrors, StopBeforeSendsNothing) {
  std::stop_source source;
  source.request_stop();
  RawServer server(always(kOk));
  EXPECT_EQ(code_of(make_http_client({})->send({.url = url_of(server)}, source.get_token())),
            ErrorCode::kRunInterrupted);
  EXPECT_EQ(server.connections(), 0);
}

TEST(HttpErrors, BadUrlsAndHeaders) {
  for (const char* url : {"", "127.0.0.1", "ftp://127.0.0.1/", "file:///etc/passwd",
                          "http://user:password@127.0.0.1/", "http://", "http://a b/"}) {
    EXPECT_EQ(code_of(get(url)), ErrorCode::kCfgValue) << url;
  }
  for (const std::string& value :
       {std::string("a\r\nX-Evil: 1"), std::string("a\nb"), std::string("a\0b", 3)}) {
    const auto answer = make_http_client({})->send(
        {.url = "http://127.0.0.1:1/", .headers = {{"x-token", value}}}, {});
    EXPECT_EQ(code_of(answer), ErrorCode::kCfgValue);
  }
}

class HttpTls : public testing::Test {
 protected:
  ~HttpTls() override {
    for (const std::string& path : files_) unlink(path.c_str());
  }
  std::string file_with(const std::string& text) {
    char path[] = "/tmp/vesto-net-test-XXXXXX";
    const int fd = mkstemp(path);
    EXPECT_GE(fd, 0);
    close(fd);
    std::ofstream(path) << text;
    files_.emplace_back(path);
    return path;
  }
  std::vector<std::string> files_;
};

TEST_F(HttpTls, TrustsTheNamedCa) {
  const TestCertificate certificate = make_certificate("localhost");
  RawServer server(always(kOk), &certificate);
  const auto answer = get(url_of(server, "/", "https", "localhost"),
                          {.tls_ca_file = file_with(certificate.ca_pem)});
  ASSERT_TRUE(answer.ok()) << answer.error().to_string();
  EXPECT_EQ(answer->body, "hi");
}

TEST_F(HttpTls, UnknownCaIsRefused) {
  const TestCertificate certificate = make_certificate("localhost");
  const TestCertificate another = make_certificate("localhost");
  RawServer server(always(kOk), &certificate);
  const std::string url = url_of(server, "/", "https", "localhost");
  EXPECT_EQ(code_of(get(url)), ErrorCode::kNetTlsCa);
  EXPECT_EQ(code_of(get(url, {.tls_ca_file = file_with(another.ca_pem)})), ErrorCode::kNetTlsCa);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpTls, ExpiredCertificateIsRefused) {
  const TestCertificate certificate = make_certificate("localhost", /*expired=*/true);
  RawServer server(always(kOk), &certificate);
  EXPECT_EQ(code_of(get(url_of(server, "/", "https", "localhost"),
                        {.tls_ca_file = file_with(certificate.ca_pem)})),
            ErrorCode::kNetTlsCa);
}

TEST_F(HttpTls, AnotherNameIsRefused) {
  const TestCertificate certificate = make_certificate("another.example");
  RawServer server(always(kOk), &certificate);
  const HttpOptions options{.tls_ca_file = file_with(certificate.ca_pem)};
  EXPECT_EQ(code_of(get(url_of(server, "/", "https", "localhost"), options)),
            ErrorCode::kNetTlsName);
  EXPECT_EQ(code_of(get(url_of(server, "/", "https", "127.0.0.1"), options)),
            ErrorCode::kNetTlsName);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpTls, ClearTextServerAndBadCaFile) {
  RawServer server([](RawServer::Connection& connection) {
    connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_for_end();
  });
  const std::string url = url_of(server, "/", "https", "localhost");
  EXPECT_EQ(code_of(get(url)), ErrorCode::kNetWrongPort);
  EXPECT_EQ(code_of(get(url, {.tls_ca_file = "/nowhere/ca.pem"})), ErrorCode::kCfgValue);
  EXPECT_EQ(code_of(get(url, {.tls_ca_file = file_with("no PEM")})), ErrorCode::kCfgValue);
}

TEST(Percent, BothWays) {
  EXPECT_EQ(percent_encode("a/b c+\xc3\xbc~%", true), "a/b%20c%2B%C3%BC~%25");
  EXPECT_EQ(percent_encode("a/b", false), "a%2Fb");
  EXPECT_EQ(percent_decode("a%2fb+c%41", true), "a/b cA");
  EXPECT_EQ(percent_decode("a+b", false), "a+b");
  for (const char* bad : {"%", "a%", "%4", "%g0", "%0g", "%%41"}) {
    EXPECT_FALSE(percent_decode(bad, false).has_value()) << bad;
  }
}

}  // namespace
}  // namespace vesto
