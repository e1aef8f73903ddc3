// What the tests of the tunnel share: one sshd for the test, a key that it knows, a tunnel to it.
#ifndef VESTO_TESTS_UNIT_NET_SSH_WORLD_H_
#define VESTO_TESTS_UNIT_NET_SSH_WORLD_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/ssh_key.h"
#include "net/ssh_tunnel.h"
#include "tests/support/ssh_server.h"
#include "tests/support/tcp_target.h"

namespace vesto {

using testing_support::SshServer;
using testing_support::TcpTarget;

struct Changes {
  int64_t keepalive_ms = 15'000;
  int keepalive_count = 4;
  int max_connections = 64;
};

class SshTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!SshServer::installed()) GTEST_SKIP() << "/usr/sbin/sshd is not installed";
    auto made = make_ssh_key();
    ASSERT_TRUE(made.ok());
    key_ = *made;
    use_server({});
  }
  void use_server(std::vector<std::string> settings) {
    server_ = std::make_unique<SshServer>(std::move(settings));
    server_->authorize(line_for(0));
  }

  SshServer& server() { return *server_; }
  // Port 0: every target.
  std::string line_for(int port) {
    const auto half = ssh_public_key(key_, Secret());
    if (port != 0) return authorized_keys_line(*half, {{"127.0.0.1", port}}, {}, "test");
    return half->type + " " + half->base64;
  }
  void authorize(int port) { server_->authorize(line_for(port)); }

  SshOptions standard() {
    SshOptions options;
    options.host = "127.0.0.1";
    options.port = server_->port();
    options.user = SshServer::user();
    options.host_key = server_->fingerprint();
    options.private_key = key_;
    return options;
  }
  std::unique_ptr<SshTunnel> make(const Changes& changes = {}) {
    SshOptions options = standard();
    options.keepalive_ms = changes.keepalive_ms;
    options.keepalive_count = changes.keepalive_count;
    options.max_connections = changes.max_connections;
    return std::make_unique<SshTunnel>(options);
  }

  static Result<Route> dial(SshTunnel* tunnel, int port, int64_t timeout_ms = 20'000) {
    return tunnel->dial("127.0.0.1", port, timeout_ms, {});
  }
  // Dials until it ends so (or works, if there is no code); at most 10 s.
  static Result<Route> dial_until(SshTunnel* tunnel, int port, std::optional<ErrorCode> code) {
    Result<Route> route = dial(tunnel, port);
    for (int tries = 0; tries < 100; ++tries) {
      if (code ? !route.ok() && route.error().code() == *code : route.ok()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      route = dial(tunnel, port);
    }
    return route;
  }
  static std::string told(const Result<Route>& route) {
    if (route.ok()) return "a route";
    return route.error().to_string() + " / " + route.error().upstream().text;
  }
  static bool eventually(const std::function<bool()>& holds, int limit_ms = 10'000) {
    for (int waited_ms = 0; waited_ms < limit_ms; waited_ms += 20) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return holds();
  }

 private:
  std::unique_ptr<SshServer> server_;
  Secret key_;
};

}  // namespace vesto

#endif  // VESTO_TESTS_UNIT_NET_SSH_WORLD_H_
