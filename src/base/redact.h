// Secrets: kept in a type that wipes itself, and taken out of every text that leaves the program.
//
// A Secret registers its value; redact() replaces every registered value by "***". Errors, logs
// and kept SQL pass redact() where a text enters from outside, so no output has to remember it.
// Thread rule: redact() and Secret's constructors may be called from any thread.
#ifndef VESTO_BASE_REDACT_H_
#define VESTO_BASE_REDACT_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace vesto {

class Secret {
 public:
  Secret() = default;
  // Takes the value over and wipes the string that it came in: a short one would leave its bytes
  // in the string that was moved from.
  explicit Secret(std::string&& value);
  // Copies; the caller's string stays as it is.
  explicit Secret(const std::string& value);
  // The clear text: only for the last step before it goes to the other side.
  [[nodiscard]] const std::string& reveal() const;
  [[nodiscard]] bool empty() const { return reveal().empty(); }

 private:
  struct Holder;
  std::shared_ptr<const Holder> holder_;
};

// Overwrites all that the string has room for, and empties it.
void wipe(std::string* text);

// A string that is wiped when it goes. For clear text on its way into a Secret. What it outgrows
// is not wiped: reserve first.
class WipedString {
 public:
  WipedString() = default;
  explicit WipedString(std::string&& value) : text(std::move(value)) { wipe(&value); }
  ~WipedString() { wipe(&text); }
  WipedString(const WipedString&) = delete;
  WipedString& operator=(const WipedString&) = delete;

  std::string text;
};

// `text` with every live secret of four or more characters replaced by "***", also in its
// URL-encoded form and with quotes doubled.
std::string redact(std::string_view text);

}  // namespace vesto

#endif  // VESTO_BASE_REDACT_H_
