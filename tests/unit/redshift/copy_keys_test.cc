// COPY's keys: when they are asked for, for how long, and what happens when they end during a COPY.
#include <gtest/gtest.h>

#include "redshift/load_transaction.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

const char* const kExpired =
    "Problem reading manifest file - S3ServiceException:The provided token has expired.,Status "
    "400,Error ExpiredToken,Rid X,ExtRid Y";

struct CopyKeys : LoaderTest {
  std::unique_ptr<RedshiftLoader> loader;
  std::vector<StreamLoad> group = {stream_load("a", 3), stream_load("b", 2)};
  std::vector<CopyNeed> needs;
  std::vector<size_t> statements_before;  // at each asking
  std::vector<std::string> warnings;
  int64_t life_ms = 3'600'000;
  bool attached = false;

  void start() {
    LoadTarget target = load_target();
    target.copy_access = [this](const CopyNeed& need,
                                const std::stop_token&) -> Result<CopyAccess> {
      needs.push_back(need);
      statements_before.push_back(warehouse.log.size());
      if (attached) return CopyAccess{.iam_role = "arn:aws:iam::123456789012:role/copy"};
      return CopyAccess{.keys = {.access_key_id = "ASIA" + std::to_string(needs.size()),
                                 .secret_access_key = Secret("example-secret-key"),
                                 .session_token = Secret("example-session-token"),
                                 .expires_at_ms = clock.wall_ms() + life_ms}};
    };
    LoadContext with = context();
    with.warn = [this](const std::string& text) { warnings.push_back(text); };
    loader = std::make_unique<RedshiftLoader>(std::move(target), std::move(with));
    prepared(*loader, group);
    if (!group.empty() && group[0].target.table == "a") {
      table("a").rows = 10;
      warehouse.matching["a"] = 1;
    }
  }
  Result<LoadOutcome> run() { return load(*loader, group); }
};

TEST_F(CopyKeys, AreAskedForRightBeforeEachCopy) {
  start();
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(needs.size(), 2U);
  for (size_t i = 0; i < needs.size(); ++i) {
    ASSERT_LT(statements_before[i], warehouse.log.size());
    const std::string& next = warehouse.log[statements_before[i]];
    EXPECT_TRUE(next.starts_with("COPY")) << next;
    EXPECT_NE(next.find("ASIA" + std::to_string(i + 1)), std::string::npos) << next;
    EXPECT_FALSE(needs[i].anew);
  }
  EXPECT_EQ(needs[0].manifest_key, "m/a");
  EXPECT_TRUE(warnings.empty());
}

TEST_F(CopyKeys, AreToLastAsLongAsTheCopyIsWaitedFor) {
  group[1].bytes_staged = uint64_t{20} << 30;
  start();
  ASSERT_TRUE(run().ok());
  ASSERT_EQ(needs.size(), 2U);
  EXPECT_EQ(needs[0].may_take_ms, 600'000);
  EXPECT_EQ(needs[1].may_take_ms, copy_timeout_ms(group[1].bytes_staged));
  EXPECT_GT(needs[1].may_take_ms, 3'600'000);
  // 20 GiB are reckoned with more than the hour that these keys last.
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("public.b"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("maximum session duration"), std::string::npos) << warnings[0];
}

TEST_F(CopyKeys, ThatEndDuringACopyAreReplacedOnce) {
  start();
  warehouse.fail("COPY \"shop\".\"b\"", "XX000", kExpired);
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_TRUE(out->failed.empty());
  EXPECT_EQ(out->loaded.size(), 2U);
  EXPECT_EQ(warehouse.count("BEGIN"), 2);
  ASSERT_EQ(needs.size(), 4U);
  EXPECT_FALSE(needs[2].anew);  // of a: its keys were good
  EXPECT_TRUE(needs[3].anew);
  EXPECT_EQ(needs[3].manifest_key, "m/b");
  EXPECT_EQ(table("b").rows, 2U);
}

TEST_F(CopyKeys, ThatAlwaysEndTakeTheirStreamOutAfterOneNewAttempt) {
  start();
  warehouse.fail("COPY \"shop\".\"b\"", "XX000", kExpired, 1, 1000);
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].first, 1U);
  EXPECT_EQ(out->failed[0].second.name(), "RS-COPY-EXPIRED");
  EXPECT_NE(out->failed[0].second.hint().find("session_duration"), std::string::npos);
  EXPECT_EQ(out->failed[0].second.hint().find("s3:GetObject"), std::string::npos);
  EXPECT_EQ(out->loaded, std::vector<size_t>{0});
  EXPECT_EQ(warehouse.count("COPY \"shop\".\"b\""), 2);
  EXPECT_EQ(table("a").rows, 12U);
}

// However many tables there are, whose keys each end once: the last one leaves.
TEST_F(CopyKeys, NewAttemptsAreBoundedForALoad) {
  group.clear();
  for (size_t i = 0; i <= kMaxRenewals; ++i) {
    group.push_back(stream_load("t" + std::to_string(i), 1));
  }
  start();
  for (const StreamLoad& stream : group) {
    warehouse.fail("COPY \"shop\".\"" + stream.target.table + "\"", "XX000", kExpired);
  }
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].first, kMaxRenewals);
  EXPECT_EQ(out->failed[0].second.name(), "RS-COPY-EXPIRED");
  EXPECT_EQ(out->loaded.size(), kMaxRenewals);
}

TEST_F(CopyKeys, WhereAllEndNothingIsCommittedAndTheAttemptsEnd) {
  for (const char* name : {"c", "d", "e", "f"}) group.push_back(stream_load(name, 1));
  start();
  warehouse.fail("COPY", "XX000", kExpired, 1, 1000);
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(out->failed.size(), group.size());
  EXPECT_LE(warehouse.count("COPY"), static_cast<int>(group.size() + kMaxRenewals));
}

TEST_F(CopyKeys, OfAnAttachedRoleAreNotOursToReplace) {
  attached = true;
  start();
  warehouse.fail("COPY \"shop\".\"b\"", "XX000", kExpired);
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].second.name(), "RS-COPY-EXPIRED");
  EXPECT_EQ(warehouse.count("COPY \"shop\".\"b\""), 1);
}

}  // namespace
}  // namespace vesto::testing
