#ifndef VESTO_TESTS_CONFIG_SCRATCH_H_
#define VESTO_TESTS_CONFIG_SCRATCH_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace vesto {

// A directory of its own for each test.
class ScratchTest : public ::testing::Test {
 protected:
  ScratchTest() {
    std::string form = (std::filesystem::temp_directory_path() / "vesto-config-XXXXXX").string();
    EXPECT_NE(mkdtemp(form.data()), nullptr);
    dir_ = form;
  }
  ~ScratchTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  std::string write(const std::string& name, std::string_view text) {
    const std::filesystem::path path = std::filesystem::path(dir_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string dir_;
};

constexpr std::string_view kSource = R"(
[source.pg]
kind = "postgres"
host = "localhost"
database = "shop"
user = "reader"
)";
constexpr std::string_view kDestination = R"(
[destination.rs]
kind = "redshift"
endpoint = "h:5439/dev"
schema = "shop"
[destination.rs.auth]
user = "loader"
password = { file = "pw" }
access_key_id = "AKIAEXAMPLE"
secret_access_key = { env = "VESTO_TEST_SECRET_KEY" }
[destination.rs.staging]
bucket = "staging"
)";
constexpr std::string_view kSync = R"(
[sync.shop]
source = "pg"
destination = "rs"
[[sync.shop.table]]
name = "public.orders"
)";

}  // namespace vesto

#endif  // VESTO_TESTS_CONFIG_SCRATCH_H_
