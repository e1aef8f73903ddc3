// Answers that come in records of TLS of full size (16 KiB), of which libpq reads some in parts.
// PostgreSQL itself writes at most 8 KiB at a time; a warehouse or a pooler need not.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "tests/support/fake_pg_server.h"
#include "tests/support/raw_server.h"

namespace vesto {
namespace {

using testing::backend_message;
using testing::command_complete;
using testing::ready_for_query;
using testing_support::RawServer;
using testing_support::TestCertificate;

constexpr size_t kRecordBytes = 16384;
constexpr int64_t kAnswerTimeoutMs = 5'000;

std::string row_description() {
  const std::string column = std::string("c\0", 2) + std::string(6, '\0') +
                             std::string("\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0", 12);
  return backend_message('T', std::string("\0\x01", 2) + column);
}

std::string data_row(size_t value_bytes) {
  const std::string length = {'\0', '\0', static_cast<char>(value_bytes >> 8),
                              static_cast<char>(value_bytes & 0xff)};
  return backend_message('D', std::string("\0\x01", 2) + length + std::string(value_bytes, 'x'));
}

// An answer of so many bytes, rows of some 1,000 bytes and one that fills it up.
std::string answer_of(size_t bytes) {
  constexpr size_t kValueBytes = 1000;
  const std::string end = command_complete("SELECT") + ready_for_query();
  const size_t empty_row_bytes = data_row(0).size();
  std::string answer = row_description();
  while (answer.size() + 2 * data_row(kValueBytes).size() + end.size() < bytes) {
    answer += data_row(kValueBytes);
  }
  return answer + data_row(bytes - answer.size() - end.size() - empty_row_bytes) + end;
}

// Whole records, and a last one that is nearly full.
std::vector<size_t> answer_sizes() {
  std::vector<size_t> sizes;
  for (size_t records = 1; records <= 4; ++records) {
    for (size_t missing = 0; missing < 1000; missing += 40) {
      sizes.push_back(records * kRecordBytes - missing);
    }
  }
  return sizes;
}

void serve(RawServer::Connection& client) {
  if (client.read_some().empty()) return;
  client.write(backend_message('R', std::string(4, '\0')) + ready_for_query());
  for (const size_t bytes : answer_sizes()) {
    if (client.read_some().empty()) return;
    client.write(answer_of(bytes));
  }
  client.wait_for_end();
}

TEST(TlsRecords, NoAnswerIsWaitedForThatHasCome) {
  const TestCertificate certificate = testing_support::make_certificate("localhost");
  const std::string ca_file = (std::filesystem::temp_directory_path() /
                               ("vesto-records-" + std::to_string(::getpid()) + ".pem"))
                                  .string();
  std::ofstream(ca_file) << certificate.ca_pem;
  const RawServer server(serve, &certificate, RawServer::Begin::kPostgres);
  PgOptions to;
  to.host = "localhost";
  to.hostaddr = "127.0.0.1";
  to.port = server.port();
  to.user = "vesto";
  to.database = "dev";
  to.sslmode = "verify-full";
  to.tls_ca_file = ca_file;
  const auto made = PgConnection::connect(to);
  ASSERT_TRUE(made.ok()) << made.error().text();
  for (const size_t bytes : answer_sizes()) {
    const auto answer = made.value()->exec("SELECT c", kAnswerTimeoutMs);
    ASSERT_TRUE(answer.ok()) << bytes << " bytes: " << answer.error().text();
    size_t value_bytes = 0;
    for (const auto& row : answer->rows) value_bytes += row.front()->size();
    ASSERT_GT(value_bytes, bytes * 95 / 100);
  }
  std::filesystem::remove(ca_file);
}

}  // namespace
}  // namespace vesto
