#include <stdlib.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/open_files.h"
#include "tests/unit/config/scratch.h"

namespace vesto {
namespace {

class SecretsTest : public ScratchTest {
 protected:
  static ValueRef file(const std::string& path) {
    return {ValueRef::Kind::kFile, path, {.file = "vesto.toml", .line = 3, .column = 9}};
  }
  static ValueRef env(const std::string& name) {
    return {ValueRef::Kind::kEnv, name, {.file = "vesto.toml", .line = 3, .column = 9}};
  }
  [[nodiscard]] SealedStore store() const { return SealedStore(dir_ + "/data"); }
  void expect_missing(const ValueRef& ref) const {
    const auto value = resolve_secret(ref, store());
    ASSERT_FALSE(value.ok());
    EXPECT_EQ(value.error().code(), ErrorCode::kCfgSecretMissing);
    EXPECT_EQ(value.error().message().find("vesto.toml:3:9: "), 0u);
  }
};

TEST_F(SecretsTest, EveryByteOfAFileCountsButOneNewline) {
  const std::string odd = "@[]/?#\"\\+ &:'% \t\xC3\xA4\x01";
  EXPECT_EQ(resolve_secret(file(write("a", odd)), store())->reveal(), odd);
  EXPECT_EQ(resolve_secret(file(write("b", odd + "\n")), store())->reveal(), odd);
  EXPECT_EQ(resolve_secret(file(write("c", odd + "\n\n")), store())->reveal(), odd + "\n");
  EXPECT_EQ(resolve_secret(file(write("d", odd + "\r\n")), store())->reveal(), odd);
  EXPECT_EQ(resolve_secret(file(write("e", " x ")), store())->reveal(), " x ");
  EXPECT_EQ(resolve_secret(file(write("f", "x\r")), store())->reveal(), "x\r");
}

TEST_F(SecretsTest, FilesThatHoldNone) {
  expect_missing(file(dir_ + "/none"));
  expect_missing(file(dir_));
  expect_missing(file(write("empty", "")));
  expect_missing(file(write("newline", "\n")));
  expect_missing(file(write("nul", std::string("a\0b", 3))));
  expect_missing(file(write("large", std::string((64 << 10) + 1, 'x'))));
  EXPECT_TRUE(resolve_secret(file(write("most", std::string(64 << 10, 'x'))), store()).ok());
}

// Nobody writes into it: whoever opens it to read waits for ever.
TEST_F(SecretsTest, APipeIsRefusedAtOnce) {
  const std::string pipe = dir_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_missing(file(pipe));
  expect_missing(file("/dev/null"));
  const auto value = resolve_secret(file(pipe), store());
  EXPECT_NE(value.error().message().find("is no ordinary file"), std::string::npos);
  EXPECT_NE(value.error().hint().find("/dev/fd/N"), std::string::npos);
}

TEST_F(SecretsTest, EnvironmentVariables) {
  setenv("VESTO_TEST_A", "x\n", 1);
  setenv("VESTO_TEST_EMPTY", "", 1);
  unsetenv("VESTO_TEST_NONE");
  EXPECT_EQ(resolve_secret(env("VESTO_TEST_A"), store())->reveal(), "x\n");
  expect_missing(env("VESTO_TEST_EMPTY"));
  expect_missing(env("VESTO_TEST_NONE"));
}

TEST_F(SecretsTest, SealedOnes) {
  const ValueRef ref{
      ValueRef::Kind::kSecret, "acme/password", {.file = "vesto.toml", .line = 3, .column = 9}};
  const auto missing = resolve_secret(ref, store());
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kSecMissing);
  EXPECT_EQ(missing.error().message().find("vesto.toml:3:9: there is no secret"), 0u);
  EXPECT_NE(missing.error().hint().find("vesto secret set acme/password"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/data"));
  ASSERT_TRUE(store().set("acme/password", Secret(std::string("x y\n"))).ok());
  EXPECT_EQ(resolve_secret(ref, store())->reveal(), "x y\n");
  EXPECT_EQ(*resolve_text(ref, store()), "x y\n");
  std::filesystem::remove(dir_ + "/data/keys/master.key");
  const auto locked = resolve_secret(ref, store());
  ASSERT_FALSE(locked.ok());
  EXPECT_EQ(locked.error().code(), ErrorCode::kSecKey);
}

TEST_F(SecretsTest, TextsAndNothing) {
  EXPECT_EQ(*resolve_text({ValueRef::Kind::kText, "u", {}}, store()), "u");
  EXPECT_EQ(*resolve_text({}, store()), "");
  EXPECT_TRUE(resolve_secret({}, store())->empty());
}

TEST_F(SecretsTest, CheckFindsEveryMissingOne) {
  unsetenv("VESTO_TEST_SECRET_KEY");
  const std::string path =
      write("vesto.toml", "version = 1\n" + std::string(kSource) + "tls_ca_file = \"ca.pem\"\n" +
                              std::string(kDestination) + std::string(kSync));
  const LoadedConfig loaded = load_config({path});
  ASSERT_TRUE(loaded.issues.empty());
  const std::vector<ConfigIssue> issues = check_references(loaded.config, store());
  ASSERT_EQ(issues.size(), 3u);
  EXPECT_NE(issues[0].message.find("ca.pem"), std::string::npos);
  EXPECT_EQ(issues[1].origin.line, 16);
  EXPECT_EQ(issues[1].message.find(path), std::string::npos);  // the place stands beside it
  EXPECT_NE(issues[2].message.find("VESTO_TEST_SECRET_KEY"), std::string::npos);
  write("ca.pem", "x");
  write("pw", "x");
  setenv("VESTO_TEST_SECRET_KEY", "y", 1);
  EXPECT_TRUE(check_references(loaded.config, store()).empty());
}

TEST_F(SecretsTest, CheckLooksAtTheFilesOfGoogle) {
  const std::string key =
      "[identity.google]\nsource = \"key_file\"\nkey = { file = \"k\" }\n"
      "tls_ca_file = \"ca.pem\"\n";
  write("k", "{}");
  std::filesystem::create_directory(dir_ + "/ca.pem");  // opens, and is no file
  LoadedConfig loaded = load_config({write("vesto.toml", "version = 1\n" + key)});
  ASSERT_TRUE(loaded.issues.empty());
  std::vector<ConfigIssue> issues = check_references(loaded.config, store());
  ASSERT_EQ(issues.size(), 1u);
  EXPECT_NE(issues[0].message.find("identity.google.tls_ca_file"), std::string::npos);
  EXPECT_EQ(issues[0].origin.line, 5);
  std::filesystem::remove(dir_ + "/ca.pem");
  write("ca.pem", "x");
  EXPECT_TRUE(check_references(loaded.config, store()).empty());

  const std::string token = "[identity.google]\nsource = \"token_file\"\ntoken_file = \"token\"\n";
  loaded = load_config({write("vesto.toml", "version = 1\n" + token)});
  issues = check_references(loaded.config, store());
  ASSERT_EQ(issues.size(), 1u);
  EXPECT_NE(issues[0].message.find("identity.google.token_file"), std::string::npos);
  EXPECT_EQ(issues[0].origin.line, 4);
  write("token", "t");
  EXPECT_TRUE(check_references(loaded.config, store()).empty());
}

// What a group may is its owner's choice; a folder that nobody else may enter hides what is in it.
TEST_F(SecretsTest, AFileThatEverybodyMayReadIsNamed) {
  using std::filesystem::perms;
  write("k", "{}");
  const LoadedConfig loaded = load_config(
      {write("vesto.toml",
             "version = 1\n[identity.google]\nsource = \"key_file\"\nkey = { file = \"k\" }\n")});
  ASSERT_TRUE(loaded.issues.empty());
  const auto open_with = [&](perms folder, perms file) {
    std::filesystem::permissions(dir_, folder);
    std::filesystem::permissions(dir_ + "/k", file);
    return open_secret_files(loaded.config);
  };
  const perms entered = perms::owner_all | perms::others_exec;
  const perms ours = perms::owner_read | perms::group_read;
  EXPECT_TRUE(open_with(entered, ours).empty());
  EXPECT_TRUE(open_with(perms::owner_all, ours | perms::others_read).empty());
  for (const perms open : {perms::others_read, perms::others_write}) {
    const std::vector<ConfigIssue> issues = open_with(entered, ours | open);
    ASSERT_EQ(issues.size(), 1u);
    EXPECT_EQ(issues[0].origin.line, 4);
    EXPECT_NE(issues[0].message.find(dir_ + "/k"), std::string::npos) << issues[0].message;
  }
}

}  // namespace
}  // namespace vesto
