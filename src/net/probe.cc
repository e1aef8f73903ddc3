#include "net/probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "address/aws_partition.h"
#include "base/clock.h"
#include "base/error_causes.h"
#include "base/redact.h"
#include "base/strings.h"
#include "net/ca_bundle.h"
#include "net/dial_error.h"
#include "net/server_refusal.h"
#include "net/socket.h"
#include "net/tls_look.h"

namespace vesto {

namespace {

// PostgreSQL's SSLRequest: eight bytes, of which the last four are 1234 and 5679.
constexpr std::array<unsigned char, 8> kSslRequest = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};
// What products that inspect TLS call themselves in the certificates that they make.
constexpr std::array<std::string_view, 14> kInspectors = {
    "zscaler",  "fortinet", "fortigate", "palo alto", "blue coat",   "bluecoat",   "netskope",
    "umbrella", "sophos",   "kaspersky", "mitmproxy", "check point", "forcepoint", "squid"};

constexpr std::string_view kSilentHandshakeHint =
    "The way there is open, so no inbound rule is missing. Most often something in between drops "
    "large packets (a VPN or tunnel with a smaller MTU) or holds TLS up to inspect it; or the "
    "server hangs.";
constexpr std::string_view kBundleHint =
    "Name the right CA bundle with tls_ca_file in the section of this server.";
constexpr std::string_view kChainHint =
    "The server's own certificate may be in date: let the owner of the server send a current chain "
    "of CA certificates, or renew the one in tls_ca_file if it stands there; check this machine's "
    "date.";

bool made_by_inspector(const ProbeCertificate& certificate) {
  const std::string issuers = to_lower_ascii(certificate.issuer + " " + certificate.root_issuer);
  return std::any_of(kInspectors.begin(), kInspectors.end(), [&](std::string_view name) {
    return issuers.find(name) != std::string::npos;
  });
}

// The cause that goes with the code where the whole matter is the certificate.
std::string_view cause_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNetTlsExpired:
      return "certificate-expired";
    case ErrorCode::kNetTlsNotYet:
      return "certificate-not-yet-valid";
    default:
      return "unknown-issuer";
  }
}

// Of a service that begins like this.
std::string_view service_cause(std::string_view bytes) {
  if (bytes.starts_with("HTTP/")) return "web-server";
  if (bytes.starts_with("SSH-")) return "ssh-server";
  return bytes.size() > 2 && bytes[0] == 0x15 && bytes[1] == 0x03 ? "tls-server" : "other-service";
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

  bool fail(Error error) {
    report_.error = std::move(error);
    return false;
  }
  bool fail(ErrorCode code, std::string message, std::string hint = "",
            std::string_view cause = "") {
    Error error(code, redact(message));
    if (!cause.empty()) error.because(cause_named(cause));
    if (!hint.empty()) error.with_hint(std::move(hint));
    return fail(std::move(error));
  }

  bool find_addresses() {
    port_ = options_.port;
    if (options_.dialer != nullptr) return true;  // the far end looks the name up
    if (!options_.hostaddr.empty()) {
      report_.addresses = {options_.hostaddr};
      return true;
    }
    const int64_t from_ms = now_ms();
    const WaitLimit limit{.deadline_ms = from_ms + options_.timeout_ms, .stop = options_.stop};
    auto found =
        options_.resolver ? options_.resolver(options_.host, limit) : resolve(options_.host, limit);
    report_.dns_ms = now_ms() - from_ms;
    if (!found.ok()) return fail(std::move(found).error());
    report_.addresses = std::move(found).value();
    return true;
  }

  bool dial() {
    const int64_t from_ms = now_ms();
    if (options_.dialer != nullptr && !open_route()) return false;
    limit_ = {.deadline_ms = now_ms() + options_.timeout_ms, .stop = options_.stop};
    auto dialled = dial_tcp(report_.addresses, port_, limit_);
    if (!dialled.ok()) {
      const size_t index = dialled.error().index;
      if (index < report_.addresses.size()) report_.address = report_.addresses[index];
      report_.our_address = dialled.error().our_address;
      return fail(dial_error(options_, report_.addresses, dialled.error(), options_.timeout_ms));
    }
    report_.address = report_.addresses[dialled->index];
    socket_ = std::move(dialled->fd);
    report_.our_address = local_address(socket_.get());
    report_.tcp_ms = now_ms() - from_ms;
    return true;
  }

  bool open_route() {
    auto route = options_.dialer->dial(options_.host, port_, options_.timeout_ms, options_.stop);
    if (!route.ok()) return fail(std::move(route).error());
    route_ = std::move(route).value();
    report_.addresses = {route_.address};
    port_ = route_.port;
    return true;
  }

  // Waits for the first bytes of an answer; false: there were none, and the error says why.
  bool first_bytes(std::string* bytes) {
    const Waited waited = wait_for(socket_.get(), POLLIN, limit_);
    if (waited == Waited::kStopped) {
      return fail(ErrorCode::kRunInterrupted, "stopped while asking " + where_);
    }
    if (waited == Waited::kTimeout) {
      return fail(ErrorCode::kNetTimeout,
                  fmt::format("{} takes the connection and then says nothing", where_),
                  "Something that is no database listens there, or a load balancer or tunnel that "
                  "ends at nothing; check host and port.",
                  "silent-server");
    }
    std::array<char, 64> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_PEEK);
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
            "just starting; check host and port.")
        .because(cause_named("cut-at-once"));
  }

  bool ask_for_tls() {
    tls_from_ms_ = now_ms();
    if (::send(socket_.get(), kSslRequest.data(), kSslRequest.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(kSslRequest.size())) {
      return fail(cut_error());
    }
    std::string bytes;
    if (!first_bytes(&bytes)) return false;
    if (bytes == "S") {
      std::array<char, 1> taken{};
      return ::recv(socket_.get(), taken.data(), taken.size(), 0) == 1 || fail(cut_error());
    }
    if (bytes.starts_with("N")) {
      return fail(tls_off(), where_ + " answers that it offers no encryption", "",
                  is_warehouse() ? "no-encryption" : "");
    }
    const std::string service = service_of(bytes);
    if (bytes.starts_with("E") && service.empty()) {
      if (!read_refusal(&bytes)) return false;
      if (const auto refusal = parse_refusal(bytes)) return fail(refused(*refusal));
    }
    return fail(ErrorCode::kNetWrongPort,
                fmt::format("{} answers like {}", where_,
                            service.empty() ? "a service that is no database" : service),
                "", service_cause(bytes));
  }

  [[nodiscard]] bool is_warehouse() const { return options_.server == ServerKind::kWarehouse; }
  [[nodiscard]] ErrorCode tls_off() const {
    return is_warehouse() ? ErrorCode::kRsTlsOff : ErrorCode::kPgTlsOff;
  }

  // The rest of an error message that has begun. It may end early: what came is looked at. False: a
  // stop.
  bool read_refusal(std::string* bytes) {
    bytes->clear();  // which were only peeked at
    while (!refusal_is_whole(*bytes)) {
      const Waited waited = wait_for(socket_.get(), POLLIN, limit_);
      if (waited == Waited::kStopped) {
        return fail(ErrorCode::kRunInterrupted, "stopped while asking " + where_);
      }
      std::array<char, kMaxRefusalBytes> buffer{};
      const ssize_t got = waited == Waited::kReady ? ::recv(socket_.get(), buffer.data(),
                                                            buffer.size() - bytes->size(), 0)
                                                   : 0;
      if (got <= 0) return true;
      bytes->append(buffer.data(), static_cast<size_t>(got));
    }
    return true;
  }

  // An error where it should say whether it has TLS. Old servers do not know the question; others
  // have no room for one more connection, or are not ready.
  [[nodiscard]] Error refused(const ServerRefusal& said) const {
    const bool too_old = said.sqlstate == "0A000" ||
                         said.text.find("unsupported frontend protocol") != std::string::npos;
    std::string text = said.text;
    if (!said.sqlstate.empty()) text += fmt::format(" ({})", said.sqlstate);
    const std::string_view does = too_old ? "does not know the question for encryption"
                                          : "refuses before it speaks of encryption";
    const ErrorCause* cause =
        recognise(is_warehouse() ? "redshift" : "postgres", said.sqlstate, said.text);
    const ErrorCode busy = is_warehouse() ? ErrorCode::kRsConnection : ErrorCode::kPgConnect;
    const bool full = cause != nullptr && cause->code == ErrorCode::kRsConnLimit;
    Error error(too_old ? tls_off() : (full ? cause->code : busy),
                fmt::format("{} {}: {}", where_, does, text));
    if (!too_old && cause != nullptr && cause->code == error.code()) error.because(cause);
    error.with_upstream({.system = is_warehouse() ? "redshift" : "postgres",
                         .code = said.sqlstate,
                         .text = said.text,
                         .request_id = ""});
    if (said.sqlstate == "53300") error.with_hint("Wait until other sessions have ended.");
    return error;
  }

  void shake_hands() {
    const std::string bundle = options_.ca_file.empty() ? system_ca_file() : options_.ca_file;
    // With our own CA file the system's bundle is asked too: a certificate that it knows is no
    // inspector's.
    const std::string second = options_.ca_file.empty() ? "" : system_ca_file();
    TlsLook look =
        look_at_tls(socket_.get(),
                    {.host = options_.host, .ca_file = bundle, .second_ca_file = second}, limit_);
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
      case TlsLook::Verdict::kNotYet:
        wrong_dates(look, issued());
        return;
      case TlsLook::Verdict::kWrongName:
        wrong_name(look);
        return;
      case TlsLook::Verdict::kUntrusted:
        untrusted(look, issued());
        return;
      case TlsLook::Verdict::kNoBundle:
        fail(ErrorCode::kNetTlsCa, look.text,
             "Name the CA bundle with tls_ca_file, or install ca-certificates.", "no-ca-bundle");
        return;
      case TlsLook::Verdict::kTimeout:
        fail(ErrorCode::kNetTimeout, fmt::format("{}: {}", where_, look.text),
             std::string(kSilentHandshakeHint), "silent-handshake");
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
    fail(ErrorCode::kNetTls, fmt::format("{}: {}", where_, look.text), "", "handshake-cut");
  }

  // Of the chain's certificates the one whose dates do not hold is named: renewing another one
  // would not help.
  void wrong_dates(const TlsLook& look, const std::string& issued) {
    const bool expired = look.verdict == TlsLook::Verdict::kExpired;
    const ProbeCertificate& faulty = look.faulty ? *look.faulty : *look.certificate;
    const std::string of_what =
        look.faulty ? fmt::format(
                          "the CA certificate {} (issued by {}), on which the certificate "
                          "of {} rests,",
                          faulty.subject, faulty.issuer, where_)
                    : fmt::format("the certificate of {}", where_);
    const ErrorCode code = expired ? ErrorCode::kNetTlsExpired : ErrorCode::kNetTlsNotYet;
    fail(code,
         fmt::format("{} {} at {}{}", of_what, expired ? "ended" : "begins",
                     moment(expired ? faulty.not_after_s : faulty.not_before_s),
                     look.faulty ? "" : issued),
         look.faulty ? std::string(kChainHint) : "", cause_of(code));
  }

  void wrong_name(const TlsLook& look) {
    const std::string names = look.certificate->names.empty() ? look.certificate->subject
                                                              : join(look.certificate->names, ", ");
    fail(
        ErrorCode::kNetTlsName,
        fmt::format("the certificate of {} is for {}, not for {}", where_, names, options_.host),
        "Use the host name that the certificate carries; with a tunnel the real endpoint goes into "
        "endpoint and the SSH server into the section ssh.",
        "certificate-of-another-name");
  }

  void untrusted(const TlsLook& look, const std::string& issued) {
    // Certificates of AWS's own names come from public CAs alone: another issuer for exactly this
    // name is somebody in between.
    const bool forged = look.names_host && is_aws_host(options_.host) && !look.good_by_second;
    if (forged || made_by_inspector(*look.certificate)) {
      fail(ErrorCode::kNetTlsIntercepted,
           fmt::format("the certificate of {} was made by somebody in between{}: {}", where_,
                       issued, look.text),
           "", "tls-inspected");
      return;
    }
    fail(ErrorCode::kNetTlsCa,
         fmt::format("the certificate of {} is of no CA that is trusted here{}: {}", where_, issued,
                     look.text),
         std::string(kBundleHint), cause_of(ErrorCode::kNetTlsCa));
  }

  static std::string moment(int64_t unix_s) { return format_utc_seconds(unix_s * 1000); }

  const ProbeOptions& options_;
  const std::string where_;
  ProbeReport report_;
  WaitLimit limit_;
  Route route_;
  OwnedFd socket_;
  int port_ = 0;
  int64_t tls_from_ms_ = 0;
};

}  // namespace

ProbeReport probe(const ProbeOptions& options) { return Probe(options).run(); }

}  // namespace vesto
