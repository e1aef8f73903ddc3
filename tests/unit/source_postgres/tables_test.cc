// Identity and discovery.
#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

class Tables : public SourceTest {};

TEST_F(Tables, IdentityIsTheSystemAndTheDatabase) {
  auto identity = source()->identity();
  ASSERT_TRUE(identity.ok()) << identity.error().to_string();
  EXPECT_EQ(identity->id,
            sql("SELECT system_identifier FROM pg_control_system()") + "/" + database_);
  EXPECT_TRUE(identity->version.starts_with("PostgreSQL 1")) << identity->version;
  EXPECT_EQ(identity->version.find('('), std::string::npos);
  EXPECT_EQ(identity->user, "tester");
  sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public");
  auto without = source("reader")->identity();
  ASSERT_TRUE(without.ok()) << without.error().to_string();
  EXPECT_EQ(without->id, to_lower_ascii(options().host) + ":" + std::to_string(options().port) +
                             "/" + database_);
}

TEST_F(Tables, ListsWhatCanBeReadAndNothingElse) {
  sql("CREATE SCHEMA s; CREATE SCHEMA hidden;"
      "CREATE TABLE s.orders (id int, b text NOT NULL, c numeric(5,2), "
      "g int GENERATED ALWAYS AS (id) STORED, PRIMARY KEY (b, id));"
      "INSERT INTO s.orders (id, b) SELECT i, i FROM generate_series(1, 1000) i; ANALYZE s.orders;"
      "CREATE TABLE s.fresh (x int); CREATE VIEW s.v AS SELECT 1 AS one;"
      "CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS one;"
      "CREATE TABLE s.p (d date) PARTITION BY RANGE (d);"
      "CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
      "CREATE TABLE s.no_right (x int); CREATE TABLE hidden.t (x int); CREATE SEQUENCE s.seq;"
      "GRANT USAGE ON SCHEMA s TO reader;"
      "GRANT SELECT ON s.orders, s.fresh, s.v, s.m, s.p, hidden.t TO reader");
  auto tables = source("reader")->tables();
  ASSERT_TRUE(tables.ok()) << tables.error().to_string();
  std::vector<std::string> names;
  for (const SourceTable& table : *tables) {
    names.push_back(table.schema + "." + table.name + " " + table.kind);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"s.fresh table", "s.m materialized view", "s.orders table",
                                      "s.p partitioned table", "s.v view"}));
  const SourceTable& orders = (*tables)[2];
  EXPECT_EQ(orders.estimated_rows, 1000);
  EXPECT_GT(orders.size_bytes, 0);
  EXPECT_EQ(orders.primary_key, (std::vector<std::string>{"b", "id"}));
  ASSERT_EQ(orders.columns.size(), 4U);
  EXPECT_EQ(orders.columns[2].type, "numeric(5,2)");
  EXPECT_TRUE(orders.columns[2].nullable);
  EXPECT_FALSE(orders.columns[1].nullable);
  EXPECT_TRUE(orders.columns[3].generated);
  EXPECT_EQ((*tables)[0].estimated_rows, -1);
}

TEST_F(Tables, LoginThatFails) {
  PostgresOptions to = options();
  to.database = "no_such_db";
  auto none = make_postgres_source(to)->tables();
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code(), ErrorCode::kPgNoDatabase) << none.error().to_string();
  to = options();
  to.user = "nobody_here";
  EXPECT_EQ(make_postgres_source(to)->tables().error().code(), ErrorCode::kPgLogin);
  to = options();
  to.port = 1;
  EXPECT_EQ(make_postgres_source(to)->tables().error().code(), ErrorCode::kPgConnect);
  EXPECT_EQ(make_postgres_source(to)->open_snapshot(kMarker).error().code(), ErrorCode::kPgConnect);
}

TEST_F(Tables, MarkerMustBeOne) {
  for (const char* marker : {"", "short", "UPPERCASE0123456", "quote'0123456789", "\\N"}) {
    EXPECT_EQ(source()->open_snapshot(marker).error().code(), ErrorCode::kInternal) << marker;
  }
}

}  // namespace
}  // namespace vesto::testing
