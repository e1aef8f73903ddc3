// The objects that a test puts: each is in the local store's journal before it is sent, until it
// was removed. So a test also finds what one before it, which was killed, has put below a prefix
// that is no longer this destination's, or under a name that it has no more.
#ifndef VESTO_CHECK_PROBE_OBJECTS_H_
#define VESTO_CHECK_PROBE_OBJECTS_H_

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "check/destination_state.h"

namespace vesto::check {

inline constexpr int kMaxProbePages = 100;  // of a list of what earlier tests left

// Before an object is put, and once it was removed or was not put. A mark that cannot be taken off
// is only told to the log: the object is then removed a second time, which S3 takes.
Status note_object(State& state, const std::string& key);
void strike_object(State& state, const std::string& key);

struct RemovedObjects {
  size_t count = 0;
  bool more = false;    // there is more below our prefix than was looked at
  bool missed = false;  // one that the journal knows could not be removed
  // "s3://BUCKET/KEY" of earlier tests, where this destination may not remove them.
  std::vector<std::string> refused = {};
};

// Our own keys, and what lies there from a test that was killed.
Status remove_objects(State& state, RemovedObjects* removed, const std::stop_token& stop);

}  // namespace vesto::check

#endif  // VESTO_CHECK_PROBE_OBJECTS_H_
