#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

#include "secret/sealed_document.h"
#include "tests/unit/secret/secret_fixture.h"

namespace vesto {
namespace {

TEST_F(SecretTest, SetGetListRemove) {
  const std::string odd = "@[]/?#\"\\+ &:'% \t\xC3\xA4\x01\xFF\n";
  const auto made = store().set("acme/password", Secret(odd));
  ASSERT_TRUE(made.ok()) << made.error().to_string();
  EXPECT_TRUE(made->made_key);
  EXPECT_FALSE(made->replaced);
  clock_->now_ms = 2'000'000;
  must_set("acme/hmac", "second");
  expect_value("acme/password", odd);
  expect_value("acme/hmac", "second");
  clock_->now_ms = 3'000'000;
  const auto changed = store().set("acme/password", Secret(std::string("third")));
  EXPECT_TRUE(changed->replaced);
  EXPECT_FALSE(changed->made_key);
  expect_value("acme/password", "third");
  const auto list = store().list();
  ASSERT_EQ(list->secrets.size(), 2U);
  EXPECT_EQ(list->key_id.size(), 16U);
  EXPECT_EQ(list->secrets[0].name, "acme/hmac");
  EXPECT_EQ(list->secrets[1].created_ms, 1'000'000);
  EXPECT_EQ(list->secrets[1].changed_ms, 3'000'000);
  ASSERT_TRUE(store().remove("acme/password").ok());
  expect_error("acme/password", ErrorCode::kSecMissing);
  expect_value("acme/hmac", "second");
  EXPECT_EQ(store().remove("acme/password").error().code(), ErrorCode::kSecMissing);
}

TEST_F(SecretTest, ModesAndNothingElse) {
  must_set("a", "value-of-a");
  EXPECT_EQ(mode_of(dir_), 0700U);
  EXPECT_EQ(mode_of(dir_ + "/keys"), 0700U);
  EXPECT_EQ(mode_of(key_file()), 0600U);
  EXPECT_EQ(mode_of(store_file()), 0600U);
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_)) {
    files.insert(std::filesystem::relative(entry.path(), dir_).string());
  }
  EXPECT_EQ(files,
            (std::set<std::string>{"keys", "keys/master.key", "secrets.lock", "secrets.sealed"}));
}

TEST_F(SecretTest, LookingMakesNothing) {
  EXPECT_TRUE(store().list()->secrets.empty());
  expect_error("a", ErrorCode::kSecMissing);
  EXPECT_EQ(store().remove("a").error().code(), ErrorCode::kSecMissing);
  EXPECT_EQ(store().rotate_key().error().code(), ErrorCode::kSecMissing);
  EXPECT_FALSE(std::filesystem::exists(dir_));
}

TEST_F(SecretTest, OfSeveralMakersOneWinsAndAllGetItsValue) {
  const auto first = store().get_or_set("ssh/key", Secret(std::string("first")));
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(first->reveal(), "first");
  expect_value("ssh/key", "first");
  const auto second = store().get_or_set("ssh/key", Secret(std::string("second")));
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  EXPECT_EQ(second->reveal(), "first");
  expect_value("ssh/key", "first");
  EXPECT_EQ(store().get_or_set("Bad Name", Secret(std::string("x"))).error().code(),
            ErrorCode::kCfgValue);
  EXPECT_EQ(store().get_or_set("empty", Secret()).error().code(), ErrorCode::kCfgValue);
  expect_error("empty", ErrorCode::kSecMissing);

  std::vector<std::string> got(8);
  std::vector<std::thread> makers;
  for (size_t i = 0; i < got.size(); ++i) {
    makers.emplace_back([&, i] {
      const auto kept = store().get_or_set("ssh/raced", Secret("maker " + std::to_string(i)));
      got[i] = kept.ok() ? kept->reveal() : kept.error().to_string();
    });
  }
  for (std::thread& maker : makers) maker.join();
  EXPECT_TRUE(got.front().starts_with("maker ")) << got.front();
  expect_value("ssh/raced", got.front());
  for (const std::string& one : got) EXPECT_EQ(one, got.front());
}

TEST_F(SecretTest, AMissingOneIsToldWithTheNearest) {
  must_set("acme/password", "x");
  const auto got = store().get("acme/pasword");
  EXPECT_NE(got.error().message().find("did you mean \"acme/password\"?"), std::string::npos);
  EXPECT_NE(got.error().hint().find("vesto secret set acme/pasword"), std::string::npos);
}

TEST_F(SecretTest, Names) {
  for (const char* good : {"a", "0", "a.b", "a/../b", "a//", "a-_.", "shop/password"}) {
    EXPECT_TRUE(good_secret_name(good)) << good;
    must_set(good, std::string("of ") + good);
  }
  for (const char* good : {"a/../b", "a//"}) expect_value(good, std::string("of ") + good);
  EXPECT_TRUE(good_secret_name(std::string(100, 'a')));
  for (const std::string& bad :
       {std::string(), std::string("A"), std::string(".a"), std::string("/etc/passwd"),
        std::string("../a"), std::string("-a"), std::string("_a"), std::string("a b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("\xC3\xA4"),
        std::string(101, 'a')}) {
    EXPECT_FALSE(good_secret_name(bad)) << bad;
    EXPECT_EQ(store().set(bad, Secret(std::string("x"))).error().code(), ErrorCode::kCfgValue);
    EXPECT_EQ(store().get(bad).error().code(), ErrorCode::kSecMissing);
  }
  // Names are no paths: nothing was made beside the store.
  EXPECT_FALSE(std::filesystem::exists(scratch_ + "/b"));
}

TEST_F(SecretTest, SizesAndNumbers) {
  EXPECT_EQ(store().set("a", Secret()).error().code(), ErrorCode::kCfgValue);
  const std::string most(kMaxSecretBytes, 'm');
  must_set("most", most);
  expect_value("most", most);
  EXPECT_EQ(store().set("more", Secret(most + "m")).error().code(), ErrorCode::kCfgValue);
  ASSERT_TRUE(store().remove("most").ok());
  for (const size_t size : {1U, 63U, 64U, 65U, 127U, 128U}) {
    must_set("sized", std::string(size, 's'));
    expect_value("sized", std::string(size, 's'));
  }
}

TEST_F(SecretTest, AThousandAndNoMore) {
  // Written at once: a thousand times to the disk takes half a minute.
  must_set("n1", "1");
  const auto keys = secret::read_master_keys(dir_);
  secret::DataKey key;
  secret::SealedDocument document = secret::new_document((*keys)->front(), "", &key);
  std::set<std::string> names;
  for (size_t i = 1; i <= kMaxSecrets; ++i) names.insert("n" + std::to_string(i));
  for (const std::string& name : names) {
    document.entries.push_back(
        {.name = name,
         .created_ms = 1,
         .changed_ms = 1,
         .sealed = secret::seal_secret(document, key, name, name.substr(1))});
  }
  write(store_file(), secret::document_text(document, key));
  const auto more = store().set("one-more", Secret(std::string("x")));
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code(), ErrorCode::kCfgValue);
  must_set("n7", "changed");  // one that is there may change
  ASSERT_TRUE(store().rotate_key().ok());
  expect_value("n7", "changed");
  expect_value("n1000", "1000");
}

TEST_F(SecretTest, RotationSealsAllAnewAndTheOldKeyIsGone) {
  must_set("a", "value-of-a");
  must_set("b", "value-of-b");
  const std::string old_key = read(key_file());
  const std::string old_store = read(store_file());
  const auto rotated = store().rotate_key();
  ASSERT_TRUE(rotated.ok()) << rotated.error().to_string();
  EXPECT_EQ(rotated->secrets, 2U);
  EXPECT_NE(rotated->old_key_id, rotated->new_key_id);
  EXPECT_EQ(store().list()->key_id, rotated->new_key_id);
  expect_value("a", "value-of-a");
  expect_value("b", "value-of-b");
  const std::string key = read(key_file());
  EXPECT_EQ(key.find(rotated->old_key_id), std::string::npos);
  EXPECT_EQ(mode_of(key_file()), 0600U);
  // The new store does not open with the old key, nor the old store with the new one.
  write(key_file(), old_key);
  expect_error("a", ErrorCode::kSecKey);
  write(store_file(), old_store);
  expect_value("a", "value-of-a");
  write(key_file(), key);
  expect_error("a", ErrorCode::kSecKey);
}

TEST_F(SecretTest, KeysThatAreMissingOrOpenToOthers) {
  must_set("a", "value-of-a");
  for (const unsigned mode : {0640U, 0604U, 0620U, 0660U, 0644U, 0777U}) {
    ASSERT_EQ(chmod(key_file().c_str(), mode), 0);
    expect_error("a", ErrorCode::kSecKey);
    EXPECT_EQ(store().set("b", Secret(std::string("x"))).error().code(), ErrorCode::kSecKey);
    EXPECT_NE(store().get("a").error().hint().find("chmod 600"), std::string::npos);
  }
  ASSERT_EQ(chmod(key_file().c_str(), 0400), 0);
  expect_value("a", "value-of-a");
  ASSERT_EQ(chmod((dir_ + "/keys").c_str(), 0777), 0);
  expect_error("a", ErrorCode::kSecKey);
  ASSERT_EQ(chmod((dir_ + "/keys").c_str(), 0700), 0);
  // Whoever may write to the data directory may put another "keys" there.
  for (const unsigned mode : {0720U, 0702U, 0777U}) {
    ASSERT_EQ(chmod(dir_.c_str(), mode), 0);
    expect_error("a", ErrorCode::kSecKey);
    EXPECT_NE(store().get("a").error().hint().find("chmod go-w '" + dir_ + "'"), std::string::npos);
  }
  ASSERT_EQ(chmod(dir_.c_str(), 0755), 0);
  expect_value("a", "value-of-a");
  const std::string key = read(key_file());
  std::filesystem::remove(key_file());
  expect_error("a", ErrorCode::kSecKey);
  // No new key is made for a store that another one has sealed.
  EXPECT_EQ(store().set("b", Secret(std::string("x"))).error().code(), ErrorCode::kSecKey);
  EXPECT_EQ(store().rotate_key().error().code(), ErrorCode::kSecKey);
  EXPECT_FALSE(std::filesystem::exists(key_file()));
  std::filesystem::create_directory(key_file());
  expect_error("a", ErrorCode::kSecKey);
}

TEST_F(SecretTest, NoKeyIsMadeWhereOthersMayReplaceIt) {
  std::filesystem::create_directory(dir_);
  ASSERT_EQ(chmod(dir_.c_str(), 0777), 0);
  EXPECT_EQ(store().set("a", Secret(std::string("x"))).error().code(), ErrorCode::kSecKey);
  EXPECT_FALSE(std::filesystem::exists(key_file()));
  ASSERT_EQ(chmod(dir_.c_str(), 0700), 0);
  must_set("a", "x");
}

// Only root can give files away, and another user's process is needed to see them.
TEST_F(SecretTest, FilesOfAnotherUser) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  constexpr uid_t kMe = 65534;
  constexpr uid_t kOther = 65533;
  must_set("a", "value-of-a");
  ASSERT_EQ(chmod(scratch_.c_str(), 0755), 0);
  const auto give = [&](uid_t dir, uid_t keys, uid_t file) {
    ASSERT_EQ(chown(dir_.c_str(), dir, 0), 0);
    ASSERT_EQ(chown((dir_ + "/keys").c_str(), keys, 0), 0);
    ASSERT_EQ(chown(key_file().c_str(), file, 0), 0);
    ASSERT_EQ(chown(store_file().c_str(), kMe, 0), 0);
  };
  ASSERT_EQ(chmod(dir_.c_str(), 0755), 0);
  ASSERT_EQ(chmod((dir_ + "/keys").c_str(), 0755), 0);
  give(kMe, kMe, kMe);
  ASSERT_EQ(seteuid(kMe), 0);
  expect_value("a", "value-of-a");
  ASSERT_EQ(seteuid(0), 0);
  for (int which = 0; which < 2; ++which) {
    give(which == 0 ? kOther : kMe, which == 1 ? kOther : kMe, kMe);
    ASSERT_EQ(seteuid(kMe), 0);
    const auto got = store().get("a");
    ASSERT_EQ(seteuid(0), 0);
    ASSERT_FALSE(got.ok()) << which;
    EXPECT_EQ(got.error().code(), ErrorCode::kSecKey);
    EXPECT_NE(got.error().message().find("belongs to uid 65533"), std::string::npos)
        << got.error().to_string();
  }
  give(0, 0, kMe);  // root's directories are nobody else's
  ASSERT_EQ(seteuid(kMe), 0);
  expect_value("a", "value-of-a");
  ASSERT_EQ(seteuid(0), 0);
}

TEST_F(SecretTest, TheKeyOfAnotherStore) {
  must_set("a", "value-of-a");
  SealedStore other(scratch_ + "/other", *clock_);
  ASSERT_TRUE(other.set("a", Secret(std::string("other"))).ok());
  std::filesystem::copy_file(scratch_ + "/other/keys/master.key", key_file(),
                             std::filesystem::copy_options::overwrite_existing);
  expect_error("a", ErrorCode::kSecKey);
  EXPECT_EQ(store().set("a", Secret(std::string("x"))).error().code(), ErrorCode::kSecKey);
}

TEST_F(SecretTest, AKeyFileThatSomebodyPutThereIsUsed) {
  SealedStore other(scratch_ + "/other", *clock_);
  ASSERT_TRUE(other.set("a", Secret(std::string("other"))).ok());
  std::filesystem::create_directories(dir_ + "/keys");
  ASSERT_EQ(chmod((dir_ + "/keys").c_str(), 0700), 0);
  std::filesystem::copy_file(scratch_ + "/other/keys/master.key", key_file());
  ASSERT_EQ(chmod(key_file().c_str(), 0600), 0);
  const auto made = store().set("a", Secret(std::string("mine")));
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->made_key);
  EXPECT_EQ(store().list()->key_id, other.list()->key_id);
}

TEST_F(SecretTest, AWriterWaitsForTheLock) {
  must_set("a", "x");
  const int held = open((dir_ + "/secrets.lock").c_str(), O_RDWR);
  ASSERT_EQ(flock(held, LOCK_EX), 0);
  expect_value("a", "x");  // readers do not care
  std::thread release([held] {
    usleep(300'000);
    close(held);
  });
  must_set("a", "y");
  release.join();
  expect_value("a", "y");
}

TEST_F(SecretTest, AFileThatMayNotGrow) {
  must_set("a", "value-of-a");
  const std::string before = read(store_file());
  signal(SIGXFSZ, SIG_IGN);
  rlimit was{};
  getrlimit(RLIMIT_FSIZE, &was);
  rlimit small = was;
  small.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &small);
  const auto full = store().set("b", Secret(std::string(5000, 'b')));
  setrlimit(RLIMIT_FSIZE, &was);
  signal(SIGXFSZ, SIG_DFL);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code(), ErrorCode::kSysDisk);
  EXPECT_EQ(read(store_file()), before);
  EXPECT_FALSE(std::filesystem::exists(store_file() + ".new"));
  expect_value("a", "value-of-a");
}

TEST_F(SecretTest, WritersAndReadersAtTheSameTime) {
  must_set("steady", "always the same");
  std::vector<std::thread> threads;
  std::atomic<bool> done{false};
  threads.emplace_back([&] {
    while (!done) expect_value("steady", "always the same");
  });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 10; ++i) {
        must_set("w" + std::to_string(writer) + "." + std::to_string(i), "v");
        if (writer != 0) continue;
        EXPECT_TRUE(store().rotate_key().ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  threads.front().join();
  EXPECT_EQ(store().list()->secrets.size(), 31U);
}

}  // namespace
}  // namespace vesto
