#include "tests/support/network_link.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace vesto::testing_support {

namespace {

constexpr const char* kOwnNamespace = "/proc/thread-self/ns/net";

int new_namespace() {
  int fd = -1;
  std::thread([&fd] {
    if (::unshare(CLONE_NEWNET) == 0) fd = ::open(kOwnNamespace, O_RDONLY | O_CLOEXEC);
  }).join();
  return fd;
}

}  // namespace

NetworkLink::Inside::Inside(int to_fd) : back_fd_(::open(kOwnNamespace, O_RDONLY | O_CLOEXEC)) {
  if (back_fd_ < 0 || ::setns(to_fd, CLONE_NEWNET) != 0) std::abort();
}

NetworkLink::Inside::~Inside() {
  if (::setns(back_fd_, CLONE_NEWNET) != 0) std::abort();
  ::close(back_fd_);
}

std::unique_ptr<NetworkLink> NetworkLink::make() {
  const int here = new_namespace();
  const int there = here < 0 ? -1 : new_namespace();
  std::unique_ptr<NetworkLink> link(new NetworkLink(here, there));
  if (there < 0) return nullptr;
  // Without IPv6 addresses nobody speaks here unasked, so that packets can be counted.
  const std::string peer = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(there);
  const bool made =
      link->run(here, "ip link add va type veth peer name vb netns " + peer) &&
      link->run(here, "ip link set va addrgenmode none && ip addr add " + std::string(kHere) +
                          "/30 dev va && ip link set va up && ip link set lo up") &&
      link->run(there, "ip link set vb addrgenmode none && ip addr add " + std::string(kThere) +
                           "/30 dev vb && ip link set vb up && ip link set lo up");
  return made ? std::move(link) : nullptr;
}

NetworkLink::~NetworkLink() {
  if (here_fd_ >= 0) ::close(here_fd_);
  if (there_fd_ >= 0) ::close(there_fd_);
}

bool NetworkLink::run(int where_fd, const std::string& command) const {
  const Inside inside(where_fd);
  return std::system(("(" + command + ") >/dev/null 2>&1").c_str()) == 0;
}

void NetworkLink::pull() const {
  if (!run(there_fd_, "ip link set vb down")) std::abort();
}

void NetworkLink::swallow() const {
  if (!run(there_fd_, "ip route add blackhole " + std::string(kHere) + "/32")) std::abort();
}

void NetworkLink::forget_address() const {
  if (!run(there_fd_, "ip addr flush dev vb")) std::abort();
}

int64_t NetworkLink::packets_sent() const {
  const Inside inside(here_fd_);
  std::ifstream devices("/proc/thread-self/net/dev");
  for (std::string line; std::getline(devices, line);) {
    const size_t colon = line.find("va:");
    if (colon == std::string::npos) continue;
    // Eight columns of what was received; then bytes and packets that were sent.
    std::istringstream columns(line.substr(colon + 3));
    int64_t value = 0;
    for (int i = 0; i < 10; ++i) columns >> value;
    return value;
  }
  return -1;
}

}  // namespace vesto::testing_support
