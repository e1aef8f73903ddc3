// A kill at every step of every change leaves a store that opens, with all that was in it before
// the change or all that is in it after, and that can be changed again.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "tests/unit/secret/secret_fixture.h"

namespace vesto {
namespace {

constexpr const char* kPoints[] = {"secret.after_lock", "secret.before_write",
                                   "secret.before_rename", "secret.after_rename"};

// What the child of a test does: the wish to be killed is read once a process, so it needs a
// process of its own.
TEST(KillStep, DISABLED_Run) {
  const char* dir = getenv("VESTO_TEST_DIR");
  const char* step = getenv("VESTO_TEST_STEP");
  ASSERT_TRUE(dir != nullptr && step != nullptr);
  SealedStore store(dir);
  if (std::string_view(step) == "rotate") {
    EXPECT_TRUE(store.rotate_key().ok());
  } else {
    EXPECT_TRUE(store.set("a", Secret(std::string(step))).ok());
  }
}

class KillTest : public SecretTest {
 protected:
  // Runs the step ("rotate", or the value for "a") in a child that dies at the point's visit;
  // false: it was not reached.
  [[nodiscard]] bool killed_at(const std::string& point, int visit, const char* step) const {
    const pid_t child = fork();
    if (child == 0) {
      setenv("VESTO_KILL_AT", (point + "#" + std::to_string(visit)).c_str(), 1);
      setenv("VESTO_TEST_DIR", dir_.c_str(), 1);
      setenv("VESTO_TEST_STEP", step, 1);
      execl("/proc/self/exe", "secret_test", "--gtest_filter=KillStep.DISABLED_Run",
            "--gtest_also_run_disabled_tests", "--gtest_brief=1", nullptr);
      _exit(99);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      return false;
    }
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    return true;
  }

  // Calls `prepare`, kills the step, calls `look`, for every step there is; the number of them.
  template <typename Prepare, typename Look>
  int every_step(Prepare prepare, const char* step, Look look) {
    int steps = 0;
    for (const char* point : kPoints) {
      for (int visit = 1; visit <= 20; ++visit) {
        SCOPED_TRACE(std::string(point) + "#" + std::to_string(visit));
        std::filesystem::remove_all(dir_);
        prepare();
        if (!killed_at(point, visit, step)) break;
        ++steps;
        look();
        // And on with life: what the crash left is cleared by the next change.
        must_set("later", "value-of-later");
        expect_value("later", "value-of-later");
        EXPECT_FALSE(std::filesystem::exists(store_file() + ".new"));
        EXPECT_FALSE(std::filesystem::exists(key_file() + ".new"));
        const std::string key = read(key_file());
        EXPECT_EQ(std::count(key.begin(), key.end(), '\n'), 2) << "one key alone";
      }
    }
    return steps;
  }
};

TEST_F(KillTest, TheFirstSet) {
  const int steps = every_step([] {}, "one",
                               [&] {
                                 const auto list = store().list();
                                 ASSERT_TRUE(list.ok()) << list.error().to_string();
                                 if (!list->secrets.empty()) expect_value("a", "one");
                               });
  EXPECT_EQ(steps, 7);  // the lock; the key's file and the store's, 3 each
}

TEST_F(KillTest, ALaterSet) {
  const int steps = every_step(
      [&] {
        must_set("a", "one");
        must_set("b", "two");
      },
      "other",
      [&] {
        const auto a = store().get("a");
        ASSERT_TRUE(a.ok()) << a.error().to_string();
        EXPECT_TRUE(a->reveal() == "one" || a->reveal() == "other");
        expect_value("b", "two");
      });
  EXPECT_EQ(steps, 4);
}

TEST_F(KillTest, Rotation) {
  const int steps = every_step(
      [&] {
        must_set("a", "one");
        must_set("b", "two");
      },
      "rotate",
      [&] {
        expect_value("a", "one");
        expect_value("b", "two");
      });
  EXPECT_EQ(steps, 10);  // the lock; both keys, the store, the new key alone
}

TEST_F(KillTest, ARotationCutShortIsRepeated) {
  for (int visit = 1; visit <= 3; ++visit) {
    std::filesystem::remove_all(dir_);
    must_set("a", "one");
    ASSERT_TRUE(killed_at("secret.after_rename", visit, "rotate"));
    const std::string before = store().list()->key_id;
    const auto again = store().rotate_key();
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    EXPECT_EQ(again->old_key_id, before);
    expect_value("a", "one");
  }
}

}  // namespace
}  // namespace vesto
