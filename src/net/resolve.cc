#include "net/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/error_causes.h"
#include "base/mutex.h"
#include "base/thread_root.h"

namespace vesto {

namespace {

using Addresses = Result<std::vector<std::string>>;

constexpr size_t kMaxAddresses = 16;
constexpr int64_t kLongestWaitMs = 60'000;  // of one wait; a condition takes no endless one
constexpr int kMaxLeftBehind = 16;          // lookups that nobody waits for any more

struct AddrInfoDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Addresses ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int outcome = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (outcome != 0) {  // a machine whose only network is loopback has no "configured" family
    hints.ai_flags = 0;
    outcome = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (outcome != 0) {
    const std::string words = outcome == EAI_SYSTEM ? std::generic_category().message(errno)
                                                    : std::string(::gai_strerror(outcome));
    // A name server that answers knows the name or does not; these are no answer at all.
    const bool unanswered = outcome == EAI_AGAIN || outcome == EAI_SYSTEM;
    const std::string said = unanswered ? "no name server tells the address of " + host
                                        : "the name " + host + " has no address";
    return Error(unanswered ? ErrorCode::kNetResolver : ErrorCode::kNetDns, said + ": " + words)
        .because(cause_named(unanswered ? "silent-resolver" : "name-unknown"))
        .with_upstream({.system = "resolver", .code = "", .text = words, .request_id = ""});
  }
  const std::unique_ptr<addrinfo, AddrInfoDeleter> owned(list);
  std::vector<std::string> out;
  for (const addrinfo* at = list; at != nullptr && out.size() < kMaxAddresses; at = at->ai_next) {
    std::string text = numeric_address(at->ai_addr, at->ai_addrlen);
    if (text.empty() || std::find(out.begin(), out.end(), text) != out.end()) continue;
    out.push_back(std::move(text));
  }
  if (out.empty()) return Error(ErrorCode::kNetDns, "the name " + host + " has no address");
  return out;
}

// Shared by who asks and the thread that asks the system, whichever lives longer.
struct Lookup {
  Mutex mutex;
  CondVar changed;
  std::optional<Addresses> answer VESTO_GUARDED_BY(mutex);
  bool left_behind VESTO_GUARDED_BY(mutex) = false;
};

std::atomic<int> left_behind{0};

Error stopped(const std::string& host) {
  return {ErrorCode::kRunInterrupted, "stopped while the name " + host + " was looked up"};
}

// getaddrinfo() asks nobody about an address in numbers.
bool is_numeric(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return false;
  ::freeaddrinfo(list);
  return true;
}

bool start_lookup(const std::shared_ptr<Lookup>& lookup, const std::string& host) {
  if (left_behind >= kMaxLeftBehind) return false;
  try {
    std::thread([lookup, host] {
      name_thread("lookup");
      Addresses found = ask_system(host);
      const Lock lock(lookup->mutex);
      if (lookup->left_behind) --left_behind;
      lookup->answer = std::move(found);
      lookup->changed.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

// Nobody waits for it any more; its thread stays until the system answers.
void leave_behind(Lookup& lookup) VESTO_REQUIRES(lookup.mutex) {
  lookup.left_behind = true;
  ++left_behind;
}

}  // namespace

Addresses resolve(const std::string& host, const WaitLimit& limit) {
  if (is_numeric(host)) return ask_system(host);
  if (limit.stop.stop_requested()) return stopped(host);
  const auto lookup = std::make_shared<Lookup>();
  if (!start_lookup(lookup, host)) {
    return Error(ErrorCode::kNetResolver, "the name " + host +
                                              " cannot be looked up: too many lookups still wait "
                                              "for the resolver")
        .because(cause_named("silent-resolver"));
  }
  const std::stop_callback on_stop(limit.stop, [&lookup] {
    const Lock lock(lookup->mutex);
    lookup->changed.notify_all();
  });
  Lock lock(lookup->mutex);
  while (!lookup->answer) {
    if (limit.stop.stop_requested()) {
      leave_behind(*lookup);
      return stopped(host);
    }
    const int64_t left_ms = limit.deadline_ms - system_clock().monotonic_ms();
    if (left_ms <= 0) {
      leave_behind(*lookup);
      return Error(ErrorCode::kNetResolver, "the resolver gave no answer for the name " + host)
          .because(cause_named("silent-resolver"));
    }
    lookup->changed.wait_for(lookup->mutex,
                             std::chrono::milliseconds(std::min(left_ms, kLongestWaitMs)));
  }
  return *std::move(lookup->answer);
}

}  // namespace vesto
