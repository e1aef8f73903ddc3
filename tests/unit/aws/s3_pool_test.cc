#include "aws/s3_pool.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vesto {
namespace {

// Says which of the clients it is.
class NumberedS3 : public S3 {
 public:
  NumberedS3(int number, int* alive) : number_(number), alive_(alive) { ++*alive_; }
  ~NumberedS3() override { --*alive_; }
  NumberedS3(const NumberedS3&) = delete;
  NumberedS3& operator=(const NumberedS3&) = delete;

  Result<S3PutResult> put_hashed(std::string_view key, std::string_view body,
                                 std::string_view sha256, const std::stop_token&) override {
    S3PutResult put;
    put.etag = std::string(key) + std::string(body) + std::string(sha256);
    return put;
  }
  Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                 const std::stop_token&) override {
    return std::string(key) + std::to_string(max_bytes);
  }
  Result<S3ListPage> list(std::string_view prefix, std::string_view token,
                          const std::stop_token&) override {
    S3ListPage page;
    page.next_token = std::string(prefix) + std::string(token);
    return page;
  }
  Status remove(std::string_view, const std::stop_token&) override {
    return Error(ErrorCode::kS3Refused, "remove");
  }
  Status remove_many(const std::vector<std::string>& keys, const std::stop_token&) override {
    return Error(ErrorCode::kS3Refused, "remove " + std::to_string(keys.size()));
  }
  Result<std::optional<uint64_t>> head(std::string_view, const std::stop_token&) override {
    return std::optional<uint64_t>(7);
  }
  Result<std::string> region(const std::stop_token&) override { return std::to_string(number_); }

 private:
  int number_;
  int* alive_;
};

struct S3PoolTest : ::testing::Test {
  S3Pool make() {
    return S3Pool([this] { return std::make_unique<NumberedS3>(++made, &alive); });
  }
  static std::string number(S3& s3) { return s3.region({}).value(); }
  int made = 0;
  int alive = 0;
};

TEST_F(S3PoolTest, WhoComesNextGetsTheClientThatWasUsedLast) {
  S3Pool pool = make();
  auto first = pool.take();
  auto second = pool.take();
  EXPECT_EQ(number(*first), "1");
  EXPECT_EQ(number(*second), "2") << "a client belongs to one taker at a time";
  second.reset();
  first.reset();
  EXPECT_EQ(number(*pool.take()), "1");
  EXPECT_EQ(number(*pool.take()), "1");
  EXPECT_EQ(made, 2);
}

TEST_F(S3PoolTest, KeepsNoMoreThanItsBound) {
  S3Pool pool = make();
  std::vector<std::unique_ptr<S3>> taken;
  for (size_t i = 0; i < 3 * S3Pool::kIdleClients; ++i) taken.push_back(pool.take());
  taken.clear();
  EXPECT_EQ(alive, static_cast<int>(S3Pool::kIdleClients));
}

TEST_F(S3PoolTest, WhatWasTakenMayOutliveThePool) {
  std::unique_ptr<S3> taken;
  {
    S3Pool pool = make();
    taken = pool.take();
  }
  EXPECT_EQ(number(*taken), "1");
  taken.reset();
  EXPECT_EQ(alive, 0);
}

TEST_F(S3PoolTest, ALentClientDoesWhatTheClientDoes) {
  S3Pool pool = make();
  const auto s3 = pool.take();
  EXPECT_EQ(s3->put_hashed("k", "b", "h", {})->etag, "kbh");
  EXPECT_EQ(s3->get_object("k", 5, {}).value(), "k5");
  EXPECT_EQ(s3->list("p", "t", {})->next_token, "pt");
  EXPECT_EQ(s3->remove("k", {}).error().message(), "remove");
  EXPECT_EQ(s3->remove_many({"a", "b"}, {}).error().message(), "remove 2");
  EXPECT_EQ(s3->head("k", {}).value(), 7U);
}

}  // namespace
}  // namespace vesto
