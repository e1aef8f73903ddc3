// Types of all kinds, planned and read from a real PostgreSQL.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

using Rows = std::vector<std::string>;

class Types : public SourceTest {
 protected:
  // "VARCHAR(64)" of the only column but the key.
  std::string type_of(const std::string& column) {
    EXPECT_EQ(sql("DROP TABLE IF EXISTS t; CREATE TABLE t (v " + column + ")"), "");
    auto planned = snapshot()->plan(request_for("public.t"));
    EXPECT_TRUE(planned.ok()) << planned.error().to_string();
    if (!planned.ok()) return "";
    notes_ = join(planned->notes, "; ");
    return type_sql(planned->schema.columns[0].type);
  }
  // What comes for one value.
  std::string read_value(const std::string& column, const std::string& value) {
    EXPECT_EQ(sql("DROP TABLE IF EXISTS t; CREATE TABLE t (v " + column +
                  "); INSERT INTO t VALUES (" + value + ")"),
              "");
    return join(read_table(*snapshot(), request_for("public.t")), "\n");
  }
  std::string notes_;
};

TEST_F(Types, EveryTypeThatAColumnCanHaveIsDelivered) {
  const std::string types = sql(
      "SELECT 'c' || oid || ' ' || format_type(oid, NULL) FROM pg_type WHERE typtype NOT IN ('p', "
      "'c', 'd') AND (typnamespace = 'pg_catalog'::regnamespace) AND "
      "(typelem = 0 OR (SELECT e.typtype FROM pg_type e WHERE e.oid = pg_type.typelem) NOT IN "
      "('p', "
      "'c')) ORDER BY oid");
  const std::string columns = replace_all(types, "\n", ", ");
  ASSERT_GT(columns.size(), 2000U);
  ASSERT_EQ(sql("CREATE TABLE t (id int PRIMARY KEY, " + columns + "); INSERT INTO t VALUES (1)"),
            "");
  auto taken = snapshot();
  auto planned = taken->plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok()) << planned.error().to_string();
  EXPECT_GT(planned->schema.columns.size(), 100U);
  const Rows rows = read_all(*taken, *planned);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].starts_with("1|\\N|\\N")) << rows[0];
}

TEST_F(Types, OfUsersAndExtensions) {
  sql("CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;"
      "CREATE TYPE mood AS ENUM ('a', 'b'); CREATE DOMAIN ints AS int[] NOT NULL;"
      "CREATE DOMAIN feeling AS mood; CREATE DOMAIN price AS numeric(10,2);"
      "CREATE TYPE pair AS (a int, b text); CREATE TYPE span AS RANGE (subtype = text);"
      "CREATE SCHEMA s; CREATE DOMAIN s.hstore AS text");
  EXPECT_EQ(type_of("mood"), "VARCHAR(64)");
  EXPECT_EQ(type_of("feeling"), "VARCHAR(64)");
  EXPECT_EQ(type_of("ints"), "SUPER");
  EXPECT_EQ(type_of("price"), "DECIMAL(10,2)");
  EXPECT_EQ(type_of("price[]"), "SUPER");
  EXPECT_EQ(type_of("pair"), "SUPER");
  EXPECT_EQ(type_of("span"), "VARCHAR(1024)");
  EXPECT_EQ(type_of("hstore"), "SUPER");
  EXPECT_EQ(type_of("citext"), "VARCHAR(1024)");
  EXPECT_EQ(notes_, "");
  EXPECT_EQ(type_of("ltree"), "VARCHAR(65535)");
  EXPECT_EQ(notes_, "column v: the type ltree is delivered as its text (VARCHAR)");
  EXPECT_EQ(type_of("s.hstore"), "VARCHAR(1024)");
  EXPECT_EQ(type_of("numeric(12,2)[]"), "SUPER");
  EXPECT_EQ(notes_, "");
  EXPECT_EQ(type_of("numeric[]"), "SUPER");
  EXPECT_NE(notes_.find("JSON strings"), std::string::npos);
  EXPECT_EQ(type_of("bit(5)"), "VARCHAR(5)");
}

TEST_F(Types, AreReadInTheirDocumentedForm) {
  sql("CREATE EXTENSION hstore; CREATE TYPE pair AS (a int, \"B c\" text[])");
  EXPECT_EQ(read_value("interval", "'-1 year 2 mons -3 days 04:05:06.789'"), "P-10M-3DT4H5M6.789S");
  EXPECT_EQ(read_value("timetz", "'12:34:56.789+05:30:15'"), "12:34:56.789+05:30:15");
  EXPECT_EQ(read_value("money", "'-92233720368547758.08'"), "-92233720368547758.08");
  EXPECT_EQ(read_value("inet", "'192.168.0.1'"), "192.168.0.1/32");
  EXPECT_EQ(read_value("int[]", "'[0:1]={7,NULL}'"), "[7,null]");
  EXPECT_EQ(read_value("float8[]", "'{NaN,Infinity,1e300}'"), "[\"NaN\",\"Infinity\",1e+300]");
  EXPECT_EQ(read_value("numeric[]", "'{NaN,1.50,123456789012345678901234567890123456789.1}'"),
            "[\"NaN\",\"1.50\",\"123456789012345678901234567890123456789.1\"]");
  EXPECT_EQ(read_value("numeric(5,2)[]", "'{{1.5,2},{3,NULL}}'"), "[[1.50,2.00],[3.00,null]]");
  EXPECT_EQ(read_value("text[]", "ARRAY[E'a\"b\\nc', 'NULL', NULL, '']"),
            "[\"a\\\"b\\nc\",\"NULL\",null,\"\"]");
  EXPECT_EQ(read_value("pair", "ROW(1, ARRAY['x'])::pair"), "{\"a\":1,\"B c\":[\"x\"]}");
  EXPECT_EQ(read_value("hstore", "'a=>1, b=>NULL'"), "{\"a\": \"1\", \"b\": null}");
  EXPECT_EQ(read_value("tstzrange", "'[2026-01-01 00:00+00,)'"), "[\"2026-01-01 00:00:00+00\",)");
  EXPECT_EQ(read_value("xid8", "'18446744073709551615'"), "18446744073709551615");
  EXPECT_EQ(read_value("oid", "4294967295"), "4294967295");
  EXPECT_EQ(read_value("xml", "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>'"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>");
}

TEST_F(Types, AByteThatIsNoTextIsLookedFor) {
  sql("CREATE TABLE t (id int PRIMARY KEY, c \"char\"); INSERT INTO t VALUES (1, (-1)::\"char\")");
  auto taken = snapshot();
  auto planned = taken->plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok());
  EXPECT_TRUE(planned->check_utf8);
  EXPECT_EQ(read_all(*taken, *planned), Rows{"1|\\377"});
}

TEST_F(Types, ArraysThatPrintAsTooMuchAreNamedAndNotFetched) {
  sql("CREATE TYPE pair AS (a text, b int[]); CREATE TABLE t (id int PRIMARY KEY, a int[], p pair, "
      "x xml);"
      "INSERT INTO t SELECT i, (SELECT array_agg(random() * 1e9) FROM generate_series(1, 100000)), "
      "NULL, '<a/>' FROM generate_series(1, 4) i");
  EXPECT_EQ(read_table(*snapshot(), request_for("public.t")).size(), 4U);
  // Two million NULLs: stored in a few kilobytes, printed in ten megabytes.
  sql("INSERT INTO t VALUES (77, array_fill(NULL::int, ARRAY[2000000]), NULL, NULL)");
  const Rows rows = read_table(*snapshot(), request_for("public.t"));
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[4].substr(0, 3), "77|");
  EXPECT_LT(rows[4].size(), 200U);
}

TEST_F(Types, AKeyThatCannotBeComparedCountsForNothing) {
  sql("CREATE TABLE t (a int[] PRIMARY KEY, v text); INSERT INTO t VALUES ('{1}', 'x')");
  auto taken = snapshot();
  auto planned = taken->plan(request_for("public.t"));
  ASSERT_TRUE(planned.ok()) << planned.error().to_string();
  EXPECT_TRUE(planned->schema.key.empty());
  EXPECT_FALSE(planned->key_proven);
  EXPECT_NE(join(planned->notes, " ").find("cannot be a key"), std::string::npos);
  StreamRequest request = request_for("public.t");
  request.key = {"a"};
  EXPECT_EQ(taken->plan(request).error().code(), ErrorCode::kPgNoKey);
}

}  // namespace
}  // namespace vesto::testing
