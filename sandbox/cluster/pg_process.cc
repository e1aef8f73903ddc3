#include "sandbox/cluster/pg_process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vesto::sandbox {

namespace {

bool write_file(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const size_t size = std::strlen(text);
  const bool done = ::write(fd, text, size) == static_cast<ssize_t>(size);
  ::close(fd);
  return done;
}

// 65534 is nobody: a user that is not in passwd is refused by initdb.
bool enter_namespace() {
  return ::unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", "65534 0 1") &&
         write_file("/proc/self/gid_map", "65534 0 1");
}

// In the child, single-threaded.
bool take_identity(const PgIdentity& identity) {
  switch (identity.kind) {
    case PgIdentity::Kind::kSelf:
      return true;
    case PgIdentity::Kind::kUser:
      return ::setgroups(0, nullptr) == 0 &&
             ::setresgid(identity.gid, identity.gid, identity.gid) == 0 &&
             ::setresuid(identity.uid, identity.uid, identity.uid) == 0;
    case PgIdentity::Kind::kNamespace:
      return enter_namespace();
  }
  return false;
}

// Whether `identity` can be taken and can then work in `dir`.
bool identity_reaches(const PgIdentity& identity, const std::string& dir) {
  const pid_t pid = ::fork();
  if (pid < 0) return false;
  if (pid == 0) {
    const bool good = take_identity(identity) && ::chdir(dir.c_str()) == 0;
    ::_exit(good ? 0 : 1);
  }
  return wait_for_exit(pid) == 0;
}

[[noreturn]] void run_child(std::vector<char*>* argv, const PgIdentity& identity, int log_fd,
                            int error_fd) {
  ::setsid();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  const pid_t parent = ::getppid();
  bool good = take_identity(identity);
  // After the change of identity, which clears it.
  good = good && ::prctl(PR_SET_PDEATHSIG, SIGINT) == 0 && ::getppid() == parent;
  const int null_fd = ::open("/dev/null", O_RDONLY);
  good = good && null_fd >= 0 && ::dup2(null_fd, 0) == 0 && ::dup2(log_fd, 1) == 1 &&
         ::dup2(log_fd, 2) == 2;
  // Locale and PG* variables of the caller must not reach the cluster.
  char* const environment[] = {const_cast<char*>("PATH=/usr/bin:/bin"),
                               const_cast<char*>("LC_ALL=C.UTF-8"), nullptr};
  if (good) ::execve((*argv)[0], argv->data(), environment);
  const int reason = errno;
  const ssize_t ignored = ::write(error_fd, &reason, sizeof(reason));
  ::_exit(ignored > 0 ? 126 : 127);
}

}  // namespace

Result<Unit, std::string> find_pg_bindir(std::string* dir) {
  const char* given = std::getenv("VESTO_PG_BINDIR");
  *dir = given != nullptr && *given != '\0' ? given : VESTO_PG_BINDIR;
  if (::access((*dir + "/postgres").c_str(), X_OK) == 0 &&
      ::access((*dir + "/initdb").c_str(), X_OK) == 0) {
    return Unit{};
  }
  return "PostgreSQL 15 is not installed: no initdb and postgres in " + *dir +
         " (Debian: apt-get install postgresql-15; elsewhere set VESTO_PG_BINDIR)";
}

Result<PgIdentity, std::string> choose_identity(const std::string& dir) {
  PgIdentity self;
  self.uid = ::geteuid();
  self.gid = ::getegid();
  if (self.uid != 0) return self;
  PgIdentity in_namespace = self;
  in_namespace.kind = PgIdentity::Kind::kNamespace;
  PgIdentity user = self;
  const passwd* entry = ::getpwnam("postgres");
  if (entry != nullptr) {
    user.kind = PgIdentity::Kind::kUser;
    user.uid = entry->pw_uid;
    user.gid = entry->pw_gid;
  }
  struct stat info {};
  const std::string cluster = dir + "/pg";
  if (::stat(cluster.c_str(), &info) == 0) {
    if (info.st_uid == 0) return in_namespace;
    user.kind = PgIdentity::Kind::kUser;
    user.uid = info.st_uid;
    user.gid = info.st_gid;
    return user;
  }
  if (user.kind == PgIdentity::Kind::kUser && identity_reaches(user, dir)) return user;
  if (identity_reaches(in_namespace, dir)) return in_namespace;
  return std::string("running as root, and neither the user postgres can reach ") + dir +
         " nor can a user namespace be made: use a directory that others may enter, or run as an "
         "ordinary user";
}

Result<Unit, std::string> make_private_dir(const std::string& dir, const PgIdentity& identity) {
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return "cannot make " + dir + ": " + std::strerror(errno);
  }
  if (identity.kind == PgIdentity::Kind::kUser &&
      ::chown(dir.c_str(), identity.uid, identity.gid) != 0) {
    return "cannot give " + dir + " to another user: " + std::strerror(errno);
  }
  return Unit{};
}

Result<pid_t, std::string> spawn(const std::vector<std::string>& argv, const PgIdentity& identity,
                                 const std::string& log_file) {
  const int log_fd = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  int pipe_fds[2];
  if (log_fd < 0 || ::pipe2(pipe_fds, O_CLOEXEC) != 0) {
    if (log_fd >= 0) ::close(log_fd);
    return "cannot write " + log_file + ": " + std::strerror(errno);
  }
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) run_child(&pointers, identity, log_fd, pipe_fds[1]);
  ::close(pipe_fds[1]);
  ::close(log_fd);
  int reason = 0;
  const ssize_t got = pid < 0 ? -1 : ::read(pipe_fds[0], &reason, sizeof(reason));
  ::close(pipe_fds[0]);
  if (pid < 0) return std::string("cannot fork: ") + std::strerror(errno);
  if (got == static_cast<ssize_t>(sizeof(reason))) {
    wait_for_exit(pid);
    return "cannot run " + argv[0] + ": " + std::strerror(reason);
  }
  return pid;
}

int wait_for_exit(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace vesto::sandbox
