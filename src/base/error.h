// Error: what went wrong, who must act and what to do, under one code of the catalogue.
//
// Every code stands once in base/error_catalog.def, with its title, hint, blame and retry class;
// `vesto help CODE` prints that entry. The same upstream answer gives the same code everywhere.
// No part of an Error may hold a secret: texts from outside pass redact() (base/redact.h) where
// they enter.
#ifndef VESTO_BASE_ERROR_H_
#define VESTO_BASE_ERROR_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

enum class Blame { kConfig, kCustomer, kSource, kDestination, kNetwork, kAws, kVesto };

// never: repeating cannot help. now: once more at once. backoff: later, by itself.
// after_fix: somebody must change something first.
enum class Retry { kNever, kNow, kBackoff, kAfterFix };

enum class ErrorCode {
#define VESTO_ERROR(id, name, title, hint, blame, retry, causes) id,
#include "base/error_catalog.def"
#undef VESTO_ERROR
};

struct CatalogEntry {
  ErrorCode code;
  std::string_view name;   // RS-OWNER
  std::string_view title;  // shown in lists
  std::string_view hint;   // what to do, where the error itself says nothing more exact
  Blame blame;
  Retry retry;
  std::string_view causes;  // in order of frequency, one a line
};

// All entries, in the order of the file.
const std::vector<CatalogEntry>& error_catalog();
const CatalogEntry& catalog_entry(ErrorCode code);
// The entry with this name (upper or lower case), or nullptr.
const CatalogEntry* find_catalog_entry(std::string_view name);

std::string_view blame_name(Blame blame);  // "customer"
std::string_view retry_name(Retry retry);  // "after_fix"

// One known cause of an error (base/error_causes.h).
struct ErrorCause;

// What the other side said, as received (redacted).
struct Upstream {
  std::string system;  // "redshift", "s3", "postgres", "sqlite", "os"
  std::string code;    // SQLSTATE, HTTP status and S3 code, errno name
  std::string text;
  std::string request_id;  // AWS request id, where there is one
};

class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  Error& with_hint(std::string hint) &;
  Error&& with_hint(std::string hint) &&;
  Error& with_upstream(Upstream upstream) &;
  Error&& with_upstream(Upstream upstream) &&;
  // Says what most likely lies behind it; what to do then comes from the cause, unless the error
  // has a hint of its own. nullptr adds nothing.
  Error& because(const ErrorCause* cause) &;
  Error&& because(const ErrorCause* cause) &&;
  // Whose turn it is, where it is not whom the code names.
  Error& blamed_on(Blame blame) &;
  Error&& blamed_on(Blame blame) &&;
  // Says where: "table public.orders", "part 3". Outermost last; "" adds nothing, nor does what was
  // said last.
  Error& in(std::string where) &;
  Error&& in(std::string where) &&;

  [[nodiscard]] ErrorCode code() const { return code_; }
  [[nodiscard]] std::string_view name() const { return catalog_entry(code_).name; }
  [[nodiscard]] const std::string& message() const { return message_; }
  // What most likely lies behind it; nullptr where nothing more is known than the code says.
  [[nodiscard]] const ErrorCause* cause() const { return cause_; }
  // The error's own hint, or else its cause's, or else the catalogue's.
  [[nodiscard]] std::string hint() const;
  [[nodiscard]] Blame blame() const { return blame_.value_or(catalog_entry(code_).blame); }
  [[nodiscard]] Retry retry() const { return catalog_entry(code_).retry; }
  [[nodiscard]] const Upstream& upstream() const { return upstream_; }
  [[nodiscard]] const std::vector<std::string>& context() const { return context_; }

  // "RS-OWNER: table x belongs to y (in table public.orders)" on one line, for logs.
  [[nodiscard]] std::string to_string() const;

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
  const ErrorCause* cause_ = nullptr;
  std::optional<Blame> blame_;
  Upstream upstream_;
  std::vector<std::string> context_;
};

}  // namespace vesto

#endif  // VESTO_BASE_ERROR_H_
