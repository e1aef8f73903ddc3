// Requests to cancel whose server takes the connection and says nothing: their threads are bounded.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "pg/connection.h"
#include "tests/support/fake_pg_server.h"

namespace vesto {
namespace {

using testing::FakePgServer;
using Clock = std::chrono::steady_clock;
constexpr size_t kMost = 16;

size_t cancelling_threads() {
  size_t count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(task.path() / "comm");
    std::string name;
    if (std::getline(in, name) && name == "cancel") ++count;
  }
  return count;
}

struct Muted {
  std::unique_ptr<FakePgServer> server =
      std::make_unique<FakePgServer>(std::vector<std::string>{}, true);
  std::unique_ptr<PgConnection> connection;

  Muted() {
    PgOptions options;
    options.host = "127.0.0.1";
    options.port = server->port();
    options.database = "db";
    options.user = "u";
    options.sslmode = "disable";
    auto made = PgConnection::connect(options);
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().text());
    if (made.ok()) connection = std::move(made).value();
  }
};

TEST(Cancel, NoMoreThreadsAreLeftBehindThanAFew) {
  std::vector<Muted> all(kMost + 1);
  for (const Muted& one : all) ASSERT_NE(one.connection, nullptr);
  {
    std::vector<std::jthread> asking;
    for (size_t i = 0; i < kMost; ++i) {
      asking.emplace_back([&all, i] { all[i].connection->request_cancel(); });
    }
  }
  EXPECT_EQ(cancelling_threads(), kMost);  // each was given up, and waits
  const auto from = Clock::now();
  all.back().connection->request_cancel();
  EXPECT_LT(Clock::now() - from, std::chrono::seconds(1));
  EXPECT_EQ(cancelling_threads(), kMost);
  // The server hangs up: they end, and others have room.
  for (Muted& one : all) one.server.reset();
  const auto until = Clock::now() + std::chrono::seconds(10);
  while (cancelling_threads() > 0 && Clock::now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_EQ(cancelling_threads(), 0U);
  const Muted again;
  ASSERT_NE(again.connection, nullptr);
  std::jthread asking([&again] { again.connection->request_cancel(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  EXPECT_EQ(cancelling_threads(), 1U);
}

}  // namespace
}  // namespace vesto
