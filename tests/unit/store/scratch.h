// A directory of its own for each test, and a clock that stands still.
#ifndef VESTO_TESTS_STORE_SCRATCH_H_
#define VESTO_TESTS_STORE_SCRATCH_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "base/clock.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace vesto {

class FakeClock final : public Clock {
 public:
  int64_t wall_ms() override { return now_ms; }
  int64_t monotonic_ms() override { return now_ms; }
  int64_t boottime_ms() override { return now_ms; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token&) override {
    now_ms += duration_ms;
    return true;
  }
  int64_t now_ms = 1'000'000;
};

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    std::string form = (std::filesystem::temp_directory_path() / "vesto-store-XXXXXX").string();
    EXPECT_NE(mkdtemp(form.data()), nullptr);
    scratch_ = form;
    dir_ = scratch_ + "/data";
  }
  ~StoreTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(scratch_, ignored);
  }

  std::unique_ptr<Store> open() {
    auto opened = open_store(dir_, clock_);
    if (!opened.ok()) {
      ADD_FAILURE() << opened.error().to_string();
      return nullptr;
    }
    return std::move(opened).value();
  }
  // A second look at the file, past the Store.
  void sql(const char* text) {
    auto db = store::Database::open(dir_ + "/vesto.db", store::Access::kWrite);
    ASSERT_TRUE(db.ok()) << db.error().to_string();
    const Status done = (*db)->exec(text);
    ASSERT_TRUE(done.ok()) << done.error().to_string();
  }

  FakeClock clock_;
  std::string scratch_;
  std::string dir_;
};

inline RunRecord make_run(const std::string& id, const std::string& sync, int64_t started_ms) {
  RunRecord run;
  run.id = RunId{"run_" + id};
  run.sync = sync;
  run.state = "running";
  run.step = "plan";
  run.started_ms = started_ms;
  return run;
}

}  // namespace vesto

#endif  // VESTO_TESTS_STORE_SCRATCH_H_
