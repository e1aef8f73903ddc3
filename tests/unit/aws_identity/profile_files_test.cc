// The profile files and the words of a command line.
#include "aws/profile_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "aws/shell_words.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

ProfileSections good_ini(const std::string& text) {
  auto sections = parse_ini(text, "f");
  EXPECT_TRUE(sections.ok()) << sections.error().to_string();
  return sections.ok() ? *sections : ProfileSections{};
}

TEST(Ini, SectionsKeysComments) {
  const auto sections = good_ini(
      "\xEF\xBB\xBF# comment\r\n; another\r\n[a b]\r\nKEY = v # stays\r\nother:x=y\r\n"
      "empty =\r\n\n[c]\n  one = 1\n  two = 2\n  # comment\n  three=3");
  EXPECT_EQ(sections,
            (ProfileSections{{"a b", {{"key", "v # stays"}, {"other", "x=y"}, {"empty", ""}}},
                             {"c", {{"one", "1"}, {"two", "2"}, {"three", "3"}}}}));
}

TEST(Ini, NestedLinesAreDropped) {
  const auto sections = good_ini(
      "[a]\ns3 =\n    addressing_style = path\n\n    [no section]\n    word\nregion = r\n");
  EXPECT_EQ(sections, (ProfileSections{{"a", {{"s3", ""}, {"region", "r"}}}}));
}

TEST(Ini, BrokenOnesNameTheLineAndNothingOfIt) {
  struct Case {
    std::string text, line;
  };
  const Case cases[] = {{"hunter2 = x\n[a]\n", "line 1 of"},
                        {"[a]\nhunter2\n", "line 2 of"},
                        {"[a]\n\n= hunter2\n", "line 3 of"},
                        {"[a\nx=hunter2\n", "line 1 of"},
                        {"[]\n", "line 1 of"},
                        {"[a]\nk=1\n[b]\n[a]\n", "line 4 of"},
                        {"[a]\nk=1\nK=hunter2\n", "line 3 of"}};
  for (const Case& c : cases) {
    const auto sections = parse_ini(c.text, "the-file");
    ASSERT_EQ(code_of(sections), ErrorCode::kAwsProfile) << c.text;
    EXPECT_NE(sections.error().message().find(c.line + " the-file"), std::string::npos)
        << sections.error().message();
    EXPECT_EQ(all_of(sections.error()).find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(code_of(parse_ini(std::string("[a]\n\0=1", 7), "f")), ErrorCode::kAwsProfile);
  EXPECT_TRUE(good_ini("").empty());
}

class ProfileFilesTest : public IdentityTest {};

TEST_F(ProfileFilesTest, NamesOfSections) {
  write(".aws/config",
        "[default]\nregion = r0\n[profile one]\nregion = r1\nrole_arn = x\n"
        "[profile \"two words\"]\nregion = r2\n[one]\nregion = no\n[sso-session s]\na = b\n"
        "[profile a b]\nc = d\n[profile \"open]\nc = d\n");
  write(".aws/credentials", "[one]\nregion = wins\naws_access_key_id = k\n[profile x]\na = b\n");
  const auto files = read_profile_files(environment());
  ASSERT_TRUE(files.ok()) << files.error().to_string();
  EXPECT_EQ(files->names(), (std::vector<std::string>{"default", "one", "profile x", "two words"}));
  EXPECT_EQ(files->find("one"),
            (ProfileKeys{{"region", "wins"}, {"role_arn", "x"}, {"aws_access_key_id", "k"}}));
  EXPECT_FALSE(files->find("s"));
}

TEST_F(ProfileFilesTest, DefaultInTwoForms) {
  write(".aws/config", "[profile default]\nregion = long\n[default]\nregion = short\n");
  EXPECT_EQ(read_profile_files(environment())->find("default")->at("region"), "long");
}

TEST_F(ProfileFilesTest, Places) {
  write("c/config", "[default]\nregion = c\n");
  write("k", "[default]\naws_access_key_id = k\n");
  values_["AWS_CONFIG_FILE"] = "~/c/config";
  values_["AWS_SHARED_CREDENTIALS_FILE"] = dir_ + "/k";
  EXPECT_EQ(read_profile_files(environment())->find("default")->size(), 2U);
  values_.erase("HOME");
  values_.erase("AWS_SHARED_CREDENTIALS_FILE");
  const auto none = read_profile_files(environment());
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->names().empty());
  EXPECT_NE(none->where().find("HOME"), std::string::npos);
}

TEST_F(ProfileFilesTest, BadFiles) {
  write(".aws/config", "[a]\n" + std::string(1 << 20, '#'));
  EXPECT_EQ(code_of(read_profile_files(environment())), ErrorCode::kAwsProfile);
  values_["AWS_CONFIG_FILE"] = dir_;
  EXPECT_EQ(code_of(read_profile_files(environment())), ErrorCode::kAwsProfile);
  values_["AWS_CONFIG_FILE"] = "/dev/null";
  EXPECT_TRUE(read_profile_files(environment()).ok());
  values_["AWS_CONFIG_FILE"] = "/dev/zero";
  EXPECT_EQ(code_of(read_profile_files(environment())), ErrorCode::kAwsProfile);
}

TEST(ShellWords, AsAShellSplits) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split_shell_words("  a  b\tc\n"), (Words{"a", "b", "c"}));
  EXPECT_EQ(split_shell_words(R"("C d"/e 'x "y" \z' "" a\ b "q\"\\\n")"),
            (Words{"C d/e", R"(x "y" \z)", "", "a b", R"(q"\\n)"}));
  EXPECT_EQ(split_shell_words("a;rm $X `y` # z"), (Words{"a;rm", "$X", "`y`", "#", "z"}));
  EXPECT_EQ(split_shell_words(""), Words{});
  for (const char* bad : {"'", "a \"b", "a\\", "'a\\'b'"})
    EXPECT_FALSE(split_shell_words(bad)) << bad;
}

}  // namespace
}  // namespace vesto
