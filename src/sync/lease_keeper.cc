#include "sync/lease_keeper.h"

#include <cstdlib>

#include "base/log.h"
#include "base/strings.h"
#include "base/thread_root.h"

namespace vesto {

namespace {

constexpr int64_t kLeaseTtlMs = 60'000;

int64_t lease_ttl_ms() {
#if defined(VESTO_KILL_POINTS)
  // Tests of stopped processes need not wait for a minute.
  if (const char* text = std::getenv("VESTO_TEST_LEASE_TTL_MS")) {
    return parse_int(text).value_or(kLeaseTtlMs);
  }
#endif
  return kLeaseTtlMs;
}

}  // namespace

Result<std::unique_ptr<LeaseKeeper>> LeaseKeeper::take(Store& store, Clock& clock,
                                                       const std::string& sync, const RunId& run,
                                                       std::stop_source on_lost) {
  VESTO_ASSIGN(const auto holder, store.take_lease(sync, run, lease_ttl_ms()));
  if (holder) {
    const int64_t age_ms = clock.boottime_ms() - holder->renewed_boottime_ms;
    return Error(ErrorCode::kRunBusy, "sync " + sync + " is being run by " + holder->run.text +
                                          " (process " + std::to_string(holder->pid) +
                                          ", last seen " + format_duration(age_ms) + " ago)")
        .with_hint("Wait for it, or stop it: kill -INT " + std::to_string(holder->pid));
  }
  return std::unique_ptr<LeaseKeeper>(new LeaseKeeper(store, clock, sync, run, std::move(on_lost)));
}

LeaseKeeper::LeaseKeeper(Store& store, Clock& clock, std::string sync, RunId run,
                         std::stop_source on_lost)
    : store_(store),
      clock_(clock),
      sync_(std::move(sync)),
      run_(std::move(run)),
      on_lost_(std::move(on_lost)),
      renewer_([this](const std::stop_token& stop) { renew_until(stop); }) {}

LeaseKeeper::~LeaseKeeper() {
  renewer_.request_stop();
  renewer_.join();
  if (lost_) return;
  if (const Status released = store_.release_lease(sync_, run_); !released.ok()) {
    // It ends by itself: this process is gone soon, and a successor sees that.
    log_warn("lease not released", {{"error", released.error().to_string()}});
  }
}

Result<bool> LeaseKeeper::still_ours() {
  if (lost_) return false;
  return store_.holds_lease(sync_, run_);
}

void LeaseKeeper::renew_until(const std::stop_token& stop) {
  name_thread("lease");
  while (clock_.sleep_ms(lease_ttl_ms() / 4, stop)) {
    Result<bool> renewed = false;
    const Status ran = thread_root([&] { renewed = store_.renew_lease(sync_, run_); });
    if (!ran.ok()) renewed = ran.error();
    if (!renewed.ok()) {
      // The store may work again before the lease ends; every upload and commit asks anew.
      log_warn("lease not renewed", {{"error", renewed.error().to_string()}});
    } else if (!*renewed) {
      lost_ = true;
      on_lost_.request_stop();
      return;
    }
  }
}

}  // namespace vesto
