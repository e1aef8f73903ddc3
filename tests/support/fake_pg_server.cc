#include "tests/support/fake_pg_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <iterator>

namespace vesto::testing {

namespace {

std::string big_endian(uint32_t number) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((number >> shift) & 0xff));
  }
  return out;
}

bool read_bytes(int fd, size_t size, std::string* out) {
  out->resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(fd, out->data() + done, size - done);
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

// The body of a message whose length comes next on the wire.
bool read_body(int fd, std::string* out) {
  if (!read_bytes(fd, 4, out)) return false;
  uint32_t length = 0;
  for (const char byte : *out) length = length << 8 | static_cast<unsigned char>(byte);
  return length >= 4 && length < 1'000'000 && read_bytes(fd, length - 4, out);
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

std::string backend_message(char type, std::string_view body) {
  return std::string(1, type) + big_endian(static_cast<uint32_t>(body.size() + 4)) +
         std::string(body);
}

std::string command_complete(std::string_view tag) {
  return backend_message('C', std::string(tag) + '\0');
}
std::string copy_out_begin() { return backend_message('H', std::string(3, '\0')); }
std::string copy_data(std::string_view bytes) { return backend_message('d', bytes); }
std::string copy_done() { return backend_message('c', ""); }
std::string ready_for_query() { return backend_message('Z', "I"); }

FakePgServer::FakePgServer(std::vector<std::string> answers, bool mute_to_others)
    : FakePgServer(std::move(answers), FakePgServerOptions{.mute_to_others = mute_to_others}) {}

FakePgServer::FakePgServer(std::vector<std::string> answers, const FakePgServerOptions& options)
    : answers_(std::move(answers)),
      options_(options),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr(options_.address.c_str());
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::listen(listener_, 1) == 0 &&
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port_ = ntohs(address.sin_port);
  }
  thread_ = std::thread([this] { serve(); });
}

FakePgServer::~FakePgServer() {
  ::shutdown(listener_, SHUT_RDWR);
  // The other side may be gone without a word.
  if (connection_ >= 0) ::shutdown(connection_, SHUT_RDWR);
  thread_.join();
  if (connection_ >= 0) ::close(connection_);
  ::close(listener_);
}

void FakePgServer::flood(int fd) {
  if (options_.flood.empty()) return;
  while (send_all(fd, options_.flood)) flooded_bytes_ += std::ssize(options_.flood);
}

int FakePgServer::take_connection() {
  std::string body;
  while (true) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return -1;
    connection_ = fd;
    if (options_.tls_answer == 0 || asked_for_tls_) return fd;
    asked_for_tls_ = true;
    if (!read_body(fd, &body)) return fd;
    send_all(fd, std::string(1, options_.tls_answer));
    if (options_.tls_answer == 'N') return fd;
    // Once the handshake has begun: what comes with the answer is refused before there is one.
    if (read_bytes(fd, 1, &body)) send_all(fd, "this is no handshake");
    connection_ = -1;
    ::close(fd);
  }
}

void FakePgServer::serve() {
  const int fd = take_connection();
  if (fd < 0) return;
  if (!options_.mute_to_others) ::shutdown(listener_, SHUT_RDWR);
  std::string body;
  if (read_body(fd, &body)) {  // the start-up packet has no type
    const std::string version(
        "server_version\0"
        "15.0\0",
        20);
    send_all(fd, backend_message('R', std::string(4, '\0')) + backend_message('S', version) +
                     backend_message('K', std::string(8, '\1')));
    if (options_.flood_in_login) flood(fd);
    send_all(fd, ready_for_query());
  }
  std::string type;
  size_t query = 0;
  while (read_bytes(fd, 1, &type) && read_body(fd, &body)) {
    if (type != "Q" || query >= answers_.size()) continue;
    std::this_thread::sleep_for(std::chrono::milliseconds(options_.answer_after_ms));
    if (!send_all(fd, answers_[query++])) break;
    if (query == answers_.size() && !options_.flood_in_login) flood(fd);
  }
  ::shutdown(fd, SHUT_RDWR);
}

}  // namespace vesto::testing
