// A data directory of its own for each test, and a clock that tests set.
#ifndef VESTO_TESTS_SECRET_FIXTURE_H_
#define VESTO_TESTS_SECRET_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "secret/sealed_store.h"

namespace vesto {

class SecretClock final : public Clock {
 public:
  int64_t wall_ms() override { return now_ms; }
  int64_t monotonic_ms() override { return now_ms; }
  int64_t boottime_ms() override { return now_ms; }
  bool sleep_ms(int64_t, const std::stop_token&) override { return true; }
  int64_t now_ms = 1'000'000;
};

class SecretTest : public ::testing::Test {
 protected:
  SecretTest() {
    std::string form = (std::filesystem::temp_directory_path() / "vesto-secret-XXXXXX").string();
    EXPECT_NE(mkdtemp(form.data()), nullptr);
    scratch_ = form;
    dir_ = scratch_ + "/data";
  }
  ~SecretTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(scratch_, ignored);
  }

  [[nodiscard]] SealedStore store() const { return SealedStore(dir_, *clock_); }
  [[nodiscard]] std::string store_file() const { return dir_ + "/secrets.sealed"; }
  [[nodiscard]] std::string key_file() const { return dir_ + "/keys/master.key"; }

  void must_set(const std::string& name, const std::string& value) const {
    const auto done = store().set(name, Secret(value));
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }
  void expect_value(const std::string& name, const std::string& value) const {
    const auto got = store().get(name);
    ASSERT_TRUE(got.ok()) << got.error().to_string();
    EXPECT_EQ(got->reveal(), value);
  }
  void expect_error(const std::string& name, ErrorCode code) const {
    const auto got = store().get(name);
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code(), code) << got.error().to_string();
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  static unsigned mode_of(const std::string& path) {
    struct stat about {};
    EXPECT_EQ(stat(path.c_str(), &about), 0) << path;
    return about.st_mode & 07777;
  }

  std::string scratch_;
  std::string dir_;
  std::unique_ptr<SecretClock> clock_ = std::make_unique<SecretClock>();
};

}  // namespace vesto

#endif  // VESTO_TESTS_SECRET_FIXTURE_H_
