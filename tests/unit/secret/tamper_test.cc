// Changed bytes: always an error, never another clear text, never a crash.
#include "base/strings.h"
#include "tests/unit/secret/secret_fixture.h"

namespace vesto {
namespace {

class TamperTest : public SecretTest {
 protected:
  void SetUp() override {
    must_set("acme/hmac", "value-of-hmac");
    must_set("acme/password", "value-of-password");
    text_ = read(store_file());
    key_ = read(key_file());
  }
  // Each call finds the change, whatever it asks for.
  void expect_refused(const std::string& what) {
    for (const char* name : {"acme/hmac", "acme/password", "none"}) {
      const auto got = store().get(name);
      ASSERT_FALSE(got.ok()) << what;
      EXPECT_EQ(got.error().code(), ErrorCode::kSecKey) << what;
      EXPECT_EQ(got.error().to_string().find("value-of"), std::string::npos);
    }
    const auto list = store().list();
    ASSERT_FALSE(list.ok()) << what;
  }
  // The lines of the file; the seal is the last one.
  [[nodiscard]] std::vector<std::string> lines() const { return split(text_, '\n'); }
  void write_lines(const std::vector<std::string>& parts) const {
    write(store_file(), join(parts, "\n"));
  }

  std::string text_;
  std::string key_;
};

TEST_F(TamperTest, EveryByteOfTheStore) {
  for (size_t at = 0; at < text_.size(); ++at) {
    for (const int change : {0x01, 0x20, 0x80}) {
      std::string other = text_;
      other[at] = static_cast<char>(other[at] ^ change);
      write(store_file(), other);
      expect_refused("byte " + std::to_string(at) + " ^ " + std::to_string(change));
    }
  }
  write(store_file(), text_);
  expect_value("acme/password", "value-of-password");
}

TEST_F(TamperTest, EveryByteOfTheKey) {
  for (size_t at = 0; at < key_.size(); ++at) {
    for (const int change : {0x01, 0x20, 0x80}) {
      std::string other = key_;
      other[at] = static_cast<char>(other[at] ^ change);
      write(key_file(), other);
      expect_error("acme/password", ErrorCode::kSecKey);
    }
  }
}

TEST_F(TamperTest, CutAtEveryPlaceAndLengthened) {
  for (size_t size = 0; size < text_.size(); ++size) {
    write(store_file(), text_.substr(0, size));
    expect_refused("cut to " + std::to_string(size));
  }
  for (const char* more : {"\n", " ", "x", "seal 00\n"}) {
    write(store_file(), text_ + more);
    expect_refused("lengthened");
  }
  write(store_file(), text_);
  for (size_t size = 0; size < key_.size(); ++size) {
    write(key_file(), key_.substr(0, size));
    expect_error("acme/password", ErrorCode::kSecKey);
  }
  write(key_file(), key_ + key_);
  expect_error("acme/password", ErrorCode::kSecKey);
}

TEST_F(TamperTest, LinesSwappedDoubledTakenOut) {
  const std::vector<std::string> whole = lines();
  ASSERT_EQ(whole.size(), 8U);  // head, store, master, data, 2 secrets, seal, end
  std::vector<std::string> parts = whole;
  std::swap(parts[4], parts[5]);
  write_lines(parts);
  expect_refused("swapped");
  parts = whole;
  parts.insert(parts.begin() + 4, parts[4]);
  write_lines(parts);
  expect_refused("doubled");
  parts = whole;
  parts.erase(parts.begin() + 5);
  write_lines(parts);
  expect_refused("taken out");
}

TEST_F(TamperTest, RandomBytesInTheirPlace) {
  unsigned seed = 20261122;
  const auto next = [&seed] { return seed = seed * 1664525U + 1013904223U; };
  for (int round = 0; round < 300; ++round) {
    std::string other = text_;
    for (unsigned i = 0; i < 1 + next() % 20; ++i) {
      other[next() % other.size()] = static_cast<char>(next() >> 16);
    }
    if (other == text_) continue;
    write(store_file(), other);
    expect_refused("round " + std::to_string(round));
  }
  write(store_file(), std::string(100'000, '\0'));
  expect_refused("zeros");
}

TEST_F(TamperTest, WhatIsNoFile) {
  std::filesystem::remove(store_file());
  std::filesystem::create_directory(store_file());
  EXPECT_EQ(store().get("acme/password").error().code(), ErrorCode::kSysStore);
  std::filesystem::remove(store_file());
  ASSERT_EQ(mkfifo(store_file().c_str(), 0600), 0);
  EXPECT_EQ(store().get("acme/password").error().code(), ErrorCode::kSysStore);
}

}  // namespace
}  // namespace vesto
