// Keeps the memory of this process to itself: secrets are in it.
#ifndef VESTO_BASE_HARDENING_H_
#define VESTO_BASE_HARDENING_H_

namespace vesto {

// No core file, now or later (RLIMIT_CORE 0, also as the hard limit; programs that are started
// inherit it), and no other process of the same user may attach to this one or read its memory,
// its environment or its maps (PR_SET_DUMPABLE 0; proc(5), ptrace(2)). root still may.
// Both are needed: a limit of 0 does not hold up a core that goes to a program (a pipe in
// core_pattern, core(5)).
// Call once, before the first secret is read and before threads are made. True: both are in force.
bool forbid_memory_dumps();

}  // namespace vesto

#endif  // VESTO_BASE_HARDENING_H_
