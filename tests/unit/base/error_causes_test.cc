// The table of known causes: every one can be found, and none hides another.
#include "base/error_causes.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>
#include <vector>

#include "base/strings.h"

namespace vesto {
namespace {

// A text that the cause's own pattern fits.
std::string sample(const ErrorCause& cause) {
  const bool begins = cause.text.starts_with('^');
  std::string out = begins ? "" : "x ";
  for (const std::string& fragment : split(cause.text.substr(begins ? 1 : 0), '|')) {
    out += fragment + " x ";
  }
  return out;
}

TEST(ErrorCauses, NamesAreUniqueAndTextsAreSentences) {
  std::set<std::string_view> names;
  for (const ErrorCause& cause : error_causes()) {
    EXPECT_TRUE(names.insert(cause.name).second) << cause.name;
    EXPECT_TRUE(cause.cause.ends_with('.')) << cause.name;
    EXPECT_TRUE(cause.hint.empty() || cause.hint.find_last_of(".:") != std::string_view::npos);
    EXPECT_EQ(cause_named(cause.name), &cause);
  }
}

TEST(ErrorCauses, EveryPatternIsReachedAndIsInLowerCase) {
  for (const ErrorCause& cause : error_causes()) {
    if (cause.system.empty()) {
      EXPECT_TRUE(cause.upstream_code.empty() && cause.text.empty()) << cause.name;
      continue;
    }
    EXPECT_EQ(cause.text, to_lower_ascii(cause.text)) << cause.name;
    EXPECT_FALSE(cause.upstream_code.empty() && cause.text.empty()) << cause.name;
    const ErrorCause* found = recognise(cause.system, cause.upstream_code, sample(cause));
    ASSERT_NE(found, nullptr) << cause.name;
    EXPECT_EQ(found->name, cause.name) << "hidden by an earlier one";
  }
}

std::string name_of(std::string_view system, std::string_view sqlstate, const std::string& text) {
  const ErrorCause* found = recognise(system, sqlstate, text);
  return found == nullptr ? "" : std::string(found->name);
}

// Values of rows and names of tables that say what a server says.
TEST(ErrorCauses, AQuotedValueIsNoAnswer) {
  struct Case {
    const char* sqlstate;
    const char* before;
    const char* after;
    const char* name;
  };
  const std::vector<Case> cases = {
      {"22P02", "invalid input syntax for integer: \"", "\"", "value-refused"},
      {"22001", "value too long for type character varying(3); \"", "\"", "value-too-long-state"},
      {"22007", "invalid input syntax for type timestamp: \"", "\"; hint: '", "value-refused"},
      {"23505", "duplicate key value violates unique constraint; Key (v)=(", ") already exists.",
       "constraint-refused"},
      {"23502", "null value in column \"", "\" violates not-null constraint", "null-refused-state"},
      {"42501", "permission denied for relation ", "", "no-table-right"},
      {"42501", "permission denied for schema ", "", "no-schema-right"},
      {"42501", "must be owner of relation ", "", "not-the-owner"},
      {"42501", "permission denied for language ", "", "no-right"},
      {"42P01", "relation \"", "\" does not exist", "table-missing"},
      {"42703", "column \"", "\" does not exist in t", "column-missing"},
      {"42601", "syntax error at or near \"", "\"", ""},
      {"42601", "unterminated quoted string at or near \"'", "", ""},
      {"XX000", "Load into table '", "' failed.  Check 'stl_load_errors' system table for details.",
       "copy-load-errors"},
  };
  std::vector<std::string> hostile = {
      "Disk Full",        "a \" disk full \" b", "it's disk full", "permission denied for database",
      "temporary tables", "must be owner of",    "1023",           "stl_load_errors",
      "for relation"};
  for (const ErrorCause& cause : error_causes()) {
    if (cause.system == "redshift" && cause.upstream_code.empty()) hostile.push_back(sample(cause));
  }
  for (const Case& one : cases) {
    for (const std::string& value : hostile) {
      EXPECT_EQ(name_of("redshift", one.sqlstate, one.before + value + one.after), one.name)
          << value;
    }
  }
  for (const std::string& value : hostile) {
    EXPECT_EQ(name_of("postgres", "42501", "permission denied for table " + value), "pg-no-right");
    EXPECT_EQ(name_of("postgres", "42501", "permission denied for table row-level security"),
              "pg-no-right");
    EXPECT_EQ(name_of("postgres", "22012", "division by zero: " + value), "pg-value");
  }
}

TEST(ErrorCauses, ATextOfTheServersOwnIsSeenInTheseClassesToo) {
  EXPECT_EQ(name_of("redshift", "42601", "cannot drop sortkey column \"disk full\""),
            "sort-key-column");
  EXPECT_EQ(name_of("redshift", "42P16", "tables can have at most 1600 columns"),
            "too-many-columns");
  EXPECT_EQ(name_of("redshift", "42704", "user \"must be owner of\" does not exist"),
            "user-missing");
  EXPECT_EQ(name_of("redshift", "42809",
                    "cannot alter column \"c\" of relation \"t\" with encode type \"bytedict\""),
            "column-encoding-state");
  EXPECT_EQ(name_of("redshift", "42501", "User \"u\" does not have ASSUMEROLE permission on r"),
            "no-assumerole");
  // Another class: the whole text counts.
  EXPECT_EQ(name_of("redshift", "XX000", "error: \"Disk Full\""), "disk-full");
  EXPECT_EQ(name_of("redshift", "", "ERROR: must be owner of relation t"), "not-the-owner-text");
}

TEST(ErrorCauses, WhatNobodyKnowsHasNoCause) {
  EXPECT_EQ(recognise("redshift", "XX000", "something new"), nullptr);
  EXPECT_EQ(recognise("nobody", "", "private-address"), nullptr);
  EXPECT_EQ(recognise("", "", ""), nullptr);
}

TEST(ErrorCauses, ALastingOneWaitsForAPerson) {
  Error error(ErrorCode::kSshForward, "no way");
  EXPECT_EQ(retry_of(error), Retry::kBackoff);
  error.because(recognise("ssh-forward", "2", "connection refused"));
  EXPECT_EQ(retry_of(error), Retry::kBackoff);
  error.because(recognise("ssh-forward", "1", "open failed"));
  EXPECT_EQ(retry_of(error), Retry::kAfterFix);
}

TEST(ErrorCauses, ItsHintStandsUntilTheErrorHasOneOfItsOwn) {
  const ErrorCause* cause = cause_named("private-address");
  Error error(cause->code, "no answer");
  EXPECT_EQ(error.hint(), catalog_entry(cause->code).hint);
  error.because(nullptr).because(cause);
  EXPECT_EQ(error.hint(), cause->hint);
  EXPECT_EQ(error.cause(), cause);
  error.with_hint("Do this.");
  EXPECT_EQ(error.hint(), "Do this.");
}

}  // namespace
}  // namespace vesto
