#include "base/error_causes.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace vesto {

namespace {

bool holds_all(std::string_view text, std::string_view fragments) {
  if (fragments.starts_with('^')) {
    fragments.remove_prefix(1);
    if (!text.starts_with(fragments.substr(0, fragments.find('|')))) return false;
  }
  for (size_t from = 0; from < fragments.size();) {
    const size_t end = std::min(fragments.find('|', from), fragments.size());
    const std::string_view fragment = fragments.substr(from, end - from);
    const size_t at = text.find(fragment);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + fragment.size());
    from = end + 1;
  }
  return true;
}

// Answers of these classes of SQLSTATE quote what was sent: values of rows, names of tables. Those
// may say anything, "disk full" too.
bool quotes_what_was_sent(std::string_view system, std::string_view sqlstate) {
  const bool database = system.starts_with("redshift") || system == "postgres";
  return database && sqlstate.size() == 5 &&
         (sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate.starts_with("42"));
}

const ErrorCause* find_cause(std::string_view system, std::string_view upstream_code,
                             std::string_view text, bool by_code_only) {
  for (const ErrorCause& cause : error_causes()) {
    if (cause.system.empty() || cause.system != system) continue;
    if (by_code_only && cause.upstream_code.empty()) continue;
    if (upstream_code.starts_with(cause.upstream_code) && holds_all(text, cause.text)) {
      return &cause;
    }
  }
  return nullptr;
}

}  // namespace

const std::vector<ErrorCause>& error_causes() {
  static const std::vector<ErrorCause> kCauses = {
#define VESTO_CAUSE(name, code, system, upstream_code, text, cause, hint) \
  {name, ErrorCode::code, system, upstream_code, text, cause, hint, false},
#define VESTO_LASTING_CAUSE(name, code, system, upstream_code, text, cause, hint) \
  {name, ErrorCode::code, system, upstream_code, text, cause, hint, true},
#include "base/error_causes.def"
#undef VESTO_LASTING_CAUSE
#undef VESTO_CAUSE
  };
  return kCauses;
}

const ErrorCause* recognise(std::string_view system, std::string_view upstream_code,
                            std::string_view text) {
  const std::string lower = to_lower_ascii(text);
  if (!quotes_what_was_sent(system, upstream_code)) {
    return find_cause(system, upstream_code, lower, false);
  }
  const ErrorCause* bound = find_cause(system, upstream_code, lower, true);
  if (bound != nullptr) return bound;
  // What stands before the first quotation mark is the server's own.
  return find_cause(system, upstream_code, lower.substr(0, lower.find_first_of("\"'")), false);
}

Retry retry_of(const Error& error) {
  const bool lasting = error.cause() != nullptr && error.cause()->lasting;
  return lasting ? Retry::kAfterFix : error.retry();
}

const ErrorCause* cause_named(std::string_view name) {
  const auto& all = error_causes();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const ErrorCause& cause) { return cause.name == name; });
  VESTO_CHECK(found != all.end());
  return &*found;
}

}  // namespace vesto
