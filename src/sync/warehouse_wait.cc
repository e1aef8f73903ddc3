#include "sync/warehouse_wait.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/error_causes.h"
#include "base/log.h"
#include "base/strings.h"

namespace vesto {

namespace {

// Between two attempts: 5 s at first (1 s where AWS is not asked each time), a third of what has
// been waited later, 30 s at most.
constexpr int64_t kFirstWaitMs = 5'000;
constexpr int64_t kFirstOwnWaitMs = 1'000;
constexpr int64_t kLongestWaitMs = 30'000;

struct StatusText {
  std::string_view text;  // of AWS, in lower case
  std::string_view reason;
  std::string_view cause;
};

// What passes by itself, and "paused". Other words ("deleting", "storage-full") promise nothing.
constexpr std::array kComing = {
    StatusText{"paused", "is paused", "warehouse-paused"},
    StatusText{"resuming", "is being resumed", "warehouse-coming"},
    StatusText{"resizing", "is being resized", "warehouse-resizing"},
    StatusText{"cancelling-resize", "is being resized", "warehouse-resizing"},
    StatusText{"available, prep-for-resize", "is being resized", "warehouse-resizing"},
    StatusText{"available, resize-cleanup", "is being resized", "warehouse-resizing"},
    StatusText{"rebooting", "is restarted", "warehouse-maintained"},
    StatusText{"modifying", "is being changed", "warehouse-maintained"},
    StatusText{"renaming", "is being changed", "warehouse-maintained"},
    StatusText{"rotating-keys", "is being changed", "warehouse-maintained"},
    StatusText{"updating-hsm", "is being changed", "warehouse-maintained"},
    StatusText{"creating", "is being made", "warehouse-coming"},
};

// Of a cluster whose status is "available". Failed promises nothing.
constexpr std::array kAvailability = {
    StatusText{"maintenance", "is under maintenance", "warehouse-maintained"},
    StatusText{"modifying", "is being changed", "warehouse-maintained"},
    StatusText{"unavailable", "is not available at the moment", "warehouse-maintained"},
};

const StatusText* find_in(const auto& table, std::string_view text) {
  for (const StatusText& each : table) {
    if (text == each.text) return &each;
  }
  return nullptr;
}

// The server says that it starts up or shuts down.
bool says_so(const Error& error) {
  const std::string& state = error.upstream().code;
  return state == "57P03" || state == "57P02";
}

// Failures that a warehouse gives which is away. A server that answers otherwise is there.
bool may_be_away(const Error& error) {
  // AWS's and Google's own services are asked by HTTP: theirs is no word of the warehouse.
  if (error.upstream().system == "curl") return false;
  switch (error.code()) {
    case ErrorCode::kNetDns:  // a cluster that is being made has no name yet
    case ErrorCode::kNetResolver:
    case ErrorCode::kNetRefused:
    case ErrorCode::kNetTimeout:
    case ErrorCode::kNetReset:
    case ErrorCode::kNetUnreachable:
    case ErrorCode::kSshForward:  // the bastion met the refusal
      return true;
    case ErrorCode::kRsConnection: {
      const std::string& state = error.upstream().code;
      const bool answered = error.upstream().system == "redshift" && !state.empty();
      return !answered || state.starts_with("57P") || state.starts_with("08");
    }
    default:
      return false;
  }
}

// Somebody is there and says no, or hangs up. Silence would be a link that died just as well: it is
// waited for only if AWS says that the warehouse is away.
bool answers_at_once(const Error& error) {
  const ErrorCode code = error.code();
  return code == ErrorCode::kNetRefused || code == ErrorCode::kNetReset ||
         code == ErrorCode::kRsConnection || code == ErrorCode::kSshForward;
}

Error with_context_of(const Error& error, Error made) {
  made.with_upstream(error.upstream());
  if (made.upstream().text.empty()) {
    made.with_upstream(
        {.system = "redshift", .code = "", .text = error.message(), .request_id = ""});
  }
  for (const std::string& place : error.context()) made.in(place);
  return made;
}

Error stopped() { return {ErrorCode::kRunInterrupted, "the wait for the warehouse was stopped"}; }

}  // namespace

std::optional<WarehouseAway> warehouse_away(const WarehouseInfo& info) {
  const std::string status = to_lower_ascii(info.status);
  const StatusText* found = find_in(kComing, status);
  if (found == nullptr && status == "available") {
    found = find_in(kAvailability, to_lower_ascii(info.availability));
  }
  if (found == nullptr) return std::nullopt;
  const bool workgroup = !info.resource_arn.empty() || !info.workgroup_id.empty();
  return WarehouseAway{
      .reason = fmt::format("the {} {}", workgroup ? "workgroup" : "cluster", found->reason),
      .paused = status == "paused",
      .by_aws = true,
      .cause = found->cause};
}

Error away_error(const WarehouseAway& away, int64_t waited_ms, const std::string& name,
                 const std::string& region) {
  std::string text = away.reason;
  if (waited_ms > 0) text += fmt::format("; it was waited for {}", format_duration(waited_ms));
  Error error(away.paused ? ErrorCode::kRsPaused : ErrorCode::kRsWaking, std::move(text));
  if (!away.cause.empty()) error.because(cause_named(away.cause));
  if (away.paused && !name.empty()) {
    error.with_hint(
        fmt::format("Resume the cluster in the AWS console, or: aws redshift "
                    "resume-cluster --cluster-identifier {}{}",
                    name, region.empty() ? "" : " --region " + region));
  }
  return error;
}

Error not_public(Error error) {
  // Only where the warehouse itself was dialled: behind a tunnel it need not be public.
  const bool silent = error.code() == ErrorCode::kNetTimeout && error.upstream().system == "os";
  if (!silent) return error;
  const bool inside = error.cause() == cause_named("private-address");
  const ErrorCause* cause = cause_named("not-publicly-accessible");
  // Its name leads to it within its network, where this machine may be: that hint names both ways.
  if (inside) return std::move(error.because(cause));
  return std::move(error.because(cause).with_hint(std::string(cause->hint)));
}

// Asks AWS, once for each failed attempt.
std::optional<WarehouseAway> WarehouseWait::why(const Error& error) {
  if (!may_be_away(error)) return std::nullopt;
  if (options_.care.ask && may_ask_) {
    const Result<WarehouseInfo> info = options_.care.ask(options_.stop);
    if (info.ok()) {
      public_ = info->publicly_accessible;
      auto away = warehouse_away(*info);
      if (away || !says_so(error)) return away;
    } else {
      // That it may not be asked stays so; any other fault may pass.
      may_ask_ = info.error().code() != ErrorCode::kRsCredDenied;
      log_info("the warehouse's status could not be asked", {{"error", info.error().to_string()}});
    }
  }
  if (says_so(error))
    return WarehouseAway{.reason = "the warehouse starts up", .cause = "warehouse-starts"};
  if (was_up_ && answers_at_once(error)) {
    return WarehouseAway{.reason = "the warehouse was reached before and does not answer now"};
  }
  return std::nullopt;
}

Status WarehouseWait::wait_for(const WarehouseAway& away, const Error& error, int64_t since_ms) {
  Clock& clock = *options_.clock;
  const int64_t waited_ms = clock.monotonic_ms() - since_ms;
  const int64_t left_ms = options_.care.wait_ms - waited_ms;
  if (left_ms <= 0) {
    over();
    return with_context_of(error,
                           away_error(away, waited_ms, options_.care.name, options_.care.region));
  }
  if (told_ != away.reason) {
    told_ = away.reason;
    log_info("waiting for the warehouse", {{"why", away.reason}, {"error", error.to_string()}});
    if (options_.tell) {
      options_.tell(WarehouseWaiting{.reason = away.reason,
                                     .since_ms = clock.wall_ms() - waited_ms,
                                     .limit_ms = options_.care.wait_ms});
    }
  }
  const int64_t pause_ms =
      std::clamp(waited_ms / 3, away.by_aws ? kFirstWaitMs : kFirstOwnWaitMs, kLongestWaitMs);
  if (clock.sleep_ms(std::min(pause_ms, left_ms), options_.stop)) return ok_status();
  over();
  return stopped();
}

Error WarehouseWait::with_cause(Error error) const {
  return public_.value_or(true) ? error : not_public(std::move(error));
}

RedshiftConnector WarehouseWait::connector(RedshiftConnector dial) {
  return [this,
          dial = std::move(dial)](int64_t timeout_ms) -> Result<std::unique_ptr<RedshiftSession>> {
    std::optional<int64_t> since_ms;
    while (true) {
      auto session = dial(timeout_ms);
      if (session.ok()) was_up_ = true;
      if (session.ok() || options_.stop.stop_requested()) {
        if (since_ms) over();
        return session;
      }
      std::optional<WarehouseAway> away = why(session.error());
      if (!away) {
        if (since_ms) over();
        return with_cause(std::move(session).error());
      }
      // A guess of ours is no reason for another error where nothing may be waited for.
      if (!away->by_aws && !says_so(session.error()) && options_.care.wait_ms <= 0) return session;
      if (!since_ms) since_ms = options_.clock->monotonic_ms();
      Status waited = wait_for(*away, session.error(), *since_ms);
      // An attempt that nobody answers takes its time: it is made once AWS says otherwise.
      const bool slow = session.error().code() == ErrorCode::kNetTimeout;
      while (waited.ok() && slow && away && away->by_aws) {
        away = why(session.error());
        if (away) waited = wait_for(*away, session.error(), *since_ms);
      }
      if (!waited.ok()) return std::move(waited).error();
    }
  };
}

Status WarehouseWait::wait(const Error& error, int64_t since_ms) {
  return wait_for(
      {.reason = "the cluster is being resized and takes no writes", .cause = "warehouse-resizing"},
      error, since_ms);
}

void WarehouseWait::over() {
  if (told_.empty()) return;
  told_.clear();
  log_info("the wait for the warehouse is over", {});
  if (options_.tell) options_.tell(search_);
}

void WarehouseWait::searching(int64_t limit_ms) {
  search_ = WarehouseWaiting{.reason =
                                 "the answer to COMMIT was lost; whether it was done is "
                                 "being looked for",
                             .since_ms = options_.clock->wall_ms(),
                             .limit_ms = limit_ms};
  if (options_.tell) options_.tell(search_);
}

void WarehouseWait::searched() {
  search_.reset();
  told_.clear();
  if (options_.tell) options_.tell(std::nullopt);
}

}  // namespace vesto
