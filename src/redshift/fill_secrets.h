// The last step before a statement is sent: secrets take the place of their placeholders.
#ifndef VESTO_REDSHIFT_FILL_SECRETS_H_
#define VESTO_REDSHIFT_FILL_SECRETS_H_

#include <map>
#include <string>
#include <string_view>

#include "base/redact.h"
#include "base/result.h"

namespace vesto {

// `sql` with each literal '{{SECRET:name}}' replaced by the secret's value, escaped for Redshift
// (' and \ doubled). Only where the whole literal is a placeholder and the word before it is
// SECRET_ACCESS_KEY or SESSION_TOKEN: a name or a value from a source that happens to hold such a
// text is sent as it is. Errors: INT-BUG for a name without a secret, and for a NUL byte in the
// result (libpq would cut the statement there). Pure; any thread.
Result<std::string> fill_secrets(std::string_view sql,
                                 const std::map<std::string, Secret>& secrets);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_FILL_SECRETS_H_
