#include "net/tls_look.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/strings.h"

namespace vesto {

namespace {

constexpr int kMaxNames = 20;
constexpr size_t kMaxNameBytes = 400;
constexpr unsigned int kNameFlags = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX, SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Deleter<SSL, SSL_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE, X509_STORE_free>>;
using Check = std::unique_ptr<X509_STORE_CTX, Deleter<X509_STORE_CTX, X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES, GENERAL_NAMES_free>>;
struct BioDeleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, BioDeleter>;

// What a certificate says is the other side's text: bounded, and without control characters.
std::string name_text(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || name == nullptr) return "";
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  if (size <= 0) return "";
  return printable(cut_utf8(std::string_view(bytes, static_cast<size_t>(size)), kMaxNameBytes),
                   false);
}

int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return ::timegm(&parts);
}

std::vector<std::string> alternative_names(X509* certificate) {
  std::vector<std::string> out;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) return out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && i < kMaxNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    const auto size = static_cast<size_t>(ASN1_STRING_length(name->d.dNSName));
    out.push_back(printable(cut_utf8(std::string_view(bytes, size), kMaxNameBytes), false));
  }
  return out;
}

ProbeCertificate describe(X509* certificate, STACK_OF(X509) * chain) {
  ProbeCertificate out;
  out.subject = name_text(X509_get_subject_name(certificate));
  out.issuer = name_text(X509_get_issuer_name(certificate));
  const int sent = chain == nullptr ? 0 : sk_X509_num(chain);
  X509* last = sent > 0 ? sk_X509_value(chain, sent - 1) : certificate;
  out.root_issuer = name_text(X509_get_issuer_name(last));
  out.names = alternative_names(certificate);
  out.not_before_s = unix_time(X509_get0_notBefore(certificate));
  out.not_after_s = unix_time(X509_get0_notAfter(certificate));
  return out;
}

bool names_host(X509* certificate, const std::string& host) {
  if (X509_check_ip_asc(certificate, host.c_str(), 0) == 1) return true;
  return X509_check_host(certificate, host.data(), host.size(), kNameFlags, nullptr) == 1;
}

std::string openssl_text() {
  const unsigned long number = ERR_peek_last_error();
  if (number == 0) return "the other side closed the connection in the handshake";
  const char* reason = ERR_reason_error_string(number);
  return reason == nullptr ? "TLS error " + std::to_string(number) : std::string(reason);
}

TlsLook::Verdict verdict_of(long code) {
  switch (code) {
    case X509_V_OK:
      return TlsLook::Verdict::kGood;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return TlsLook::Verdict::kExpired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsLook::Verdict::kNotYet;
    default:
      return TlsLook::Verdict::kUntrusted;
  }
}

// OpenSSL's verification calls this at each step; at the first fault it is told of which
// certificate of the chain it speaks. 0 ends the verification there; the handshake goes on.
int on_verify(int good, X509_STORE_CTX* check) {
  if (good == 1) return 1;
  auto* session =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* look = session == nullptr ? nullptr : static_cast<TlsLook*>(SSL_get_app_data(session));
  X509* at = X509_STORE_CTX_get_current_cert(check);
  const bool of_the_chain = X509_STORE_CTX_get_error_depth(check) > 0;
  if (look != nullptr && at != nullptr && of_the_chain) look->faulty = describe(at, nullptr);
  return 0;
}

// What the server sent, verified once more against other CAs; nothing is dialled for it.
bool is_good_by(const std::string& ca_file, X509* certificate, STACK_OF(X509) * chain) {
  if (ca_file.empty()) return false;
  const Store store(X509_STORE_new());
  const Check check(X509_STORE_CTX_new());
  if (!store || !check || X509_STORE_load_file(store.get(), ca_file.c_str()) != 1 ||
      X509_STORE_CTX_init(check.get(), store.get(), certificate, chain) != 1 ||
      X509_STORE_CTX_set_default(check.get(), "ssl_server") != 1) {
    return false;
  }
  return X509_verify_cert(check.get()) == 1;
}

// True when the handshake is done; otherwise `look` says why not.
bool shake_hands(SSL* session, int fd, const WaitLimit& limit, TlsLook* look) {
  while (true) {
    ERR_clear_error();
    errno = 0;
    const int outcome = SSL_connect(session);
    if (outcome == 1) return true;
    const int wanted = SSL_get_error(session, outcome);
    if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
      look->text = wanted == SSL_ERROR_SYSCALL && errno != 0
                       ? std::generic_category().message(errno)
                       : openssl_text();
      return false;
    }
    const Waited waited = wait_for(fd, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, limit);
    if (waited == Waited::kReady) continue;
    look->verdict =
        waited == Waited::kTimeout ? TlsLook::Verdict::kTimeout : TlsLook::Verdict::kStopped;
    look->text = "no answer in the TLS handshake";
    return false;
  }
}

}  // namespace

TlsLook look_at_tls(int fd, const TlsWish& wish, const WaitLimit& limit) {
  TlsLook look;
  const Context context(SSL_CTX_new(TLS_client_method()));
  if (!context) return look;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // Verification runs and is read afterwards; the handshake itself goes on to its end.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, &on_verify);
  std::error_code ignored;  // a pipe would be waited for, for ever where nobody writes into it
  if (!std::filesystem::is_regular_file(wish.ca_file, ignored) ||
      SSL_CTX_load_verify_locations(context.get(), wish.ca_file.c_str(), nullptr) != 1) {
    look.verdict = TlsLook::Verdict::kNoBundle;
    look.text = "the CA file " + wish.ca_file + " cannot be read";
    return look;
  }
  const Session session(SSL_new(context.get()));
  if (!session || SSL_set_fd(session.get(), fd) != 1) return look;
  SSL_set_app_data(session.get(), &look);
  SSL_set_tlsext_host_name(session.get(), wish.host.c_str());
  const bool done = shake_hands(session.get(), fd, limit, &look);
  X509* certificate = SSL_get0_peer_certificate(session.get());
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session.get());
  if (certificate != nullptr) {
    look.certificate = describe(certificate, chain);
    look.names_host = names_host(certificate, wish.host);
  }
  if (!done || certificate == nullptr) return look;
  look.version = SSL_get_version(session.get());
  const long code = SSL_get_verify_result(session.get());
  look.verdict = verdict_of(code);
  look.text = X509_verify_cert_error_string(code);
  if (look.verdict == TlsLook::Verdict::kUntrusted) {
    look.good_by_second = is_good_by(wish.second_ca_file, certificate, chain);
  }
  if (look.verdict == TlsLook::Verdict::kGood && !look.names_host) {
    look.verdict = TlsLook::Verdict::kWrongName;
    look.text = "hostname mismatch";
  }
  return look;
}

}  // namespace vesto
