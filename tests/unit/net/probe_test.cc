// Every way in which a server is not reached has a code of its own.
#include "net/probe.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "net/socket.h"
#include "tests/support/raw_server.h"

namespace vesto {
namespace {

using testing_support::CertificateWish;
using testing_support::make_certificate;
using testing_support::RawServer;
using testing_support::TestCertificate;

constexpr std::string_view kWarehouse = "shop.abc123.eu-west-1.redshift.amazonaws.com";

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

ProbeOptions to(int port, const std::string& host = "localhost") {
  ProbeOptions options;
  options.host = host;
  options.hostaddr = "127.0.0.1";
  options.port = port;
  options.timeout_ms = 5'000;
  return options;
}

// The probe of a server with this certificate, trusting its CA or (trusted = false) another one.
ProbeReport probe_tls(const CertificateWish& wish, const std::string& host, bool trusted = true) {
  const TestCertificate certificate = make_certificate(wish);
  const TestCertificate another = make_certificate("localhost");
  const TempFile bundle(trusted ? certificate.ca_pem : another.ca_pem);
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); }, &certificate,
                   RawServer::Begin::kPostgres);
  ProbeOptions options = to(server.port(), host);
  options.ca_file = bundle.path();
  return probe(options);
}

// What a server answers to the first bytes, in clear.
ProbeReport probe_answer(const std::string& answer) {
  RawServer server([answer](RawServer::Connection& c) {
    c.write(answer);
    if (!answer.empty()) c.wait_for_end();
  });
  return probe(to(server.port()));
}

std::string code(const ProbeReport& report) {
  return report.error ? std::string(report.error->name()) : "none";
}

TEST(Probe, GoodServerShowsItsTimesAndCertificate) {
  const ProbeReport report = probe_tls({.name = "localhost"}, "localhost");
  EXPECT_EQ(code(report), "none") << report.error->message();
  EXPECT_GE(report.tcp_ms, 0);
  EXPECT_GE(report.tls_ms, 0);
  EXPECT_EQ(report.tls_version, "TLSv1.3");
  EXPECT_EQ(report.our_address, "127.0.0.1");
  ASSERT_TRUE(report.certificate);
  EXPECT_EQ(report.certificate->names, std::vector<std::string>{"localhost"});
  EXPECT_NE(report.certificate->issuer.find("test CA"), std::string::npos);
  EXPECT_LT(report.certificate->not_before_s, report.certificate->not_after_s);
}

TEST(Probe, NameThatResolvesIsTimed) {
  const ClosedPort closed;
  ProbeOptions options = to(closed.port());
  options.hostaddr = "";
  const ProbeReport report = probe(options);
  EXPECT_GE(report.dns_ms, 0);
  EXPECT_FALSE(report.addresses.empty());
  EXPECT_EQ(code(report), "NET-REFUSED");
}

TEST(Probe, UnknownName) {
  ProbeOptions options = to(5439, "no-such-host.invalid");
  options.hostaddr = "";
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "NET-DNS");
  EXPECT_EQ(report.tcp_ms, -1);
  EXPECT_NE(report.error->message().find("no-such-host.invalid"), std::string::npos);
}

TEST(Probe, RefusedPortNamesThePort) {
  const ClosedPort closed;
  const ProbeReport report = probe(to(closed.port()));
  EXPECT_EQ(code(report), "NET-REFUSED");
  EXPECT_NE(report.error->hint().find("port"), std::string::npos);
}

TEST(Probe, ExpiredCertificate) {
  const ProbeReport report =
      probe_tls({.name = "localhost", .from_s = -86'400, .to_s = -3'600}, "localhost");
  EXPECT_EQ(code(report), "NET-TLS-EXPIRED");
  EXPECT_NE(report.error->message().find("ended at 20"), std::string::npos);
}

TEST(Probe, CertificateOfTomorrow) {
  const ProbeReport report =
      probe_tls({.name = "localhost", .from_s = 3'600, .to_s = 86'400}, "localhost");
  EXPECT_EQ(code(report), "NET-TLS-NOT-YET");
}

TEST(Probe, UntrustedCertificate) {
  const ProbeReport report = probe_tls({.name = "localhost"}, "localhost", false);
  EXPECT_EQ(code(report), "NET-TLS-CA");
  EXPECT_NE(report.error->message().find("test CA"), std::string::npos);
}

TEST(Probe, SelfSignedCertificateIsUntrustedToo) {
  EXPECT_EQ(code(probe_tls({.name = "localhost", .by_its_own_key = true}, "localhost")),
            "NET-TLS-CA");
}

TEST(Probe, CertificateOfAnotherNameListsItsNames) {
  const ProbeReport report = probe_tls({.name = "db.example"}, "localhost");
  EXPECT_EQ(code(report), "NET-TLS-NAME");
  EXPECT_NE(report.error->message().find("db.example"), std::string::npos);
}

TEST(Probe, WildcardCoversOneLabelAlone) {
  const std::string suffix = "abc123.eu-west-1.redshift.amazonaws.com";
  EXPECT_EQ(code(probe_tls({.name = "*." + suffix}, "shop." + suffix)), "none");
  EXPECT_EQ(code(probe_tls({.name = "*." + suffix}, "a.shop." + suffix)), "NET-TLS-NAME");
}

TEST(Probe, ForeignIssuerForAnAwsNameIsInterception) {
  const std::string host(kWarehouse);
  const ProbeReport report = probe_tls({.name = host, .ca_name = "Acme Web Gateway"}, host, false);
  EXPECT_EQ(code(report), "NET-TLS-INTERCEPTED");
  EXPECT_NE(report.error->message().find("Acme Web Gateway"), std::string::npos);
}

TEST(Probe, InspectingProductIsKnownByItsName) {
  EXPECT_EQ(code(probe_tls({.name = "localhost", .ca_name = "Zscaler Intermediate Root CA"},
                           "localhost", false)),
            "NET-TLS-INTERCEPTED");
}

TEST(Probe, CaFileThatIsNotThere) {
  const TestCertificate certificate = make_certificate("localhost");
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); }, &certificate,
                   RawServer::Begin::kPostgres);
  ProbeOptions options = to(server.port());
  options.ca_file = "/no/such/ca.pem";
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "NET-TLS-CA");
  EXPECT_NE(report.error->message().find("/no/such/ca.pem"), std::string::npos);
}

TEST(Probe, ServerWithoutTlsHasTheCodeOfItsKind) {
  EXPECT_EQ(code(probe_answer("N")), "RS-TLS-OFF");
  RawServer server([](RawServer::Connection& c) {
    c.write("N");
    c.wait_for_end();
  });
  ProbeOptions options = to(server.port());
  options.tls_off = ErrorCode::kPgTlsOff;
  EXPECT_EQ(code(probe(options)), "PG-TLS-OFF");
}

TEST(Probe, OtherServicesAreNamed) {
  const auto named = [](const std::string& answer, std::string_view service) {
    const ProbeReport report = probe_answer(answer);
    EXPECT_EQ(code(report), "NET-WRONG-PORT") << answer;
    if (!report.error) return;
    EXPECT_NE(report.error->message().find(service), std::string::npos) << report.error->message();
  };
  named("HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP");
  named("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH");
  named("220 mail.example ESMTP\r\n", "mail");
  named(std::string("\x15\x03\x01\x00\x02\x02\x46", 7), "HTTPS");
  named(std::string("J\0\0\0\n8.0.36\0", 12), "MySQL");
  named(std::string("\0\1\2\3", 4), "no database");
}

TEST(Probe, BytesBehindTheYesAreNotTrusted) {
  // A server that speaks on in clear after its 'S' is none (CVE-2021-23222).
  EXPECT_EQ(code(probe_answer("SELECT")), "NET-WRONG-PORT");
}

TEST(Probe, ConnectionThatIsCutAtOnce) { EXPECT_EQ(code(probe_answer("")), "NET-RESET"); }

TEST(Probe, HandshakeThatIsCut) {
  RawServer server([](RawServer::Connection& c) { c.write("S"); });
  EXPECT_EQ(code(probe(to(server.port()))), "NET-TLS");
}

TEST(Probe, SilentServerEndsWithinItsTime) {
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); });
  ProbeOptions options = to(server.port());
  options.timeout_ms = 200;
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "NET-TIMEOUT");
  EXPECT_NE(report.error->message().find("says nothing"), std::string::npos);
  EXPECT_GE(report.tcp_ms, 0);  // so the way there is open
}

// A listener whose queue is full drops what comes: like a security group, but on loopback.
TEST(Probe, DroppedConnectionNamesTheAllowList) {
  const Socket listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listener.fd(), plain, size), 0);
  ASSERT_EQ(::listen(listener.fd(), 0), 0);
  ASSERT_EQ(::getsockname(listener.fd(), plain, &size), 0);
  const int port = ntohs(address.sin_port);
  std::vector<Socket> queued;
  for (int i = 0; i < 4; ++i) {
    const WaitLimit brief{.deadline_ms = 0, .stop = {}};
    auto made = dial_tcp("127.0.0.1", port, brief);
    if (made.ok()) queued.push_back(std::move(made).value());
    Socket waiting(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(waiting.fd(), plain, size);
    queued.push_back(std::move(waiting));
  }
  ProbeOptions options = to(port);
  options.timeout_ms = 300;
  options.public_egress = {"203.0.113.7/32"};
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "NET-TIMEOUT");
  EXPECT_EQ(report.tcp_ms, -1);
  EXPECT_NE(report.error->hint().find("203.0.113.7/32"), std::string::npos);
}

TEST(Probe, StopEndsTheWait) {
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); });
  std::stop_source stop;
  ProbeOptions options = to(server.port());
  options.timeout_ms = 60'000;
  options.stop = stop.get_token();
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(code(probe(options)), "RUN-INTERRUPTED");
}

// A dialer that fails, or sends elsewhere: the faulty twin.
class TestDialer : public Dialer {
 public:
  explicit TestDialer(Result<Route> route) : route_(std::move(route)) {}
  Result<Route> dial(const std::string& host, int port, int64_t, const std::stop_token&) override {
    asked = host + ":" + std::to_string(port);
    return route_;
  }
  [[nodiscard]] std::string describe() const override { return "through the test"; }
  std::string asked;

 private:
  Result<Route> route_;
};

TEST(Probe, ThroughATunnelTheNameIsStillVerified) {
  const std::string host(kWarehouse);
  const TestCertificate certificate = make_certificate(host);
  const TempFile bundle(certificate.ca_pem);
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); }, &certificate,
                   RawServer::Begin::kPostgres);
  TestDialer dialer(
      Route{.address = "127.0.0.1", .port = server.port(), .keep = {}, .failure = {}});
  ProbeOptions options = to(5439, host);
  options.hostaddr = "";
  options.ca_file = bundle.path();
  options.dialer = &dialer;
  EXPECT_EQ(code(probe(options)), "none");
  EXPECT_EQ(dialer.asked, host + ":5439");
  options.host = "another.abc123.eu-west-1.redshift.amazonaws.com";
  EXPECT_EQ(code(probe(options)), "NET-TLS-NAME");
}

TEST(Probe, TunnelThatDoesNotOpenGivesItsOwnReason) {
  TestDialer dialer(Error(ErrorCode::kSshForward, "the bastion says no"));
  ProbeOptions options = to(5439);
  options.dialer = &dialer;
  const ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "SSH-FORWARD");
  EXPECT_EQ(report.error->message(), "the bastion says no");
}

TEST(Probe, ConnectionCutByTheTunnelGivesTheTunnelsReason) {
  RawServer server([](RawServer::Connection&) {});
  TestDialer dialer(Route{.address = "127.0.0.1", .port = server.port(), .keep = {}, .failure = [] {
                            return std::optional(Error(ErrorCode::kSshLost, "the session ended"));
                          }});
  ProbeOptions options = to(5439);
  options.dialer = &dialer;
  EXPECT_EQ(code(probe(options)), "SSH-LOST");
}

TEST(Socket, PrivateAddresses) {
  for (const char* address : {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.9",
                              "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1%eth0"}) {
    EXPECT_TRUE(is_private_address(address)) << address;
  }
  for (const char* address :
       {"3.120.1.1", "172.32.0.1", "100.128.0.1", "127.0.0.1", "2600::1", "::1", "", "localhost"}) {
    EXPECT_FALSE(is_private_address(address)) << address;
  }
}

}  // namespace
}  // namespace vesto
