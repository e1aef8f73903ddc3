#include "pg/intake.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

namespace vesto {

namespace {

// Of a statement, for what surrounds its rows: records of TLS, RowDescription, ReadyForQuery.
constexpr int64_t kUsualBytes = 64 << 10;

// Called by OpenSSL before and after each operation on the connection's BIO. What it gives before
// an operation is that operation's result unless it is positive.
long on_bio(BIO* bio, int operation, const char* /*bytes*/, size_t /*size*/, int /*number*/,
            long /*value*/, int result, size_t* processed) {
  auto* intake = reinterpret_cast<PgIntake*>(BIO_get_callback_arg(bio));
  if (operation == BIO_CB_READ && !intake->may_read()) {
    BIO_set_retry_read(bio);  // as if nothing had come
    return -1;
  }
  if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && processed != nullptr) {
    intake->add(static_cast<int64_t>(*processed));
  }
  return result;
}

// nullptr where the connection has no TLS.
SSL* tls_of(PGconn* conn) { return static_cast<SSL*>(PQsslStruct(conn, "OpenSSL")); }

int64_t waiting_bytes(int fd) {
  int waiting = 0;
  return ::ioctl(fd, FIONREAD, &waiting) == 0 ? waiting : 0;
}

}  // namespace

void PgIntake::watch(PGconn* conn) {
  conn_ = conn;
  SSL* ssl = tls_of(conn);
  BIO* bio = ssl == nullptr ? nullptr : SSL_get_rbio(ssl);
  // libpq may have dialled anew: with another session of TLS, or (sslmode prefer) without one.
  if (bio == bio_) return;
  bio_ = bio;
  if (bio == nullptr) {
    kernel_counts_ = true;  // of the new socket, until it turns out that it does not
    return;
  }
  BIO_set_callback_arg(bio, reinterpret_cast<char*>(this));
  BIO_set_callback_ex(bio, &on_bio);
}

void PgIntake::begin(int64_t limit_bytes) {
  limit_ = limit_bytes;
  if (!tls()) count_plain();
  marked_ = begun_ = taken_;
  explained_ = 0;
}

void PgIntake::end() {
  const int64_t came = taken_ - begun_;
  // An eighth: the records of TLS, each with some 30 bytes of its own.
  stray_ += std::max<int64_t>(0, came - explained_ - came / 8 - kUsualBytes);
  begun_ = taken_;
  explained_ = 0;
}

void PgIntake::count_plain() {
  tcp_info info{};
  socklen_t size = sizeof info;
  const int fd = conn_ == nullptr ? -1 : PQsocket(conn_);
  constexpr size_t kNeeded = offsetof(tcp_info, tcpi_bytes_received) + sizeof(uint64_t);
  if (fd < 0 || !kernel_counts_) return;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || size < kNeeded) {
    kernel_counts_ = false;
    return;
  }
  const auto received = static_cast<int64_t>(info.tcpi_bytes_received);
  // A new socket counts from zero; what came before stays counted.
  if (received < received_ || fd != fd_) base_ = taken_;
  received_ = received;
  fd_ = fd;
  taken_ = std::max(taken_, base_ + received - waiting_bytes(fd));
}

bool PgIntake::holds_bytes() const {
  SSL* ssl = tls() ? tls_of(conn_) : nullptr;
  return ssl != nullptr && SSL_pending(ssl) > 0;
}

void PgIntake::before_read() {
  if (tls() || kernel_counts_ || conn_ == nullptr) return;
  waiting_ = waiting_bytes(PQsocket(conn_));
}

bool PgIntake::over() {
  if (!tls()) count_plain();
  if (waiting_ > 0) {
    // What came in between is not seen: rather too little than a connection cut for nothing.
    taken_ += std::max<int64_t>(0, waiting_ - waiting_bytes(PQsocket(conn_)));
    waiting_ = 0;
  }
  return !may_read() || stray_ > kMaxStrayBytes;
}

}  // namespace vesto
