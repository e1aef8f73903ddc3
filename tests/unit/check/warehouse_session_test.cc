// What the checks of a warehouse say of a statement that has no answer.
#include <gtest/gtest.h>

#include <memory>
#include <stop_token>
#include <string>

#include "check/destination_state.h"

namespace vesto::check {
namespace {

// A statement that waits for a lock until it is cancelled, which cuts the connection.
class HeldSession final : public RedshiftSession {
 public:
  explicit HeldSession(std::stop_source* stop) : stop_(stop) {}
  Result<ExecResult> exec(std::string_view, int64_t) override {
    stop_->request_stop();  // the check's time is up
    return Error(ErrorCode::kRsConnection, "cut");
  }
  void set_secret(const std::string&, const Secret&) override {}
  [[nodiscard]] int backend_pid() const override { return 1; }
  [[nodiscard]] const std::string& backend_start() const override { return text_; }
  [[nodiscard]] const std::string& where() const override { return text_; }
  void cancel() override { cut_ = true; }
  [[nodiscard]] bool in_transaction() const override { return false; }
  [[nodiscard]] bool usable() const override { return !cut_; }

 private:
  std::stop_source* stop_;
  std::string text_;
  bool cut_ = false;
};

// Whoever is logged in has a way there: no rule of a firewall mends it.
TEST(WarehouseSession, AStatementThatIsHeldIsNoMatterOfTheNetwork) {
  std::stop_source stop;
  State state;
  state.session = std::make_unique<HeldSession>(&stop);
  for (int i = 0; i < 2; ++i) {  // the one that is held, and the next one of the check
    const auto answer = ask(state, "SELECT 1", {.limit_ms = 10'000, .stop = stop.get_token()});
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().name(), "RS-TIMEOUT") << answer.error().message();
    EXPECT_EQ(answer.error().blame(), Blame::kDestination);
  }
}

}  // namespace
}  // namespace vesto::check
