// Twins for the tests of COPY: an object store in memory, a ring of keys, a sink that keeps rows.
#ifndef VESTO_TESTS_SANDBOX_COPY_MEMORY_STORE_H_
#define VESTO_TESTS_SANDBOX_COPY_MEMORY_STORE_H_

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/copy/copy_executor.h"

namespace vesto::sandbox {

class MemoryStore final : public ObjectStore {
 public:
  size_t chunk_bytes = SIZE_MAX;      // a read gives no more than this
  size_t page_keys = 1000;            // a list gives no more than this
  std::optional<S3Error> read_error;  // given by the second read of every object

  S3Result<std::unique_ptr<ObjectReader>> open(std::string_view bucket,
                                               std::string_view key) override {
    const auto found = objects_.find({std::string(bucket), std::string(key)});
    if (found == objects_.end()) {
      return S3Error{
          .status = 404, .code = "NoSuchKey", .message = "The specified key does not exist."};
    }
    return S3Result<std::unique_ptr<ObjectReader>>(
        std::make_unique<Reader>(found->second, std::string(key), this));
  }
  S3Result<ObjectInfo> put(std::string_view bucket, std::string_view key, std::string_view body,
                           const std::map<std::string, std::string>&) override {
    buckets_.insert(std::string(bucket));
    objects_[{std::string(bucket), std::string(key)}] = std::string(body);
    return ObjectInfo{};
  }
  S3Result<Unit> remove(std::string_view bucket, std::string_view key) override {
    objects_.erase({std::string(bucket), std::string(key)});
    return Unit{};
  }
  S3Result<ListPage> list(std::string_view bucket, std::string_view prefix, std::string_view,
                          std::string_view start_after, size_t max_keys) override {
    ListPage page;
    for (const auto& [name, body] : objects_) {
      if (name.first != bucket || name.second.compare(0, prefix.size(), prefix) != 0) continue;
      if (!start_after.empty() && name.second <= start_after) continue;
      if (page.objects.size() == std::min(max_keys, page_keys)) {
        page.truncated = true;
        break;
      }
      ObjectInfo info;
      info.key = name.second;
      info.size_bytes = body.size();
      page.objects.push_back(info);
    }
    return page;
  }
  bool bucket_exists(std::string_view bucket) override {
    return buckets_.count(std::string(bucket)) != 0;
  }
  size_t object_count() override { return objects_.size(); }
  size_t open_upload_count() override { return 0; }

 private:
  class Reader final : public ObjectReader {
   public:
    Reader(std::string body, std::string key, const MemoryStore* store)
        : body_(std::move(body)), store_(store) {
      info_.key = std::move(key);
      info_.size_bytes = body_.size();
    }
    S3Result<size_t> read(char* buffer, size_t size) override {
      if (++reads_ == 2 && store_->read_error) return *store_->read_error;
      const size_t count = std::min({size, store_->chunk_bytes, body_.size() - position_});
      std::memcpy(buffer, body_.data() + position_, count);
      position_ += count;
      return count;
    }
    [[nodiscard]] const ObjectInfo& info() const override { return info_; }

   private:
    std::string body_;
    const MemoryStore* store_;
    ObjectInfo info_;
    size_t position_ = 0;
    int reads_ = 0;
  };

  std::set<std::string> buckets_;
  std::map<std::pair<std::string, std::string>, std::string> objects_;
};

class OneKeyRing final : public KeyRing {
 public:
  AccessKey key{.id = "AKIATEST", .secret = "sec/ret+1", .session_token = ""};
  [[nodiscard]] std::optional<AccessKey> find(std::string_view id) const override {
    if (id != key.id) return std::nullopt;
    return key;
  }
};

class KeepingSink final : public CopySink {
 public:
  std::string rows;
  size_t largest_write = 0;
  std::optional<SqlError> failure;
  SqlStatus write(std::string_view text) override {
    if (failure) return *failure;
    largest_write = std::max(largest_write, text.size());
    rows.append(text);
    return Unit{};
  }
};

// Offers one fault for every call whose subject is `key`; counts the calls.
class KeyFault final : public Faults {
 public:
  std::string key;
  FaultAction action;
  std::map<std::string, uint64_t> calls;
  std::optional<FaultAction> hit(std::string_view kind, std::string_view subject) override {
    ++calls[std::string(kind)];
    if (subject != key) return std::nullopt;
    return action;
  }
  void count(std::string_view) override {}
  Result<Unit, std::string> add(std::string_view) override { return Unit{}; }
  void clear() override {}
  std::map<std::string, uint64_t> counts() override { return calls; }
};

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_SANDBOX_COPY_MEMORY_STORE_H_
