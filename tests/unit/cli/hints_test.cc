// What the catalogue tells people to do can be done: the settings and commands that its texts name
// are there.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/error_causes.h"
#include "base/strings.h"
#include "cli/command_list.h"
#include "config/keys.h"

namespace vesto {
namespace {

struct Said {
  std::string name;  // of the code or the cause
  std::string text;
};

std::vector<Said> texts() {
  std::vector<Said> out;
  for (const CatalogEntry& one : error_catalog()) {
    out.push_back({std::string(one.name), std::string(one.hint)});
    out.push_back({std::string(one.name), std::string(one.causes)});
  }
  for (const ErrorCause& one : error_causes()) {
    out.push_back({std::string(one.name), std::string(one.cause)});
    out.push_back({std::string(one.name), std::string(one.hint)});
  }
  return out;
}

// What the groups of `pattern` match in `text`, one after the other.
std::vector<std::string> found(const std::string& text, const std::string& pattern) {
  static std::map<std::string, std::regex> made;
  const std::regex& regex = made.try_emplace(pattern, pattern).first->second;
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    out.push_back((*it)[1].str());
  }
  return out;
}

const std::set<std::string>& settings() {
  static const std::set<std::string> kNames = [] {
    std::set<std::string> names;
    for (const KeySpec& key : config_keys()) {
      if (key.type == KeyType::kLater) continue;
      names.emplace(last_part(key.path));
      for (const std::string& choice : split(key.choices, '|')) names.insert(choice);
    }
    return names;
  }();
  return kNames;
}

// "staging.region": the last part stands below a section of the first one's name.
bool is_setting_of_section(const std::string& text) {
  const size_t dot = text.find('.');
  return std::any_of(config_keys().begin(), config_keys().end(), [&](const KeySpec& key) {
    return key.type != KeyType::kLater && last_part(key.path) == text.substr(dot + 1) &&
           last_part(parent_path(key.path)) == text.substr(0, dot);
  });
}

bool is_section(std::string_view name) {
  return std::any_of(config_keys().begin(), config_keys().end(), [&](const KeySpec& key) {
    return key.type == KeyType::kSection && last_part(key.path) == name;
  });
}

// Of AWS, of databases and of other programs, as they spell them.
const std::set<std::string>& of_others() {
  static const std::set<std::string> kNames = {"authorized_keys",
                                               "credential_process",
                                               "max_connections",
                                               "max_execution_time",
                                               "pg_hba",
                                               "require_ssl",
                                               "source_profile",
                                               "ssh_host_ed25519_key",
                                               "statement_timeout",
                                               "stl_load_errors",
                                               "svv_transactions",
                                               "_vesto_loads",
                                               "_vesto_rejected",
                                               "ssl",
                                               "secret",
                                               "env",
                                               "file"};
  return kNames;
}

// What nobody can raise, lower or set but by a setting.
std::vector<std::string> unknown_names(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string& one : found(text, "\\b([a-z0-9]*_[a-z0-9_]*[a-z0-9])\\b")) {
    if (!settings().contains(one) && !of_others().contains(one)) out.push_back(one);
  }
  for (const std::string& one : found(text, "\\b([a-z]+\\.[a-z_]+)\\b")) {
    const bool ours = is_section(one.substr(0, one.find('.')));
    if (ours && !is_setting_of_section(one) && !is_section(one.substr(one.find('.') + 1))) {
      out.push_back(one);
    }
  }
  for (const std::string& one : found(text, "\\b([a-z_]+) = [\"\\[a-z]")) {
    if (!settings().contains(one) && !of_others().contains(one)) out.push_back(one);
  }
  static const std::set<std::string> kNoNames = {"a",  "again", "all", "and",  "both", "case",
                                                 "in", "it",    "the", "them", "yet"};
  for (const std::string& one :
       found(text, "\\b(?:lower|raise|set|Lower|Raise|Set) ([a-z_.]*[a-z_])\\b")) {
    const std::string name = one.substr(one.rfind('.') + 1);
    if (!settings().contains(name) && !of_others().contains(name) && !kNoNames.contains(name)) {
      out.push_back(one);
    }
  }
  return out;
}

// "vesto destination tset": what stands behind "vesto" and is no command.
std::vector<std::string> unknown_commands(const std::string& text) {
  const std::vector<std::string> names = cli::command_names();
  const std::set<std::string> commands(names.begin(), names.end());
  std::vector<std::string> out;
  for (const std::string& one : found(text, "\\bvesto((?: [a-z][a-z-]*){1,2})")) {
    const std::vector<std::string> words = split(std::string_view(one).substr(1), ' ');
    const bool whole = commands.contains(words[0]);
    const bool grouped = words.size() > 1 && commands.contains(words[0] + " " + words[1]);
    if (!whole && !grouped) out.push_back("vesto" + one);
  }
  return out;
}

TEST(Hints, WhatIsNotThereIsNoticed) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(unknown_names("Wait, or lower connections."), Names{"connections"});
  EXPECT_EQ(unknown_names("Raise limits.connections."),
            (Names{"limits.connections", "limits.connections"}));
  EXPECT_EQ(unknown_names("Name it with tls_ca_bundle."), Names{"tls_ca_bundle"});
  EXPECT_EQ(unknown_names("Say adopted = true."), Names{"adopted"});
  EXPECT_EQ(unknown_names("Set staging.region, or lower limits.readers; kind = \"x\"."), Names{});
  EXPECT_EQ(unknown_commands("vesto destination tset NAME tells"), Names{"vesto destination tset"});
  EXPECT_EQ(unknown_commands("see vesto show RUN; vesto identity show prints it"), Names{});
}

TEST(Hints, SettingsThatAreNamedAreThere) {
  for (const Said& said : texts()) {
    EXPECT_EQ(unknown_names(said.text), std::vector<std::string>())
        << said.name << ": " << said.text;
  }
}

TEST(Hints, CommandsThatAreNamedAreThere) {
  size_t seen = 0;
  for (const Said& said : texts()) {
    EXPECT_EQ(unknown_commands(said.text), std::vector<std::string>()) << said.name;
    seen += found(said.text, "\\bvesto( [a-z-]+)").size();
  }
  EXPECT_GT(seen, 15u);
}

}  // namespace
}  // namespace vesto
