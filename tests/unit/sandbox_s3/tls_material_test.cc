#include "sandbox/http/tls_material.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace vesto::sandbox {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class TlsMaterialTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vesto-tls-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string dir_;
};

TEST_F(TlsMaterialTest, MakesFilesOnceAndKeepsThem) {
  const auto first = make_tls_material(dir_);
  ASSERT_TRUE(first.ok()) << first.error();
  ASSERT_TRUE(TlsContext::make(*first).ok());
  for (const std::string name : {"ca.pem", "ca.key", "server.pem", "server.key"}) {
    struct stat status {};
    ASSERT_EQ(::stat((dir_ + "/" + name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
  const std::string ca = read_file(first->ca_file);
  const std::string server = read_file(first->certificate_file);
  ASSERT_TRUE(make_tls_material(dir_).ok());
  EXPECT_EQ(read_file(first->ca_file), ca);
  EXPECT_EQ(read_file(first->certificate_file), server);
}

TEST_F(TlsMaterialTest, ReplacesWhatIsDamagedAndKeepsTheCa) {
  const auto first = make_tls_material(dir_);
  ASSERT_TRUE(first.ok());
  const std::string ca = read_file(first->ca_file);
  std::ofstream(first->key_file) << "not a key";
  ASSERT_TRUE(make_tls_material(dir_).ok());
  EXPECT_EQ(read_file(first->ca_file), ca);
  EXPECT_TRUE(TlsContext::make(*first).ok());

  // A CA that was exchanged has not signed the server's certificate.
  const std::string server = read_file(first->certificate_file);
  std::filesystem::remove(dir_ + "/ca.key");
  ASSERT_TRUE(make_tls_material(dir_).ok());
  EXPECT_NE(read_file(first->ca_file), ca);
  EXPECT_NE(read_file(first->certificate_file), server);
}

TEST_F(TlsMaterialTest, SaysWhereItCannotWrite) {
  const auto material = make_tls_material(dir_ + "/missing");
  ASSERT_FALSE(material.ok());
  EXPECT_NE(material.error().find(dir_ + "/missing"), std::string::npos);
  EXPECT_FALSE(TlsContext::make({"", dir_ + "/none.pem", dir_ + "/none.key"}).ok());
}

}  // namespace
}  // namespace vesto::sandbox
