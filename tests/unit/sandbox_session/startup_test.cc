#include "sandbox/wire/startup.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "sandbox/wire/message.h"

namespace vesto::sandbox {
namespace {

using std::string_literals::operator""s;

std::string packet(int32_t code, std::string_view rest) {
  std::string out;
  MessageWriter(&out, 0).int32(code).bytes(rest).end();
  return out.substr(4);
}

TEST(Startup, ParametersInOrder) {
  const auto start =
      parse_startup(packet(196608, "user\0IAM:me\0database\0dev\0options\0-c a=b\0\0"s));
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->kind, StartupPacket::Kind::kStart);
  EXPECT_EQ(start->user, "IAM:me");
  EXPECT_EQ(start->database, "dev");
  EXPECT_EQ(start->parameters, (Settings{{"options", "-c a=b"}}));
}

TEST(Startup, DatabaseIsTheUserByDefault) {
  EXPECT_EQ(parse_startup(packet(196608, "user\0u\0\0"s))->database, "u");
}

TEST(Startup, MinorVersionsOfThreeAreTaken) {
  EXPECT_TRUE(parse_startup(packet(196610, "user\0u\0\0"s)).ok());
}

TEST(Startup, Requests) {
  EXPECT_EQ(parse_startup(packet(80877103, ""))->kind, StartupPacket::Kind::kTls);
  EXPECT_EQ(parse_startup(packet(80877104, ""))->kind, StartupPacket::Kind::kGss);
  const auto cancel = parse_startup(packet(80877102, "12345678"));
  EXPECT_EQ(cancel->kind, StartupPacket::Kind::kCancel);
  EXPECT_EQ(cancel->cancel_body, "12345678");
}

TEST(Startup, Malformed) {
  for (const std::string& bad :
       {""s, "\0\0"s, packet(80877102, "123"), packet(196608, ""), packet(196608, "user\0u"s),
        packet(196608, "user\0u\0\0x"s), packet(196608, "user\0\0"s)}) {
    const auto start = parse_startup(bad);
    ASSERT_FALSE(start.ok());
    EXPECT_TRUE(start.error().sqlstate == "08P01" || start.error().sqlstate == "28000");
  }
  EXPECT_EQ(parse_startup(packet(131072, "x")).error().sqlstate, "0A000");
  EXPECT_EQ(parse_startup(packet(196608, "\0"s)).error().sqlstate, "28000");
}

TEST(Startup, RandomPackets) {
  for (int i = 0; i < 3'000; ++i) {
    (void)parse_startup(random_bytes(static_cast<size_t>(i % 48))).ok();
  }
}

TEST(Options, Forms) {
  EXPECT_EQ(parse_options("-c a=1 -cb=2 --c-d=3"),
            (Settings{{"a", "1"}, {"b", "2"}, {"c_d", "3"}}));
  EXPECT_EQ(parse_options(R"(-csearch_path=a,\ b\\c)"), (Settings{{"search_path", "a, b\\c"}}));
  EXPECT_EQ(parse_options(""), Settings{});
  EXPECT_FALSE(parse_options("-c").has_value());
  EXPECT_FALSE(parse_options("-x").has_value());
  EXPECT_FALSE(parse_options("-c a").has_value());
  EXPECT_FALSE(parse_options("-c =a").has_value());
}

TEST(StartupSettings, KnownSwallowedAndRefused) {
  const auto known = startup_settings({{"application_name", "x"},
                                       {"client_protocol_version", "2"},
                                       {"DateStyle", "ISO"},
                                       {"options", "-csearch_path=s"}});
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(*known,
            (Settings{{"application_name", "x"}, {"datestyle", "ISO"}, {"search_path", "s"}}));
  for (const char* name : {"standard_conforming_strings", "IntervalStyle", "role"}) {
    EXPECT_EQ(startup_settings({{name, "x"}}).error().sqlstate, "42704");
    EXPECT_EQ(startup_settings({{"options", "-c "s + name + "=x"}}).error().sqlstate, "42704");
  }
}

TEST(Md5Answer, AsPostgresqlComputesIt) {
  // md5("secret" || "alice"), then md5 of its digits and the salt.
  const std::string stored = "md57ad21cd02a8dbad74b0e0d4af1041ea5";
  const std::string answer = md5_answer(stored, "\x01\x02\x03\x04");
  EXPECT_EQ(answer.size(), 35U);
  EXPECT_TRUE(answer.starts_with("md5"));
  EXPECT_NE(answer, md5_answer(stored, "\x01\x02\x03\x05"));
  EXPECT_EQ(md5_answer("", "abcd"), "");
  EXPECT_EQ(md5_answer("SCRAM-SHA-256$x", "abcd"), "");
}

}  // namespace
}  // namespace vesto::sandbox
