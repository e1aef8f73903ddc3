// The exit codes of all commands; unknown ones mean failure. Which one an error has: exit_code_of()
// in sync/run.h.
#ifndef VESTO_CLI_EXIT_CODES_H_
#define VESTO_CLI_EXIT_CODES_H_

namespace vesto::cli {

constexpr int kExitOk = 0;           // done; also "nothing to do"
constexpr int kExitInternal = 1;     // a fault of Vesto
constexpr int kExitUsage = 2;        // wrong flag or argument
constexpr int kExitConfig = 3;       // configuration or store cannot be used; object not found
constexpr int kExitNeedsAction = 4;  // somebody must change something
constexpr int kExitTemporary = 5;    // worth another try
constexpr int kExitPartial = 6;      // finished, some tables failed
constexpr int kExitWarnings = 8;     // only with --strict
constexpr int kExitBusy = 7;         // a run is active, or the store is locked
constexpr int kExitInterrupted = 130;
constexpr int kExitTerminated = 143;

}  // namespace vesto::cli

#endif  // VESTO_CLI_EXIT_CODES_H_
