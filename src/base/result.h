// Result<T>: a value or an error, never an exception.
//
//   Result<int> parse(std::string_view text);
//   Status run() {
//     VESTO_ASSIGN(const int n, parse("12"));   // returns the error to the caller
//     VESTO_TRY(store(n));                      // the same for a Status
//     return ok_status();
//   }
//
// An error is handled once: wrapped and returned, or decided upon (retry, skip, fail the run).
// Thread rule: a Result is a plain value; it belongs to one thread at a time.
#ifndef VESTO_BASE_RESULT_H_
#define VESTO_BASE_RESULT_H_

#include <optional>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace vesto {

struct Unit {};

// E defaults to the catalogue's Error. The sandbox uses an error of its own (SQLSTATE and text).
template <typename T, typename E = Error>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point of the class.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] const T& value() const& {
    VESTO_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T& value() & {
    VESTO_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    VESTO_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] const E& error() const& {
    VESTO_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] E& error() & {
    VESTO_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] E&& error() && {
    VESTO_CHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, E> state_;
};

using Status = Result<Unit>;
inline Status ok_status() { return Unit{}; }

}  // namespace vesto

#define VESTO_CONCAT_INNER(a, b) a##b
#define VESTO_CONCAT(a, b) VESTO_CONCAT_INNER(a, b)

// Evaluates `expr` (a Result) and returns its error, if it has one.
#define VESTO_TRY(expr)                           \
  do {                                            \
    auto vesto_try_result = (expr);               \
    if (!vesto_try_result.ok()) {                 \
      return std::move(vesto_try_result).error(); \
    }                                             \
  } while (false)

#define VESTO_ASSIGN_IMPL(tmp, decl, expr) \
  auto tmp = (expr);                       \
  if (!tmp.ok()) {                         \
    return std::move(tmp).error();         \
  }                                        \
  decl = std::move(tmp).value()

// VESTO_ASSIGN(auto x, f()): x is the value of f(), or the function returns f()'s error.
#define VESTO_ASSIGN(decl, expr) \
  VESTO_ASSIGN_IMPL(VESTO_CONCAT(vesto_assign_, __LINE__), decl, expr)

#endif  // VESTO_BASE_RESULT_H_
