// A TCP server on loopback that does with each connection what a test tells it, in clear or with
// TLS. The test writes the bytes itself: so answers can be as wrong as needed.
//
//   RawServer server([](RawServer::Connection& c) { c.read_request(); c.write("HTTP/1.1 200 ...");
//   }); get("http://127.0.0.1:" + std::to_string(server.port()));
//
// One thread serves one connection after the other. The destructor ends it.
#ifndef VESTO_TESTS_SUPPORT_RAW_SERVER_H_
#define VESTO_TESTS_SUPPORT_RAW_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vesto::testing_support {

// A certificate for `name`, signed by a CA of its own, made anew. Both as PEM.
struct TestCertificate {
  std::string ca_pem;
  std::string certificate_pem;
  std::string key_pem;
  std::string intermediate_pem;  // which the server sends too; "" = there is none
};
TestCertificate make_certificate(const std::string& name, bool expired = false);

// The same with each of its parts said. Times in seconds from now.
struct CertificateWish {
  std::string name;
  std::string ca_name = "test CA";
  long from_s = -86'400;
  long to_s = 86'400;
  bool by_its_own_key = false;  // self-signed: no CA
  // The CA signs an intermediate one, "test intermediate", and that signs the certificate.
  bool by_intermediate = false;
  long intermediate_from_s = -86'400;
  long intermediate_to_s = 86'400;
};
TestCertificate make_certificate(const CertificateWish& wish);

class RawServer {
 public:
  class Connection {
   public:
    virtual ~Connection() = default;
    // Reads until the empty line, and as many bytes of body as Content-Length says. Head and body;
    // "" when the client has gone.
    virtual std::string read_request() = 0;
    // What has come, once something has; "" when the client has gone.
    virtual std::string read_some() = 0;
    virtual void write(const std::string& bytes) = 0;
    // Waits until the client closes or the server ends.
    virtual void wait_for_end() = 0;
  };
  using Handler = std::function<void(Connection&)>;

  // kPostgres: TLS begins after an SSLRequest was answered by 'S'.
  enum class Begin { kAtOnce, kPostgres };
  explicit RawServer(Handler handler, const TestCertificate* certificate = nullptr,
                     Begin begin = Begin::kAtOnce);
  ~RawServer();
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] int connections() const;  // so far
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_RAW_SERVER_H_
