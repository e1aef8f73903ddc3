// What each check needs in any kind of set-up, read off the graphs themselves. They are made for
// this and never run: making one asks nobody, opens nothing and writes nothing.
// Any thread.
#ifndef VESTO_CHECK_CHECK_NEEDS_H_
#define VESTO_CHECK_CHECK_NEEDS_H_

#include <string>
#include <vector>

namespace vesto {

struct CheckNeeds {
  std::string id;                  // "redshift.temp"
  std::vector<std::string> needs;  // each once
};

// Every check of `doctor`, of destinations and of sources, each once.
std::vector<CheckNeeds> needs_in_any_set_up();

}  // namespace vesto

#endif  // VESTO_CHECK_CHECK_NEEDS_H_
