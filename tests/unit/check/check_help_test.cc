#include "check/check_help.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "check/check_needs.h"

namespace vesto {
namespace {

using Ids = std::set<std::string>;

Ids needs_of(std::string_view id) {
  const CheckHelp* help = find_check_help(id);
  if (help == nullptr) return {"no such check"};
  return {help->needs.begin(), help->needs.end()};
}

TEST(CheckHelp, EveryCheckOfAnyGraphIsTold) {
  Ids graphs;
  for (const CheckNeeds& check : needs_in_any_set_up()) {
    EXPECT_TRUE(graphs.insert(check.id).second) << check.id << " stands there twice";
  }
  Ids told;
  for (const CheckHelp& help : all_check_help()) {
    EXPECT_TRUE(told.insert(std::string(help.id)).second) << help.id << " stands there twice";
  }
  EXPECT_EQ(told, graphs);
}

TEST(CheckHelp, NeedsAreThoseOfAllSetUps) {
  EXPECT_EQ(needs_of("host.disk"), Ids{});
  EXPECT_EQ(needs_of("clean_up"), Ids{});
  EXPECT_EQ(needs_of("net.tcp"), Ids{"net.dns"});
  EXPECT_EQ(needs_of("net.dns"), (Ids{"secret.readable", "redshift.status"}));
  EXPECT_EQ(needs_of("net.tls"), (Ids{"net.tcp", "ssh.forward"}));
  EXPECT_EQ(needs_of("aws.assume_role"), (Ids{"gcp.token", "aws.key", "host.clock"}));
  EXPECT_EQ(needs_of("s3.bucket"), (Ids{"aws.assume_role", "aws.key"}));
  EXPECT_EQ(needs_of("source.login"),
            (Ids{"net.tcp", "net.tls", "ssh.forward", "secret.readable"}));
}

TEST(CheckHelp, WhatACheckNeedsIsACheck) {
  for (const CheckHelp& help : all_check_help()) {
    for (const std::string& need : help.needs) {
      EXPECT_NE(find_check_help(need), nullptr) << help.id << " needs " << need;
    }
  }
  EXPECT_EQ(find_check_help("redshift.tmep"), nullptr);
}

}  // namespace
}  // namespace vesto
