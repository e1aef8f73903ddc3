// Keys for the tests of the issuers: made once, since an RSA key takes a while under the
// sanitizers.
#ifndef VESTO_TESTS_UNIT_SANDBOX_OIDC_OIDC_FIXTURE_H_
#define VESTO_TESTS_UNIT_SANDBOX_OIDC_OIDC_FIXTURE_H_

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "sandbox/oidc/jwt.h"

namespace vesto::sandbox {

inline const SigningKey& key_one() {
  static const SigningKey kKey = *SigningKey::make("one");
  return kKey;
}
inline const SigningKey& key_two() {
  static const SigningKey kKey = *SigningKey::make("two");
  return kKey;
}

// A clock that stands still until it is moved.
class StillClock final : public Clock {
 public:
  int64_t wall_ms() override { return now_ms_; }
  int64_t monotonic_ms() override { return now_ms_; }
  int64_t boottime_ms() override { return now_ms_; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& /*stop*/) override {
    now_ms_ += duration_ms;
    return true;
  }
  void move_s(int64_t seconds) { now_ms_ += seconds * 1000; }
  int64_t now_s() { return now_ms_ / 1000; }

 private:
  std::atomic<int64_t> now_ms_ = 1'790'000'000'000;
};

class ScratchDir {
 public:
  ScratchDir() {
    char name[] = "/tmp/vesto-oidc-test-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_UNIT_SANDBOX_OIDC_OIDC_FIXTURE_H_
