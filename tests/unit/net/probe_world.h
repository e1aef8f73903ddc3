// Servers to be probed, and what the probe says of them, in short.
#ifndef VESTO_TESTS_UNIT_NET_PROBE_WORLD_H_
#define VESTO_TESTS_UNIT_NET_PROBE_WORLD_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "net/probe.h"
#include "tests/support/raw_server.h"

namespace vesto::probe_world {

class TempFile {
 public:
  explicit TempFile(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "vprobe.XXXXXX").string();
    const int fd = ::mkstemp(pattern.data());
    if (fd >= 0) ::close(fd);
    path_ = pattern;
    std::ofstream(path_) << text;
  }
  ~TempFile() { std::filesystem::remove(path_); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A port that nobody listens at: bound, and never listened on.
class ClosedPort {
 public:
  ClosedPort() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd_, plain, size) != 0 || ::getsockname(fd_, plain, &size) != 0) std::abort();
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { ::close(fd_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

inline ProbeOptions to(int port, const std::string& host = "localhost") {
  ProbeOptions options;
  options.host = host;
  options.hostaddr = "127.0.0.1";
  options.port = port;
  options.timeout_ms = 5'000;
  return options;
}

// The probe of a server with this certificate, trusting its CA or (trusted = false) another one.
inline ProbeReport probe_tls(const testing_support::CertificateWish& wish, const std::string& host,
                             bool trusted = true) {
  const testing_support::TestCertificate certificate = testing_support::make_certificate(wish);
  const testing_support::TestCertificate another = testing_support::make_certificate("localhost");
  const TempFile bundle(trusted ? certificate.ca_pem : another.ca_pem);
  testing_support::RawServer server(
      [](testing_support::RawServer::Connection& c) { c.wait_for_end(); }, &certificate,
      testing_support::RawServer::Begin::kPostgres);
  ProbeOptions options = to(server.port(), host);
  options.ca_file = bundle.path();
  return probe(options);
}

// What a server answers to the first bytes, in clear.
inline ProbeReport probe_answer(const std::string& answer) {
  testing_support::RawServer server([answer](testing_support::RawServer::Connection& c) {
    c.write(answer);
    if (!answer.empty()) c.wait_for_end();
  });
  return probe(to(server.port()));
}

inline std::string code(const ProbeReport& report) {
  return report.error ? std::string(report.error->name()) : "none";
}

}  // namespace vesto::probe_world

#endif  // VESTO_TESTS_UNIT_NET_PROBE_WORLD_H_
