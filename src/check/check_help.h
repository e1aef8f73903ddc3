// What each check is, for people: what it asks, what it needs, what it turns red with, and which
// part of the kit mends it. What one destination needs may be less: destination test NAME --list.
// Constant; any thread.
#ifndef VESTO_CHECK_CHECK_HELP_H_
#define VESTO_CHECK_CHECK_HELP_H_

#include <string>
#include <string_view>
#include <vector>

namespace vesto {

struct CheckHelp {
  std::string_view id;             // "redshift.temp"
  std::string_view asks;           // a sentence
  std::vector<std::string> needs;  // ids, of all kinds of set-up (check_needs.h)
  std::string_view codes;          // of the catalogue, with blanks between, the usual ones first
  std::string_view kit;            // ids of parts, with blanks between; "" where no part mends it
};

// In the order of a test.
const std::vector<CheckHelp>& all_check_help();
// nullptr: there is no such check.
const CheckHelp* find_check_help(std::string_view id);

}  // namespace vesto

#endif  // VESTO_CHECK_CHECK_HELP_H_
