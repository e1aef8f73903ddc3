// A small text file that somebody else writes: tokens, profiles.
#ifndef VESTO_AWS_SMALL_FILE_H_
#define VESTO_AWS_SMALL_FILE_H_

#include <string>

#include "base/result.h"

namespace vesto {

struct SmallFile {
  bool there = false;  // false: no such file
  std::string text = {};
};

// At most `max_bytes`. Never waits: a pipe or device is refused. Error: `code`, with the path and
// the system's reason, never with content. Any thread.
Result<SmallFile> read_small_file(const std::string& path, size_t max_bytes, ErrorCode code);

}  // namespace vesto

#endif  // VESTO_AWS_SMALL_FILE_H_
