#include "base/error_causes.h"

#include <algorithm>

#include "base/check.h"
#include "base/strings.h"

namespace vesto {

namespace {

bool holds_all(std::string_view text, std::string_view fragments) {
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
  for (const ErrorCause& cause : error_causes()) {
    if (cause.system.empty() || cause.system != system) continue;
    if (upstream_code.starts_with(cause.upstream_code) && holds_all(lower, cause.text)) {
      return &cause;
    }
  }
  return nullptr;
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
