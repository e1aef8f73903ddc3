// Every way in which a server is not reached has a code of its own.
#include "net/probe.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "base/clock.h"
#include "base/strings.h"
#include "tests/support/full_queue.h"
#include "tests/unit/net/probe_world.h"

namespace vesto {
namespace {

using probe_world::ClosedPort;
using probe_world::code;
using probe_world::probe_answer;
using probe_world::probe_tls;
using probe_world::TempFile;
using probe_world::to;
using testing_support::CertificateWish;
using testing_support::FullQueue;
using testing_support::make_certificate;
using testing_support::RawServer;
using testing_support::TestCertificate;

constexpr std::string_view kWarehouse = "shop.abc123.eu-west-1.redshift.amazonaws.com";

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

// The one that has to be renewed is named, with its own date, and not the server's.
TEST(Probe, ExpiredIntermediateIsNamed) {
  CertificateWish wish{.name = "localhost",
                       .by_intermediate = true,
                       .intermediate_from_s = -86'400 * 30,
                       .intermediate_to_s = -86'400 * 20};
  ProbeReport report = probe_tls(wish, "localhost");
  ASSERT_EQ(code(report), "NET-TLS-EXPIRED");
  const std::string ended = format_utc_seconds(system_clock().wall_ms() - 86'400'000LL * 20);
  const std::string& message = report.error->message();
  EXPECT_NE(message.find("test intermediate"), std::string::npos) << message;
  EXPECT_NE(message.find("ended at " + ended.substr(0, 10)), std::string::npos) << message;
  EXPECT_NE(report.error->hint().find("chain"), std::string::npos);
  wish.intermediate_from_s = 86'400 * 10;
  wish.intermediate_to_s = 86'400 * 20;
  report = probe_tls(wish, "localhost");
  ASSERT_EQ(code(report), "NET-TLS-NOT-YET");
  EXPECT_NE(report.error->message().find("test intermediate"), std::string::npos);
  wish.intermediate_from_s = -86'400;
  EXPECT_EQ(code(probe_tls(wish, "localhost")), "none");
  // The server's own has ended as well: OpenSSL looks from the CA downwards.
  wish.intermediate_to_s = 86'400;
  wish.from_s = -86'400 * 5;
  wish.to_s = -86'400 * 4;
  report = probe_tls(wish, "localhost");
  ASSERT_EQ(code(report), "NET-TLS-EXPIRED");
  EXPECT_NE(report.error->message().find("the certificate of localhost:"), std::string::npos);
  EXPECT_NE(report.error->message().find("by CN = test intermediate"), std::string::npos)
      << report.error->message();
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

// Our own CA file is too narrow, and the system's bundle knows the server: nobody is in between.
// The certificate at hand is looked at again; nothing is dialled for it.
TEST(Probe, AnAwsNameThatTheSystemTrustsIsNoInterception) {
  const std::string host(kWarehouse);
  const TestCertificate certificate =
      make_certificate({.name = host, .ca_name = "Public CA", .by_intermediate = true});
  const TempFile system_bundle(certificate.ca_pem);
  const TempFile own_bundle(make_certificate("localhost").ca_pem);
  RawServer server([](RawServer::Connection& c) { c.wait_for_end(); }, &certificate,
                   RawServer::Begin::kPostgres);
  ProbeOptions options = to(server.port(), host);
  options.ca_file = own_bundle.path();
  ::setenv("SSL_CERT_FILE", system_bundle.path().c_str(), 1);
  const ProbeReport trusted = probe(options);
  EXPECT_EQ(server.connections(), 1);
  ::setenv("SSL_CERT_FILE", own_bundle.path().c_str(), 1);
  const ProbeReport foreign = probe(options);
  ::unsetenv("SSL_CERT_FILE");
  EXPECT_EQ(code(trusted), "NET-TLS-CA");
  EXPECT_EQ(code(foreign), "NET-TLS-INTERCEPTED");
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
  options.server = ServerKind::kSource;
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

TEST(Probe, DroppedConnectionNamesTheAllowList) {
  const FullQueue dead;
  ProbeOptions options = to(dead.port());
  options.timeout_ms = 300;
  options.public_egress = {"203.0.113.7/32"};
  ProbeReport report = probe(options);
  EXPECT_EQ(code(report), "NET-TIMEOUT");
  EXPECT_EQ(report.tcp_ms, -1);
  EXPECT_NE(report.error->hint().find("203.0.113.7/32"), std::string::npos);
  options.public_egress.clear();  // then what the system would dial from
  report = probe(options);
  ASSERT_EQ(code(report), "NET-TIMEOUT");
  EXPECT_NE(report.error->hint().find("127.0.0.1 (this machine's"), std::string::npos)
      << report.error->hint();
}

// TCP stands: no inbound rule is missing, and the hint does not send people to look for one.
TEST(Probe, HintsOfASilentServerSpeakOfNoInboundRule) {
  RawServer mute([](RawServer::Connection& c) { c.wait_for_end(); });
  RawServer half([](RawServer::Connection& c) {
    c.write("S");
    c.wait_for_end();
  });
  std::vector<std::string> hints;
  for (const int port : {mute.port(), half.port()}) {
    ProbeOptions options = to(port);
    options.timeout_ms = 200;
    const ProbeReport report = probe(options);
    ASSERT_EQ(code(report), "NET-TIMEOUT");
    EXPECT_GE(report.tcp_ms, 0);
    EXPECT_EQ(report.tls_ms, -1);
    hints.push_back(report.error->hint());
  }
  EXPECT_EQ(hints[0].find("inbound rule"), std::string::npos);
  EXPECT_NE(hints[1].find("no inbound rule is missing"), std::string::npos) << hints[1];
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

TEST(Probe, HandshakeCutByTheTunnelGivesTheTunnelsReason) {
  RawServer server([](RawServer::Connection& c) { c.write("S"); });
  TestDialer dialer(Route{.address = "127.0.0.1", .port = server.port(), .keep = {}, .failure = [] {
                            return std::optional(Error(ErrorCode::kSshLost, "the session ended"));
                          }});
  ProbeOptions options = to(5439);
  options.dialer = &dialer;
  EXPECT_EQ(code(probe(options)), "SSH-LOST");
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

}  // namespace
}  // namespace vesto
