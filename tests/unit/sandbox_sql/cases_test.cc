// Registers every case of cases/*.sqltest as a test of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "sqltest.h"

namespace vesto::sandbox {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

// Keys that may occur several times; all of a statement's lines are compared, in order.
bool is_list(const std::string& key) {
  return key == "pg" || key == "copy" || key == "notice" || key == "long";
}

std::vector<Facts> by_statement(const Facts& facts) {
  std::vector<Facts> out(1);
  for (const auto& fact : facts) {
    if (fact.first == "next") {
      out.emplace_back();
    } else {
      out.back().push_back(fact);
    }
  }
  return out;
}

std::vector<std::string> values(const Facts& facts, const std::string& key) {
  std::vector<std::string> out;
  for (const auto& [name, value] : facts) {
    if (name == key) out.push_back(value);
  }
  return out;
}

std::string printed(const Facts& facts) {
  std::string out;
  for (const auto& [key, value] : facts) out += "\n  " + key + ": " + value;
  return out;
}

class CaseTest : public testing::Test {
 public:
  explicit CaseTest(SqlCase test) : test_(std::move(test)) {}

  void TestBody() override {
    const Facts actual = describe(test_);
    SCOPED_TRACE(test_.file + ":" + std::to_string(test_.line) + "\n" + test_.text + "\ngives" +
                 printed(actual));
    const std::vector<Facts> wanted = by_statement(test_.expected);
    const std::vector<Facts> got = by_statement(actual);
    ASSERT_EQ(wanted.size(), got.size()) << "number of statements";
    for (size_t i = 0; i < wanted.size(); ++i) compare(wanted[i], got[i]);
  }

 private:
  static void compare(const Facts& wanted, const Facts& got) {
    std::set<std::string> keys;
    for (const auto& [key, value] : wanted) keys.insert(key);
    for (const std::string& key : keys) {
      const auto expected = values(wanted, key);
      const auto actual = values(got, key);
      // `pg:` and `copy:` alone say that there is none.
      if (is_list(key) && expected.size() == 1 && expected[0].empty()) {
        EXPECT_TRUE(actual.empty()) << key;
      } else if (expected.size() == 1 && expected[0].empty() && actual.empty()) {
        continue;
      } else {
        EXPECT_EQ(expected, actual) << key;
      }
    }
  }

  SqlCase test_;
};

std::string identifier(const std::string& text) {
  std::string out;
  for (const char c : text) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return out;
}

int register_cases() {
  int count = 0;
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(cases_folder())) {
    if (entry.path().extension() == ".sqltest") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    const std::string suite = identifier(std::filesystem::path(path).stem().string());
    for (const SqlCase& test : read_cases(path)) {
      testing::RegisterTest(suite.c_str(), identifier(test.name).c_str(), nullptr, nullptr,
                            test.file.c_str(), test.line,
                            [test]() -> testing::Test* { return new CaseTest(test); });
      ++count;
    }
  }
  return count;
}

const int kRegistered = register_cases();

TEST(CaseFiles, HoldManyCases) { EXPECT_GE(kRegistered, 200); }

}  // namespace
}  // namespace vesto::sandbox
