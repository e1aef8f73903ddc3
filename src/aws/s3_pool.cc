#include "aws/s3_pool.h"

#include <utility>
#include <vector>

#include "base/mutex.h"

namespace vesto {

struct S3Pool::Idle {
  // The one that was used last, whose connection is most likely still open; nullptr: none is left.
  std::unique_ptr<S3> take() VESTO_EXCLUDES(mutex) {
    Lock lock(mutex);
    if (clients.empty()) return nullptr;
    std::unique_ptr<S3> client = std::move(clients.back());
    clients.pop_back();
    return client;
  }
  void give_back(std::unique_ptr<S3> client) VESTO_EXCLUDES(mutex) {
    Lock lock(mutex);
    if (clients.size() < kIdleClients) clients.push_back(std::move(client));
  }

  Mutex mutex;
  std::vector<std::unique_ptr<S3>> clients VESTO_GUARDED_BY(mutex);
};

namespace {

class LentS3 final : public S3 {
 public:
  using GiveBack = std::function<void(std::unique_ptr<S3>)>;
  LentS3(std::unique_ptr<S3> client, GiveBack give_back)
      : client_(std::move(client)), give_back_(std::move(give_back)) {}
  ~LentS3() override { give_back_(std::move(client_)); }
  LentS3(const LentS3&) = delete;
  LentS3& operator=(const LentS3&) = delete;

  Result<S3PutResult> put_hashed(std::string_view key, std::string_view body,
                                 std::string_view body_sha256,
                                 const std::stop_token& stop) override {
    return client_->put_hashed(key, body, body_sha256, stop);
  }
  Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                 const std::stop_token& stop) override {
    return client_->get_object(key, max_bytes, stop);
  }
  Result<S3ListPage> list(std::string_view prefix, std::string_view continuation_token,
                          const std::stop_token& stop) override {
    return client_->list(prefix, continuation_token, stop);
  }
  Status remove(std::string_view key, const std::stop_token& stop) override {
    return client_->remove(key, stop);
  }
  Status remove_many(const std::vector<std::string>& keys, const std::stop_token& stop) override {
    return client_->remove_many(keys, stop);
  }
  Result<std::optional<uint64_t>> head(std::string_view key, const std::stop_token& stop) override {
    return client_->head(key, stop);
  }
  Result<std::string> region(const std::stop_token& stop) override { return client_->region(stop); }

 private:
  std::unique_ptr<S3> client_;
  const GiveBack give_back_;
};

}  // namespace

S3Pool::S3Pool(std::function<std::unique_ptr<S3>()> make)
    : make_(std::move(make)), idle_(std::make_shared<Idle>()) {}

std::unique_ptr<S3> S3Pool::take() {
  std::unique_ptr<S3> client = idle_->take();
  if (client == nullptr) client = make_();
  return std::make_unique<LentS3>(std::move(client), [idle = idle_](std::unique_ptr<S3> used) {
    idle->give_back(std::move(used));
  });
}

}  // namespace vesto
