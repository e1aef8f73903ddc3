// A TCP server on loopback for tests of what lies in between: each connection is given to a
// function in a thread of its own. Also the client's half of such tests.
#ifndef VESTO_TESTS_SUPPORT_TCP_TARGET_H_
#define VESTO_TESTS_SUPPORT_TCP_TARGET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace vesto::testing_support {

class TcpTarget {
 public:
  using Handler = std::function<void(int fd)>;  // the fd is closed after it returns
  explicit TcpTarget(Handler handler);
  ~TcpTarget();  // cuts what is open and joins
  TcpTarget(const TcpTarget&) = delete;
  TcpTarget& operator=(const TcpTarget&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] int connections() const;  // so far

  static void echo(int fd);  // until the end of input

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A connected socket, or -1. Reads give up after 20 s.
int tcp_connect(int port);
bool tcp_send(int fd, const std::string& bytes);
// Up to `size` bytes, fewer at the end of input; `*failed` if it ended by an error.
std::string tcp_read(int fd, size_t size, bool* failed = nullptr);
void tcp_reset(int fd);  // closes with RST
int unused_port();       // that nobody listens on

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_TCP_TARGET_H_
