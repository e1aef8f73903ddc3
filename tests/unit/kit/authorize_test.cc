// The tunnel's line goes into authorized_keys, which has lines of other people: the script is run.
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/unit/kit/told.h"

namespace vesto {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOurs = "ssh-ed25519 AAAAC3ours vesto-destination-acme\n";
constexpr const char* kNow = "restrict,port-forwarding,permitopen=\"new.example:5439\" ";
constexpr const char* kFormer = "restrict,port-forwarding,permitopen=\"old.example:5439\" ";
constexpr const char* kAlice = "ssh-ed25519 AAAAC3alice alice\n";

std::string login() {
  const passwd* one = ::getpwuid(::geteuid());
  return std::string(one == nullptr ? "?" : one->pw_name) + "@bastion.example";
}

class Authorize : public ::testing::Test {
 protected:
  Authorize() { fs::create_directories(file().parent_path()); }
  ~Authorize() override { fs::remove_all(home_); }

  [[nodiscard]] fs::path file() const { return home_ / ".ssh" / "authorized_keys"; }
  [[nodiscard]] fs::path before() const { return home_ / ".ssh" / "authorized_keys.vesto-before"; }
  static std::string read(const fs::path& path) {
    std::stringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  void write(const std::string& text) const { std::ofstream(file()) << text; }
  [[nodiscard]] Told run_line(const std::string& line, const std::string& who = login()) const {
    return run("export HOME=" + home_.string() + "\n" +
               authorize_shell(who, line.substr(0, line.find('\n'))));
  }
  // Nothing is written, and the line that is in the way is shown.
  void expect_stop(const std::string& held) const {
    write(kAlice + held);
    const Told told = run_line(std::string(kNow) + kOurs);
    EXPECT_FALSE(told.well);
    EXPECT_NE(told.said.find(held.substr(0, held.find('\n'))), std::string::npos) << told.said;
    EXPECT_EQ(read(file()), kAlice + held);
  }

  const fs::path home_ =
      fs::temp_directory_path() / ("vesto_authorize_" + std::to_string(::getpid()));
  const std::string now_ = std::string(kNow) + kOurs;
  const std::string former_ = std::string(kFormer) + kOurs;
};

TEST_F(Authorize, IntoAFileThatIsNotThere) {
  fs::remove_all(home_ / ".ssh");
  EXPECT_TRUE(run_line(now_).well);
  EXPECT_EQ(read(file()), now_);
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms(0600));
  const Told again = run_line(now_);
  EXPECT_TRUE(again.well);
  EXPECT_NE(again.said.find("stands there already"), std::string::npos) << again.said;
  EXPECT_EQ(read(file()), now_);
}

TEST_F(Authorize, LinesOfOthersStayByteForByte) {
  const std::string nul("\0\n", 2);
  for (const std::string& odd : {std::string("ssh-ed25519 AAAAC3j J\xfcrgen M\xfcller\n"), nul,
                                 std::string("\n# \\1 & \xff\r\n")}) {
    write(odd + kAlice);
    EXPECT_TRUE(run_line(now_).well);
    EXPECT_EQ(read(file()), odd + kAlice + now_);
    EXPECT_EQ(read(before()), odd + kAlice);
    write(odd + former_ + kAlice);
    const Told told = run_line(now_);
    if (odd == nul && !told.well) {  // an awk that cuts lines there: it is noticed
      EXPECT_EQ(read(file()), odd + former_ + kAlice);
      continue;
    }
    EXPECT_TRUE(told.well) << told.said;
    EXPECT_EQ(read(file()), odd + kAlice + now_);
    EXPECT_NE(told.said.find("old.example"), std::string::npos) << told.said;
  }
}

TEST_F(Authorize, ALastLineWithoutItsEnd) {
  write("ssh-ed25519 AAAAC3alice alice");
  EXPECT_TRUE(run_line(now_).well);
  EXPECT_EQ(read(file()), kAlice + now_);
  write(former_ + "ssh-ed25519 AAAAC3alice alice");
  EXPECT_TRUE(run_line(now_).well);
  EXPECT_EQ(read(file()), kAlice + now_);
}

TEST_F(Authorize, ALinkAndItsModeStay) {
  const fs::path real = home_ / "managed";
  for (const std::string& held : {std::string(kAlice), kAlice + former_}) {
    std::ofstream(real) << held;
    fs::permissions(real, fs::perms(0640));
    fs::remove(file());
    fs::create_symlink(real, file());
    EXPECT_TRUE(run_line(now_).well);
    EXPECT_TRUE(fs::is_symlink(file()));
    EXPECT_EQ(read(real), kAlice + now_);
    EXPECT_EQ(fs::status(real).permissions(), fs::perms(0640));
  }
}

TEST_F(Authorize, WhatAPersonHasChangedStopsIt) {
  expect_stop("#" + former_);
  expect_stop("expiry-time=\"20300101\"," + former_);
  expect_stop("restrict,from=\"10.0.0.7\",permitopen=\"old.example:5439\" " + std::string(kOurs));
  expect_stop(
      "restrict,port-forwarding,permitopen=\"old.example:5439\" ssh-ed25519 AAAAC3ours x\n");
  // The source of the same name and key.
  expect_stop(std::string(kFormer) + "ssh-ed25519 AAAAC3ours vesto-source-acme\n");
}

TEST_F(Authorize, AnAddressInThePlaceOfAnother) {
  const std::string from = "restrict,port-forwarding,permitopen=\"new.example:5439\",from=\"";
  write(from + "10.0.0.7\" " + kOurs);
  const std::string line = from + "10.0.0.8,10.0.0.9\" " + kOurs;
  const Told told = run_line(line);
  EXPECT_TRUE(told.well) << told.said;
  EXPECT_EQ(read(file()), line);
}

TEST_F(Authorize, AnotherUserAndACutRunStopIt) {
  write(kAlice);
  EXPECT_FALSE(run_line(now_, "somebody-else@bastion.example").well);
  EXPECT_EQ(read(file()), kAlice);
  EXPECT_FALSE(fs::exists(before()));
  std::ofstream(home_ / ".ssh" / "authorized_keys.vesto") << kAlice;
  EXPECT_FALSE(run_line(now_).well);
  EXPECT_FALSE(fs::exists(before()));
}

}  // namespace
}  // namespace vesto
