#include "check/host_checks.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stop_token>

#include "store/store.h"

namespace vesto {
namespace {

constexpr uint64_t kMib = uint64_t{1} << 20;
constexpr uint64_t kGib = uint64_t{1} << 30;

TEST(HostChecks, RoomOnTheDisk) {
  using check::disk_answer;
  EXPECT_EQ(disk_answer(10 * kGib, 100 * kGib, "d").status, CheckStatus::kPassed);
  // Under 1 GiB, or under 5 %.
  const CheckAnswer small = disk_answer(kGib - 1, 2 * kGib, "d");
  EXPECT_EQ(small.status, CheckStatus::kWarning);
  EXPECT_EQ(small.error->code(), ErrorCode::kSysDiskLow);
  EXPECT_EQ(disk_answer(4 * kGib, 100 * kGib, "d").status, CheckStatus::kWarning);
  EXPECT_EQ(disk_answer(kGib, 10 * kGib, "d").status, CheckStatus::kPassed);
  const CheckAnswer full = disk_answer(4 * kMib - 1, 100 * kGib, "d");
  EXPECT_EQ(full.status, CheckStatus::kFailed);
  EXPECT_EQ(full.error->code(), ErrorCode::kSysDisk);
}

TEST(HostChecks, StoreThatIsNotThereOrIsNone) {
  const std::string dir = testing::TempDir() + "vesto_host_checks_store";
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  EXPECT_EQ(check::store_answer(dir, {}).status, CheckStatus::kPassed);
  // As a first run leaves it that had no room, or was ended: the next run fills it.
  std::ofstream(dir + "/vesto.db") << "";
  EXPECT_EQ(check::store_answer(dir, {}).status, CheckStatus::kPassed);
  std::ofstream(dir + "/vesto.db") << "this is no database";
  const CheckAnswer answer = check::store_answer(dir, {});
  EXPECT_EQ(answer.status, CheckStatus::kFailed);
  EXPECT_EQ(answer.error->code(), ErrorCode::kSysStore);
  std::filesystem::remove_all(dir);
}

TEST(HostChecks, AStoreIsLookedAtWhileThereIsTimeAndOnceForAll) {
  const std::string dir = testing::TempDir() + "vesto_host_checks_look";
  std::filesystem::remove_all(dir);
  check::StoreLook look;
  EXPECT_EQ(check::store_answer(dir, {}, &look).status, CheckStatus::kPassed);  // none yet
  ASSERT_TRUE(open_store(dir, system_clock()).ok());
  std::stop_source over;
  over.request_stop();
  const CheckLimits none = {.limit_ms = 10'000, .stop = over.get_token()};
  const CheckAnswer answer = check::store_answer(dir, none, &look);
  EXPECT_EQ(answer.status, CheckStatus::kSkipped);
  EXPECT_NE(answer.reason.find("within 10 s"), std::string::npos) << answer.reason;
  // It took its time once, and does not again; another look has time.
  EXPECT_EQ(check::store_answer(dir, {}, &look).status, CheckStatus::kSkipped);
  EXPECT_EQ(check::store_answer(dir, {}).status, CheckStatus::kPassed);
  std::filesystem::remove_all(dir);
}

TEST(HostChecks, IssuesAreToldWithTheirNumber) {
  const LoadedConfig loaded = load_config_text("version = 1\nfirst = 1\nsecond = 2\n", "v.toml");
  ASSERT_GT(loaded.issues.size(), 1U);
  const CheckAnswer answer = check::issues_answer(loaded.issues);
  EXPECT_EQ(answer.status, CheckStatus::kFailed);
  EXPECT_NE(answer.error->message().find("more)"), std::string::npos);
  EXPECT_EQ(answer.evidence.size(), loaded.issues.size() - 1);
}

}  // namespace
}  // namespace vesto
