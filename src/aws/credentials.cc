#include "aws/credentials.h"

#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "base/mutex.h"

namespace vesto {

namespace {

constexpr int64_t kLongestMarginMs = int64_t{15} * 60'000;  // before the end, at most
constexpr int64_t kFailureSpacingMs = 10'000;               // between two refreshes that fail

class StaticSource final : public CredentialSource {
 public:
  StaticSource(AwsCredentials credentials, std::string description)
      : credentials_(std::move(credentials)), description_(std::move(description)) {}

  Result<AwsCredentials> get(int64_t, const std::stop_token&) override { return credentials_; }
  [[nodiscard]] std::string describe() const override { return description_; }

 private:
  const AwsCredentials credentials_;
  const std::string description_;
};

Error interrupted() {
  return {ErrorCode::kRunInterrupted, "the wait for AWS credentials was stopped"};
}

class CachedSource final : public CredentialSource {
 public:
  CachedSource(std::unique_ptr<CredentialSource> inner, Clock& clock)
      : inner_(std::move(inner)), clock_(clock), description_(inner_->describe()) {}

  Result<AwsCredentials> get(int64_t min_life_ms, const std::stop_token& stop) override {
    // Wakes the wait below. It takes the lock first, so that no wait is missed; it is made before
    // this thread holds the lock, as it may run at once.
    const std::stop_callback wake(stop, [this] {
      Lock lock(mutex_);
      changed_.notify_all();
    });
    uint64_t round = 0;
    {
      Lock lock(mutex_);
      while (true) {
        const bool lasts = lasts_for(min_life_ms);
        if (lasts && (refreshing_ || !due())) return *current_;
        if (!refreshing_) break;
        const uint64_t waited_for = rounds_;
        while (refreshing_ && rounds_ == waited_for) {
          if (stop.stop_requested()) return interrupted();
          changed_.wait(mutex_);
        }
        // One failure is the answer to all who waited for it, so that they do not ask in turn.
        // That somebody else was stopped says nothing to us.
        if (failure_ && failure_->code() != ErrorCode::kRunInterrupted && !lasts_for(min_life_ms)) {
          return *failure_;
        }
      }
      refreshing_ = true;
      round = rounds_;
    }
    Result<AwsCredentials> fresh = inner_->get(min_life_ms, stop);
    return take(std::move(fresh), min_life_ms, round);
  }

  bool forget(const AwsCredentials& used) override {
    if (!used.expires_at_ms) return false;
    Lock lock(mutex_);
    if (current_ && current_->access_key_id == used.access_key_id) current_.reset();
    return true;
  }

  [[nodiscard]] std::string describe() const override { return description_; }

 private:
  // What is left of the current ones; a caller that wants more than the source gives at all is
  // content with young ones, or each of its calls would ask the source anew.
  bool lasts_for(int64_t min_life_ms) VESTO_REQUIRES(mutex_) {
    if (!current_) return false;
    if (!current_->expires_at_ms) return true;
    const int64_t left_ms = *current_->expires_at_ms - clock_.wall_ms();
    const int64_t wanted_ms = min_life_ms <= life_ms_ ? min_life_ms : life_ms_ - margin_ms_;
    return left_ms > 0 && left_ms >= wanted_ms;
  }

  // Whether it is time for new ones, and no attempt has just failed.
  bool due() VESTO_REQUIRES(mutex_) {
    if (!current_->expires_at_ms) return false;
    if (*current_->expires_at_ms - clock_.wall_ms() > margin_ms_) return false;
    return !failed_at_ms_ || clock_.boottime_ms() - *failed_at_ms_ >= kFailureSpacingMs;
  }

  Result<AwsCredentials> take(Result<AwsCredentials> fresh, int64_t min_life_ms, uint64_t round) {
    Lock lock(mutex_);
    refreshing_ = false;
    rounds_ = round + 1;
    changed_.notify_all();
    const int64_t now_ms = clock_.wall_ms();
    if (fresh.ok() && fresh->expires_at_ms && *fresh->expires_at_ms <= now_ms) {
      fresh = Error(ErrorCode::kAwsAnswer, description_ + " gave credentials that have expired")
                  .with_hint("Check this machine's clock, and what hands out the credentials.");
    }
    if (fresh.ok()) {
      current_ = *fresh;
      life_ms_ = fresh->expires_at_ms ? *fresh->expires_at_ms - now_ms : 0;
      margin_ms_ = std::min(kLongestMarginMs, life_ms_ / 4);
      failure_.reset();
      failed_at_ms_.reset();
      return *current_;
    }
    failure_ = fresh.error();
    if (failure_->code() != ErrorCode::kRunInterrupted) failed_at_ms_ = clock_.boottime_ms();
    if (!lasts_for(min_life_ms)) return *failure_;
    log_warn("credentials not refreshed, the old ones still last",
             {{"source", description_}, {"error", failure_->to_string()}});
    return *current_;
  }

  const std::unique_ptr<CredentialSource> inner_;  // used by one thread at a time: refreshing_
  Clock& clock_;
  const std::string description_;
  Mutex mutex_;
  CondVar changed_;
  bool refreshing_ VESTO_GUARDED_BY(mutex_) = false;
  uint64_t rounds_ VESTO_GUARDED_BY(mutex_) = 0;  // refreshes that came to an end
  std::optional<AwsCredentials> current_ VESTO_GUARDED_BY(mutex_);
  int64_t life_ms_ VESTO_GUARDED_BY(mutex_) = 0;  // that the current ones had when they came
  int64_t margin_ms_ VESTO_GUARDED_BY(mutex_) = 0;
  std::optional<Error> failure_ VESTO_GUARDED_BY(mutex_);  // of the last refresh
  std::optional<int64_t> failed_at_ms_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace

bool is_access_key_id(std::string_view text) {
  constexpr size_t kMaxKeyIdBytes = 128;
  return !text.empty() && text.size() <= kMaxKeyIdBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

bool is_expired_token(const Error& error) {
  if (error.code() != ErrorCode::kAwsKey) return false;
  // "400 ExpiredToken": the status, and AWS's own name for it.
  const std::string_view code = error.upstream().code;
  return code.ends_with(" ExpiredToken") || code.ends_with(" ExpiredTokenException") ||
         code.ends_with(" TokenRefreshRequired");
}

bool is_expired_identity_token(const Error& error) {
  if (error.code() != ErrorCode::kAwsToken) return false;
  const std::string_view code = error.upstream().code;
  if (code.ends_with(" ExpiredTokenException") || code.ends_with(" ExpiredToken")) return true;
  // InvalidIdentityToken and IDPRejectedClaim are said of much else too: their text tells.
  const std::string_view text = error.upstream().text;
  return text.find("expired") != std::string_view::npos ||
         text.find("Expired") != std::string_view::npos;
}

std::unique_ptr<CredentialSource> make_static_credentials(AwsCredentials credentials,
                                                          std::string description) {
  return std::make_unique<StaticSource>(std::move(credentials), std::move(description));
}

std::unique_ptr<CredentialSource> make_cached(std::unique_ptr<CredentialSource> inner,
                                              Clock& clock) {
  return std::make_unique<CachedSource>(std::move(inner), clock);
}

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the program changes the environment.
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

}  // namespace vesto
