#include "tests/support/raw_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace vesto::testing_support {

namespace {

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string to_pem(const std::function<int(BIO*)>& write) {
  BIO* memory = BIO_new(BIO_s_mem());
  write(memory);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string out(data, static_cast<size_t>(size));
  BIO_free(memory);
  return out;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509Ptr new_certificate(const std::string& name, EVP_PKEY* key, long from_s, long to_s) {
  static std::atomic<long> serial = 1;
  X509Ptr made(X509_new(), X509_free);
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from_s);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), to_s);
  X509_set_pubkey(made.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return made;
}

class SocketConnection final : public RawServer::Connection {
 public:
  SocketConnection(int fd, int wake_fd, SSL* ssl, std::function<void(const std::string&)> keep)
      : fd_(fd), wake_fd_(wake_fd), ssl_(ssl), keep_(std::move(keep)) {}

  std::string read_request() override {
    std::string text;
    while (text.find("\r\n\r\n") == std::string::npos) {
      if (!read_more(&text)) return "";
    }
    size_t length = 0;
    const size_t at = text.find("Content-Length: ");
    const size_t head = text.find("\r\n\r\n") + 4;
    if (at < head) length = std::strtoul(text.c_str() + at + 16, nullptr, 10);
    while (text.size() < head + length) {
      if (!read_more(&text)) return "";
    }
    keep_(text);
    return text;
  }

  std::string read_some() override {
    std::string text;
    return read_more(&text) ? text : "";
  }

  void write(const std::string& bytes) override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n =
          ssl_ != nullptr
              ? SSL_write(ssl_, bytes.data() + done, static_cast<int>(bytes.size() - done))
              : ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n <= 0) return;
      done += static_cast<size_t>(n);
    }
  }

  void wait_for_end() override {
    std::string sink;
    while (read_more(&sink)) sink.clear();
  }

 private:
  bool read_more(std::string* text) {
    if (ssl_ == nullptr || SSL_pending(ssl_) == 0) {
      pollfd fds[2] = {{fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 || fds[1].revents != 0) return false;
    }
    char buffer[1 << 16];
    const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                                      : ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    text->append(buffer, static_cast<size_t>(n));
    return true;
  }

  const int fd_;
  const int wake_fd_;
  SSL* const ssl_;
  const std::function<void(const std::string&)> keep_;
};

SSL_CTX* server_context(const TestCertificate& certificate) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  BIO* cert_bio = BIO_new_mem_buf(certificate.certificate_pem.data(), -1);
  X509Ptr cert(PEM_read_bio_X509(cert_bio, nullptr, nullptr, nullptr), X509_free);
  BIO_free(cert_bio);
  BIO* key_bio = BIO_new_mem_buf(certificate.key_pem.data(), -1);
  KeyPtr key(PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr), EVP_PKEY_free);
  BIO_free(key_bio);
  SSL_CTX_use_certificate(context, cert.get());
  SSL_CTX_use_PrivateKey(context, key.get());
  if (!certificate.intermediate_pem.empty()) {
    BIO* chain_bio = BIO_new_mem_buf(certificate.intermediate_pem.data(), -1);
    SSL_CTX_add_extra_chain_cert(context, PEM_read_bio_X509(chain_bio, nullptr, nullptr, nullptr));
    BIO_free(chain_bio);
  }
  return context;
}

}  // namespace

TestCertificate make_certificate(const std::string& name, bool expired) {
  CertificateWish wish;
  wish.name = name;
  if (expired) wish.to_s = -3'600;
  return make_certificate(wish);
}

TestCertificate make_certificate(const CertificateWish& wish) {
  const KeyPtr ca_key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const X509Ptr ca = new_certificate(wish.ca_name, ca_key.get(), -86'400, 86'400);
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(ca.get(), ca_key.get(), EVP_sha256());

  const KeyPtr middle_key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const X509Ptr middle = new_certificate("test intermediate", middle_key.get(),
                                         wish.intermediate_from_s, wish.intermediate_to_s);
  X509_set_issuer_name(middle.get(), X509_get_subject_name(ca.get()));
  add_extension(middle.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(middle.get(), ca_key.get(), EVP_sha256());

  const KeyPtr key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const X509Ptr leaf = new_certificate(wish.name, key.get(), wish.from_s, wish.to_s);
  X509* issuer = wish.by_its_own_key ? leaf.get() : wish.by_intermediate ? middle.get() : ca.get();
  EVP_PKEY* signer = wish.by_its_own_key    ? key.get()
                     : wish.by_intermediate ? middle_key.get()
                                            : ca_key.get();
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer));
  add_extension(leaf.get(), issuer, NID_subject_alt_name, "DNS:" + wish.name);
  X509_sign(leaf.get(), signer, EVP_sha256());

  const auto certificate_pem = [](X509* x) {
    return to_pem([x](BIO* out) { return PEM_write_bio_X509(out, x); });
  };
  return {.ca_pem = certificate_pem(ca.get()),
          .certificate_pem = certificate_pem(leaf.get()),
          .key_pem = to_pem([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          }),
          .intermediate_pem = wish.by_intermediate ? certificate_pem(middle.get()) : ""};
}

struct RawServer::State {
  Handler handler;
  Begin begin = Begin::kAtOnce;
  SSL_CTX* tls = nullptr;
  int listen_fd = -1;
  int wake[2] = {-1, -1};
  int port = 0;
  std::atomic<int> connections = 0;
  mutable std::mutex mutex;
  std::vector<std::string> requests;
  std::thread thread;

  void serve() {
    while (true) {
      pollfd fds[2] = {{listen_fd, POLLIN, 0}, {wake[0], POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 || fds[1].revents != 0) return;
      const int fd = accept(listen_fd, nullptr, nullptr);
      if (fd < 0) continue;
      ++connections;
      const int on = 1;  // or each answer of several records waits for the client's delayed ACK
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      SSL* ssl = nullptr;
      if (begin == Begin::kPostgres) {
        char request[8];
        if (::recv(fd, request, sizeof request, MSG_WAITALL) != 8 ||
            ::send(fd, "S", 1, MSG_NOSIGNAL) != 1) {
          close(fd);
          continue;
        }
      }
      if (tls != nullptr) {
        ssl = SSL_new(tls);
        SSL_set_fd(ssl, fd);
      }
      if (ssl == nullptr || SSL_accept(ssl) == 1) {
        SocketConnection connection(fd, wake[0], ssl, [this](const std::string& text) {
          const std::lock_guard lock(mutex);
          requests.push_back(text);
        });
        handler(connection);
      }
      if (ssl != nullptr) {
        SSL_shutdown(ssl);
        SSL_free(ssl);
      }
      close(fd);
    }
  }
};

RawServer::RawServer(Handler handler, const TestCertificate* certificate, Begin begin)
    : state_(std::make_unique<State>()) {
  static const auto ignored = std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes with write(2)
  (void)ignored;
  state_->handler = std::move(handler);
  state_->begin = begin;
  if (certificate != nullptr) state_->tls = server_context(*certificate);
  state_->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(state_->listen_fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(state_->listen_fd, 8) != 0 ||
      getsockname(state_->listen_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      pipe(state_->wake) != 0) {
    std::abort();
  }
  state_->port = ntohs(address.sin_port);
  state_->thread = std::thread([this] { state_->serve(); });
}

RawServer::~RawServer() {
  const char byte = 'x';
  if (::write(state_->wake[1], &byte, 1) != 1) std::abort();
  state_->thread.join();
  close(state_->listen_fd);
  close(state_->wake[0]);
  close(state_->wake[1]);
  if (state_->tls != nullptr) SSL_CTX_free(state_->tls);
}

int RawServer::port() const { return state_->port; }
int RawServer::connections() const { return state_->connections; }

std::vector<std::string> RawServer::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

}  // namespace vesto::testing_support
