// PostgreSQL's programs as child processes, under an identity that they accept: never root.
//
// As root: the user postgres where the data directory belongs to it or can be reached by it, else
// a user namespace in which root looks like another user (files stay root's outside). As an
// ordinary user: that user.
// Thread rule: from the main thread only. The parent-death signal follows the thread that forked.
#ifndef VESTO_SANDBOX_CLUSTER_PG_PROCESS_H_
#define VESTO_SANDBOX_CLUSTER_PG_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace vesto::sandbox {

struct PgIdentity {
  enum class Kind { kSelf, kUser, kNamespace };
  Kind kind = Kind::kSelf;
  uid_t uid = 0;  // kUser; else the owner of the files
  gid_t gid = 0;
};

// The directory with initdb and postgres: VESTO_PG_BINDIR of the environment, else where Debian
// puts them. A text when they are not there.
Result<Unit, std::string> find_pg_bindir(std::string* dir);

// Who shall run PostgreSQL on `dir`. `dir` exists; an existing cluster's owner decides, else what
// can reach it.
Result<PgIdentity, std::string> choose_identity(const std::string& dir);

// Makes the directory (mode 0700) and gives it to that identity.
Result<Unit, std::string> make_private_dir(const std::string& dir, const PgIdentity& identity);

// Starts a program; argv[0] is its path. Its output goes to `log_file` (appended). It gets SIGINT
// when this thread ends, and leads a session of its own, so that the terminal's Ctrl-C does not
// reach it.
Result<pid_t, std::string> spawn(const std::vector<std::string>& argv, const PgIdentity& identity,
                                 const std::string& log_file);

// Waits for its end. Exit code; 128 + signal.
int wait_for_exit(pid_t pid);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CLUSTER_PG_PROCESS_H_
