#include "net/ssh_tunnel.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error_causes.h"
#include "base/mutex.h"
#include "base/strings.h"
#include "base/thread_root.h"
#include "net/resolve.h"
#include "net/ssh_loop.h"
#include "net/ssh_mail.h"
#include "net/ssh_parts.h"

namespace vesto {
namespace {

// After a dial's own time its thread answers with what it knows; this long it may take.
constexpr int64_t kAnswerGraceMs = 1'000;
constexpr size_t kMaxHostBytes = 255;

Error interrupted() {
  return Error(ErrorCode::kRunInterrupted, "interrupted while a tunnel was opened");
}

}  // namespace

struct SshTunnel::Impl {
  explicit Impl(SshOptions given) : options(std::move(given)), mail(std::make_shared<SshMail>()) {}

  Status start() VESTO_EXCLUDES(mutex) {
    Lock lock(mutex);
    if (thread.joinable()) {
      if (!mail->fault()) return ok_status();
      // It has ended, or is about to; whoever waited was told why.
      thread.join();
      mail->reopen();
    }
    if (mail->wake_fd() < 0) {
      return Error(ErrorCode::kSysMemory, "no event descriptor could be had");
    }
    VESTO_ASSIGN(key, read_ssh_private_key(options.private_key, options.passphrase));
    try {
      thread = std::thread([this, loop_key = key.get()] { run(loop_key); });
    } catch (const std::system_error&) {
      return Error(ErrorCode::kSysMemory, "no thread could be started");
    }
    return ok_status();
  }

  void run(ssh_key loop_key) {
    name_thread("ssh");
    const Status ended = thread_root([&] {
      SshLoop loop(options, loop_key, mail);
      const Status fault = thread_root([&] { loop.run(); });
      if (!fault.ok()) loop.give_up(fault.error());
    });
    // Not even that could be told: those who wait find it here when their time is over.
    if (!ended.ok()) mail->close(ended.error());
  }

  [[nodiscard]] Error slow_lookup(int64_t timeout_ms) const {
    return Error(ErrorCode::kNetResolver,
                 fmt::format("looking up the SSH server's name {} took the whole {} of this dial",
                             options.host, format_duration(timeout_ms)))
        .because(cause_named("silent-resolver"));
  }

  // One request to the thread. Nothing: the session has gone meanwhile, and addresses are needed.
  std::optional<Result<Route>> ask(const std::shared_ptr<SshDial>& dial,
                                   const std::stop_token& stop);

  const SshOptions options;
  const std::shared_ptr<SshMail> mail;
  Mutex mutex;
  SshKeyPtr key VESTO_GUARDED_BY(mutex);
  std::thread thread VESTO_GUARDED_BY(mutex);
};

std::optional<Result<Route>> SshTunnel::Impl::ask(const std::shared_ptr<SshDial>& dial,
                                                  const std::stop_token& stop) {
  VESTO_TRY(mail->post(dial));
  const std::stop_callback wake_up(stop, [&dial] {
    Lock lock(dial->mutex);
    dial->stopped = true;
    dial->done.notify_all();
  });
  const int64_t until_ms = dial->deadline_ms + kAnswerGraceMs;
  Lock lock(dial->mutex);
  while (!dial->answer && !dial->needs_addresses) {
    const int64_t left_ms = until_ms - ssh_now_ms();
    if (dial->stopped || left_ms <= 0) {
      dial->given_up = true;
      mail->wake();
      if (dial->stopped) return interrupted();
      if (auto fault = mail->fault()) return *std::move(fault);
      return Error(ErrorCode::kSshConnect,
                   fmt::format("the tunnel to {}:{} gave no answer within {}", options.host,
                               options.port, format_duration(dial->timeout_ms)));
    }
    dial->done.wait_for(dial->mutex, std::chrono::milliseconds(left_ms));
  }
  if (dial->needs_addresses) return std::nullopt;
  return std::move(*dial->answer);
}

SshTunnel::SshTunnel(SshOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {}

SshTunnel::~SshTunnel() {
  impl_->mail->stopping = true;
  impl_->mail->wake();
  Lock lock(impl_->mutex);
  if (impl_->thread.joinable()) impl_->thread.join();
}

Result<Route> SshTunnel::dial(const std::string& host, int port, int64_t timeout_ms,
                              const std::stop_token& stop) {
  if (host.empty() || host.size() > kMaxHostBytes || host.find('\0') != std::string::npos ||
      port < 1 || port > 65'535) {
    return Error(ErrorCode::kSshForward, "this is no host and port to forward to");
  }
  const int64_t deadline_ms = ssh_now_ms() + timeout_ms;
  VESTO_TRY(impl_->start());
  // A session that stands needs no address; if it goes just now, the thread asks for one.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (stop.stop_requested()) return interrupted();
    auto dial = std::make_shared<SshDial>();
    dial->host = host;
    dial->port = port;
    dial->timeout_ms = timeout_ms;
    dial->deadline_ms = deadline_ms;
    if (attempt > 0 || !impl_->mail->has_session) {
      VESTO_ASSIGN(dial->addresses,
                   resolve(impl_->options.host, {.deadline_ms = deadline_ms, .stop = stop}));
      if (timeout_ms > 0 && ssh_now_ms() >= deadline_ms) return impl_->slow_lookup(timeout_ms);
    }
    if (auto answer = impl_->ask(dial, stop)) return std::move(*answer);
  }
  return Error(ErrorCode::kSshLost,
               fmt::format("the SSH connection to {}:{} is lost again and again",
                           impl_->options.host, impl_->options.port));
}

std::string SshTunnel::describe() const {
  const SshOptions& options = impl_->options;
  return fmt::format("through {}@{}:{}", options.user, options.host, options.port);
}

std::string SshTunnel::authorize_line() const { return impl_->options.authorize; }

std::string SshTunnel::login() const {
  return fmt::format("{}@{}", impl_->options.user, impl_->options.host);
}

SshTunnelStats SshTunnel::stats() const {
  const SshMail& mail = *impl_->mail;
  return {.sessions = mail.sessions,
          .connections = mail.connections,
          .sent_bytes = mail.sent_bytes,
          .received_bytes = mail.received_bytes};
}

std::string SshTunnel::seen_host_key() const { return impl_->mail->host_key(); }

}  // namespace vesto
