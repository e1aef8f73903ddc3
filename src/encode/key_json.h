// A row's key as people and _vesto_rejected see it: {"id":"7","line":"2"}, by the source's names.
//   KeyJson key;
//   for (...) key.add(column.source_name, value);   // nothing = NULL
//   row.key = key.text();
// Pure; any thread.
#ifndef VESTO_ENCODE_KEY_JSON_H_
#define VESTO_ENCODE_KEY_JSON_H_

#include <optional>
#include <string>
#include <string_view>

#include "base/json_text.h"
#include "base/strings.h"

namespace vesto {

// A longer value of a key is kept in part: the row itself is still in the source.
inline constexpr size_t kKeptKeyBytes = 1024;

class KeyJson {
 public:
  void add(std::string_view column, std::optional<std::string_view> value) {
    text_ += (text_.empty() ? "" : ",") + json_quote(column) + ":" +
             (value ? json_quote(cut_utf8(*value, kKeptKeyBytes)) : "null");
  }
  // {} for a stream without a key.
  [[nodiscard]] std::string text() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

}  // namespace vesto

#endif  // VESTO_ENCODE_KEY_JSON_H_
