// Percent-encoding and query strings as S3 and SigV4 understand them. Pure; any thread.
#ifndef VESTO_SANDBOX_S3_URI_H_
#define VESTO_SANDBOX_S3_URI_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vesto::sandbox {

// Unreserved characters stay, every other byte becomes %XX; '/' stays if `keep_slash`.
std::string percent_encode(std::string_view text, bool keep_slash);

// Nothing where a '%' is not followed by two hexadecimal digits. `plus_is_blank`: as in forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_blank);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;  // decoded, in order

// "a=1&b" gives {a,1},{b,""}; at most 256 parameters. Nothing where it cannot be decoded.
std::optional<QueryParameters> parse_query(std::string_view query);

// The first value of that name, or nullptr.
const std::string* find_parameter(const QueryParameters& query, std::string_view name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_URI_H_
