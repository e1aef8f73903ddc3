// A queue of at most `capacity` items between threads. close() ends it: what is inside can still be
// taken, then pop() returns nothing; push() after close() returns false and drops the item.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_BASE_BOUNDED_QUEUE_H_
#define VESTO_BASE_BOUNDED_QUEUE_H_

#include <deque>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"

namespace vesto {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) { VESTO_CHECK(capacity > 0); }

  // Waits for room. False: the queue is closed and the item was dropped.
  bool push(T item) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    while (items_.size() >= capacity_ && !closed_) room_.wait(mutex_);
    if (closed_) return false;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return true;
  }

  // Never waits. Returns the item when there is no room or the queue is closed.
  std::optional<T> try_push(T item) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    if (closed_ || items_.size() >= capacity_) return item;
    items_.push_back(std::move(item));
    filled_.notify_one();
    return std::nullopt;
  }

  // Waits for an item. Nothing: closed and empty.
  std::optional<T> pop() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    while (items_.empty() && !closed_) filled_.wait(mutex_);
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    room_.notify_one();
    return item;
  }

  void close() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    closed_ = true;
    room_.notify_all();
    filled_.notify_all();
  }

 private:
  const size_t capacity_;
  Mutex mutex_;
  CondVar room_;
  CondVar filled_;
  std::deque<T> items_ VESTO_GUARDED_BY(mutex_);
  bool closed_ VESTO_GUARDED_BY(mutex_) = false;
};

}  // namespace vesto

#endif  // VESTO_BASE_BOUNDED_QUEUE_H_
