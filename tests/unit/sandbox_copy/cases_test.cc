// Runs every case of data/*.cases, each with several buffer sizes, so that every row is also met
// in pieces.
#include <gtest/gtest.h>

#include <filesystem>

#include "case_file.h"
#include "memory_store.h"

namespace vesto::sandbox {
namespace {

std::string show(const LoadError& error) {
  return std::to_string(error.line_number) + " " + std::to_string(error.error_code) + " " +
         (error.column_name.empty() ? "-" : error.column_name) + " " + error.error_reason;
}

std::string show(const SqlStatus& status) {
  if (status.ok()) return "ok";
  if (status.error().message ==
      "Load into table 't' failed.  Check 'stl_load_errors' system table for details.") {
    return status.error().sqlstate == "XX000" ? "failed" : status.error().sqlstate;
  }
  return status.error().sqlstate + " " + status.error().message;
}

void run_case(const CopyCase& c, size_t read_bytes) {
  SCOPED_TRACE(c.place + " \"" + c.name + "\", buffer " + std::to_string(read_bytes));
  MemoryStore store;
  const OneKeyRing keys;
  ASSERT_TRUE(store.put("b", "k", c.data, {}).ok());
  CopyStatement statement = c.statement;
  statement.table.name = "t";
  statement.from = "s3://b/k";
  statement.access_key_id = keys.key.id;
  statement.secret_access_key = keys.key.secret;
  CopyContext context;
  context.store = &store;
  context.keys = &keys;
  context.region = "eu-west-1";
  context.readings = c.readings;
  context.read_bytes = read_bytes;
  KeepingSink sink;
  CopyOutcome outcome;
  const SqlStatus status = execute_copy(statement, c.columns, context, &sink, &outcome);
  EXPECT_EQ(show(status), c.result);
  if (status.ok()) {
    EXPECT_EQ(sink.rows, c.rows);
  }
  std::vector<std::string> errors;
  for (const LoadError& error : outcome.errors) {
    errors.push_back(show(error));
    EXPECT_EQ(error.filename, "s3://b/k");
  }
  EXPECT_EQ(errors, c.errors);
}

TEST(CopyCases, All) {
  size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(VESTO_TEST_DATA)) {
    if (file.path().extension() != ".cases") continue;
    for (const CopyCase& c : read_case_file(file.path().string())) {
      ++count;
      for (const size_t read_bytes : {size_t{1}, size_t{3}, size_t{64}, size_t{256} << 10}) {
        run_case(c, read_bytes);
      }
    }
  }
  EXPECT_GE(count, 150U);
  RecordProperty("cases", static_cast<int>(count));
}

}  // namespace
}  // namespace vesto::sandbox
