#include "check/redact_report.h"

#include <gtest/gtest.h>

#include <random>

#include "base/strings.h"
#include "check/redact_patterns.h"
#include "check/report_json.h"
#include "cli/check_text.h"

namespace vesto {
namespace {

CheckResult result_of(CheckAnswer answer) {
  return {.id = "redshift.schema",
          .title = "Schema exists or may be created",
          .group = "warehouse",
          .needs = {"redshift.login"},
          .answer = std::move(answer),
          .masked_by = {}};
}

// What a person reads of it, and what a program does.
std::string shown(const CheckReport& report) {
  cli::Terminal plain;
  std::string out = report_json(report) + "\n" + report.name + "\n";
  for (const CheckResult& one : report.results) out += cli::result_text(plain, one);
  return out;
}

Config config_of(const std::string& schema, const std::string& table) {
  Config config;
  DestinationConfig to;
  to.name = "rs";
  to.host = "shop.abc123.eu-west-1.redshift.amazonaws.com";
  to.database = "dev";
  to.schema = schema;
  to.bucket = "acme-loads";
  to.prefix = "vesto-files/";
  to.auth.role_arn = "arn:aws:iam::123456789012:role/acme-loader";
  config.destinations.push_back(to);
  SyncConfig sync;
  sync.name = "nightly";
  sync.tables.push_back({});
  sync.tables.back().name = "public." + table;
  config.syncs.push_back(sync);
  return config;
}

std::string prose(const Config& config, const std::string& text) {
  ReportRedactor redactor;
  redactor.learn(config);
  return redactor.text(text);
}

// A session of the role has the name of the lifecycle rule, and must not give it its token.
TEST(RedactReport, WhatVestoNamesStaysButForTheDestination) {
  Config config = config_of("public", "orders");
  config.destinations[0].name = "acme";
  ReportRedactor redactor;
  redactor.learn(config);
  CheckReport report;
  report.kind = "destination";
  report.name = "acme";
  report.results.push_back(result_of(
      {.evidence = {{"session", "arn:aws:sts::123456789012:assumed-role/acme-loader/vesto-acme"},
                    {"expiration", "expiry-date=\"Fri, 27 Nov 2026\", rule-id=\"vesto-acme\""}}}));
  const CheckReport clean = redactor.redacted(report);
  EXPECT_EQ(clean.results[0].answer.evidence[1].value,
            "expiry-date=\"Fri, 27 Nov 2026\", rule-id=\"vesto-destination-1\"");
  EXPECT_EQ(shown(clean).find("acme"), std::string::npos) << shown(clean);
}

TEST(RedactReport, ALifecycleRuleOfSomebodyElseIsAName) {
  ReportRedactor redactor;
  redactor.learn(config_of("public", "orders"));
  CheckReport report;
  report.kind = "destination";
  report.name = "acme";
  report.results.push_back(result_of(
      {.evidence = {
           {"expiration", "expiry-date=\"Fri, 27 Nov 2026\", rule-id=\"globex-week%20only\""}}}));
  const CheckReport clean = redactor.redacted(report);
  EXPECT_EQ(clean.results[0].answer.evidence[0].value,
            "expiry-date=\"Fri, 27 Nov 2026\", rule-id=\"rule-1\"");
}

TEST(RedactReport, ATableCalledAEatsNoText) {
  const Config config = config_of("public", "a");
  EXPECT_EQ(prose(config, "a table that is public may be read by a user of a schema"),
            "a table that is public may be read by a user of a schema");
  EXPECT_EQ(prose(config, "schema public has a table, \"a\", that public.a is"),
            "schema schema-1 has a table, \"table-1\", that table-2 is");
  EXPECT_EQ(prose(config, "others: a (eve), b"), "others: table-1 (eve), b");
}

TEST(RedactReport, ANameHasOneTokenWhereverItStands) {
  const Config config = config_of("Sales_EU", "orders_2024");
  EXPECT_EQ(prose(config, "s3://acme-loads/x, acme-loads; ACME-LOADS, xacme-loadsx."),
            "url-1, bucket-1; bucket-1, xbucket-1x.");
  EXPECT_EQ(prose(config,
                  "schema sales_eu: arn:aws:iam::123456789012:role/acme-loader is role "
                  "acme-loader of 123456789012"),
            "schema schema-1: role-1 is role role-2 of account-1");
  EXPECT_EQ(prose(config, "vesto destination test rs, RS-OWNER, vesto-rs-role"),
            "vesto destination test destination-1, RS-OWNER, vesto-destination-1-role");
  EXPECT_EQ(prose(config, "host shop.abc123.eu-west-1.redshift.amazonaws.com, port 5439, dev"),
            "host host-1, port 5439, database-1");
}

TEST(RedactReport, FormsAreToldWithoutAnyConfiguration) {
  const std::pair<const char*, const char*> kCases[] = {
      {"at 10.20.30.40:5439.", "at address-1:5439."},
      {"from fe80::1:2, [::1]:5432", "from address-1, [address-2]:5432"},
      {"PostgreSQL 15.4 at 10:15:40, x::int, std::a",
       "PostgreSQL 15.4 at 10:15:40, x::int, std::a"},
      {"version 1.2.3.400 of 8.0.2", "version 1.2.3.400 of 8.0.2"},
      {"write to Eve.Smith+x@mail.acme.io.", "write to email-1."},
      {"orders (IAM:kim.smith+x@corp.com; no UPDATE), IAMR:loader.",
       "orders (user-1; no UPDATE), user-2."},
      {"db_user = IAM:<name of the user>", "db_user = IAM:<name of the user>"},
      {"key AKIAIOSFODNN7EXAMPLE of 123456789012", "key key-id-1 of account-1"},
      {"1234567890123 bytes, sub 104567890123456789012", "1234567890123 bytes, sub id-1"},
      {"sg-0123456789abcdef0 in vpc-01234567", "resource-1 in resource-2"},
      {"s3://b/x/ and 'arn:aws-cn:s3:::b/*'", "url-1 and 'arn-1'"},
      {"b.s3.eu-west-1.amazonaws.com, sts.eu-west-1.amazonaws.com",
       "host-1, sts.eu-west-1.amazonaws.com"},
      {"accounts.google.com:sub, *.acme.internal", "accounts.google.com:sub, *.host-1"},
      {"in /srv/acme/vesto.toml:14, 2>/dev/null and/or", "in path-1:14, 2>/dev/null and/or"},
  };
  for (const auto& [given, wanted] : kCases) EXPECT_EQ(ReportRedactor().text(given), wanted);
}

TEST(RedactReport, WhatAServerNamesIsLearned) {
  CheckReport report{.kind = "source", .name = "erp", .results = {}};
  report.results = {result_of(
      {.status = CheckStatus::kFailed,
       .evidence = {{"database_user", "IAMR:zoe"}, {"rows", "5 of 5"}},
       .error = Error(ErrorCode::kRsOwner, "belong to: t (max), q1 (ida); zoe may not")
                    .with_hint("Ask ida.")
                    .with_upstream({.system = "redshift",
                                    .code = "42501",
                                    .text = "permission denied for relation zebras; see \"Xq\"",
                                    .request_id = "r"})
                    .in("table shop.q7"),
       .fix = Fix{.who = "redshift_admin",
                  .kind = "sql",
                  .snippet = "GRANT ALL ON \"shop\".\"zebras\" TO \"IAMR:zoe\";"},
       .names = {{"table", "t"}, {"owner", "max"}, {"table", "q1"}, {"owner", "ida"}}})};
  ReportRedactor redactor;
  const CheckReport clean = redactor.redacted(report);
  const std::string text = shown(clean);
  for (const char* name : {"IAMR:zoe", "(max)", "ida", "zebras", "Xq", "q1", "shop", "q7", "erp"}) {
    EXPECT_EQ(text.find(name), std::string::npos) << name << " in\n" << text;
  }
  EXPECT_EQ(clean.results[0].answer.evidence[1].value, "5 of 5");
  EXPECT_EQ(clean.results[0].answer.error->upstream().code, "42501");
  EXPECT_EQ(clean.results[0].answer.error->code(), ErrorCode::kRsOwner);
  EXPECT_NE(report_json(clean).find("\"redacted\":true"), std::string::npos);
  EXPECT_EQ(report_json(report).find("\"redacted\""), std::string::npos);
}

// The rights that are missing are none of them, however many there are.
TEST(RedactReport, TheOwnersOfTablesAreNames) {
  CheckReport report{.kind = "destination", .name = "acme", .results = {}};
  report.results = {
      result_of({.status = CheckStatus::kFailed,
                 .error = Error(ErrorCode::kRsOwner,
                                "tables that a sync loads belong to other users: orders (jane_doe; "
                                "no SELECT, INSERT, DELETE), a (admin; no UPDATE), q (IAM:kim)"),
                 .names = {{"table", "orders"},
                           {"owner", "jane_doe"},
                           {"table", "a"},
                           {"owner", "admin"},
                           {"table", "q"},
                           {"owner", "IAM:kim"}}}),
      result_of({.status = CheckStatus::kWarning,
                 .error = Error(ErrorCode::kRsOwner, "with columns of others: orders (jane_doe)")}),
      result_of({.status = CheckStatus::kSkipped, .reason = "kim may not see it"})};
  ReportRedactor redactor;
  const CheckReport clean = redactor.redacted(report);
  const auto message = [&](size_t i) { return clean.results[i].answer.error->message(); };
  EXPECT_EQ(message(0),
            "tables that a sync loads belong to other users: table-1 (user-1; no SELECT, INSERT, "
            "DELETE), table-2 (user-2; no UPDATE), table-3 (user-3)");
  EXPECT_EQ(message(1), "with columns of others: table-1 (user-1)");
  EXPECT_EQ(clean.results[2].answer.reason, "user-4 may not see it");
  EXPECT_TRUE(clean.results[0].answer.names.empty());
}

TEST(RedactReport, AHintOfTheCatalogueStaysTheCatalogues) {
  ReportRedactor redactor;
  redactor.learn(config_of("the", "is"));
  for (const CatalogEntry& entry : error_catalog()) {
    const CheckResult clean = redactor.redacted(
        result_of({.status = CheckStatus::kFailed, .error = Error(entry.code, "no")}));
    EXPECT_EQ(clean.answer.error->code(), entry.code);
    EXPECT_EQ(clean.answer.error->message(), "no");
  }
}

// The property: whatever the names, none of them is left anywhere.
TEST(RedactReport, NoSeededNameIsLeft) {
  std::mt19937 random(7);
  const auto name = [&random](size_t bytes) {
    const std::string letters = "bcdfghjkmpqrstvwxz0123456789_-";
    std::string out = "q";
    while (out.size() < bytes) out += letters[random() % letters.size()];
    return out + "z";
  };
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> names;
    const auto one = [&] { return names.emplace_back(name(6 + random() % 12)); };
    Config config;
    DestinationConfig to;
    to.name = one();
    to.host = one() + ".corp.local";
    to.database = one();
    to.schema = one();
    to.bucket = one();
    to.prefix = one() + "/";
    to.auth.role_arn = "arn:aws:iam::123456789012:role/" + one();
    to.auth.audience = one();
    to.auth.external_id = names.emplace_back(name(9) + "\"'x");
    to.auth.user = {.kind = ValueRef::Kind::kText, .name = one()};
    to.auth.password = {.kind = ValueRef::Kind::kFile, .name = "/" + one() + "/" + one()};
    to.auth.warehouse = one();
    SyncConfig sync;
    sync.name = one();
    TableConfig table;
    table.name = one() + "." + one();
    table.key = {one()};
    sync.tables.push_back(table);
    SourceConfig from;
    from.name = one();
    from.host = one();
    from.user = {.kind = ValueRef::Kind::kEnv, .name = one()};
    config.destinations.push_back(to);
    config.sources.push_back(from);
    config.syncs.push_back(sync);
    std::vector<Evidence> evidence;
    for (const char* kind : {"database_user", "owner", "account", "sub", "email", "bucket", "key",
                             "arn", "issuer", "schema"}) {
      evidence.push_back({kind, one()});
    }
    // Every name at any place, in any surrounding.
    const std::string all[] = {to.auth.external_id, to.auth.role_arn, table.name};
    const auto words = [&] {
      std::string text = "It said";
      for (int i = 0; i < 12; ++i) {
        const std::string& which = i % 4 == 3 ? all[random() % 3] : names[random() % names.size()];
        const char* const kAround[] = {" {} ", " \"{}\",", "({})", "/{}/", ".{}.", "={};", " _{}_"};
        text += replace_all(kAround[random() % std::size(kAround)], "{}", which);
      }
      return text;
    };
    CheckReport report{.kind = "destination", .name = to.name, .results = {}};
    for (int i = 0; i < 4; ++i) {
      CheckAnswer answer{
          .status = CheckStatus::kFailed,
          .evidence = i == 3 ? evidence : std::vector<Evidence>{{"seen", words()}},
          .error =
              Error(ErrorCode::kRsOwner, words())
                  .with_hint(words())
                  .with_upstream({.system = "s3", .code = "403", .text = words(), .request_id = ""})
                  .in(words()),
          .fix = Fix{.who = "you", .kind = "sql", .snippet = words()}};
      if (i == 2) answer = {.status = CheckStatus::kSkipped, .reason = words()};
      report.results.push_back(result_of(std::move(answer)));
    }
    ReportRedactor redactor;
    redactor.learn(config);
    const std::string text = shown(redactor.redacted(report));
    for (const std::string& each : names) {
      ASSERT_EQ(text.find(each), std::string::npos) << each << " in\n" << text;
    }
    ASSERT_NE(shown(report).find(names.front()), std::string::npos);  // it stood there before
  }
}

TEST(RedactReport, TakesAnyBytes) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    std::string bytes;
    for (int i = 0; i < 60; ++i) {
      const std::string_view parts[] = {"\"", "arn:aws", ":",    "/",     ".",      "1",
                                        "@",  "\xff",    "\0x",  "s3://", "table ", " (",
                                        "i-", "::",      "AKIA", ", "};
      bytes += parts[random() % std::size(parts)];
    }
    ReportRedactor redactor;
    redactor.learn_name("name", bytes.substr(0, 5));
    redactor.learn(result_of({.status = CheckStatus::kFailed,
                              .evidence = {{"names", bytes}, {"arn", bytes}},
                              .error = Error(ErrorCode::kRsOwner, bytes).in(bytes),
                              .fix = Fix{.who = "you", .kind = "sql", .snippet = bytes}}));
    const std::string once = redactor.text(bytes);
    EXPECT_EQ(once, redactor.text(bytes));
  }
}

}  // namespace
}  // namespace vesto
