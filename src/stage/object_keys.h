// Names of staged objects:
//
//   PREFIX/<installation>/<sync id>/<run>/<nnnn>/<part>.csv.gz      a part; parts count from 1
//   PREFIX/<installation>/<sync id>/<run>/<nnnn>/manifest
//
// nnnn is the number of the stream in the run, since names may hold "/", quotes or 1,000 bytes.
// Pure; any thread.
#ifndef VESTO_STAGE_OBJECT_KEYS_H_
#define VESTO_STAGE_OBJECT_KEYS_H_

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "encode/part_writer.h"

namespace vesto {

// Where one run of one sync puts its objects.
struct StageSpace {
  std::string bucket;
  // "vesto/", "a/b" or "" (address/stage_prefix.h); a "/" at the end counts for nothing.
  std::string prefix;
  InstallationId installation;
  SyncId sync;
  RunId run;
};

// "PREFIX/<installation>/": all that this installation may ever touch.
std::string installation_root(const StageSpace& space);
// "PREFIX/<installation>/<sync id>/<run>/".
std::string run_root(const StageSpace& space);
std::string part_key(const StageSpace& space, int stream, int part, Compression compression);
std::string manifest_key(const StageSpace& space, int stream);

// The one gate before every delete: `key` is one that the installation of `space` made, for any
// sync, run and stream. Its last five segments must have the form above with the own installation
// id, and what stands before them must be the prefix of `space`; an object that the journal holds
// may also stand under a former prefix. Errors: INT-BUG, and nothing is deleted.
enum class KeyOrigin { kListed, kJournalled };
Status check_own_key(const StageSpace& space, std::string_view key, KeyOrigin origin);

// The id below which an own key lies, whichever the prefix; "" where `key` is none.
SyncId sync_of_own_key(const StageSpace& space, std::string_view key);

}  // namespace vesto

#endif  // VESTO_STAGE_OBJECT_KEYS_H_
