// Servers that break the rules: an error each time, never a crash, never rows that are lost in
// silence.
#include <gtest/gtest.h>

#include "source/postgres/reader.h"
#include "source/postgres/session.h"
#include "tests/support/fake_pg_server.h"

namespace vesto::testing {
namespace {

PostgresOptions options_for(const FakePgServer& server) {
  PostgresOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.database = "db";
  options.user = "u";
  options.sslmode = "disable";
  options.connect_timeout_ms = 30'000;
  return options;
}

const std::string kPinned = command_complete("SET") + ready_for_query();

// Reads one COPY whose answer is `copy`; "" or the error.
std::string read_copy(const std::string& copy, uint64_t* rows = nullptr) {
  const FakePgServer server({kPinned, copy});
  auto connection = connect_postgres(options_for(server));
  if (!connection.ok()) return connection.error().to_string();
  auto connections = std::make_shared<SnapshotConnections>(options_for(server), "1-1");
  PostgresReader reader(connections, std::move(connection).value(),
                        ReadRange{"COPY t TO STDOUT", 0, nullptr});
  Chunk chunk;
  while (true) {
    const auto more = reader.read(&chunk);
    if (!more.ok()) return more.error().to_string();
    if (!*more) return "";
    if (rows != nullptr) *rows += chunk.rows;
  }
}

TEST(HostileServer, ARightAnswerIsRead) {
  uint64_t rows = 0;
  EXPECT_EQ(read_copy(copy_out_begin() + copy_data("1\n") + copy_data("2\n") + copy_done() +
                          command_complete("COPY 2") + ready_for_query(),
                      &rows),
            "");
  EXPECT_EQ(rows, 2U);
}

TEST(HostileServer, CountsMustAgree) {
  for (const char* tag : {"COPY 3", "COPY 1", "COPY", "COPY x", ""}) {
    const std::string said = read_copy(copy_out_begin() + copy_data("1\n") + copy_data("2\n") +
                                       copy_done() + command_complete(tag) + ready_for_query());
    EXPECT_NE(said.find("PG-READ"), std::string::npos) << tag << ": " << said;
  }
}

TEST(HostileServer, ARowInPieces) {
  const std::string said = read_copy(copy_out_begin() + copy_data("1,a") + copy_data("b\n") +
                                     copy_done() + command_complete("COPY 1") + ready_for_query());
  EXPECT_NE(said.find("piece of a row"), std::string::npos) << said;
}

TEST(HostileServer, NoCopyAtAllOrAnEndTooEarly) {
  EXPECT_NE(read_copy(command_complete("SELECT 0") + ready_for_query()).find("PG-READ"),
            std::string::npos);
  EXPECT_NE(read_copy(ready_for_query()).find("PG-READ"), std::string::npos);
  EXPECT_NE(read_copy(backend_message('?', "what") + ready_for_query()).find("PG-READ"),
            std::string::npos);
  EXPECT_NE(read_copy(copy_out_begin() + copy_data("1\n") + copy_done() + ready_for_query())
                .find("PG-READ"),
            std::string::npos);
  // An error after the last row: the rows that came do not count.
  const std::string error("SERROR\0C57P01\0Mgoing down\0\0", 27);
  EXPECT_NE(read_copy(copy_out_begin() + copy_data("1\n") + backend_message('E', error) +
                      ready_for_query())
                .find("going down"),
            std::string::npos);
}

TEST(HostileServer, CatalogueAnswersOfTheWrongShape) {
  const auto row_of_one = [] {
    // RowDescription of one text column, and one row with it.
    const std::string column("\0\1c\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0", 22);
    const std::string row("\0\1\0\0\0\1x", 7);
    return backend_message('T', column) + backend_message('D', row) + command_complete("SELECT 1") +
           ready_for_query();
  };
  {
    const FakePgServer server({kPinned, row_of_one()});
    const auto identity = make_postgres_source(options_for(server))->identity();
    ASSERT_FALSE(identity.ok());
    EXPECT_EQ(identity.error().code(), ErrorCode::kPgRead);
  }
  {
    const FakePgServer server({kPinned, row_of_one(), row_of_one()});
    const auto tables = make_postgres_source(options_for(server))->tables();
    ASSERT_TRUE(tables.ok());
    ASSERT_EQ(tables->size(), 1U);
    EXPECT_EQ((*tables)[0].name, "");
  }
  {
    const FakePgServer server({kPinned, row_of_one()});
    const auto taken = make_postgres_source(options_for(server))->open_snapshot("marker0123456789");
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code(), ErrorCode::kPgRead);
  }
}

}  // namespace
}  // namespace vesto::testing
