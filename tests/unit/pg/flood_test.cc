// Servers that send without end. Each case looks at how much of the flood was taken, which bounds
// what can have been kept of it, and at the process's own peak.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <string>

#include "base/error_causes.h"
#include "pg/connection.h"
#include "pg/errors.h"
#include "tests/support/fake_pg_server.h"

namespace vesto {
namespace {

using testing::backend_message;
using testing::FakePgServer;
using Clock = std::chrono::steady_clock;

constexpr int64_t kMiB = 1 << 20;
constexpr PgLimit kSmall = {.bytes = 4 * kMiB};
// What the two sockets of a connection may hold beside it.
constexpr int64_t kSockets = 16 * kMiB;

std::string number(int64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  return out;
}

std::string row_description(int columns, std::string_view name = "c") {
  std::string body = number(columns, 2);
  for (int c = 0; c < columns; ++c) {
    body += std::string(name) + '\0' + number(0, 6) + number(25, 4) + number(-1, 2) +
            number(-1, 4) + number(0, 2);
  }
  return backend_message('T', body);
}

std::string row(int columns, std::string_view value) {
  std::string body = number(columns, 2);
  for (int c = 0; c < columns; ++c) {
    body += number(static_cast<int64_t>(value.size()), 4) + std::string(value);
  }
  return backend_message('D', body);
}

std::string null_row(int columns) {
  std::string body = number(columns, 2);
  for (int c = 0; c < columns; ++c) body += number(-1, 4);
  return backend_message('D', body);
}

std::string notice(std::string_view text) {
  return backend_message(
      'N', std::string("SNOTICE\0C00000\0M", 16) + std::string(text) + std::string(2, '\0'));
}

std::string error(std::string_view text) {
  return backend_message(
      'E', std::string("SERROR\0C42601\0M", 15) + std::string(text) + std::string(2, '\0'));
}

std::string times(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

int64_t peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

PgOptions to(const FakePgServer& server) {
  PgOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.database = "db";
  options.user = "u";
  options.sslmode = "disable";
  options.connect_timeout_ms = 20'000;
  return options;
}

// Freed memory stays resident under AddressSanitizer.
#if defined(__SANITIZE_ADDRESS__)
constexpr int64_t kMostGrownKib = 512 << 10;
#else
constexpr int64_t kMostGrownKib = 64 << 10;
#endif

struct Outcome {
  std::string text;
  PgError error;
  int64_t taken_bytes = 0;
  int64_t grown_kib = 0;
  bool usable = true;
};

// One statement against a server that says `first` and then floods.
Outcome flooded(std::string first, std::string flood, const PgLimit& limit = kSmall) {
  FakePgServer server({std::move(first)}, {.flood = std::move(flood)});
  auto made = PgConnection::connect(to(server));
  Outcome end;
  if (!made.ok()) {
    end.text = made.error().text();
    return end;
  }
  const int64_t before_kib = peak_kib();
  const auto from = Clock::now();
  const auto answer = made.value()->exec("SELECT x", 60'000, limit);
  EXPECT_LT(Clock::now() - from, std::chrono::seconds(15));
  if (!answer.ok()) end.error = answer.error();
  end.text = answer.ok() ? "an answer" : end.error.text();
  end.taken_bytes = server.flooded_bytes();
  end.grown_kib = peak_kib() - before_kib;
  end.usable = made.value()->usable();
  return end;
}

void expect_cut(const Outcome& end, std::string_view text) {
  EXPECT_EQ(end.error.kind, PgError::Kind::kTooLarge) << end.text;
  EXPECT_EQ(end.text, text);
  EXPECT_FALSE(end.usable);
  EXPECT_LT(end.taken_bytes, kSmall.bytes + kSockets);
  EXPECT_LT(end.grown_kib, kMostGrownKib);
}

TEST(Flood, OfRows) {
  expect_cut(flooded(row_description(2), times(row(2, std::string(100, 'v')), 500)),
             "the server's answer is larger than 4 MiB");
}

// Four bytes on the wire, ten times as much in memory.
TEST(Flood, OfRowsOfNulls) {
  expect_cut(flooded(row_description(1000), times(null_row(1000), 50)),
             "the server's answer takes more than 16 MiB of memory");
}

TEST(Flood, OfRowsByTheirNumber) {
  expect_cut(
      flooded(row_description(1), times(row(1, ""), 1000), {.bytes = kSmall.bytes, .rows = 5'000}),
      "the server's answer has more than 5000 rows");
}

TEST(Flood, OfAnswersWithinOne) {
  expect_cut(
      flooded("", times(row_description(1) + row(1, "v") + testing::command_complete("S"), 500)),
      "the server's answer is larger than 4 MiB");
}

TEST(Flood, OfNotices) {
  expect_cut(flooded("", times(notice(std::string(1000, 'n')), 100)),
             "the server's answer is larger than 4 MiB");
}

TEST(Flood, OfParameters) {
  std::string flood;
  for (int i = 0; i < 1000; ++i) {
    flood += backend_message('S', "p" + std::to_string(i) + '\0' + std::string(200, 'v') + '\0');
  }
  expect_cut(flooded("", flood), "the server's answer is larger than 4 MiB");
}

TEST(Flood, OfNotifications) {
  const std::string one = number(7, 4) + std::string("channel\0", 8) + std::string(100, 'n') + '\0';
  expect_cut(flooded("", times(backend_message('A', one), 500)),
             "the server's answer is larger than 4 MiB");
}

TEST(Flood, OfErrorsWithoutAnEnd) {
  const std::string one("SERROR\0C42601\0Mno\0\0", 19);
  expect_cut(flooded("", times(backend_message('E', one), 500)),
             "the server's answer is larger than 4 MiB");
}

std::string begin_of_row(int64_t bytes) {
  return row_description(1) + "D" + number(bytes + 10, 4) + number(1, 2) + number(bytes, 4);
}

// Without TLS a message that has begun may be read to its end in one call.
TEST(Flood, OfOneRow) {
  const Outcome end = flooded(begin_of_row(64 * kMiB), std::string(64 << 10, 'v'));
  EXPECT_EQ(end.error.kind, PgError::Kind::kTooLarge) << end.text;
  EXPECT_FALSE(end.usable);
  EXPECT_LT(end.taken_bytes, 2 * 64 * kMiB + kSockets);
}

// libpq makes no room for it.
TEST(Flood, OfOneRowThatSaysItHas2GiB) {
  const Outcome end = flooded(begin_of_row(0x7ffffff0), std::string(64 << 10, 'v'));
  EXPECT_EQ(end.error.kind, PgError::Kind::kLost) << end.text;
  EXPECT_FALSE(end.usable);
  EXPECT_LT(end.taken_bytes, kSockets);
}

TEST(Flood, OfColumns) {
  const Outcome end = flooded(row_description(60'000), row(60'000, ""));
  EXPECT_EQ(end.error.kind, PgError::Kind::kTooLarge) << end.text;
  EXPECT_EQ(end.text, "the server's answer has 60000 columns, more than 1664");
}

TEST(Flood, OfNamesOfColumns) {
  const std::string name(2000, 'n');
  const Outcome end = flooded(row_description(1000, name) + row(1000, ""), "");
  EXPECT_EQ(end.text, "the server's answer has names of columns of more than 1 MiB");
}

TEST(Flood, InTheLogin) {
  FakePgServer server(
      {}, {.flood = times(notice(std::string(1000, 'n')), 100), .flood_in_login = true});
  const auto made = PgConnection::connect(to(server));
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.error().kind, PgError::Kind::kTooLarge) << made.error().text();
  EXPECT_EQ(made.error().message, "the server sent more than 4 MiB during the login");
  EXPECT_LT(server.flooded_bytes(), 4 * kMiB + kSockets);
}

// Sources may be reached without TLS where they have none (sslmode prefer): what is counted then is
// what the kernel says, of the socket that is left.
TEST(Flood, AfterTlsWasRefused) {
  for (const char answer : {'N', 'S'}) {
    FakePgServer server({row_description(1)}, {.flood = times(row(1, std::string(1000, 'v')), 500),
                                               .tls_answer = answer});
    PgOptions options = to(server);
    options.sslmode = "prefer";
    auto made = PgConnection::connect(options);
    ASSERT_TRUE(made.ok()) << answer << ": " << made.error().text();
    const auto rows = made.value()->exec("SELECT x", 60'000, kSmall);
    ASSERT_FALSE(rows.ok());
    EXPECT_EQ(rows.error().kind, PgError::Kind::kTooLarge) << rows.error().text();
    EXPECT_EQ(rows.error().message, "the server's answer is larger than 4 MiB");
    EXPECT_LT(server.flooded_bytes(), kSmall.bytes + kSockets);
    EXPECT_FALSE(made.value()->usable());
  }
}

TEST(Flood, InTheLoginAfterTlsWasRefused) {
  for (const char answer : {'N', 'S'}) {
    FakePgServer server({}, {.flood = times(notice(std::string(1000, 'n')), 100),
                             .flood_in_login = true,
                             .tls_answer = answer});
    PgOptions options = to(server);
    options.sslmode = "prefer";
    const auto made = PgConnection::connect(options);
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.error().kind, PgError::Kind::kTooLarge) << answer << made.error().text();
    EXPECT_LT(server.flooded_bytes(), 4 * kMiB + kSockets);
  }
}

// Rows of a COPY come without end, and that is right; what comes between them is not.
TEST(Flood, OfACopyIsReadForAsLongAsItsRowsAreTaken) {
  FakePgServer server(
      {testing::copy_out_begin()},
      {.mute_to_others = true, .flood = times(testing::copy_data(std::string(1000, 'r')), 500)});
  auto made = PgConnection::connect(to(server));
  ASSERT_TRUE(made.ok()) << made.error().text();
  ASSERT_TRUE(made.value()->copy_out("COPY t TO STDOUT").ok());
  int64_t bytes = 0;
  while (bytes < 80 * kMiB) {
    const auto taken = made.value()->copy_row(10'000);
    ASSERT_TRUE(taken.ok()) << taken.error().text();
    ASSERT_TRUE(taken->has_value());
    bytes += std::ssize(**taken);
  }
}

// Each answer is small enough; what libpq keeps of them for good is not.
TEST(Flood, OfParametersOverManyStatements) {
  std::string answer;
  for (int i = 0; answer.size() < 3 * kMiB; ++i) {
    answer +=
        backend_message('S', "p" + std::to_string(i) + '\0' + std::string(20'000, 'v') + '\0');
  }
  answer += testing::command_complete("SET") + testing::ready_for_query();
  FakePgServer server(std::vector<std::string>(40, answer));
  auto made = PgConnection::connect(to(server));
  ASSERT_TRUE(made.ok()) << made.error().text();
  int good = 0;
  PgResult<PgAnswer> last = made.value()->exec("SET x");
  while (last.ok() && good < 40) {
    ++good;
    last = made.value()->exec("SET x");
  }
  ASSERT_FALSE(last.ok());
  EXPECT_EQ(last.error().kind, PgError::Kind::kTooLarge) << last.error().text();
  EXPECT_GT(good, 15);
  EXPECT_LT(good, 30);
}

TEST(Flood, LongTextsAreCut) {
  const std::string text = std::string(200'000, 'e');
  const Outcome end = flooded(
      backend_message('E', std::string("SERROR\0C42601\0M", 15) + text + std::string(2, '\0')) +
          testing::ready_for_query(),
      "");
  EXPECT_EQ(end.error.kind, PgError::Kind::kServer);
  EXPECT_EQ(end.error.message.size(), 16U << 10);
}

TEST(Flood, ASourceSaysWhatItIs) {
  PgError fault;
  fault.kind = PgError::Kind::kTooLarge;
  fault.message = "the server's answer is larger than 64 MiB";
  const Error error = pg_source_error(fault, "reading");
  EXPECT_EQ(error.code(), ErrorCode::kPgRead);
  ASSERT_NE(error.cause(), nullptr);
  EXPECT_EQ(error.cause()->name, "source-answer-too-large");
}

// libpq hands out the beginning of a COPY again and again until somebody reads its rows.
TEST(Flood, ACopyThatNobodyAskedForEndsTheWait) {
  FakePgServer server({error("no") + testing::copy_out_begin()});
  auto made = PgConnection::connect(to(server));
  ASSERT_TRUE(made.ok()) << made.error().text();
  const PgStatus begun = made.value()->copy_out("SELECT 1");
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().kind, PgError::Kind::kProtocol) << begun.error().text();
  EXPECT_FALSE(made.value()->usable());
}

}  // namespace
}  // namespace vesto
