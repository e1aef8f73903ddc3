#include "address/ssh_fingerprint.h"

#include <gtest/gtest.h>

#include <string>

namespace vesto {
namespace {

TEST(SshFingerprint, HasOneForm) {
  const std::string body(43, 'a');
  EXPECT_TRUE(is_ssh_fingerprint("SHA256:" + body));
  EXPECT_TRUE(is_ssh_fingerprint("SHA256:+/0Z" + std::string(39, '9')));
  for (const std::string& bad :
       {std::string(), std::string("SHA256:"), "sha256:" + body, "SHA256:" + body + "=",
        "SHA256:" + body.substr(1), "SHA256:" + body + "a", "MD5:" + body,
        "SHA256:" + body.substr(1) + " "}) {
    EXPECT_FALSE(is_ssh_fingerprint(bad)) << bad;
  }
}

}  // namespace
}  // namespace vesto
