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
