// The one thread that writes to the store. Commands that wait together are committed together: one
// fsync for all of them. Each has a savepoint of its own, so one that fails takes no other along.
//
//   Writer writer(std::move(db));
//   VESTO_TRY(writer.run([&](Database& db) -> Status { ... }));   // on disk when it returns ok
//   VESTO_TRY(writer.run(command, Keeps::kWithNext));             // needs no fsync of its own
//
// Thread rule: run() from any thread; the command itself runs in the writer's thread while the
// caller waits, so it may use the caller's variables.
#ifndef VESTO_STORE_WRITER_H_
#define VESTO_STORE_WRITER_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "store/sqlite.h"

namespace vesto::store {

// What a command outlives once it has returned ok.
enum class Keeps {
  kOnDisk,    // all: the log was flushed
  kWithNext,  // the end of this process; an end of the machine from the next flush on
};

class Writer {
 public:
  using Command = std::function<Status(Database&)>;
  static constexpr size_t kMaxWaiting = 256;
  static constexpr size_t kMaxTogether = 64;

  explicit Writer(std::unique_ptr<Database> db);
  ~Writer();  // what waits is still done
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // The command's own error, or that of the transaction (then nothing of it was kept).
  Status run(Command command, Keeps keeps = Keeps::kOnDisk) VESTO_EXCLUDES(mutex_);
  // Transactions so far. For tests.
  [[nodiscard]] int64_t commits() VESTO_EXCLUDES(mutex_);

 private:
  struct Task {
    Command command;
    Keeps keeps = Keeps::kOnDisk;
    std::optional<Status> answer;
  };
  using Batch = std::vector<Task*>;

  void work() VESTO_EXCLUDES(mutex_);
  Batch take() VESTO_EXCLUDES(mutex_);
  // One answer for each task.
  std::vector<Status> commit(const Batch& batch);
  // Flushes with the next COMMIT, or not; for the thread alone.
  Status set_flush(bool flush);
  Status roll_back();
  Status run_commands(const Batch& batch, std::vector<Status>* answers);

  std::unique_ptr<Database> db_;  // used by the thread alone
  bool flushes_ = true;           // as the database was opened; the thread's
  Mutex mutex_;
  CondVar room_;
  CondVar filled_;
  CondVar answered_;
  std::deque<Task*> waiting_ VESTO_GUARDED_BY(mutex_);
  bool closed_ VESTO_GUARDED_BY(mutex_) = false;
  int64_t commits_ VESTO_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace vesto::store

#endif  // VESTO_STORE_WRITER_H_
