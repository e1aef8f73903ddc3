#include "sandbox/s3/checksum.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

std::string sum(std::string_view algorithm, std::string_view text) {
  const auto checksum = make_checksum(algorithm);
  checksum->update(text);
  return base64_encode(checksum->finish());
}

TEST(Checksum, CheckValues) {
  EXPECT_EQ(sum("crc32", "123456789"), "y/Q5Jg==");
  EXPECT_EQ(sum("crc32c", "123456789"), "4waSgw==");
  EXPECT_EQ(sum("crc64nvme", "123456789"), "rosUhgp5mIg=");
  EXPECT_EQ(sum("crc32", "hello world"), "DUoRhQ==");
  EXPECT_EQ(sum("crc32c", "hello world"), "yZRlqg==");
  EXPECT_EQ(sum("crc64nvme", "hello world"), "jSnVw/bqjr4=");
  const std::string many(66560, 'a');
  EXPECT_EQ(sum("crc32", many), "sK4Y7A==");
  EXPECT_EQ(sum("crc32c", many), "sOO8/Q==");
  EXPECT_EQ(sum("crc64nvme", many), "pRf+emrnL+A=");
  EXPECT_EQ(sum("md5", ""), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(sum("sha1", ""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}

TEST(Checksum, AnyCutGivesTheSame) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (const std::string& algorithm : header_checksum_algorithms()) {
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      const auto checksum = make_checksum(algorithm);
      checksum->update(std::string_view(text).substr(0, cut));
      checksum->update(std::string_view(text).substr(cut));
      EXPECT_EQ(base64_encode(checksum->finish()), sum(algorithm, text)) << algorithm << cut;
    }
  }
}

TEST(Checksum, UnknownNames) {
  EXPECT_EQ(make_checksum("crc16"), nullptr);
  EXPECT_EQ(checksum_size("crc16"), 0U);
  for (const std::string& algorithm : header_checksum_algorithms()) {
    EXPECT_EQ(make_checksum(algorithm)->finish().size(), checksum_size(algorithm));
  }
}

TEST(Base64, BothWays) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_decode("Zm9vYg==").value_or("?"), "foob");
  EXPECT_EQ(base64_decode("").value_or("?"), "");
  for (const char* bad :
       {"Z", "Zg=", "Zg", "Z===", "====", "Zg==Zg==", "Zm9=YmFy", "Zm9v\n", "Zm-v"}) {
    EXPECT_FALSE(base64_decode(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace vesto::sandbox
