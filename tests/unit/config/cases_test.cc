// One test for each file of cases/: its last lines say what is wrong with it.
//
// Warnings stand behind the rest, as "#! 3:1 warning CFG-VALUE: ...".
//
//   #! 3:1 CFG-UNKNOWN-KEY: "hots" is not a setting of source.shop; did you mean "host"?
//
// UPDATE_GOLDEN=1 rewrites them; then read the difference.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "config/config.h"

namespace vesto {
namespace {

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> case_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(VESTO_CONFIG_CASES)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class CasesTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CasesTest, SaysWhatIsWrong) {
  const std::string text = read(GetParam());
  std::vector<std::string> expected;
  std::string rest;
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("#! ")) {
      expected.push_back(line);
    } else {
      rest += line + "\n";
    }
  }
  while (rest.ends_with("\n\n")) rest.pop_back();
  const LoadedConfig loaded = load_config_text(text, "case.toml");
  std::vector<std::string> found;
  std::vector<ConfigIssue> all = loaded.issues;
  all.insert(all.end(), loaded.warnings.begin(), loaded.warnings.end());
  for (const ConfigIssue& issue : all) {
    found.push_back(fmt::format("#! {}:{} {}{}: {}{}", issue.origin.line, issue.origin.column,
                                issue.warning ? "warning " : "", catalog_entry(issue.code).name,
                                issue.message, issue.excerpt.empty() ? "" : " | " + issue.excerpt));
    EXPECT_EQ(issue.origin.file, "case.toml");
  }
  if (std::getenv("UPDATE_GOLDEN") != nullptr && found != expected) {
    std::ofstream out(GetParam(), std::ios::binary);
    out << rest << join(found, "\n") << (found.empty() ? "" : "\n");
  } else {
    EXPECT_EQ(join(found, "\n"), join(expected, "\n"));
  }
  // No case may give its secret away, however wrong the file is.
  for (const ConfigIssue& issue : all) {
    EXPECT_EQ((issue.message + issue.hint + issue.excerpt).find("hunter2"), std::string::npos);
  }
}

std::string name_of(const ::testing::TestParamInfo<std::string>& info) {
  return std::filesystem::path(info.param).stem().string();
}

INSTANTIATE_TEST_SUITE_P(Files, CasesTest, ::testing::ValuesIn(case_files()), name_of);

}  // namespace
}  // namespace vesto
