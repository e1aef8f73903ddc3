// VESTO_CHECK(condition): stops the program, in every build, when a programmer's assumption is
// broken. Input of any kind must never be able to reach one; bad input is an Error.
#ifndef VESTO_BASE_CHECK_H_
#define VESTO_BASE_CHECK_H_

namespace vesto::internal {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}  // namespace vesto::internal

#define VESTO_CHECK(condition)                                         \
  do {                                                                 \
    if (!(condition)) {                                                \
      ::vesto::internal::check_failed(__FILE__, __LINE__, #condition); \
    }                                                                  \
  } while (false)

#endif  // VESTO_BASE_CHECK_H_
