// Leases: by clock, and between real processes that are stopped and killed.
#include "store/lease.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/scratch.h"

namespace vesto {
namespace {

const RunId kMine{"run_MINE"};
const RunId kTheirs{"run_THEIRS"};
constexpr int64_t kTtlMs = 60'000;

bool takes(Store& store, const RunId& run) {
  const auto holder = store.take_lease("s", run, kTtlMs);
  EXPECT_TRUE(holder.ok());
  return holder.ok() && !holder->has_value();
}

TEST_F(StoreTest, OneRunOfASyncAtATime) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  const auto holder = store->take_lease("s", kTheirs, kTtlMs);
  ASSERT_TRUE(holder->has_value());
  EXPECT_EQ((*holder)->run, kMine);
  EXPECT_EQ((*holder)->pid, getpid());
  EXPECT_FALSE(store->take_lease("other", kTheirs, kTtlMs)->has_value());
}

TEST_F(StoreTest, TheHolderMayTakeItAgain) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  EXPECT_TRUE(takes(*store, kMine));
}

TEST_F(StoreTest, ReleaseFreesItForTheHolderAlone) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  ASSERT_TRUE(store->release_lease("s", kTheirs).ok());
  EXPECT_FALSE(takes(*store, kTheirs));
  ASSERT_TRUE(store->release_lease("s", kMine).ok());
  EXPECT_FALSE(store->lease_holder("s")->has_value());
  EXPECT_TRUE(takes(*store, kTheirs));
}

TEST_F(StoreTest, RunsOutAfterItsTimeUnlessRenewed) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  clock_.now_ms += kTtlMs;
  EXPECT_FALSE(takes(*store, kTheirs));
  EXPECT_TRUE(*store->renew_lease("s", kMine));
  clock_.now_ms += kTtlMs;
  EXPECT_FALSE(takes(*store, kTheirs));
  EXPECT_TRUE(store->lease_holder("s")->has_value());
  clock_.now_ms += 1;
  EXPECT_FALSE(store->lease_holder("s")->has_value());
  EXPECT_TRUE(*store->holds_lease("s", kMine));
  EXPECT_TRUE(takes(*store, kTheirs));
  EXPECT_FALSE(*store->holds_lease("s", kMine));
  EXPECT_FALSE(*store->renew_lease("s", kMine));
  EXPECT_TRUE(*store->holds_lease("s", kTheirs));
}

TEST_F(StoreTest, IsVoidAfterAReboot) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  sql("UPDATE lease SET boot_id = 'another'");
  EXPECT_TRUE(takes(*store, kTheirs));
}

TEST_F(StoreTest, IsVoidWhenItsNumberBelongsToALaterProcess) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  sql("UPDATE lease SET pid_start_ticks = pid_start_ticks - 1");
  EXPECT_TRUE(takes(*store, kTheirs));
}

TEST_F(StoreTest, AnotherPidNamespaceIsJudgedByTimeAlone) {
  const auto store = open();
  EXPECT_TRUE(takes(*store, kMine));
  sql("UPDATE lease SET pid_namespace = 'pid:[1]', pid = 2147483646, pid_start_ticks = 7");
  EXPECT_FALSE(takes(*store, kTheirs));
  clock_.now_ms += kTtlMs + 1;
  EXPECT_TRUE(takes(*store, kTheirs));
}

TEST(ProcessTest, KnowsItsOwnStartAndNoneOfNobody) {
  const store::ProcessMark self = store::own_process();
  EXPECT_EQ(self.pid, getpid());
  EXPECT_GT(self.start_ticks, 0);
  EXPECT_EQ(self.boot_id.size(), 36u);
  EXPECT_EQ(store::process_start_ticks(self.pid), self.start_ticks);
  EXPECT_FALSE(store::process_start_ticks(0).has_value());
  EXPECT_FALSE(store::process_start_ticks(INT32_MAX).has_value());
}

// A process that holds the lease of "s" until it is killed.
class Holder {
 public:
  explicit Holder(const std::string& dir) {
    int ready[2] = {-1, -1};
    EXPECT_EQ(pipe(ready), 0);
    pid_ = fork();
    if (pid_ == 0) {
      FakeClock clock;
      auto opened = open_store(dir, clock);
      const bool taken =
          opened.ok() && !(*opened)->take_lease("s", kTheirs, kTtlMs).value().has_value();
      const char byte = taken ? 'y' : 'n';
      if (write(ready[1], &byte, 1) != 1) _exit(1);
      while (true) pause();
    }
    char byte = '?';
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    EXPECT_EQ(byte, 'y');
    close(ready[0]);
    close(ready[1]);
  }
  ~Holder() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

TEST_F(StoreTest, AnotherProcessHoldsItUntilItIsKilled) {
  Holder holder(dir_);
  const auto store = open();
  const auto found = store->take_lease("s", kMine, kTtlMs);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->pid, holder.pid());
  EXPECT_EQ((*found)->run, kTheirs);
  // Killed, and not yet waited for: a zombie is no owner.
  kill(holder.pid(), SIGKILL);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(holder.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(takes(*store, kMine));
}

TEST_F(StoreTest, AStoppedProcessLosesItWithTime) {
  const Holder holder(dir_);
  const auto store = open();
  kill(holder.pid(), SIGSTOP);
  EXPECT_FALSE(takes(*store, kMine));
  clock_.now_ms += kTtlMs + 1;
  EXPECT_TRUE(takes(*store, kMine));
}

TEST_F(StoreTest, ManyProcessesOneWinner) {
  open();  // the file is there
  constexpr int kProcesses = 6;
  int start[2] = {-1, -1};
  int done[2] = {-1, -1};
  ASSERT_EQ(pipe(start), 0);
  ASSERT_EQ(pipe(done), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      char go = 0;
      if (read(start[0], &go, 1) != 1) _exit(1);
      FakeClock clock;
      auto opened = open_store(dir_, clock);
      char answer = 'e';
      if (opened.ok()) {
        const auto taken = (*opened)->take_lease("s", RunId{"run_" + std::to_string(i)}, kTtlMs);
        if (taken.ok()) answer = taken->has_value() ? 'n' : 'y';
      }
      if (write(done[1], &answer, 1) != 1) _exit(1);
      while (true) pause();  // a holder that has gone would be no holder
    }
    children.push_back(pid);
  }
  ASSERT_EQ(write(start[1], "gggggg", kProcesses), kProcesses);
  std::string answers;
  for (int i = 0; i < kProcesses; ++i) {
    char answer = 0;
    ASSERT_EQ(read(done[0], &answer, 1), 1);
    answers += answer;
  }
  for (const pid_t pid : children) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers, "nnnnny");
}

}  // namespace
}  // namespace vesto
