// A mutex that clang's thread-safety analysis understands (std::mutex carries no annotations).
//
//   Mutex mutex_;
//   int count_ VESTO_GUARDED_BY(mutex_) = 0;
//   { Lock lock(mutex_); ++count_; }
#ifndef VESTO_BASE_MUTEX_H_
#define VESTO_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define VESTO_ANNOTATE(x) __attribute__((x))
#else
#define VESTO_ANNOTATE(x)
#endif
#define VESTO_GUARDED_BY(x) VESTO_ANNOTATE(guarded_by(x))
#define VESTO_REQUIRES(x) VESTO_ANNOTATE(requires_capability(x))
#define VESTO_EXCLUDES(x) VESTO_ANNOTATE(locks_excluded(x))

namespace vesto {

class VESTO_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() VESTO_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() VESTO_ANNOTATE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class VESTO_ANNOTATE(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) VESTO_ANNOTATE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~Lock() VESTO_ANNOTATE(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

// Works with Mutex (condition_variable_any takes any lockable). Wait in a loop on the condition.
class CondVar {
 public:
  void wait(Mutex& mutex) VESTO_REQUIRES(mutex) { condition_.wait(mutex); }
  template <typename Duration>
  bool wait_for(Mutex& mutex, Duration duration) VESTO_REQUIRES(mutex) {
    return condition_.wait_for(mutex, duration) == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace vesto

#endif  // VESTO_BASE_MUTEX_H_
