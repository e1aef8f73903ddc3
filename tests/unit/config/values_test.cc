#include "config/values.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

TEST(DurationTest, NumbersWithUnits) {
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms("0s"), 0);
  EXPECT_EQ(parse_duration_ms("10m"), 600'000);
  EXPECT_EQ(parse_duration_ms("6h"), 21'600'000);
  EXPECT_EQ(parse_duration_ms("400d"), INT64_C(34'560'000'000));
}

TEST(DurationTest, EverythingElseIsRefused) {
  for (const char* text : {"", "10", "m", "-1m", "+1m", "1.5h", "10 m", "10M", "10min", "1h30m",
                           "401d", "99999999999999999999s", "10m\n", "\xC2\xB2s"}) {
    EXPECT_FALSE(parse_duration_ms(text).has_value()) << text;
  }
}

WarehouseEndpoint good(std::string_view text) {
  const auto parsed = parse_endpoint(text);
  if (const auto* reason = std::get_if<std::string>(&parsed)) {
    ADD_FAILURE() << text << ": " << *reason;
    return {};
  }
  return std::get<WarehouseEndpoint>(parsed);
}

TEST(EndpointTest, AsPasted) {
  for (const char* text :
       {"h.example.com:5440/dev", "  h.example.com:5440/dev \n", "h.example.com : 5440 / dev",
        "jdbc:redshift://h.example.com:5440/dev", "redshift://h.example.com:5440/dev",
        "jdbc:redshift:iam://h.example.com:5440/dev"}) {
    const WarehouseEndpoint endpoint = good(text);
    EXPECT_EQ(endpoint.host, "h.example.com") << text;
    EXPECT_EQ(endpoint.port, 5440) << text;
    EXPECT_EQ(endpoint.database, "dev") << text;
  }
  EXPECT_EQ(good("h/dev").port, 5439);
  EXPECT_EQ(good("[::1]:5440/dev").host, "::1");
  EXPECT_EQ(good("[::1]/dev").port, 5439);
}

TEST(EndpointTest, EverythingElseIsRefused) {
  for (const char* text :
       {"", "h", "h:5439", "h:5439/", ":5439/dev", "/dev", "h:0/dev", "h:65536/dev", "h:x/dev",
        "h:/dev", "h:5439/dev/x", "h:5439/dev?ssl=true", "[::1:5439/dev", "[]:1/dev",
        "[::1]5439/dev", "user:secret@h:5439/dev", "a:1:2/dev"}) {
    EXPECT_TRUE(std::holds_alternative<std::string>(parse_endpoint(text))) << text;
  }
}

TEST(BucketNameTest, AsS3HasThem) {
  EXPECT_TRUE(good_bucket_name("my-bucket.1"));
  for (const char* name : {"", "ab", "My-bucket", "a_b_c", "a b c", "s3://abc", "a/b"}) {
    EXPECT_FALSE(good_bucket_name(name)) << name;
  }
  EXPECT_FALSE(good_bucket_name(std::string(64, 'a')));
}

TEST(ObjectNameTest, LettersDigitsAndTwoSigns) {
  EXPECT_TRUE(good_object_name("shop-orders_2"));
  EXPECT_TRUE(good_object_name(std::string(64, 'a')));
  for (const char* name : {"", "a b", "a.b", "a/b", "\xC3\xA4", "a'"}) {
    EXPECT_FALSE(good_object_name(name)) << name;
  }
  EXPECT_FALSE(good_object_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace vesto
