#include "cli/terminal.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace vesto::cli {
namespace {

constexpr int64_t kNow = 1'795'310'816'123;  // 2026-11-22T01:26:56.123Z

TEST(TerminalTest, ErrorsHaveOneShape) {
  Error error(ErrorCode::kRsOwner, "table a.b belongs to user x.");
  error.with_hint("ALTER TABLE a.b OWNER TO y;")
      .with_upstream({.system = "redshift",
                      .code = "42501",
                      .text = "must be owner of relation b",
                      .request_id = ""})
      .in("table public.b");
  EXPECT_EQ(error_text(error, "run_01"),
            "Error RS-OWNER: table a.b belongs to user x.\n"
            "  In: table public.b\n"
            "  Redshift answered: must be owner of relation b (42501)\n"
            "  Fix: ALTER TABLE a.b OWNER TO y;\n"
            "  More: vesto help RS-OWNER     run: run_01\n");
  EXPECT_EQ(error_text(Error(ErrorCode::kCfgNoObject, "is it \"a\"?")),
            "Error CFG-NO-OBJECT: is it \"a\"?\n"
            "  Fix: Check the name; vesto config show lists what is defined.\n"
            "  More: vesto help CFG-NO-OBJECT\n");
}

TEST(TerminalTest, AnswersAreToldOnce) {
  Error error(ErrorCode::kPgConnect, "connecting to h: connection refused (08001)");
  error.with_upstream(
      {.system = "postgres", .code = "08001", .text = "connection  refused", .request_id = ""});
  EXPECT_EQ(error_text(error).find("answered"), std::string::npos);
  EXPECT_EQ(upstream_line("a\n b; detail", "x: a b, and more"), "");
  EXPECT_EQ(upstream_line("a\n\t b", "another thing"), "a b");
  EXPECT_EQ(upstream_line("", "x"), "");
  EXPECT_EQ(upstream_line(std::string(1000, 'y'), "x").size(), kMaxUpstreamBytes + 4);
}

TEST(TerminalTest, OneAndMany) {
  EXPECT_EQ(count_text(1, "row"), "1 row");
  EXPECT_EQ(count_text(0, "row"), "0 rows");
  EXPECT_EQ(count_text(2000, "row"), "2,000 rows");
}

TEST(TerminalTest, PartsThatDoNotFitAreLeftOut) {
  EXPECT_EQ(fit_parts("one  two  three", 15), "one  two  three");
  EXPECT_EQ(fit_parts("one  two  three", 14), "one  two");
  EXPECT_EQ(fit_parts("one  two  three", 8), "one  two");
  EXPECT_EQ(fit_parts("one  two  three", 2), "on");
  EXPECT_EQ(fit_parts("", 2), "");
}

TEST(TerminalTest, MomentsAndAges) {
  EXPECT_EQ(moment_text(kNow - 60'000, kNow), "01:25:56Z");
  EXPECT_EQ(moment_text(kNow - 86'400'000, kNow), "2026-11-21 01:26:56Z");
  EXPECT_EQ(age_text(-5), "0s");
  EXPECT_EQ(age_text(59'999), "59s");
  EXPECT_EQ(age_text(60'000), "1m");
  EXPECT_EQ(age_text(97 * 60'000), "1h 37m");
  EXPECT_EQ(age_text(INT64_C(21) * 86'400'000), "21d");
}

TEST(TerminalTest, TimesComeBack) {
  EXPECT_EQ(parse_utc(format_utc(kNow)), kNow);
  EXPECT_EQ(parse_utc("2026-11-22T01:26:56Z"), kNow - 123);
  EXPECT_EQ(parse_utc("2026-11-22T01:26:56.5Z"), kNow - 123 + 500);
  EXPECT_EQ(parse_utc(""), 0);
  EXPECT_EQ(parse_utc("yesterday"), 0);
}

TEST(TerminalTest, WidthsCountCharactersAndNoColours) {
  EXPECT_EQ(columns_of("\x1b[32m\u2713\x1b[0m ok"), 4u);
  EXPECT_EQ(fit("abcdef", 4), "abcd");
  EXPECT_EQ(fit("abc", 4), "abc");
  EXPECT_EQ(fit("\u2713\u2713\u2713", 2), "\u2713\u2713");
  EXPECT_EQ(fit("\x1b[32m\u2713\x1b[0m ok", 2), "\x1b[32m\u2713\x1b[0m \x1b[0m");
}

TEST(TerminalTest, TablesLineUp) {
  EXPECT_EQ(table_text({{"A", "B"}, {"long", "x"}, {"\u00e4"}}), "A     B\nlong  x\n\u00e4\n");
  EXPECT_EQ(table_text({}), "");
}

TEST(TerminalTest, ShapesSayTheSameInAscii) {
  Terminal terminal;
  terminal.utf8 = false;
  EXPECT_EQ(shape(terminal, Shape::kDone), "+");
  terminal.utf8 = true;
  EXPECT_EQ(shape(terminal, Shape::kDone), "\u2713");
  terminal.color = true;
  EXPECT_EQ(shape(terminal, Shape::kDone), "\x1b[32m\u2713\x1b[0m");
}

}  // namespace
}  // namespace vesto::cli
