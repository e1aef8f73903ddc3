// Programs that print keys, and those that hang, flood or print rubbish.
#include "aws/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "aws/credential_process.h"
#include "base/strings.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

ChildResult shell(const std::string& script, ChildLimits limits = {},
                  const std::stop_token& stop = {}) {
  return run_child({"/bin/sh", "-c", script}, limits, stop);
}

// Whether the process of this number is gone (or waits to be reaped by init).
bool is_gone(pid_t pid) {
  for (int i = 0; i < 200; ++i) {
    if (kill(pid, 0) != 0) return true;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    if (text.find(") Z ") != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(ChildProcess, OutputStatusAndSignal) {
  const ChildResult good = shell("echo out; echo err >&2; cat; exit 3");
  EXPECT_EQ(good.end, ChildEnd::kExited);
  EXPECT_EQ(good.number, 3);
  EXPECT_EQ(good.out, "out\n");
  EXPECT_EQ(good.err, "err\n");
  const ChildResult killed = shell("kill -9 $$");
  EXPECT_EQ(killed.end, ChildEnd::kSignalled);
  EXPECT_EQ(killed.number, 9);
  EXPECT_EQ(run_child({"/no/such/program"}, {}, {}).end, ChildEnd::kNotStarted);
  EXPECT_EQ(run_child({}, {}, {}).end, ChildEnd::kNotStarted);
  EXPECT_EQ(run_child({"echo", "$HOME", "a b;c"}, {}, {}).out, "$HOME a b;c\n");
}

TEST(ChildProcess, LargeOutputWithinTheBound) {
  const ChildResult result = shell("head -c 1000000 /dev/zero");
  EXPECT_EQ(result.end, ChildEnd::kExited);
  EXPECT_EQ(result.out.size(), 1'000'000U);
}

TEST(ChildProcess, FloodsAreCut) {
  const ChildResult out = shell("cat /dev/zero");
  EXPECT_EQ(out.end, ChildEnd::kTooMuch);
  EXPECT_EQ(out.out.size(), 1U << 20);
  const ChildResult err = shell("head -c 5000000 /dev/zero >&2; echo done");
  EXPECT_EQ(err.end, ChildEnd::kExited);
  EXPECT_EQ(err.out, "done\n");
  EXPECT_EQ(err.err.size(), 1000U);
}

TEST(ChildProcess, HangingOnesAreKilledWithTheirChildren) {
  const ChildResult result = shell("sleep 1000 & echo $!; wait", {.time_ms = 300});
  EXPECT_EQ(result.end, ChildEnd::kTooSlow);
  const auto child = parse_int(trim(result.out));
  ASSERT_TRUE(child) << result.out;
  EXPECT_TRUE(is_gone(static_cast<pid_t>(*child)));
  // Closing both pipes is no way out.
  EXPECT_EQ(shell("exec >&- 2>&-; exec sleep 1000", {.time_ms = 300}).end, ChildEnd::kTooSlow);
}

// Its leader has ended: what it left behind and prints on goes with the group.
TEST(ChildProcess, AFloodOfAGrandchildIsEndedToo) {
  const ChildResult result = shell("sleep 1000 & echo $!; head -c 3000000 /dev/zero; exit 0");
  EXPECT_EQ(result.end, ChildEnd::kTooMuch);
  const auto child = parse_int(result.out.substr(0, result.out.find('\n')));
  ASSERT_TRUE(child);
  EXPECT_TRUE(is_gone(static_cast<pid_t>(*child)));
}

TEST(ChildProcess, AGrandchildThatKeepsThePipeIsNotWaitedFor) {
  const auto start = std::chrono::steady_clock::now();
  const ChildResult result = shell("sleep 20 & echo $!; exit 0");
  EXPECT_EQ(result.end, ChildEnd::kExited);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  const auto child = parse_int(trim(result.out));
  ASSERT_TRUE(child);
  kill(static_cast<pid_t>(*child), SIGKILL);
}

TEST(ChildProcess, StopKills) {
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    stop.request_stop();
  });
  EXPECT_EQ(shell("sleep 1000", {}, stop.get_token()).end, ChildEnd::kStopped);
}

TEST(ChildProcess, GetsNoFileOfOurs) {
  const int leaked = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might
  const ChildResult result = shell("ls /proc/self/fd | wc -l");
  close(leaked);
  EXPECT_EQ(trim(result.out), "4");  // 0, 1, 2 and the listing itself
}

class CredentialProcessTest : public IdentityTest {
 protected:
  Result<AwsCredentials> run(const std::string& printed, const std::string& after = "") {
    const std::string script =
        write("program", "#!/bin/sh\ncat <<'EOF'\n" + printed + "\nEOF\n" + after);
    return run_credential_process("/bin/sh '" + script + "' \"a b\"", "etl", kNowMs, limits_, {});
  }
  ChildLimits limits_;
};

TEST_F(CredentialProcessTest, Version1) {
  const auto keys = run(R"({"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s3cr3t-key",
      "SessionToken":"t0ken","Expiration":"2026-11-22T03:00:00+01:00","AccountId":"1"})");
  ASSERT_TRUE(keys.ok()) << keys.error().to_string();
  EXPECT_EQ(keys->access_key_id, "AKIA1");
  EXPECT_EQ(keys->secret_access_key.reveal(), "s3cr3t-key");
  EXPECT_EQ(keys->session_token.reveal(), "t0ken");
  EXPECT_EQ(format_utc_seconds(keys->expires_at_ms.value()), "2026-11-22T02:00:00Z");
  const auto lasting = run(R"({"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s"})");
  ASSERT_TRUE(lasting.ok());
  EXPECT_FALSE(lasting->expires_at_ms);
  EXPECT_TRUE(lasting->session_token.empty());
}

TEST_F(CredentialProcessTest, OddAnswers) {
  const std::string head =
      R"({"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"hunter2hunter2")";
  const std::string answers[] = {
      "",
      "hunter2hunter2",
      "[]",
      "<html>",
      head,
      std::string(100'000, '['),
      R"({"Version":2,"AccessKeyId":"A","SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":"1","AccessKeyId":"A","SecretAccessKey":"hunter2hunter2"})",
      R"({"AccessKeyId":"A","SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"AccessKeyId":"A"})",
      R"({"Version":1,"AccessKeyId":7,"SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"AccessKeyId":"A\r\nX: y","SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"AccessKeyId":"A' REGION 'x","SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"AccessKeyId":"A'REGION'x","SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"AccessKeyId":"A\"B","SecretAccessKey":"hunter2hunter2"})",
      R"({"Version":1,"AccessKeyId":"A/B","SecretAccessKey":"hunter2hunter2"})",
      head + R"(,"Expiration":"tomorrow"})",
      head + R"(,"Expiration":5})",
      head + R"(,"Expiration":"2026-11-22T03:00:00+25:00"})",
      head + R"(,"Expiration":"2026-11-22T01:26:56Z"})"};
  for (const std::string& answer : answers) {
    const auto keys = run(answer);
    ASSERT_EQ(code_of(keys), ErrorCode::kAwsProfile) << answer.substr(0, 100);
    EXPECT_EQ(all_of(keys.error()).find("hunter2"), std::string::npos) << all_of(keys.error());
  }
}

TEST_F(CredentialProcessTest, FailuresDoNotShowStderr) {
  const auto keys =
      run("hunter2hunter2", "echo 'no login: hunter2hunter2' >&2\nprintf '\\033[2J' >&2\nexit 4\n");
  ASSERT_EQ(code_of(keys), ErrorCode::kAwsProfile);
  const std::string text = all_of(keys.error());
  EXPECT_NE(text.find("profile etl"), std::string::npos);
  EXPECT_NE(text.find("ended with status 4; what it wrote to stderr is not shown"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  limits_.time_ms = 200;
  EXPECT_NE(run("", "sleep 100").error().message().find("was killed"), std::string::npos);
  EXPECT_NE(run("", "cat /dev/zero").error().message().find("more than 1.0 MiB"), std::string::npos)
      << run("", "cat /dev/zero").error().message();
}

TEST_F(CredentialProcessTest, BadCommands) {
  for (const char* command : {"", "  ", "'open", "/no/such/program x", "/dev/null"}) {
    EXPECT_EQ(code_of(run_credential_process(command, "etl", kNowMs, {}, {})),
              ErrorCode::kAwsProfile)
        << command;
  }
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of(run_credential_process("sleep 100", "etl", kNowMs, {}, stop.get_token())),
            ErrorCode::kRunInterrupted);
}

}  // namespace
}  // namespace vesto
