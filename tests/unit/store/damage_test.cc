// Full disks, damaged files, foreign files, locked files, killed writers.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "tests/unit/store/scratch.h"

namespace vesto {
namespace {

JournalObject object(int part) {
  return {.bucket = "b",
          .key = "key/" + std::to_string(part) + std::string(500, 'x'),
          .run = RunId{"run_A"},
          .stream = 1,
          .part = part,
          .rows = 1,
          .raw_bytes = 1,
          .size_bytes = 1,
          .sha256 = std::string(32, 'h'),
          .stored = false};
}

// Plans objects until one fails; at most `limit`. The number that went well, and the error.
std::pair<int, std::optional<Error>> plan_until_full(Store& store, int limit) {
  for (int i = 1; i <= limit; ++i) {
    Status planned = store.plan(object(i));
    if (!planned.ok()) return {i - 1, std::move(planned).error()};
  }
  return {limit, std::nullopt};
}

TEST_F(StoreTest, AFullDiskIsToldAndHarmsNothing) {
  const std::string disk = scratch_ + "/disk";
  ASSERT_TRUE(std::filesystem::create_directory(disk));
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=512k") != 0) {
    GTEST_SKIP() << "no right to mount a tmpfs here";
  }
  dir_ = disk + "/data";
  {
    const auto store = open();
    const auto [planned, error] = plan_until_full(*store, 5000);
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code(), ErrorCode::kSysDisk) << error->to_string();
    EXPECT_GT(planned, 0);
    // Nothing half written, and reading still works.
    EXPECT_EQ(*store->journal_size(), planned);
    // With room again the same store goes on. Pages that are free again count as room.
    std::vector<std::string> keys;
    for (int i = 1; i <= planned; ++i) keys.push_back(object(i).key);
    ASSERT_EQ(mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=4m"), 0);
    ASSERT_TRUE(store->plan(object(9999)).ok());
    ASSERT_TRUE(store->forget("b", keys).ok());
    EXPECT_EQ(*store->journal_size(), 1);
  }
  umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(StoreTest, ADiskThatIsFullAtTheStart) {
  const std::string disk = scratch_ + "/disk";
  ASSERT_TRUE(std::filesystem::create_directory(disk));
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "no right to mount a tmpfs here";
  }
  {
    std::ofstream filler(disk + "/filler");
    filler << std::string(size_t{1} << 20, 'x');
  }
  const auto opened = open_store(disk + "/data", clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kSysDisk) << opened.error().to_string();
  umount2(disk.c_str(), MNT_DETACH);
}

TEST_F(StoreTest, AFileThatMayNotGrowCountsAsAFullDisk) {
  signal(SIGXFSZ, SIG_IGN);
  const pid_t child = fork();
  if (child == 0) {
    FakeClock clock;
    auto store = open_store(dir_, clock);
    const rlimit limit{200'000, 200'000};
    if (!store.ok() || setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(10);
    const auto [planned, error] = plan_until_full(**store, 5000);
    if (!error) _exit(11);
    const bool right = error->code() == ErrorCode::kSysDisk && planned > 0;
    if (!right) std::fprintf(stderr, "%d: %s\n", planned, error->to_string().c_str());
    _exit(right ? 0 : 12);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(StoreTest, ADamagedFileIsToldWithTheWayOut) {
  std::filesystem::create_directory(dir_);
  {
    std::ofstream file(dir_ + "/vesto.db");
    file << "this is no database, whatever its name says. " << std::string(5000, 'x');
  }
  const auto opened = open_store(dir_, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kSysStore);
  EXPECT_NE(opened.error().message().find("damaged"), std::string::npos);
  EXPECT_NE(opened.error().hint().find("mv "), std::string::npos);
}

TEST_F(StoreTest, PagesOverwrittenByAccidentAreFoundWhenRead) {
  {
    const auto store = open();
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(store->plan(object(i)).ok());
  }
  {
    std::fstream file(dir_ + "/vesto.db", std::ios::in | std::ios::out | std::ios::binary);
    const auto size = std::filesystem::file_size(dir_ + "/vesto.db");
    for (std::uintmax_t at = 4096; at + 4096 <= size; at += 4096) {
      file.seekp(static_cast<std::streamoff>(at));
      file << std::string(4096, '\x5A');
    }
  }
  const auto opened = open_store(dir_, clock_);
  if (opened.ok()) {
    const auto objects = (*opened)->objects_of(RunId{"run_A"});
    ASSERT_FALSE(objects.ok());
    EXPECT_EQ(objects.error().code(), ErrorCode::kSysStore) << objects.error().to_string();
  } else {
    EXPECT_EQ(opened.error().code(), ErrorCode::kSysStore) << opened.error().to_string();
  }
}

TEST_F(StoreTest, AnotherProgramsFileIsLeftAlone) {
  std::filesystem::create_directory(dir_);
  std::ofstream(dir_ + "/vesto.db").close();
  sql("PRAGMA application_id = 42; CREATE TABLE theirs(x)");
  const auto opened = open_store(dir_, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kSysStore);
  EXPECT_NE(opened.error().message().find("another program"), std::string::npos);
}

TEST_F(StoreTest, AFileOfANewerVersionIsRefused) {
  open();
  sql("PRAGMA user_version = 99");
  const auto opened = open_store(dir_, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message().find("newer"), std::string::npos);
}

TEST_F(StoreTest, APlaceThatMayNotBeWritten) {
  std::ofstream(scratch_ + "/file").close();
  const auto opened = open_store(scratch_ + "/file/data", clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kSysStore);
}

TEST_F(StoreTest, ADirectoryInPlaceOfTheFile) {
  std::filesystem::create_directories(dir_ + "/vesto.db");
  const auto opened = open_store(dir_, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kSysStore);
}

TEST_F(StoreTest, AWriterThatIsKilledLosesOnlyWhatItHadNotBeenTold) {
  open();
  int told[2] = {-1, -1};
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  if (child == 0) {
    FakeClock clock;
    auto store = open_store(dir_, clock);
    if (!store.ok()) _exit(1);
    for (int i = 1;; ++i) {
      if (!(*store)->plan(object(i)).ok() || write(told[1], "k", 1) != 1) _exit(1);
    }
  }
  char byte = 0;
  int acknowledged = 0;
  while (acknowledged < 60 && read(told[0], &byte, 1) == 1) ++acknowledged;
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(told[1]);
  while (read(told[0], &byte, 1) == 1) ++acknowledged;
  const auto store = open();
  EXPECT_GE(*store->journal_size(), acknowledged);
  EXPECT_LE(*store->journal_size(), acknowledged + 1);
}

TEST_F(StoreTest, AReaderIsNotHeldUpByAnOpenTransaction) {
  const auto store = open();
  ASSERT_TRUE(store->plan(object(1)).ok());
  auto other = store::Database::open(dir_ + "/vesto.db", store::Access::kWrite);
  ASSERT_TRUE((*other)->exec("BEGIN IMMEDIATE; DELETE FROM object").ok());
  EXPECT_EQ(*store->journal_size(), 1);
  ASSERT_TRUE((*other)->exec("COMMIT").ok());
  EXPECT_EQ(*store->journal_size(), 0);
}

}  // namespace
}  // namespace vesto
