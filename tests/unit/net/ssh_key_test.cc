// Keys of our own and of the operator's, judged by OpenSSH's ssh-keygen.
#include "net/ssh_key.h"

#include <gtest/gtest.h>

#include "address/ssh_fingerprint.h"
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include "base/strings.h"
#include "tests/support/ssh_server.h"

namespace vesto {
namespace {

using testing_support::SshServer;

const char* const kPassphrase = "correct horse battery";

#define NEEDS_SSHD() \
  if (!SshServer::installed()) GTEST_SKIP() << "/usr/sbin/sshd is not installed"

TEST(SshKey, OurOwnKeyIsReadByOpenSsh) {
  NEEDS_SSHD();
  const auto key = make_ssh_key();
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(key->reveal().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
  const auto half = ssh_public_key(*key, Secret());
  ASSERT_TRUE(half.ok()) << half.error().to_string();
  EXPECT_EQ(half->type, "ssh-ed25519");
  EXPECT_TRUE(half->base64.starts_with("AAAAC3NzaC1lZDI1NTE5AAAAI"));
  EXPECT_EQ(half->fingerprint, SshServer::keygen_public(key->reveal(), ""));
  EXPECT_TRUE(is_ssh_fingerprint(half->fingerprint));
}

TEST(SshKey, TwoKeysDiffer) {
  const auto one = make_ssh_key();
  const auto two = make_ssh_key();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(ssh_public_key(*one, Secret())->fingerprint,
            ssh_public_key(*two, Secret())->fingerprint);
}

struct OperatorKey {
  const char* name;
  std::vector<std::string> options;
};

class OperatorKeys : public testing::TestWithParam<OperatorKey> {};

TEST_P(OperatorKeys, AreReadWithTheirPassphraseAndOnlyWithIt) {
  NEEDS_SSHD();
  for (const std::string& phrase : {std::string(), std::string(kPassphrase)}) {
    std::vector<std::string> options = GetParam().options;
    options.insert(options.end(), {"-N", phrase});
    const std::string text = SshServer::keygen(options);
    const auto half = ssh_public_key(Secret(text), Secret(phrase));
    ASSERT_TRUE(half.ok()) << half.error().to_string();
    EXPECT_EQ(half->fingerprint, SshServer::keygen_public(text, phrase));
    // Pasted from Windows, without its last line end.
    const std::string windows = replace_all(trim(text), "\n", "\r\n");
    const auto pasted = ssh_public_key(Secret(windows), Secret(phrase));
    ASSERT_TRUE(pasted.ok()) << pasted.error().to_string();
    EXPECT_EQ(pasted->base64, half->base64);
    if (phrase.empty()) continue;
    const auto without = ssh_public_key(Secret(text), Secret());
    ASSERT_FALSE(without.ok());
    EXPECT_EQ(without.error().code(), ErrorCode::kSshKey);
    EXPECT_NE(without.error().message().find("no passphrase"), std::string::npos)
        << without.error().message();
    const auto wrong = ssh_public_key(Secret(text), Secret(std::string("another horse")));
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(wrong.error().code(), ErrorCode::kSshKey);
    EXPECT_EQ(wrong.error().to_string().find("horse"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, OperatorKeys,
    testing::Values(OperatorKey{"ed25519", {"-t", "ed25519"}},
                    OperatorKey{"rsa", {"-t", "rsa", "-b", "2048"}},
                    OperatorKey{"rsa_pem", {"-t", "rsa", "-b", "3072", "-m", "PEM"}},
                    OperatorKey{"rsa_pkcs8", {"-t", "rsa", "-b", "2048", "-m", "PKCS8"}},
                    OperatorKey{"ecdsa256", {"-t", "ecdsa", "-b", "256"}},
                    OperatorKey{"ecdsa384_pem", {"-t", "ecdsa", "-b", "384", "-m", "PEM"}},
                    OperatorKey{"ecdsa521_pkcs8", {"-t", "ecdsa", "-b", "521", "-m", "PKCS8"}}),
    [](const auto& tested) { return tested.param.name; });

TEST(SshKey, RefusesWhatIsNoPrivateKey) {
  const auto made = make_ssh_key();
  ASSERT_TRUE(made.ok());
  const std::string good = made->reveal();
  const auto half = ssh_public_key(*made, Secret());
  std::string inside = good;
  inside[inside.size() / 2] = '\0';
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "empty"},
      {" \n\n", "empty"},
      {half->type + " " + half->base64, "public key"},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "public key"},
      {"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY"},
      {good.substr(0, good.size() / 2), "part is missing"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
       "cannot be read"},
      {"-----BEGIN OPENSSH PRIVATE KEY-----\n!!!!\n-----END OPENSSH PRIVATE KEY-----\n",
       "cannot be read"},
      {"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "cannot be read"},
      {inside, "not a private key"},
      {good + std::string(70'000, 'x'), "too long"},
      {"hunter2-password-of-somebody", "not a private key"},
  };
  for (const auto& [text, words] : cases) {
    const auto read = ssh_public_key(Secret(text), Secret());
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code(), ErrorCode::kSshKey);
    EXPECT_NE(read.error().message().find(words), std::string::npos)
        << words << " / " << read.error().message();
    EXPECT_EQ(read.error().to_string().find("hunter2"), std::string::npos);
  }
}

// libssh 0.10 forgets some bytes when it meets a bent key: its own, and no more than those.
#if defined(__SANITIZE_ADDRESS__)
using LeaksOfLibssh = __lsan::ScopedDisabler;
#else
struct LeaksOfLibssh {
  LeaksOfLibssh() {}
};
#endif

TEST(SshKey, AnyOneByteLessOrOtherNeverCrashes) {
  const auto made = make_ssh_key();
  ASSERT_TRUE(made.ok());
  const std::string good = made->reveal();
  const LeaksOfLibssh ignored;
  int refused = 0;
  for (size_t i = 36; i + 36 < good.size(); ++i) {
    std::string bent = good;
    bent[i] = bent[i] == 'A' ? 'B' : 'A';
    refused += ssh_public_key(Secret(bent), Secret()).ok() ? 0 : 1;
    std::string cut = good;
    cut.erase(i, 1);
    refused += ssh_public_key(Secret(cut), Secret()).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 100);
}

TEST(SshKey, RefusesWeakRsa) {
  NEEDS_SSHD();
  const std::string text = SshServer::keygen({"-t", "rsa", "-b", "1024", "-N", ""});
  const auto read = ssh_public_key(Secret(text), Secret());
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), ErrorCode::kSshKey);
  EXPECT_NE(read.error().message().find("1024 bits"), std::string::npos) << read.error().message();
}

TEST(SshKey, AuthorizedKeysLine) {
  const SshPublicKey key{.type = "ssh-ed25519", .base64 = "AAAAC3", .fingerprint = ""};
  EXPECT_EQ(authorized_keys_line(key, {{"wh.example", 5439}}, {"203.0.113.7/32"}, "vesto shop"),
            "restrict,port-forwarding,permitopen=\"wh.example:5439\",from=\"203.0.113.7/32\" "
            "ssh-ed25519 AAAAC3 vesto shop");
  EXPECT_EQ(authorized_keys_line(key, {{"a", 1}, {"fd00::1", 2}}, {}, ""),
            "restrict,port-forwarding,permitopen=\"a:1\",permitopen=\"[fd00::1]:2\" "
            "ssh-ed25519 AAAAC3");
  EXPECT_EQ(authorized_keys_line(key, {{"a", 1}}, {"10.0.0.0/8", "::1"}, " x\ny "),
            "restrict,port-forwarding,permitopen=\"a:1\",from=\"10.0.0.0/8,::1\" ssh-ed25519 "
            "AAAAC3 x\\x0ay");
  // No target: nothing may be forwarded.
  EXPECT_EQ(authorized_keys_line(key, {}, {}, "c"), "restrict ssh-ed25519 AAAAC3 c");
  // A name cannot open another option.
  const std::string line = authorized_keys_line(key, {{"a\",command=\"sh", 1}}, {}, "");
  EXPECT_EQ(line.find("a\",command"), std::string::npos) << line;
}

}  // namespace
}  // namespace vesto
