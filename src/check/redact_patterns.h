// Names that can be told by their form alone: ARNs, account numbers, addresses, key ids, ...
// Forms: AWS General Reference (ARNs), IAM User Guide "Unique identifiers" (AKIA, ASIA, AROA, ...),
// RFC 4291 (IPv6). Pure; any thread.
#ifndef VESTO_CHECK_REDACT_PATTERNS_H_
#define VESTO_CHECK_REDACT_PATTERNS_H_

#include <cstddef>
#include <string_view>

namespace vesto::check {

struct PatternMatch {
  size_t size = 0;  // 0: nothing begins here
  std::string_view kind = {};
};

// The longest of them that begins at text[at].
PatternMatch match_pattern(std::string_view text, size_t at);

// Letters of ASCII, digits, "_" and every byte above ASCII: what a word is made of.
bool is_word_byte(char c);

// Whether `word` is an everyday word of our own texts: of the catalogue of errors and its causes,
// or one that messages and SQL use. Case counts.
bool is_common_word(std::string_view word);
// Whether `text` occurs anywhere in them, in any case.
bool is_in_our_texts(std::string_view text);

}  // namespace vesto::check

#endif  // VESTO_CHECK_REDACT_PATTERNS_H_
