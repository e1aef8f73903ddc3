// The HTTP server by itself: framing, keep-alive, 100-continue, limits, cuts, stop.
#include "sandbox/http/http_server.h"

#include <gtest/gtest.h>

#include <future>

#include "test_client.h"

namespace vesto::sandbox {
namespace {

std::string read_all(HttpExchange& exchange) {
  std::string body;
  char buffer[7];
  for (;;) {
    const auto got = exchange.read_body(buffer, sizeof(buffer));
    if (!got.ok()) return "error";
    if (*got == 0) return body;
    body.append(buffer, *got);
  }
}

// Answers with what it was asked: "METHOD target body".
void echo(HttpExchange& exchange) {
  const HttpRequest request = exchange.request();
  if (request.path == "/early") {
    exchange.send(403, {}, "no");
  } else if (request.path == "/none") {
    return;
  } else if (request.path == "/short") {
    exchange.begin(200, {}, 10);
    exchange.write("12345");
  } else if (request.path == "/cut") {
    exchange.cut_answer_after(3);
    exchange.send(200, {}, "123456");
  } else if (request.path == "/head") {
    exchange.cut_answer_in_head();
    exchange.send(200, {}, "123456");
  } else if (request.path == "/reset") {
    exchange.cut();
  } else {
    const std::string body = read_all(exchange);
    exchange.send(200, {{"X-Test", "1"}}, request.method + " " + request.target + " " + body);
  }
}

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  void start(HttpServerOptions options) {
    server_.reset();
    auto server = HttpServer::start(std::move(options), echo);
    ASSERT_TRUE(server.ok()) << server.error();
    server_ = std::move(server).value();
  }
  Answer ask(const std::string& bytes) {
    RawClient client(server_->port());
    client.send(bytes);
    return client.receive();
  }
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersSeveralRequestsOnOneConnection) {
  RawClient client(server_->port());
  client.send(
      "GET /a%2f?x HTTP/1.1\r\nHost: h\r\n\r\nPUT /b HTTP/1.1\r\nHost: h\r\n"
      "Content-Length: 5\r\n\r\nhello");
  const Answer first = client.receive();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /a%2f?x ");
  EXPECT_EQ(first.header("x-test"), "1");
  EXPECT_EQ(first.header("date").substr(26), "GMT");
  EXPECT_EQ(client.receive().body, "PUT /b hello");
  client.send("DELETE /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.receive().body, "DELETE /c ");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, ChunkedBodies) {
  const std::string head = "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ask(head + "5\r\nhello\r\n3;x=y\r\n wo\r\n0\r\nT: 1\r\n\r\n").body, "PUT /c hello wo");
  for (const char* bad : {"z\r\n", "5\r\nhelloXX0\r\n\r\n", "-5\r\nhello\r\n"}) {
    EXPECT_EQ(ask(head + bad).body, "PUT /c error") << bad;
  }
}

TEST_F(HttpServerTest, ExpectContinue) {
  RawClient client(server_->port());
  client.send("PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send("ok");
  EXPECT_EQ(client.receive().body, "PUT /x ok");
  // A handler that does not want the body answers at once and the connection ends.
  client.send(
      "PUT /early HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  const Answer refused = client.receive();
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.header("connection"), "close");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, AnEarlyAnswerArrivesWhateverTheClientStillSends) {
  RawClient client(server_->port());
  client.send("PUT /early HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n");
  client.send(std::string(8000000, 'x'));
  EXPECT_EQ(client.receive().status, 403);
  EXPECT_TRUE(client.at_end());
  // A small rest is read and the connection stays.
  RawClient other(server_->port());
  other.send(
      "PUT /early HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(other.receive().status, 403);
  EXPECT_EQ(other.receive().body, "GET /next ");
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  RawClient client(server_->port());
  client.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\nGET /g HTTP/1.1\r\nHost: h\r\n\r\n");
  const Answer head = client.receive(true);
  EXPECT_EQ(head.header("content-length"), "8");
  EXPECT_EQ(client.receive().body, "GET /g ");
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  EXPECT_EQ(ask("\x16\x03\x01\x02\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET / HTTP/3.0\r\nHost: h\r\n\r\n").status, 505);
  EXPECT_EQ(ask("GET /" + std::string(kMaxHeadBytes, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n").status,
            431);
  EXPECT_EQ(ask("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
                "\r\n")
                .status,
            400);
  RawClient half(server_->port());
  half.send("GET / HT");
  half.end_sending();
  EXPECT_TRUE(half.at_end());
  EXPECT_EQ(ask("GET /still HTTP/1.1\r\nHost: h\r\n\r\n").body, "GET /still ");
}

TEST_F(HttpServerTest, HandlersThatFail) {
  EXPECT_EQ(ask("GET /none HTTP/1.1\r\nHost: h\r\n\r\n").status, 500);
  const Answer cut = ask("GET /short HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(cut.body, "12345");
  EXPECT_FALSE(cut.whole);
}

TEST_F(HttpServerTest, Cuts) {
  const Answer cut = ask("GET /cut HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(cut.status, 200);
  EXPECT_EQ(cut.body, "123");
  EXPECT_FALSE(cut.whole);
  EXPECT_EQ(ask("GET /head HTTP/1.1\r\nHost: h\r\n\r\n").status, 0);
  EXPECT_EQ(ask("GET /reset HTTP/1.1\r\nHost: h\r\n\r\n").status, 0);
}

TEST_F(HttpServerTest, IdleConnectionsEnd) {
  HttpServerOptions options;
  options.idle_timeout_ms = 50;
  start(options);
  RawClient client(server_->port());
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, TooManyConnections) {
  HttpServerOptions options;
  options.max_connections = 1;
  start(options);
  RawClient first(server_->port());
  first.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(first.receive().status, 200);
  RawClient second(server_->port());
  EXPECT_EQ(second.receive().status, 503);
  EXPECT_TRUE(second.at_end());
}

TEST_F(HttpServerTest, StopEndsOpenConnections) {
  RawClient idle(server_->port());
  RawClient busy(server_->port());
  busy.send("PUT /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
  RawClient asked(server_->port());
  asked.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(asked.receive().status, 200);
  server_->stop();
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(asked.at_end());
  server_->stop();
}

TEST_F(HttpServerTest, APortBelongsToOneServer) {
  HttpServerOptions options;
  options.port = server_->port();
  const auto second = HttpServer::start(options, echo);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().find("cannot listen"), std::string::npos);
}

TEST(HttpDate, Format) {
  EXPECT_EQ(format_http_date(1369353600123), "Fri, 24 May 2013 00:00:00 GMT");
  EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

}  // namespace
}  // namespace vesto::sandbox
