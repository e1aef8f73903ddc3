// A bucket in memory, and an S3 on it that fails at the n-th call of a kind, before or after the
// call took effect (an answer that was lost). And a journal in memory.
//
//   MemoryBucket bucket;
//   bucket.fail({.kind = S3Kind::kPut, .nth = 3, .code = ErrorCode::kNetReset, .after = true});
//   FaultyS3 s3(bucket);
//
// Thread rule: MemoryBucket and MemoryJournal: any thread. A FaultyS3 belongs to one.
#ifndef VESTO_TESTS_SUPPORT_FAULTY_S3_H_
#define VESTO_TESTS_SUPPORT_FAULTY_S3_H_

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/s3.h"
#include "base/mutex.h"
#include "stage/journal.h"

namespace vesto::testing_support {

enum class S3Kind { kPut, kGet, kList, kRemove, kRemoveMany, kHead };

struct S3Fault {
  S3Kind kind = S3Kind::kPut;
  int nth = 1;    // counted from 1, over all clients of the bucket
  int count = 1;  // so many calls in a row
  ErrorCode code = ErrorCode::kS3Server;
  bool after = false;  // the call took effect, its answer was lost
};

class MemoryBucket {
 public:
  void fail(S3Fault fault) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    faults_.push_back(fault);
  }
  // Called with the key before each PUT takes effect; any thread.
  void on_put(std::function<void(const std::string&)> callback) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    on_put_ = std::move(callback);
  }
  void set_page_size(size_t size) { page_size_ = size; }
  void set_versioned() { versioned_ = true; }

  void put(const std::string& key, const std::string& body) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    objects_[key] = body;
  }
  [[nodiscard]] std::optional<std::string> get(const std::string& key) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return std::nullopt;
    return found->second;
  }
  [[nodiscard]] std::vector<std::string> keys() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    std::vector<std::string> out;
    for (const auto& [key, body] : objects_) out.push_back(key);
    return out;
  }
  [[nodiscard]] int calls(S3Kind kind) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return calls_[kind];
  }

 private:
  friend class FaultyS3;

  std::optional<S3Fault> count_call(S3Kind kind) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    const int call = ++calls_[kind];
    for (const S3Fault& fault : faults_) {
      if (fault.kind == kind && call >= fault.nth && call < fault.nth + fault.count) return fault;
    }
    return std::nullopt;
  }

  Mutex mutex_;
  std::map<std::string, std::string> objects_ VESTO_GUARDED_BY(mutex_);
  std::vector<S3Fault> faults_ VESTO_GUARDED_BY(mutex_);
  std::map<S3Kind, int> calls_ VESTO_GUARDED_BY(mutex_);
  std::function<void(const std::string&)> on_put_ VESTO_GUARDED_BY(mutex_);
  size_t page_size_ = 1000;
  bool versioned_ = false;
};

class FaultyS3 final : public S3 {
 public:
  explicit FaultyS3(MemoryBucket& bucket) : bucket_(bucket) {}

  Result<S3PutResult> put_hashed(std::string_view key, std::string_view body, std::string_view,
                                 const std::stop_token&) override {
    VESTO_TRY(faulty(S3Kind::kPut, [&] {
      std::function<void(const std::string&)> callback;
      {
        Lock lock(bucket_.mutex_);
        callback = bucket_.on_put_;
      }
      if (callback) callback(std::string(key));
      bucket_.put(std::string(key), std::string(body));
    }));
    return S3PutResult{.etag = "\"e\"", .versioned = bucket_.versioned_};
  }

  Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                 const std::stop_token&) override {
    std::optional<std::string> body;
    VESTO_TRY(faulty(S3Kind::kGet, [&] { body = bucket_.get(std::string(key)); }));
    if (!body || body->size() > max_bytes) return Error(ErrorCode::kS3Refused, "no such object");
    return *std::move(body);
  }

  Result<S3ListPage> list(std::string_view prefix, std::string_view token,
                          const std::stop_token&) override {
    S3ListPage page;
    VESTO_TRY(faulty(S3Kind::kList, [&] {
      Lock lock(bucket_.mutex_);
      for (auto it = bucket_.objects_.upper_bound(std::string(token)); it != bucket_.objects_.end();
           ++it) {
        if (!it->first.starts_with(prefix)) continue;
        if (page.objects.size() == bucket_.page_size_) {
          page.next_token = page.objects.back().key;
          return;
        }
        page.objects.push_back(
            {.key = it->first, .size_bytes = it->second.size(), .modified_ms = 0});
      }
    }));
    return page;
  }

  Status remove(std::string_view key, const std::stop_token&) override {
    return faulty(S3Kind::kRemove, [&] { erase({std::string(key)}); });
  }
  Status remove_many(const std::vector<std::string>& keys, const std::stop_token&) override {
    return faulty(S3Kind::kRemoveMany, [&] { erase(keys); });
  }
  Result<std::optional<uint64_t>> head(std::string_view key, const std::stop_token&) override {
    std::optional<uint64_t> size;
    VESTO_TRY(faulty(S3Kind::kHead, [&] {
      const auto body = bucket_.get(std::string(key));
      if (body) size = body->size();
    }));
    return size;
  }
  Result<std::string> region(const std::stop_token&) override { return std::string("eu-west-1"); }

 private:
  Status faulty(S3Kind kind, const std::function<void()>& effect) {
    const std::optional<S3Fault> fault = bucket_.count_call(kind);
    if (!fault || fault->after) effect();
    if (fault) return Error(fault->code, "a fault of the test");
    return ok_status();
  }
  void erase(const std::vector<std::string>& keys) {
    Lock lock(bucket_.mutex_);
    for (const std::string& key : keys) bucket_.objects_.erase(key);
  }

  MemoryBucket& bucket_;
};

class MemoryJournal final : public Journal {
 public:
  Status plan(const JournalObject& object) override {
    Lock lock(mutex_);
    if (fail_plans_) return Error(ErrorCode::kSysDisk, "a fault of the test");
    objects_[{object.bucket, object.key}] = object;
    return ok_status();
  }
  Status mark_stored(const std::string& bucket, const std::string& key) override {
    Lock lock(mutex_);
    if (fail_marks_) return Error(ErrorCode::kSysDisk, "a fault of the test");
    const auto found = objects_.find({bucket, key});
    if (found == objects_.end()) return Error(ErrorCode::kSysStore, "never planned");
    found->second.stored = true;
    return ok_status();
  }
  Status forget(const std::string& bucket, const std::vector<std::string>& keys) override {
    Lock lock(mutex_);
    for (const std::string& key : keys) objects_.erase({bucket, key});
    return ok_status();
  }
  Result<std::vector<JournalObject>> objects_of(const RunId& run) override {
    Lock lock(mutex_);
    std::vector<JournalObject> out;
    for (const auto& [place, object] : objects_) {
      if (object.run == run) out.push_back(object);
    }
    return out;
  }

  [[nodiscard]] bool knows(const std::string& bucket, const std::string& key) {
    Lock lock(mutex_);
    return objects_.count({bucket, key}) != 0;
  }
  [[nodiscard]] size_t size() {
    Lock lock(mutex_);
    return objects_.size();
  }
  void set_fail_plans(bool fail) {
    Lock lock(mutex_);
    fail_plans_ = fail;
  }
  void set_fail_marks(bool fail) {
    Lock lock(mutex_);
    fail_marks_ = fail;
  }

 private:
  Mutex mutex_;
  std::map<std::pair<std::string, std::string>, JournalObject> objects_ VESTO_GUARDED_BY(mutex_);
  bool fail_plans_ VESTO_GUARDED_BY(mutex_) = false;
  bool fail_marks_ VESTO_GUARDED_BY(mutex_) = false;
};

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_FAULTY_S3_H_
