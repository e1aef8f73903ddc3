// A server that speaks just enough of PostgreSQL's protocol to say what no real one says: it
// answers each query, in order, with the messages it was given, and then stays silent.
#ifndef VESTO_TESTS_SUPPORT_FAKE_PG_SERVER_H_
#define VESTO_TESTS_SUPPORT_FAKE_PG_SERVER_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace vesto::testing {

// Messages of the backend, ready to be sent.
std::string backend_message(char type, std::string_view body);
std::string command_complete(std::string_view tag);
std::string copy_out_begin();
std::string copy_data(std::string_view bytes);
std::string copy_done();
std::string ready_for_query();

struct FakePgServerOptions {
  bool mute_to_others = false;  // other connections: accepted by the system and never answered
  std::string address = "127.0.0.1";
  int answer_after_ms = 0;      // how long each query takes
  std::string flood = {};       // sent after the last answer, again and again until nobody takes it
  bool flood_in_login = false;  // and not after the last answer
  // What a request for TLS is answered with: 'N', no; 'S', yes, with a handshake that says nonsense
  // and ends the connection, and another connection is taken. 0: there is no such request.
  char tls_answer = 0;
};

class FakePgServer {
 public:
  // One connection; answers[i] is sent when the i-th query has come. Others are refused.
  explicit FakePgServer(std::vector<std::string> answers, bool mute_to_others = false);
  FakePgServer(std::vector<std::string> answers, const FakePgServerOptions& options);
  ~FakePgServer();
  FakePgServer(const FakePgServer&) = delete;
  FakePgServer& operator=(const FakePgServer&) = delete;
  [[nodiscard]] int port() const { return port_; }
  // Bytes of the flood that the system took.
  [[nodiscard]] int64_t flooded_bytes() const { return flooded_bytes_; }

 private:
  void serve();
  // Takes a connection up to its start-up packet; -1: there is none.
  int take_connection();
  void flood(int fd);

  const std::vector<std::string> answers_;
  const FakePgServerOptions options_;
  int listener_ = -1;
  bool asked_for_tls_ = false;  // of the serving thread
  std::atomic<int> connection_{-1};
  std::atomic<int64_t> flooded_bytes_{0};
  int port_ = 0;
  std::thread thread_;
};

}  // namespace vesto::testing

#endif  // VESTO_TESTS_SUPPORT_FAKE_PG_SERVER_H_
