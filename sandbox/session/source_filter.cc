#include "sandbox/session/source_filter.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

struct Block {
  uint32_t address = 0;  // host order
  uint32_t mask = 0;
};

// Of an IPv4 address or CIDR block; the world's reader has checked that it is one.
std::optional<Block> parse_block(const std::string& text) {
  constexpr int64_t kBits = 32;
  const std::vector<std::string> parts = split(text, '/');
  const auto bits = parts.size() == 2 ? parse_int(parts[1]) : std::optional(kBits);
  in_addr address{};
  if (parts.size() > 2 || !bits || *bits < 0 || *bits > kBits ||
      ::inet_pton(AF_INET, parts[0].c_str(), &address) != 1) {
    return std::nullopt;
  }
  const uint32_t mask = *bits == 0 ? 0 : ~uint32_t{0} << static_cast<uint32_t>(kBits - *bits);
  return Block{.address = ntohl(address.s_addr) & mask, .mask = mask};
}

std::vector<Block> blocks_of(const AllowList& list) {
  std::vector<Block> out;
  for (const std::string& text : *list) {
    if (const auto block = parse_block(text)) out.push_back(*block);
  }
  return out;
}

sock_filter statement(int code, uint32_t value) {
  return {.code = static_cast<uint16_t>(code), .jt = 0, .jf = 0, .k = value};
}

// For each block: the source address under the mask; equal: the whole packet passes. Else nothing.
std::vector<sock_filter> program_of(const std::vector<Block>& blocks) {
  constexpr auto kSource = static_cast<uint32_t>(SKF_NET_OFF + 12);
  constexpr uint32_t kWholePacket = ~uint32_t{0};
  std::vector<sock_filter> out;
  for (const Block& block : blocks) {
    out.push_back(statement(BPF_LD | BPF_W | BPF_ABS, kSource));
    out.push_back(statement(BPF_ALU | BPF_AND | BPF_K, block.mask));
    out.push_back({.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = block.address});
    out.push_back(statement(BPF_RET | BPF_K, kWholePacket));
  }
  out.push_back(statement(BPF_RET | BPF_K, 0));
  return out;
}

}  // namespace

bool is_allowed(const AllowList& list, uint32_t address) {
  if (!list) return true;
  const std::vector<Block> blocks = blocks_of(list);
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const Block& block) { return (address & block.mask) == block.address; });
}

bool attach_source_filter(int listen_fd, const AllowList& list) {
  if (!list) {
    detach_source_filter(listen_fd);
    return true;
  }
  std::vector<sock_filter> program = program_of(blocks_of(list));
  const sock_fprog whole = {.len = static_cast<unsigned short>(program.size()),
                            .filter = program.data()};
  return ::setsockopt(listen_fd, SOL_SOCKET, SO_ATTACH_FILTER, &whole, sizeof(whole)) == 0;
}

void detach_source_filter(int fd) {
  const int unused = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));  // ENOENT: it has none
}

HeldConnections::~HeldConnections() {
  while (!held_.empty()) drop_first();
}

void HeldConnections::add(int fd, int64_t now_ms) {
  if (held_.size() >= kMaxHeld) drop_first();
  held_.push_back({.fd = fd, .until_ms = now_ms + kHoldMs});
}

void HeldConnections::drop_old(int64_t now_ms) {
  while (!held_.empty() && held_.front().until_ms <= now_ms) drop_first();
}

void HeldConnections::drop_first() {
  ::close(held_.front().fd);
  held_.pop_front();
}

}  // namespace vesto::sandbox
