// A warehouse of the mind for tests: it understands exactly the statements of redshift/sql.h, keeps
// tables, state and locks with transactions, and fails where a test says so.
//
//   FakeWarehouse warehouse;
//   warehouse.fail("COPY", "XX000", "1023");             // the next COPY
//   warehouse.drop("COMMIT", FakeWarehouse::Drop::kAfter);  // committed, but the answer is lost
//   RedshiftLoader loader(target, {.connect = warehouse.connector(), ...});
//
// One thread.
#ifndef VESTO_TESTS_SUPPORT_FAKE_REDSHIFT_H_
#define VESTO_TESTS_SUPPORT_FAKE_REDSHIFT_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "redshift/session.h"

namespace vesto::testing {

// A clock that moves only when somebody sleeps on it or advances it.
class FakeClock : public Clock {
 public:
  int64_t wall_ms() override { return start_wall_ms + now_ms; }
  int64_t monotonic_ms() override { return now_ms; }
  int64_t boottime_ms() override { return now_ms; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    if (stop.stop_requested()) return false;
    now_ms += duration_ms;
    return true;
  }
  int64_t start_wall_ms = 1'795'305'600'000;  // 2026-11-22 00:00:00
  int64_t now_ms = 1000;
};

struct FakeColumn {
  std::string name;
  std::string type;  // as format_type() prints it
  bool not_null = false;
  bool distkey = false;
  bool case_sensitive = false;
  bool sortkey = false;
};

struct FakeTable {
  std::vector<FakeColumn> columns;
  std::string kind = "r";
  std::string owner = "vesto_load";
  uint64_t rows = 0;
};

struct FakeStateRow {
  std::string load_id;
  std::string writer;
  std::string version;
  std::string position;
};

struct FakeData {
  bool schema = true;
  std::map<std::string, FakeTable> tables;
  std::map<std::string, FakeStateRow> state;
  std::vector<std::string> loads;  // "stream load_id" of each row of _vesto_loads
};

class FakeWarehouse {
 public:
  enum class Drop {
    kBefore,  // the statement never arrived; the server rolled back
    kAfter,   // it was done, the answer was lost
    // The connection is gone, the server still works on it and holds its locks. It ends by itself
    // after `zombie_waits` waits of somebody, as `zombie_commits` says, or when it is terminated.
    kDuring,
  };

  explicit FakeWarehouse(FakeClock& clock) : clock_(clock) {}

  RedshiftConnector connector();
  // The nth next statement that holds `part` is answered with an error, `count` times in a row.
  void fail(const std::string& part, const std::string& sqlstate, const std::string& message,
            int nth = 1, int count = 1);
  void drop(const std::string& part, Drop how, int nth = 1);
  // Runs `hook` before the nth next statement that holds `part`.
  void before(const std::string& part, std::function<void()> hook, int nth = 1);
  // A session that holds the state's lock, as a dead run leaves it; returns its pid.
  int add_zombie();
  // Another writer moves the fence.
  void move_fence(const std::string& load_id) { data.state["*"].load_id = load_id; }

  [[nodiscard]] int count(const std::string& part) const;  // statements that hold `part`
  // Index of the first statement that holds `part`, from `from` on; -1 if none.
  [[nodiscard]] int index_of(const std::string& part, int from = 0) const;

  FakeData data;  // committed
  std::vector<std::string> log;
  std::vector<int64_t> waits;  // for each of log: how long its answer would be waited for
  std::map<std::string, uint64_t> copy_rows;   // manifest key -> rows that COPY loads
  std::map<std::string, uint64_t> matching;    // target -> rows that DELETE ... USING, WHERE finds
  std::map<std::string, uint64_t> duplicates;  // table or stage -> keys that occur twice
  std::map<std::string, uint64_t> null_keys;   // table or stage -> rows with NULL in the key
  std::vector<std::string> load_error;         // file, line, column, reason
  std::optional<std::string> refused_field;    // what stl_load_errors shows; nothing: Serverless
  // What names up to three bad keys answers.
  std::vector<std::vector<std::optional<std::string>>> bad_keys;
  // What a user may do (rights_sql in compare.cc), "t" or "f" each; empty: it says nothing of it.
  std::vector<std::optional<std::string>> rights;
  std::vector<std::array<std::string, 3>> bound_views;  // table, column, view of the schema rep
  bool says_copy_count = true;                          // COPY's INFO message
  bool has_stv_sessions = true;                         // false: Serverless
  bool zombie_commits = false;
  int zombie_waits = 1'000'000;
  bool shrink_stage = false;                 // INSERT ... SELECT finds a row less
  bool shrink_key_counts = false;            // the count of keys in several stages lacks one
  bool shrink_side_door = false;             // an INSERT of values brings one row less than it says
  std::vector<std::string> rejected;         // INSERTs into _vesto_rejected
  bool answer_commit_with_rollback = false;  // as an aborted transaction does
  int header_rows = 1;                       // what the fence's UPDATE would change
  std::function<void()> on_drop;             // when a connection is dropped by drop()
  int cancels = 0;
  int connects = 0;
  int refuse_connects = 0;                              // so many connections are refused
  bool silent_connects = false;                         // connection attempts are not answered
  std::string silent_in;                                // nor is a statement that holds this
  bool silent_forever = false;                          // nor any later one
  std::string where = "vesto_load@warehouse:5439/dev";  // which warehouse this is
  std::vector<int> terminated;
  std::map<int, std::string> starts;  // living sessions: pid -> start

 private:
  friend class FakeSession;
  struct Fault {
    std::string part;
    int nth = 1;
    int count = 1;
    bool dropped = false;
    Drop how = Drop::kBefore;
    std::string sqlstate;
    std::string message;
    std::function<void()> hook;
  };
  Fault* due(const std::string& sql);
  bool wait_for_lock(int pid);  // false: waited 60 s in vain
  void end_zombie(bool commit);

  FakeClock& clock_;
  std::vector<std::unique_ptr<Fault>> faults_;
  int next_pid_ = 100;
  int lock_holder_ = 0;
  int zombie_pid_ = 0;
  FakeData zombie_data_;
};

}  // namespace vesto::testing

#endif  // VESTO_TESTS_SUPPORT_FAKE_REDSHIFT_H_
