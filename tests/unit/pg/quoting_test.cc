#include "pg/quoting.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

TEST(Quoting, Identifiers) {
  EXPECT_EQ(quote_identifier("orders"), "\"orders\"");
  EXPECT_EQ(quote_identifier(""), "\"\"");
  EXPECT_EQ(quote_identifier("a\"b\"\""), "\"a\"\"b\"\"\"\"\"");
  EXPECT_EQ(quote_identifier("a\\b'c\nd"), "\"a\\b'c\nd\"");
  EXPECT_EQ(quote_qualified("a.b", "c\"d"), "\"a.b\".\"c\"\"d\"");
}

TEST(Quoting, LiteralsForPostgreSql) {
  EXPECT_EQ(quote_pg_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_pg_literal(""), "''");
  EXPECT_EQ(quote_pg_literal("a\\'b"), "E'a\\\\''b'");
}

TEST(Quoting, LiteralsForRedshift) {
  EXPECT_EQ(quote_redshift_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_redshift_literal("\\"), "'\\\\'");
  EXPECT_EQ(quote_redshift_literal("\\' OR 1=1 --"), "'\\\\'' OR 1=1 --'");
  EXPECT_EQ(quote_redshift_literal("\xc3\xa9\n"), "'\xc3\xa9\n'");
}

}  // namespace
}  // namespace vesto
