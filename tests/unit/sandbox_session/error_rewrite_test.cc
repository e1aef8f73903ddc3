#include "sandbox/session/error_rewrite.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

ErrorFields error(std::string sqlstate, std::string message) {
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = std::move(sqlstate);
  fields.message = std::move(message);
  fields.position = 8;
  return fields;
}

ErrorContext context() {
  ErrorContext made;
  made.table_oid = 141349;
  made.pid = 7005;
  made.query_id = 42;
  return made;
}

TEST(RewriteError, ConflictsBecome1023) {
  const ErrorFields got = rewrite_error(
      error("40001", "could not serialize access due to concurrent update"), context());
  EXPECT_EQ(got.sqlstate, "XX000");
  EXPECT_EQ(got.message, "1023");
  EXPECT_TRUE(got.detail.starts_with("Serializable isolation violation on table - 141349, "));
  EXPECT_NE(got.detail.find("(pid:7005)"), std::string::npos);
}

TEST(RewriteError, DuplicateNamesInTheCatalogue) {
  ErrorFields fields = error("23505", "duplicate key value violates unique constraint");
  fields.constraint = "pg_type_typname_nsp_index";
  fields.detail = "Key (typname, typnamespace)=(n, 2200) already exists.";
  ErrorFields got = rewrite_error(fields, context());
  EXPECT_EQ(got.sqlstate, "42P07");
  EXPECT_EQ(got.message, "Relation \"n\" already exists");
  EXPECT_EQ(got.detail, "");
  fields.constraint = "pg_class_relname_nsp_index";
  EXPECT_EQ(rewrite_error(fields, context()).sqlstate, "42P07");
  fields.constraint = "pg_namespace_nspname_index";
  fields.detail = "Key (nspname)=(s) already exists.";
  got = rewrite_error(fields, context());
  EXPECT_EQ(got.sqlstate, "42P06");
  EXPECT_EQ(got.message, "Schema \"s\" already exists");
  fields.constraint = "somebody_elses_index";
  EXPECT_EQ(rewrite_error(fields, context()).sqlstate, "23505");
}

TEST(RewriteError, Wordings) {
  EXPECT_EQ(rewrite_error(error("42P07", "relation \"x\" already exists"), context()).message,
            "Relation \"x\" already exists");
  EXPECT_EQ(rewrite_error(error("42501", "permission denied for table t"), context()).message,
            "permission denied for relation t");
  EXPECT_EQ(rewrite_error(error("42501", "must be owner of table t"), context()).message,
            "must be owner of relation t");
  EXPECT_EQ(
      rewrite_error(error("57014", "canceling statement due to user request"), context()).message,
      "Query (42) canceled on user's request");
  EXPECT_EQ(rewrite_error(error("42P01", "relation \"x\" does not exist"), context()).position, 0);
}

TEST(RewriteError, NullIntoNotNull) {
  const ErrorFields got = rewrite_error(
      error("23502", "null value in column \"x\" of relation \"t\" violates not-null constraint"),
      context());
  EXPECT_EQ(got.sqlstate, "XX000");
  EXPECT_EQ(got.message, "Cannot insert a NULL value into column x");
  EXPECT_NE(got.detail.find("  code:      8007\n"), std::string::npos);
}

TEST(RewriteError, NamesComeBack) {
  ErrorContext named = context();
  named.restore_names = [](std::string_view text) {
    return text == "relation \"short\" does not exist" ? std::string("relation \"long\" ...")
                                                       : std::string(text);
  };
  EXPECT_EQ(rewrite_error(error("42P01", "relation \"short\" does not exist"), named).message,
            "relation \"long\" ...");
}

TEST(RewriteNotice, SkippingBecomesInfo) {
  ErrorFields notice = error("42P07", "relation \"t\" already exists, skipping");
  notice.severity = "NOTICE";
  const auto got = rewrite_notice(notice, context());
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->severity, "INFO");
  EXPECT_EQ(got->message, "Relation \"t\" already exists and will be skipped");
  EXPECT_FALSE(rewrite_notice(error("42622", "identifier will be truncated"), context()));
  EXPECT_EQ(rewrite_notice(error("00000", "other"), context())->message, "other");
}

TEST(FaultError, Names) {
  EXPECT_EQ(fault_error("1023", context()).message, "1023");
  EXPECT_EQ(fault_error("1018", context()).detail, "Relation does not exist.");
  EXPECT_EQ(fault_error("Disk Full", context()).sqlstate, "XX000");
  EXPECT_NE(fault_error("Disk Full", context()).detail.find("1016"), std::string::npos);
  EXPECT_EQ(fault_error("40P01", context()).message, "deadlock detected");
  EXPECT_EQ(fault_error("whatever", context()).message, "whatever");
}

}  // namespace
}  // namespace vesto::sandbox
