#include "tests/support/fake_redshift.h"

#include <fmt/core.h>

#include <algorithm>

#include "tests/support/fake_session.h"

namespace vesto::testing {

Result<ExecResult> FakeSession::exec(std::string_view text, int64_t timeout_ms) {
  const std::string sql(text);
  house_.log.push_back(sql);
  house_.waits.push_back(timeout_ms);
  if (!usable_) return lost(sql);
  if (house_.terminated.end() !=
      std::find(house_.terminated.begin(), house_.terminated.end(), pid_)) {
    lose();
    return lost(sql);
  }
  if (!house_.silent_in.empty() && sql.find(house_.silent_in) != std::string::npos) {
    if (!house_.silent_forever) house_.silent_in.clear();
    return no_answer(timeout_ms);
  }
  FakeWarehouse::Fault* fault = house_.due(sql);
  if (fault != nullptr && fault->hook) fault->hook();
  if (!usable_) return lost(sql);  // the hook cancelled it
  if (fault == nullptr || fault->hook) return run(sql);
  if (!fault->dropped) {
    Error error = refuse(fault->sqlstate, fault->message);
    if (sql == "COMMIT") (void)run("ROLLBACK");  // a refused COMMIT ends the transaction
    return error;
  }
  if (fault->how == FakeWarehouse::Drop::kAfter) (void)run(sql);
  if (fault->how == FakeWarehouse::Drop::kDuring) become_zombie(sql == "COMMIT");
  lose();
  if (house_.on_drop) house_.on_drop();
  return lost(sql);
}

void FakeSession::become_zombie(bool committing) {
  house_.zombie_pid_ = pid_;
  house_.zombie_data_ = committing ? pending_ : house_.data;
  const std::string start = start_;
  close();
  house_.lock_holder_ = house_.zombie_pid_;
  house_.starts[pid_] = start;
  zombie_ = true;
}

Result<ExecResult> FakeSession::run(const std::string& sql) {
  if (aborted_ && sql != "ROLLBACK") {
    return refuse("25P02", "current transaction is aborted");
  }
  for (const char* word : {"BEGIN", "COMMIT", "ROLLBACK", "SET ", "LOCK TABLE "}) {
    if (sql.starts_with(word)) return control(sql);
  }
  if (sql.starts_with("SELECT ")) return select(sql);
  if (sql.starts_with("CREATE ") || sql.starts_with("ALTER ")) return create(sql);
  if (sql.starts_with("COPY ")) return copy(sql);
  return change(sql);
}

Result<ExecResult> FakeSession::control(const std::string& sql) {
  if (sql == "BEGIN") {
    open_ = true;
    pending_ = house_.data;
    stages_before_ = stages_;
    return tag("BEGIN");
  }
  if (sql == "COMMIT" || sql == "ROLLBACK") {
    const bool commit = sql == "COMMIT" && !aborted_ && !house_.answer_commit_with_rollback;
    if (commit && open_) house_.data = pending_;
    if (!commit && open_) stages_ = stages_before_;
    if (house_.lock_holder_ == pid_) house_.lock_holder_ = 0;
    open_ = false;
    aborted_ = false;
    return tag(commit ? "COMMIT" : "ROLLBACK");
  }
  if (sql.starts_with("SET ")) return tag("SET");
  if (!house_.wait_for_lock(pid_)) {
    return refuse("57014", "Query (1) canceled on user's request");
  }
  house_.lock_holder_ = pid_;
  pending_ = house_.data;  // the snapshot is taken under the lock
  return tag("LOCK TABLE");
}

RedshiftConnector FakeWarehouse::connector() {
  return [this](int64_t timeout_ms) -> Result<std::unique_ptr<RedshiftSession>> {
    ++connects;
    if (silent_connects) {
      clock_.now_ms += timeout_ms;
      PgError error;
      error.kind = PgError::Kind::kTimeout;
      error.message = "no answer in time";
      return redshift_login_error(error, "connecting");
    }
    if (refuse_connects > 0) {
      --refuse_connects;
      PgError error;
      error.kind = PgError::Kind::kRefused;
      error.message = "connection refused";
      return redshift_login_error(error, "connecting");
    }
    const int pid = next_pid_++;
    const std::string start = fmt::format("2026-11-22 00:00:{:02}", pid % 60);
    starts[pid] = start;
    return std::unique_ptr<RedshiftSession>(std::make_unique<FakeSession>(*this, pid, start));
  };
}

void FakeWarehouse::fail(const std::string& part, const std::string& sqlstate,
                         const std::string& message, int nth, int count) {
  faults_.push_back(std::make_unique<Fault>(
      Fault{part, nth, count, false, Drop::kBefore, sqlstate, message, {}}));
}

void FakeWarehouse::drop(const std::string& part, Drop how, int nth) {
  faults_.push_back(std::make_unique<Fault>(Fault{part, nth, 1, true, how, "", "", {}}));
}

void FakeWarehouse::before(const std::string& part, std::function<void()> hook, int nth) {
  faults_.push_back(
      std::make_unique<Fault>(Fault{part, nth, 1, false, Drop::kBefore, "", "", std::move(hook)}));
}

int FakeWarehouse::add_zombie() {
  zombie_pid_ = next_pid_++;
  zombie_data_ = data;
  lock_holder_ = zombie_pid_;
  starts[zombie_pid_] = "2026-11-21 10:00:00";
  return zombie_pid_;
}

int FakeWarehouse::count(const std::string& part) const {
  return static_cast<int>(std::count_if(log.begin(), log.end(), [&](const std::string& sql) {
    return sql.find(part) != std::string::npos;
  }));
}

int FakeWarehouse::index_of(const std::string& part, int from) const {
  for (size_t i = static_cast<size_t>(from); i < log.size(); ++i) {
    if (log[i].find(part) != std::string::npos) return static_cast<int>(i);
  }
  return -1;
}

FakeWarehouse::Fault* FakeWarehouse::due(const std::string& sql) {
  Fault* found = nullptr;
  for (const auto& fault : faults_) {
    if (sql.find(fault->part) == std::string::npos || fault->count == 0) continue;
    if (fault->nth > 1) {
      --fault->nth;
    } else if (found == nullptr) {
      --fault->count;
      found = fault.get();
    }
  }
  return found;
}

bool FakeWarehouse::wait_for_lock(int pid) {
  if (lock_holder_ == 0 || lock_holder_ == pid) return true;
  if (lock_holder_ == zombie_pid_ && zombie_waits-- <= 0) {
    end_zombie(zombie_commits);
    return true;
  }
  clock_.now_ms += 60'000;
  return false;
}

void FakeWarehouse::end_zombie(bool commit) {
  if (commit) data = zombie_data_;
  if (lock_holder_ == zombie_pid_) lock_holder_ = 0;
  starts.erase(zombie_pid_);
  zombie_pid_ = 0;
}

}  // namespace vesto::testing
