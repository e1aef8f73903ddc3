// Two network namespaces with a cable between them, for tests of links that die. They belong to
// this process alone and go with it, however it ends. Needs root and ip (iproute2).
//
//   auto link = NetworkLink::make();                  // nullptr: namespaces cannot be made here
//   {
//     const auto inside = link->enter_there();              // this thread, and what it starts
//     server.emplace(NetworkLink::kThere);            // a socket stays where it was made
//   }
//   const auto inside = link->enter_here();
//   ... connect to NetworkLink::kThere ...
//   link->pull();
#ifndef VESTO_TESTS_SUPPORT_NETWORK_LINK_H_
#define VESTO_TESTS_SUPPORT_NETWORK_LINK_H_

#include <cstdint>
#include <memory>
#include <string>

namespace vesto::testing_support {

class NetworkLink {
 public:
  static constexpr const char* kHere = "198.18.0.1";  // RFC 2544: for tests of networks
  static constexpr const char* kThere = "198.18.0.2";

  // The calling thread is in a namespace as long as this lives; so are threads and processes that
  // it starts, for ever.
  class Inside {
   public:
    explicit Inside(int to_fd);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    int back_fd_;
  };

  static std::unique_ptr<NetworkLink> make();
  ~NetworkLink();
  NetworkLink(const NetworkLink&) = delete;
  NetworkLink& operator=(const NetworkLink&) = delete;

  [[nodiscard]] std::unique_ptr<Inside> enter_here() const {
    return std::make_unique<Inside>(here_fd_);
  }
  [[nodiscard]] std::unique_ptr<Inside> enter_there() const {
    return std::make_unique<Inside>(there_fd_);
  }

  void pull() const;            // the cable: both ends see no carrier
  void swallow() const;         // what we send arrives, no answer comes back: a black hole
  void forget_address() const;  // the other host is not there any more; the cable is
  [[nodiscard]] int64_t packets_sent() const;  // from here, of any kind

 private:
  NetworkLink(int here_fd, int there_fd) : here_fd_(here_fd), there_fd_(there_fd) {}
  [[nodiscard]] bool run(int where_fd, const std::string& command) const;

  int here_fd_;
  int there_fd_;
};

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_NETWORK_LINK_H_
