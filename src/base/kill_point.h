// Named points at which a test may kill or stop this process. The release build holds none of them:
// the macro is empty there.
//
//   VESTO_KILL_POINT("load.after_lock");
//
// VESTO_KILL_AT=name        SIGKILL at the first time the point is reached
// VESTO_KILL_AT=name#3      at the third time
// VESTO_STOP_AT=name        SIGSTOP instead (a zombie that somebody wakes later with SIGCONT)
#ifndef VESTO_BASE_KILL_POINT_H_
#define VESTO_BASE_KILL_POINT_H_

#if defined(VESTO_KILL_POINTS)
namespace vesto::internal {
void kill_point(const char* name);
}  // namespace vesto::internal
#define VESTO_KILL_POINT(name) ::vesto::internal::kill_point(name)
#else
#define VESTO_KILL_POINT(name) \
  do {                         \
  } while (false)
#endif

#endif  // VESTO_BASE_KILL_POINT_H_
