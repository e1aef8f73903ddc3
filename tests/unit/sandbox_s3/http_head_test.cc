#include "sandbox/http/http_head.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

int status_of(const std::string& head) {
  const auto request = parse_request_head(head);
  if (!request.ok()) return request.error().status;
  const auto framing = body_framing(*request);
  return framing.ok() ? 200 : framing.error().status;
}

TEST(HttpHead, KeepsTheTargetAsSent) {
  const auto request =
      parse_request_head("PUT /a%2Fb//../c?x=%41&y HTTP/1.1\r\nHost: h:1\r\nX-A:  b c \t\r\n\r\n");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->method, "PUT");
  EXPECT_EQ(request->path, "/a%2Fb//../c");
  EXPECT_EQ(request->query, "x=%41&y");
  EXPECT_EQ(request->header_or_empty("x-a"), "b c");
  EXPECT_EQ(request->header("x-b"), nullptr);
}

TEST(HttpHead, RefusesWhatIsNotHttp) {
  const std::string host = "Host: h\r\n";
  for (const std::string& bad : {
           std::string(),
           std::string("\r\n\r\n"),
           std::string("GET /\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\n\r\n"),        // no Host
           "GET / HTTP/1.1\r\n" + host + host + "\r\n",  // two
           "GET a HTTP/1.1\r\n" + host + "\r\n",         // not from the root
           "GET http://h/ HTTP/1.1\r\n" + host + "\r\n",
           "GET /a b HTTP/1.1\r\n" + host + "\r\n",
           "G(T / HTTP/1.1\r\n" + host + "\r\n",
           "GET / HTTP/1.1\r\n" + host + " folded\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "X : y\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + ": y\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host +
               "X: a\x01"
               "b\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host,
           "GET / HTTP/1.1\r\n" + host + "\r\nmore",
           "GET / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n",
           "GET / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       }) {
    EXPECT_EQ(status_of(bad), 400) << bad;
  }
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n" + host + "\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n"),
            501);
  std::string many = "GET / HTTP/1.1\r\n" + host;
  for (size_t i = 0; i < kMaxHeaders; ++i) many += "a: b\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
}

TEST(HttpHead, Framing) {
  const auto framing = [](const std::string& header) {
    return *body_framing(*parse_request_head("PUT / HTTP/1.1\r\nHost: h\r\n" + header + "\r\n"));
  };
  EXPECT_FALSE(framing("").length.has_value());
  EXPECT_EQ(framing("Content-Length: 12\r\n").length.value_or(0), 12U);
  EXPECT_EQ(framing("Content-Length: 12\r\nContent-Length: 12\r\n").length.value_or(0), 12U);
  EXPECT_TRUE(framing("Transfer-Encoding: Chunked\r\n").chunked);
}

TEST(HttpHead, KeepAlive) {
  const auto keeps = [](const std::string& version, const std::string& header) {
    return wants_keep_alive(
        *parse_request_head("GET / " + version + "\r\nHost: h\r\n" + header + "\r\n"));
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: foo, Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
}

TEST(HttpHead, ChunkSizes) {
  EXPECT_EQ(parse_chunk_size("1a").value_or(0), 26U);
  EXPECT_EQ(parse_chunk_size("FF;chunk-signature=0").value_or(0), 255U);
  EXPECT_EQ(parse_chunk_size("0").value_or(1), 0U);
  for (const char* bad : {"", "x", "-1", "0x1", ";a", "1000000000000000", "1 1"}) {
    EXPECT_FALSE(parse_chunk_size(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace vesto::sandbox
