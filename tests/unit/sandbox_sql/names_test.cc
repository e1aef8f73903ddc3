#include "sandbox/sql/names.h"

#include <gtest/gtest.h>

#include <map>

#include "sandbox/sql/token.h"
#include "sandbox/sql/types.h"

namespace vesto::sandbox {
namespace {

TEST(Names, UpToSixtyThreeBytesStay) {
  EXPECT_EQ(short_name(std::string(63, 'a')), std::string(63, 'a'));
  EXPECT_FALSE(is_short_form(std::string(63, 'a')));
}

TEST(Names, LongerNamesGetAShortForm) {
  const std::string full(64, 'a');
  const std::string shorter = short_name(full);
  EXPECT_EQ(shorter.size(), 63U);
  EXPECT_EQ(shorter.substr(0, 41), std::string(40, 'a') + "~");
  EXPECT_TRUE(is_short_form(shorter));
  EXPECT_NE(shorter, short_name(full + "b"));
  EXPECT_EQ(shorter, short_name(full));
}

TEST(Names, ShortFormCutsOnACharacter) {
  std::string full(39, 'a');
  for (int i = 0; i < 20; ++i) full += "\xc3\xa4";
  const std::string shorter = short_name(full);
  EXPECT_EQ(find_invalid_utf8(shorter), std::string_view::npos);
  EXPECT_TRUE(is_short_form(shorter));
}

TEST(Names, CutAtOneHundredTwentySevenBytesOnACharacter) {
  EXPECT_EQ(cut_name(std::string(200, 'a')), std::string(127, 'a'));
  EXPECT_EQ(cut_name(std::string(126, 'a') + "\xc3\xa4"), std::string(126, 'a'));
}

TEST(Names, FoldsAsciiAlone) { EXPECT_EQ(fold_name("A\xc3\x84Z"), "a\xc3\x84z"); }

TEST(Names, RestoresFullNamesInTexts) {
  const std::string full = std::string(60, 'x') + "_orders";
  std::map<std::string, std::string, std::less<>> known = {{short_name(full), full}};
  const auto full_of = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = known.find(name);
    return found == known.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
  EXPECT_EQ(restore_long_names("relation \"" + short_name(full) + "\" does not exist", full_of),
            "relation \"" + full + "\" does not exist");
  const std::string twice = short_name(full) + " " + short_name(full);
  EXPECT_EQ(restore_long_names(twice, full_of), full + " " + full);
  EXPECT_EQ(restore_long_names("a ~ b, no name here", full_of), "a ~ b, no name here");
  EXPECT_EQ(restore_long_names(short_name(full + "2"), full_of), short_name(full + "2"));
}

TEST(Names, QuotesForPostgres) {
  EXPECT_EQ(quote_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_literal("it's"), "'it''s'");
  EXPECT_EQ(quote_literal("a\\b'c"), "E'a\\\\b''c'");
}

TEST(Names, MapperRefusesTheShortForm) {
  NameMapper names(false);
  const auto result = names.map(short_name(std::string(80, 'q')), true);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().sqlstate, "42602");
}

TEST(Names, UsersKeepTheirCaseInQuotes) {
  NameMapper names(false);
  EXPECT_EQ(*names.map_user("IAMR:Role", true), "IAMR:Role");
  EXPECT_EQ(*names.map_user("Bob", false), "bob");
  EXPECT_EQ(*names.map("Bob", true), "bob");
}

TEST(Types, ResultTypes) {
  EXPECT_EQ(redshift_type(3802, -1, -1).oid, 4000U);
  EXPECT_EQ(redshift_type(17, -1, -1).oid, 6551U);
  EXPECT_EQ(redshift_type(23, -1, 4).oid, 23U);
  EXPECT_EQ(redshift_type_name("jsonb"), "super");
}

}  // namespace
}  // namespace vesto::sandbox
