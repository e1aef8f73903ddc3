// One session of the warehouse of the mind (fake_redshift.h). For tests/support/fake_*.cc only.
#ifndef VESTO_TESTS_SUPPORT_FAKE_SESSION_H_
#define VESTO_TESTS_SUPPORT_FAKE_SESSION_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "redshift/errors.h"
#include "tests/support/fake_redshift.h"

namespace vesto::testing {

inline ExecResult tag(std::string text) { return {std::move(text), {}, {}}; }

class FakeSession : public RedshiftSession {
 public:
  FakeSession(FakeWarehouse& house, int pid, std::string start)
      : house_(house), pid_(pid), start_(std::move(start)) {}
  ~FakeSession() override { close(); }

  Result<ExecResult> exec(std::string_view text, int64_t timeout_ms) override;
  void set_secret(const std::string&, const Secret&) override {}
  [[nodiscard]] int backend_pid() const override { return pid_; }
  [[nodiscard]] const std::string& backend_start() const override { return start_; }
  [[nodiscard]] const std::string& where() const override { return house_.where; }
  void cancel() override {
    ++house_.cancels;
    lose();
  }
  [[nodiscard]] bool in_transaction() const override { return open_; }
  [[nodiscard]] bool usable() const override { return usable_; }

 private:
  void close() {
    if (zombie_) return;  // the server's side lives on
    if (house_.lock_holder_ == pid_) house_.lock_holder_ = 0;
    house_.starts.erase(pid_);
    open_ = false;
  }
  void lose() {
    usable_ = false;
    close();
  }
  Error lost(const std::string& sql) {
    PgError error;
    error.kind = PgError::Kind::kLost;
    error.message = "server closed the connection unexpectedly";
    return redshift_error(error, sql.substr(0, 20));
  }
  // As a session whose server says nothing any more.
  Error no_answer(int64_t timeout_ms) {
    house_.clock_.now_ms += timeout_ms;
    lose();
    PgError error;
    error.kind = PgError::Kind::kTimeout;
    error.message = "no answer in time";
    return redshift_error(error, "statement");
  }
  Error refuse(const std::string& sqlstate, const std::string& message) {
    if (open_) aborted_ = true;
    PgError error;
    error.sqlstate = sqlstate;
    error.message = message;
    return redshift_error(error, "statement");
  }
  FakeData& data() { return open_ ? pending_ : house_.data; }
  void become_zombie(bool committing);

  Result<ExecResult> run(const std::string& sql);
  Result<ExecResult> control(const std::string& sql);
  Result<ExecResult> select(const std::string& sql);
  Result<ExecResult> change(const std::string& sql);
  Result<ExecResult> create(const std::string& sql);
  Result<ExecResult> copy(const std::string& sql);
  ExecResult catalog(const std::string& sql);

  FakeWarehouse& house_;
  int pid_;
  bool zombie_ = false;
  std::string start_;
  bool usable_ = true;
  bool open_ = false;
  bool aborted_ = false;
  FakeData pending_;
  std::map<std::string, uint64_t> stages_;  // rows
  std::map<std::string, uint64_t> stages_before_;
  uint64_t last_copy_ = 0;
};

}  // namespace vesto::testing

#endif  // VESTO_TESTS_SUPPORT_FAKE_SESSION_H_
