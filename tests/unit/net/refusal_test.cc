// A server that answers the question for TLS by an error: what it says is shown and sorted.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "net/probe.h"
#include "net/server_refusal.h"
#include "tests/support/raw_server.h"
#include "tests/unit/net/probe_world.h"

namespace vesto {
namespace {

using namespace std::string_literals;  // a text that holds NULs
using probe_world::code;
using probe_world::probe_answer;
using probe_world::to;
using testing_support::RawServer;

// A message of version 3; `length` as it stands in the message, 0 = the right one.
std::string refusal(const std::string& fields, uint32_t length = 0) {
  if (length == 0) length = static_cast<uint32_t>(fields.size() + 4);
  std::string out = "E";
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift);
  return out + fields;
}

const std::string kFull = "SFATAL\0C53300\0Msorry, too many clients already\0\0"s;

TEST(Refusal, AServerThatIsFullSaysSo) {
  ProbeReport report = probe_answer(refusal(kFull));
  ASSERT_EQ(code(report), "RS-CONN-LIMIT");
  EXPECT_NE(report.error->message().find("sorry, too many clients already (53300)"),
            std::string::npos)
      << report.error->message();
  EXPECT_EQ(report.error->upstream().system, "redshift");
  EXPECT_EQ(report.error->upstream().code, "53300");
  // What a server says that cannot even make a process: version 2's form.
  report = probe_answer("Ecould not fork new process for connection: no memory\n\0"s);
  ASSERT_EQ(code(report), "RS-CONNECTION");
  EXPECT_NE(report.error->message().find("no memory"), std::string::npos);
  RawServer source([](RawServer::Connection& c) { c.write(refusal(kFull)); });
  ProbeOptions options = to(source.port());
  options.server = ServerKind::kSource;
  EXPECT_EQ(code(probe(options)), "PG-CONNECT");
}

TEST(Refusal, AnOldServerDoesNotKnowTheQuestion) {
  const std::string text = "unsupported frontend protocol 1234.5679";
  ProbeReport report = probe_answer("E" + text + std::string(1, '\0'));
  ASSERT_EQ(code(report), "RS-TLS-OFF");
  EXPECT_NE(report.error->message().find(text), std::string::npos);
  report = probe_answer(refusal("SFATAL\0C0A000\0Mno such protocol\0\0"s));
  EXPECT_EQ(code(report), "RS-TLS-OFF");
}

TEST(Refusal, ARefusalInPiecesAndOneThatNeverEnds) {
  RawServer slow([](RawServer::Connection& c) {
    for (const char byte : refusal(kFull)) {
      c.write(std::string(1, byte));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    c.wait_for_end();
  });
  const ProbeReport whole = probe(to(slow.port()));
  ASSERT_EQ(code(whole), "RS-CONN-LIMIT");
  EXPECT_NE(whole.error->message().find("already (53300)"), std::string::npos);
  RawServer endless([](RawServer::Connection& c) {
    c.write(refusal("SFATAL\0C53300\0M"s + std::string(1'000'000, 'x'), 29'000));
    c.wait_for_end();
  });
  const ProbeReport cut = probe(to(endless.port()));
  ASSERT_EQ(code(cut), "RS-CONN-LIMIT");
  EXPECT_LT(cut.error->message().size(), 600U);
}

TEST(Refusal, WhatOnlyLooksLikeARefusalIsNone) {
  EXPECT_EQ(code(probe_answer(refusal("\0"s))), "NET-WRONG-PORT");
  EXPECT_EQ(code(probe_answer(refusal(std::string(4, '\0'), 8))), "NET-WRONG-PORT");
  RawServer text([](RawServer::Connection& c) { c.write("ERROR unknown command\r\n"); });
  EXPECT_EQ(code(probe(to(text.port()))), "NET-WRONG-PORT");
  RawServer letter([](RawServer::Connection& c) { c.write("E"); });
  EXPECT_EQ(code(probe(to(letter.port()))), "NET-WRONG-PORT");
}

TEST(Refusal, HostileBytesStayInTheirBounds) {
  for (size_t size = 0; size < 60; ++size) {
    const std::string part = refusal(kFull).substr(0, size);
    const auto read = parse_refusal(part);
    EXPECT_LE(read ? read->text.size() : 0U, 31U) << size;
    EXPECT_EQ(refusal_is_whole(part), size >= kFull.size() + 5) << size;
  }
  const auto unclean = parse_refusal(refusal("C5\n300\0M\x1b[31ma\r\nb\0\0"s));
  ASSERT_TRUE(unclean);
  EXPECT_EQ(unclean->sqlstate, "");
  EXPECT_EQ(unclean->text.find('\x1b'), std::string::npos);
  EXPECT_EQ(unclean->text.find('\n'), std::string::npos);
  EXPECT_TRUE(refusal_is_whole(std::string(kMaxRefusalBytes, 'E')));
  EXPECT_FALSE(parse_refusal(""));
  EXPECT_FALSE(parse_refusal("N"));
}

}  // namespace
}  // namespace vesto
