#include <gtest/gtest.h>
#include <stdlib.h>

#include "cli/command_list.h"
#include "cli/options.h"

namespace vesto::cli {
namespace {

class ParseTest : public ::testing::Test {
 protected:
  ParseTest() {
    for (const char* name : {"VESTO_CONFIG", "VESTO_DATA", "VESTO_JSON", "NO_COLOR"}) {
      unsetenv(name);
    }
  }
  static Options good(const std::vector<std::string>& arguments) {
    const ParsedLine parsed = parse_command_line(arguments);
    EXPECT_TRUE(parsed.options.has_value()) << parsed.err;
    return parsed.options.value_or(Options{});
  }
  static std::string bad(const std::vector<std::string>& arguments) {
    const ParsedLine parsed = parse_command_line(arguments);
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_EQ(parsed.out, "");
    return parsed.err.substr(0, parsed.err.find('\n'));
  }
};

TEST_F(ParseTest, Commands) {
  EXPECT_EQ(good({}).verb, Verb::kOverview);
  EXPECT_EQ(good({"version"}).verb, Verb::kVersion);
  EXPECT_EQ(good({"--version"}).verb, Verb::kVersion);
  EXPECT_EQ(good({"init"}).verb, Verb::kInit);
  EXPECT_EQ(good({"config", "check"}).verb, Verb::kConfigCheck);
  EXPECT_EQ(good({"config", "show", "--origin"}).verb, Verb::kConfigShow);
  EXPECT_EQ(good({"source", "test", "a"}).verb, Verb::kSourceTest);
  EXPECT_EQ(good({"source", "tables", "a"}).verb, Verb::kSourceTables);
  EXPECT_EQ(good({"destination", "endpoint", "a", "b"}).verb, Verb::kDestinationEndpoint);
  EXPECT_EQ(good({"destination", "endpoint", "-"}).names, (std::vector<std::string>{"-"}));
  EXPECT_EQ(good({"destination", "list"}).verb, Verb::kDestinationList);
  EXPECT_EQ(good({"destination", "show", "a"}).verb, Verb::kDestinationShow);
  EXPECT_EQ(good({"sync", "plan", "a"}).verb, Verb::kSyncPlan);
  const Options parity =
      good({"sync", "parity", "a", "--table", "x.y", "--table", "x.z", "--sample", "--repair"});
  EXPECT_EQ(parity.verb, Verb::kSyncParity);
  EXPECT_EQ(parity.tables, (std::vector<std::string>{"x.y", "x.z"}));
  EXPECT_TRUE(parity.sample && parity.repair);
  EXPECT_FALSE(good({"sync", "parity", "a"}).sample);
  EXPECT_EQ(good({"history"}).verb, Verb::kHistory);
  EXPECT_EQ(good({"history"}).limit, 0);
  EXPECT_EQ(good({"show", "run_01"}).name, "run_01");
  EXPECT_EQ(good({"help"}).verb, Verb::kHelp);
  EXPECT_EQ(good({"status", "a", "b"}).names, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ParseTest, RunTakesItsFlagsInAnyOrder) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"run", "shop", "--table", "public.a", "--table", "public.b", "--full-refresh"},
           {"run", "--table", "public.a", "shop", "--full-refresh", "--table=public.b"},
           {"run", "--full-refresh", "--table", "public.a", "--table", "public.b", "shop"}}) {
    const Options options = good(line);
    EXPECT_EQ(options.verb, Verb::kRun);
    EXPECT_EQ(options.name, "shop");
    EXPECT_EQ(options.tables, (std::vector<std::string>{"public.a", "public.b"}));
    EXPECT_TRUE(options.full_refresh);
    EXPECT_FALSE(options.dry_run);
  }
}

TEST_F(ParseTest, GlobalFlagsStandBeforeOrAfterTheCommand) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"--config", "a.toml", "--config", "b.toml", "--data", "d", "--json", "-q", "run", "s"},
           {"run", "--json", "s", "--config", "a.toml", "-q", "--config=b.toml", "--data=d"}}) {
    const Options options = good(line);
    EXPECT_EQ(options.config_files, (std::vector<std::string>{"a.toml", "b.toml"}));
    EXPECT_EQ(options.data_dir, "d");
    EXPECT_TRUE(options.json);
    EXPECT_TRUE(options.quiet);
    EXPECT_EQ(options.name, "s");
  }
}

TEST_F(ParseTest, FlagsWinOverTheEnvironment) {
  setenv("VESTO_CONFIG", "x.toml:y.toml", 1);
  setenv("VESTO_DATA", "env", 1);
  setenv("VESTO_JSON", "1", 1);
  setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(good({"status"}).config_files, (std::vector<std::string>{"x.toml", "y.toml"}));
  EXPECT_EQ(good({"status"}).data_dir, "env");
  EXPECT_TRUE(good({"status"}).json);
  EXPECT_TRUE(good({"status"}).no_color);
  EXPECT_EQ(good({"status", "--config", "z"}).config_files, std::vector<std::string>{"z"});
  EXPECT_EQ(good({"status", "--data", "flag"}).data_dir, "flag");
}

TEST_F(ParseTest, MistakesAreNamedWithAProposal) {
  EXPECT_EQ(bad({"statsu"}), "Error USAGE: \"statsu\" is not a command; did you mean \"status\"?");
  EXPECT_EQ(bad({"run", "s", "--ful-refresh"}),
            "Error USAGE: \"--ful-refresh\" is not a flag of vesto run; did you mean "
            "\"--full-refresh\"?");
  EXPECT_EQ(bad({"status", "--jsno"}),
            "Error USAGE: \"--jsno\" is not a flag of vesto status; did you mean \"--json\"?");
  EXPECT_EQ(bad({"config", "chek"}),
            "Error USAGE: \"chek\" is not a command of vesto config; did you mean \"check\"?");
  EXPECT_EQ(bad({"config"}), "Error USAGE: vesto config needs one of: check, show.");
  EXPECT_EQ(bad({"zzz"}), "Error USAGE: \"zzz\" is not a command.");
  EXPECT_EQ(bad({"run", "a", "b"}), "Error USAGE: \"b\" is one argument too many of vesto run.");
  EXPECT_EQ(bad({"run"}), "Error USAGE: SYNC is required.");
  EXPECT_EQ(bad({"run", "a", "--table"}), "Error USAGE: --table: 1 required NAME missing.");
  EXPECT_NE(bad({"history", "--limit", "0"}), "");
  EXPECT_NE(bad({"history", "--limit", "ten"}), "");
}

TEST_F(ParseTest, EveryCommandHasHelp) {
  for (const std::string& command : command_names()) {
    std::vector<std::string> line;
    size_t start = 0;
    while (start < command.size()) {
      const size_t end = std::min(command.find(' ', start), command.size());
      line.push_back(command.substr(start, end - start));
      start = end + 1;
    }
    line.emplace_back("--help");
    const ParsedLine parsed = parse_command_line(line);
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_code, 0);
    EXPECT_NE(parsed.out.find("Usage: vesto " + command), std::string::npos) << parsed.out;
    EXPECT_TRUE(example_of(command).starts_with("vesto " + command)) << example_of(command);
  }
  EXPECT_EQ(example_of("no such"), "vesto --help");
}

// Each Verb but the overview has its command.
TEST_F(ParseTest, EveryCommandIsListed) {
  EXPECT_EQ(command_names().size(), static_cast<size_t>(Verb::kVersion));
}

}  // namespace
}  // namespace vesto::cli
