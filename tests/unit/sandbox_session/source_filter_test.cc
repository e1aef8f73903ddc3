#include "sandbox/session/source_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vesto::sandbox {
namespace {

constexpr uint32_t kLoopback = 0x7f000001;

TEST(SourceFilter, BlocksAreCompared) {
  const AllowList list({"127.0.0.1", "10.1.0.0/16"});
  EXPECT_TRUE(is_allowed(list, kLoopback));
  EXPECT_FALSE(is_allowed(list, kLoopback + 1));
  EXPECT_TRUE(is_allowed(list, 0x0a01ffff));
  EXPECT_FALSE(is_allowed(list, 0x0a020000));
  EXPECT_TRUE(is_allowed(AllowList({"0.0.0.0/0"}), 0xffffffff));
  EXPECT_FALSE(is_allowed(AllowList(std::vector<std::string>()), kLoopback));
  EXPECT_TRUE(is_allowed(std::nullopt, kLoopback));
  // Host bits of a block do not count.
  EXPECT_TRUE(is_allowed(AllowList({"127.0.0.9/24"}), kLoopback));
}

TEST(HeldConnections, AreBoundedInNumberAndTime) {
  HeldConnections held;
  int first = -1;
  for (size_t i = 0; i <= HeldConnections::kMaxHeld; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    if (i == 0) first = fd;
    held.add(fd, static_cast<int64_t>(i));
  }
  EXPECT_EQ(held.size(), HeldConnections::kMaxHeld);
  EXPECT_EQ(::fcntl(first, F_GETFD), -1);  // closed
  held.drop_old(HeldConnections::kHoldMs);
  EXPECT_EQ(held.size(), HeldConnections::kMaxHeld);
  held.drop_old(HeldConnections::kHoldMs + 3);
  EXPECT_EQ(held.size(), HeldConnections::kMaxHeld - 3);
}

}  // namespace
}  // namespace vesto::sandbox
