#include "store/writer.h"

#include <algorithm>
#include <utility>

#include "base/thread_root.h"

namespace vesto::store {

Writer::Writer(std::unique_ptr<Database> db) : db_(std::move(db)), thread_([this] { work(); }) {}

Writer::~Writer() {
  {
    Lock lock(mutex_);
    closed_ = true;
    filled_.notify_all();
  }
  thread_.join();
}

Status Writer::run(Command command, Keeps keeps) {
  Task task{.command = std::move(command), .keeps = keeps, .answer = std::nullopt};
  Lock lock(mutex_);
  while (waiting_.size() >= kMaxWaiting) room_.wait(mutex_);
  waiting_.push_back(&task);
  filled_.notify_one();
  while (!task.answer) answered_.wait(mutex_);
  return *std::move(task.answer);
}

int64_t Writer::commits() {
  Lock lock(mutex_);
  return commits_;
}

void Writer::work() {
  name_thread("journal");
  while (true) {
    const Batch batch = take();
    if (batch.empty()) return;
    std::vector<Status> answers;
    const Status ran = thread_root([&] { answers = commit(batch); });
    // Left in the middle of a transaction: nothing of it is kept.
    if (!ran.ok()) (void)thread_root([&] { return roll_back(); });
    Lock lock(mutex_);
    ++commits_;
    for (size_t i = 0; i < batch.size(); ++i) {
      batch[i]->answer = ran.ok() ? std::move(answers[i]) : ran;
    }
    answered_.notify_all();
  }
}

Writer::Batch Writer::take() {
  Lock lock(mutex_);
  while (waiting_.empty() && !closed_) filled_.wait(mutex_);
  Batch batch;
  while (!waiting_.empty() && batch.size() < kMaxTogether) {
    batch.push_back(waiting_.front());
    waiting_.pop_front();
  }
  room_.notify_all();
  return batch;
}

Status Writer::roll_back() { return db_->autocommit() ? ok_status() : db_->exec("ROLLBACK"); }

// In WAL mode NORMAL commits without a flush. The log is one file: the next flush of it keeps what
// was written before as well, and what is torn off by a crash is always its end.
Status Writer::set_flush(bool flush) {
  if (flush == flushes_) return ok_status();
  VESTO_TRY(db_->exec(flush ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
  flushes_ = flush;
  return ok_status();
}

std::vector<Status> Writer::commit(const Batch& batch) {
  std::vector<Status> answers;
  answers.reserve(batch.size());
  const bool flush = std::any_of(batch.begin(), batch.end(),
                                 [](const Task* task) { return task->keeps == Keeps::kOnDisk; });
  Status whole = set_flush(flush);
  // IMMEDIATE: a transaction that reads first and then writes can fail in spite of the busy
  // timeout.
  if (whole.ok()) whole = db_->exec("BEGIN IMMEDIATE");
  if (whole.ok()) whole = run_commands(batch, &answers);
  if (whole.ok()) whole = db_->exec("COMMIT");
  if (!whole.ok()) {
    (void)roll_back();
    answers.assign(batch.size(), whole);
  }
  return answers;
}

Status Writer::run_commands(const Batch& batch, std::vector<Status>* answers) {
  for (Task* task : batch) {
    VESTO_TRY(db_->exec("SAVEPOINT command"));
    Status answer = task->command(*db_);
    if (!answer.ok()) {
      // A full disk or a damaged file ends the whole transaction, for everybody in it.
      if (db_->autocommit()) return answer;
      VESTO_TRY(db_->exec("ROLLBACK TO command"));
    }
    VESTO_TRY(db_->exec("RELEASE command"));
    answers->push_back(std::move(answer));
  }
  return ok_status();
}

}  // namespace vesto::store
