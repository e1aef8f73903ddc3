#include "base/base64.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

// RFC 4648 section 10, and the two letters in which the alphabets differ.
TEST(Base64, KnownTexts) {
  struct Case {
    std::string bytes;
    const char* text;
    const char* url;
  };
  const Case cases[] = {
      {"", "", ""},
      {"f", "Zg==", "Zg"},
      {"fo", "Zm8=", "Zm8"},
      {"foo", "Zm9v", "Zm9v"},
      {"foob", "Zm9vYg==", "Zm9vYg"},
      {"fooba", "Zm9vYmE=", "Zm9vYmE"},
      {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
      {"\xfb\xff\xfe", "+//+", "-__-"},
      {std::string(3, '\0'), "AAAA", "AAAA"},
  };
  for (const Case& tested : cases) {
    EXPECT_EQ(base64_encode(tested.bytes), tested.text);
    EXPECT_EQ(base64_decode(tested.text), tested.bytes) << tested.text;
    EXPECT_EQ(base64url_encode(tested.bytes), tested.url);
    EXPECT_EQ(base64url_decode(tested.url), tested.bytes) << tested.url;
  }
}

TEST(Base64, EveryByteAtEveryPlaceComesBack) {
  for (size_t size = 1; size <= 7; ++size) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes(size, '\x5a');
      for (char& byte : bytes) {
        byte = static_cast<char>(value);
        ASSERT_EQ(base64_decode(base64_encode(bytes)), bytes);
        ASSERT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
      }
    }
  }
}

TEST(Base64, WhatNobodyWritesIsRefused) {
  for (const char* bad :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm8=Zm8=", "Zg==\n",
        " Zg==", "Zm9v Zm9v", "Zm9-", "Zm9_", "Zm\xc3\xa4="}) {
    EXPECT_FALSE(base64_decode(bad).has_value()) << bad;
  }
  EXPECT_FALSE(base64_decode(std::string_view("Zm9\0", 4)).has_value());
  for (const char* bad : {"Z", "Zg==", "Zh", "Zm9", "Zm9vY", "Zm9+", "Zm9/", "Zg\n", " Zg"}) {
    EXPECT_FALSE(base64url_decode(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace vesto
