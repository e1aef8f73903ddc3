#include "net/probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "address/aws_partition.h"
#include "base/clock.h"
#include "base/redact.h"
#include "base/strings.h"
#include "net/ca_bundle.h"
#include "net/socket.h"
#include "net/tls_look.h"

namespace vesto {

namespace {

// PostgreSQL's SSLRequest: eight bytes, of which the last four are 1234 and 5679.
constexpr std::array<unsigned char, 8> kSslRequest = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
constexpr size_t kMaxDialled = 4;  // addresses of one name
// What products that inspect TLS call themselves in the certificates that they make.
constexpr std::array<std::string_view, 14> kInspectors = {
    "zscaler",  "fortinet", "fortigate", "palo alto", "blue coat",   "bluecoat",   "netskope",
    "umbrella", "sophos",   "kaspersky", "mitmproxy", "check point", "forcepoint", "squid"};

bool made_by_inspector(const ProbeCertificate& certificate) {
  const std::string issuers = to_lower_ascii(certificate.issuer + " " + certificate.root_issuer);
  return std::any_of(kInspectors.begin(), kInspectors.end(), [&](std::string_view name) {
    return issuers.find(name) != std::string::npos;
  });
}

// Which service begins like this; "" where nothing is known.
std::string service_of(std::string_view bytes) {
  if (bytes.starts_with("HTTP/")) return "a web server (HTTP)";
  if (bytes.starts_with("SSH-")) return "an SSH server";
  if (bytes.starts_with("220 ") || bytes.starts_with("220-")) return "a mail or FTP server";
  if (bytes.starts_with("-ERR") || bytes.starts_with("+OK")) return "a Redis or mail server";
  if (bytes.size() > 2 && bytes[0] == 0x15 && bytes[1] == 0x03) {
    return "a server that expects TLS from the first byte, such as HTTPS";
  }
  // MySQL greets with the length, sequence 0 and protocol 10.
  if (bytes.size() > 5 && bytes[3] == 0 && bytes[4] == 0x0a) return "a MySQL server";
  return "";
}

class Probe {
 public:
  explicit Probe(const ProbeOptions& options)
      : options_(options), where_(fmt::format("{}:{}", options.host, options.port)) {}

  ProbeReport run() {
    if (find_addresses() && dial() && options_.tls && ask_for_tls()) shake_hands();
    return std::move(report_);
  }

 private:
  [[nodiscard]] static int64_t now_ms() { return system_clock().monotonic_ms(); }
  [[nodiscard]] int64_t left_ms() const { return limit_.deadline_ms - now_ms(); }

  // Of several addresses the fault that tells most is kept: somebody who refuses is nearer than
  // nobody who answers, and that is nearer than no route.
  static int telling(const Error& error) {
    switch (error.code()) {
      case ErrorCode::kNetUnreachable:
        return 0;
      case ErrorCode::kNetTimeout:
        return 1;
      default:
        return 2;
    }
  }

  bool fail(Error error) {
    if (report_.error && telling(error) < telling(*report_.error)) return false;
    report_.error = std::move(error);
    return false;
  }
  bool fail(ErrorCode code, std::string message, std::string hint = "") {
    Error error(code, redact(message));
    if (!hint.empty()) error.with_hint(std::move(hint));
    return fail(std::move(error));
  }

  // "203.0.113.7/32 (public_egress)": what an allow-list has to take.
  [[nodiscard]] std::string seen_as() const {
    if (options_.dialer != nullptr) {
      return "the address of the SSH server, as the other side sees it";
    }
    if (!options_.public_egress.empty()) {
      return join(options_.public_egress, ", ") + " (public_egress)";
    }
    if (report_.our_address.empty()) return "this machine's address";
    return report_.our_address + " (this machine's; behind NAT the other side sees another one)";
  }

  bool find_addresses() {
    port_ = options_.port;
    if (options_.dialer != nullptr) return true;  // the far end looks the name up
    if (!options_.hostaddr.empty()) {
      report_.addresses = {options_.hostaddr};
      return true;
    }
    const int64_t from_ms = now_ms();
    auto found = resolve(options_.host);
    report_.dns_ms = now_ms() - from_ms;
    if (!found.ok()) return fail(std::move(found).error());
    report_.addresses = std::move(found).value();
    return true;
  }

  bool dial() {
    const int64_t from_ms = now_ms();
    if (options_.dialer != nullptr && !open_route()) return false;
    limit_ = {.deadline_ms = now_ms() + options_.timeout_ms, .stop = options_.stop};
    const size_t count = std::min(report_.addresses.size(), kMaxDialled);
    for (size_t i = 0; i < count; ++i) {
      report_.address = report_.addresses[i];
      // Each address has its share of the time, so that a dead one hides none behind it.
      const WaitLimit share{.deadline_ms = now_ms() + left_ms() / static_cast<int64_t>(count - i),
                            .stop = options_.stop};
      auto dialled = dial_tcp(report_.address, port_, share);
      if (dialled.ok()) {
        socket_ = std::move(dialled).value();
        report_.our_address = local_address(socket_.fd());
        report_.tcp_ms = now_ms() - from_ms;
        report_.error.reset();
        return true;
      }
      dial_fault(dialled.error());
    }
    return false;
  }

  bool open_route() {
    auto route = options_.dialer->dial(options_.host, port_, options_.timeout_ms, options_.stop);
    if (!route.ok()) return fail(std::move(route).error());
    route_ = std::move(route).value();
    report_.addresses = {route_.address};
    port_ = route_.port;
    return true;
  }

  void dial_fault(const DialFault& fault) {
    const std::string at =
        report_.address == options_.host ? where_ : fmt::format("{} ({})", where_, report_.address);
    switch (fault.kind) {
      case DialFault::Kind::kRefused:
        fail(ErrorCode::kNetRefused, at + " refuses the connection",
             "The machine is there and nobody listens at this port: check the port; a cluster that "
             "is paused or restarts refuses as well.");
        return;
      case DialFault::Kind::kTimeout:
        fail(ErrorCode::kNetTimeout,
             fmt::format("no answer from {} within {}", at, format_duration(options_.timeout_ms)),
             timeout_hint());
        return;
      case DialFault::Kind::kReset:
        fail(ErrorCode::kNetReset, at + " cut the connection while it was made");
        return;
      case DialFault::Kind::kUnreachable:
        fail(ErrorCode::kNetUnreachable, fmt::format("no way to {}: {}", at, fault.text));
        return;
      case DialFault::Kind::kStopped:
        fail(ErrorCode::kRunInterrupted, "stopped while connecting to " + at);
        return;
      case DialFault::Kind::kOther:
        break;
    }
    fail(ErrorCode::kNetUnreachable, fmt::format("connecting to {}: {}", at, fault.text));
  }

  [[nodiscard]] std::string timeout_hint() const {
    if (is_private_address(report_.address)) {
      return fmt::format(
          "{} is a private address: the server is not publicly accessible. Switch public access "
          "on, "
          "or go through an SSH tunnel (section ssh).",
          report_.address);
    }
    return fmt::format(
        "Most often a security group without an inbound rule for TCP port {} from {}; or the "
        "warehouse is not publicly accessible, or a network ACL or route is in the way.",
        options_.port, seen_as());
  }

  // Waits for the first bytes of an answer; false: there were none, and the error says why.
  bool first_bytes(std::string* bytes) {
    const Waited waited = wait_for(socket_.fd(), POLLIN, limit_);
    if (waited == Waited::kStopped) {
      return fail(ErrorCode::kRunInterrupted, "stopped while asking " + where_);
    }
    if (waited == Waited::kTimeout) {
      return fail(ErrorCode::kNetTimeout,
                  fmt::format("{} takes the connection and then says nothing", where_),
                  "Something that is no database listens there, or a load balancer or tunnel that "
                  "ends at nothing; check host and port.");
    }
    std::array<char, 64> buffer{};
    const ssize_t got = ::recv(socket_.fd(), buffer.data(), buffer.size(), MSG_PEEK);
    if (got <= 0) return fail(cut_error());
    bytes->assign(buffer.data(), static_cast<size_t>(got));
    return true;
  }

  [[nodiscard]] Error cut_error() const {
    if (route_.failure) {
      if (auto reason = route_.failure()) return *std::move(reason);
    }
    return Error(ErrorCode::kNetReset, where_ + " takes the connection and cuts it at once")
        .with_hint(
            "A load balancer, proxy or tunnel that ends at nothing does this, and a server that is "
            "just starting; check host and port.");
  }

  bool ask_for_tls() {
    tls_from_ms_ = now_ms();
    if (::send(socket_.fd(), kSslRequest.data(), kSslRequest.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(kSslRequest.size())) {
      return fail(cut_error());
    }
    std::string bytes;
    if (!first_bytes(&bytes)) return false;
    if (bytes == "S") {
      std::array<char, 1> taken{};
      return ::recv(socket_.fd(), taken.data(), taken.size(), 0) == 1 || fail(cut_error());
    }
    if (bytes.starts_with("N")) {
      return fail(options_.tls_off, where_ + " answers that it offers no encryption");
    }
    const std::string service = service_of(bytes);
    if (bytes.starts_with("E") && service.empty()) {
      return fail(options_.tls_off, where_ +
                                        " refuses to speak of encryption: it answered with an "
                                        "error where it should say yes or no");
    }
    return fail(ErrorCode::kNetWrongPort,
                fmt::format("{} answers like {}", where_,
                            service.empty() ? "a service that is no database" : service));
  }

  void shake_hands() {
    const std::string bundle = options_.ca_file.empty() ? system_ca_file() : options_.ca_file;
    TlsLook look = look_at_tls(socket_.fd(), options_.host, bundle, limit_);
    report_.tls_version = look.version;
    if (look.verdict == TlsLook::Verdict::kGood) report_.tls_ms = now_ms() - tls_from_ms_;
    judge(look);
    report_.certificate = std::move(look.certificate);
  }

  void judge(const TlsLook& look) {
    const auto issued = [&] {
      return look.certificate ? fmt::format(" (issued to {} by {})", look.certificate->subject,
                                            look.certificate->issuer)
                              : std::string();
    };
    switch (look.verdict) {
      case TlsLook::Verdict::kGood:
        return;
      case TlsLook::Verdict::kExpired:
        fail(ErrorCode::kNetTlsExpired,
             fmt::format("the certificate of {} ended at {}{}", where_,
                         moment(look.certificate->not_after_s), issued()));
        return;
      case TlsLook::Verdict::kNotYet:
        fail(ErrorCode::kNetTlsNotYet,
             fmt::format("the certificate of {} begins at {}{}", where_,
                         moment(look.certificate->not_before_s), issued()));
        return;
      case TlsLook::Verdict::kWrongName:
        wrong_name(look);
        return;
      case TlsLook::Verdict::kUntrusted:
        untrusted(look, issued());
        return;
      case TlsLook::Verdict::kNoBundle:
        fail(ErrorCode::kNetTlsCa, look.text,
             "Name the CA bundle with tls_ca_file, or install ca-certificates.");
        return;
      case TlsLook::Verdict::kTimeout:
        fail(ErrorCode::kNetTimeout, fmt::format("{}: {}", where_, look.text));
        return;
      case TlsLook::Verdict::kStopped:
        fail(ErrorCode::kRunInterrupted, "stopped while asking " + where_);
        return;
      case TlsLook::Verdict::kNoHandshake:
        break;
    }
    if (auto reason = route_.failure ? route_.failure() : std::nullopt) {
      fail(*std::move(reason));
      return;
    }
    fail(ErrorCode::kNetTls, fmt::format("{}: {}", where_, look.text));
  }

  void wrong_name(const TlsLook& look) {
    const std::string names = look.certificate->names.empty() ? look.certificate->subject
                                                              : join(look.certificate->names, ", ");
    fail(
        ErrorCode::kNetTlsName,
        fmt::format("the certificate of {} is for {}, not for {}", where_, names, options_.host),
        "Use the host name that the certificate carries; with a tunnel the real endpoint goes into "
        "endpoint and the SSH server into the section ssh.");
  }

  void untrusted(const TlsLook& look, const std::string& issued) {
    // Certificates of AWS's own names come from public CAs alone: another issuer for exactly this
    // name is somebody in between.
    const bool forged = look.names_host && is_aws_host(options_.host) && !good_by_system_bundle();
    if (forged || made_by_inspector(*look.certificate)) {
      fail(ErrorCode::kNetTlsIntercepted,
           fmt::format("the certificate of {} was made by somebody in between{}: {}", where_,
                       issued, look.text));
      return;
    }
    fail(ErrorCode::kNetTlsCa,
         fmt::format("the certificate of {} is of no CA that is trusted here{}: {}", where_, issued,
                     look.text));
  }

  // Whether it is only our own CA file that does not know the issuer.
  [[nodiscard]] bool good_by_system_bundle() const {
    if (options_.ca_file.empty()) return false;
    ProbeOptions again = options_;
    again.ca_file.clear();
    return !probe(again).error;
  }

  static std::string moment(int64_t unix_s) { return format_utc_seconds(unix_s * 1000); }

  const ProbeOptions& options_;
  const std::string where_;
  ProbeReport report_;
  WaitLimit limit_;
  Route route_;
  Socket socket_;
  int port_ = 0;
  int64_t tls_from_ms_ = 0;
};

}  // namespace

ProbeReport probe(const ProbeOptions& options) { return Probe(options).run(); }

}  // namespace vesto
