// A connection whose tunnel is cut under it: the tunnel's reason is the error's.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "pg/connection.h"
#include "pg/errors.h"
#include "tests/support/fake_pg_server.h"

namespace vesto {
namespace {

using testing::FakePgServer;

// A way to a server of the test, and why it was cut.
class CutWay : public Dialer {
 public:
  explicit CutWay(int port) : port_(port) {}
  Result<Route> dial(const std::string& /*host*/, int /*port*/, int64_t /*timeout_ms*/,
                     const std::stop_token& /*stop*/) override {
    const auto failure = [cut = cut_]() -> std::optional<Error> {
      if (!*cut) return std::nullopt;
      return Error(ErrorCode::kSshLost, "the SSH connection was cut (bastion:22)");
    };
    return Route{.address = "127.0.0.1", .port = port_, .keep = nullptr, .failure = failure};
  }
  [[nodiscard]] std::string describe() const override { return "through the test"; }
  void cut() { *cut_ = true; }

 private:
  int port_;
  std::shared_ptr<std::atomic<bool>> cut_ = std::make_shared<std::atomic<bool>>(false);
};

struct Ended {
  PgError in_statement;
  PgError after_it;
};

// The server answers so and hangs up during a statement; the way knows why, or not.
Ended cut_in_statement(bool way_knows, std::vector<std::string> answers = {}) {
  auto server = std::make_unique<FakePgServer>(std::move(answers));
  const auto way = std::make_shared<CutWay>(server->port());
  PgOptions options;
  options.host = "warehouse.example";
  options.port = 5439;
  options.database = "db";
  options.user = "u";
  options.sslmode = "disable";
  options.dialer = way;
  auto connection = PgConnection::connect(options);
  EXPECT_TRUE(connection.ok()) << (connection.ok() ? "" : connection.error().text());
  if (!connection.ok()) return {};
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    if (way_knows) way->cut();
    server.reset();
  });
  Ended ended;
  const auto answer = (*connection)->exec("COPY a TO STDOUT", 20'000);
  later.join();
  EXPECT_FALSE(answer.ok());
  if (!answer.ok()) ended.in_statement = answer.error();
  const auto next = (*connection)->exec("SELECT 1", 20'000);
  EXPECT_FALSE(next.ok());
  if (!next.ok()) ended.after_it = next.error();
  return ended;
}

TEST(CutWayTest, TheTunnelsReasonIsTheErrors) {
  const Ended ended = cut_in_statement(true);
  for (const PgError& error : {ended.in_statement, ended.after_it}) {
    EXPECT_EQ(error.kind, PgError::Kind::kLost);
    const Error shown = pg_source_error(error, "reading public.orders");
    EXPECT_EQ(shown.code(), ErrorCode::kSshLost) << shown.to_string();
    EXPECT_EQ(shown.retry(), Retry::kBackoff);
    EXPECT_EQ(shown.message(), "reading public.orders: the SSH connection was cut (bastion:22)");
  }
}

TEST(CutWayTest, WhereTheWayStandsItIsTheServersCut) {
  const Ended ended = cut_in_statement(false);
  for (const PgError& error : {ended.in_statement, ended.after_it}) {
    EXPECT_EQ(error.kind, PgError::Kind::kLost);
    EXPECT_EQ(pg_source_error(error, "reading public.orders").code(), ErrorCode::kPgRead);
  }
}

// A server that said why it hangs up is believed, whatever became of the tunnel since.
TEST(CutWayTest, TheServersOwnWordsComeFirst) {
  const std::string fields(
      "SFATAL\0"
      "VFATAL\0"
      "C57P01\0"
      "Mgoing down\0",
      34);
  const Ended ended = cut_in_statement(true, {testing::backend_message('E', fields)});
  EXPECT_EQ(ended.in_statement.kind, PgError::Kind::kLost);
  EXPECT_EQ(ended.in_statement.sqlstate, "57P01") << ended.in_statement.text();
  EXPECT_FALSE(ended.in_statement.reach.has_value());
}

}  // namespace
}  // namespace vesto
