// What the tests of whole COPY statements share.
#ifndef VESTO_TESTS_SANDBOX_COPY_COPY_FIXTURE_H_
#define VESTO_TESTS_SANDBOX_COPY_COPY_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>

#include "case_file.h"
#include "memory_store.h"

namespace vesto::sandbox {

class CopyTest : public ::testing::Test {
 protected:
  CopyTest() {
    statement.table.name = "t";
    statement.format = CopyStatement::Format::kCsv;
    statement.from = "s3://b/p/";
    statement.access_key_id = keys.key.id;
    statement.secret_access_key = keys.key.secret;
    columns = read_columns("a integer, b varchar(20)");
    context.store = &store;
    context.keys = &keys;
    context.region = "eu-west-1";
    context.user = "loader";
    context.query_id = 42;
    context.process_id = 4711;
  }

  void put(const std::string& key, const std::string& body) {
    ASSERT_TRUE(store.put("b", key, body, {}).ok());
  }
  void use_manifest(const std::string& text) {
    put("m.json", text);
    statement.manifest = true;
    statement.from = "s3://b/m.json";
  }

  SqlStatus run() {
    sink.rows.clear();
    return execute_copy(statement, columns, context, &sink, &outcome);
  }
  // "" when it succeeded.
  std::string run_message() {
    const SqlStatus status = run();
    last = status.ok() ? SqlError{} : status.error();
    return last.message;
  }
  // The text of an S3 error without the ids that change.
  static std::string without_ids(const std::string& message) {
    return message.substr(0, message.find(",Rid "));
  }

  MemoryStore store;
  OneKeyRing keys;
  KeyFault fault;
  CopyStatement statement;
  std::vector<CopyColumn> columns;
  CopyContext context;
  KeepingSink sink;
  CopyOutcome outcome;
  SqlError last;
};

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_SANDBOX_COPY_COPY_FIXTURE_H_
