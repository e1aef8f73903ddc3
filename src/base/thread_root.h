// The border between a thread and what it runs: no exception passes a thread's root, where it would
// end the process without a word.
//
//   std::jthread thread([&] {
//     name_thread("load");
//     if (Status ended = thread_root([&] { work(); }); !ended.ok()) give_up(ended.error());
//   });
//
// Thread rule: runs `work` in the calling thread.
#ifndef VESTO_BASE_THREAD_ROOT_H_
#define VESTO_BASE_THREAD_ROOT_H_

#include <pthread.h>

#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/redact.h"
#include "base/result.h"

namespace vesto {

// What a debugger, a profiler and /proc show the calling thread as. `role` has at most 15 bytes;
// a longer one is not taken.
inline void name_thread(const char* role) noexcept { pthread_setname_np(pthread_self(), role); }

// Runs `work`, a function without a result or with a Status, and gives that. Errors: SYS-MEMORY for
// std::bad_alloc, INT-BUG for anything else that is thrown.
template <typename Work>
Status thread_root(Work&& work) noexcept {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return ok_status();
    } else {
      return std::forward<Work>(work)();
    }
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kSysMemory, "no memory is left");
  } catch (const std::exception& caught) {
    return Error(ErrorCode::kInternal, "a thread ended by: " + redact(caught.what()));
  } catch (...) {
    return Error(ErrorCode::kInternal, "a thread ended by an unknown exception");
  }
}

}  // namespace vesto

#endif  // VESTO_BASE_THREAD_ROOT_H_
