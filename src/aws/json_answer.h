// JSON from outside (answers, tokens, key files, printed keys): bounded in size and depth, and read
// by its named fields only. Pure; any thread.
#ifndef VESTO_AWS_JSON_ANSWER_H_
#define VESTO_AWS_JSON_ANSWER_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace vesto {

// A JSON object of at most 1 MiB, at most 32 levels deep; nothing if the text is anything else.
std::optional<nlohmann::json> parse_json_object(std::string_view text);

// The field as text; nothing if it is missing or no text. The second form moves it out of `object`,
// so that a secret has no second copy.
std::optional<std::string> json_text(const nlohmann::json& object, const char* name);
std::optional<std::string> take_json_text(nlohmann::json& object, const char* name);

// The field as a whole number; nothing if it is missing, has a fraction or does not fit.
std::optional<int64_t> json_int(const nlohmann::json& object, const char* name);

// Text from outside as people may see it: registered secrets and whatever else looks like a token
// or a piece of one become "***", control characters \xNN; without blanks around it, at most
// `max_bytes`.
std::string outside_text(std::string_view text, size_t max_bytes);

}  // namespace vesto

#endif  // VESTO_AWS_JSON_ANSWER_H_
