#include "base/error.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "base/error_causes.h"

namespace vesto {

namespace internal {
void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "vesto: broken assumption at %s:%d: %s\n", file, line, condition);
  std::abort();
}
}  // namespace internal

const std::vector<CatalogEntry>& error_catalog() {
  static const std::vector<CatalogEntry> kEntries = {
#define VESTO_ERROR(id, name, title, hint, blame, retry, causes) \
  {ErrorCode::id, name, title, hint, Blame::blame, Retry::retry, causes},
#include "base/error_catalog.def"
#undef VESTO_ERROR
  };
  return kEntries;
}

const CatalogEntry& catalog_entry(ErrorCode code) {
  const auto index = static_cast<size_t>(code);
  VESTO_CHECK(index < error_catalog().size());
  return error_catalog()[index];
}

const CatalogEntry* find_catalog_entry(std::string_view name) {
  const auto same = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) ==
           std::toupper(static_cast<unsigned char>(b));
  };
  for (const CatalogEntry& entry : error_catalog()) {
    if (std::equal(entry.name.begin(), entry.name.end(), name.begin(), name.end(), same)) {
      return &entry;
    }
  }
  return nullptr;
}

std::string_view blame_name(Blame blame) {
  switch (blame) {
    case Blame::kConfig:
      return "config";
    case Blame::kCustomer:
      return "customer";
    case Blame::kSource:
      return "source";
    case Blame::kDestination:
      return "destination";
    case Blame::kNetwork:
      return "network";
    case Blame::kAws:
      return "aws";
    case Blame::kVesto:
      return "vesto";
  }
  VESTO_CHECK(false);
}

std::string_view retry_name(Retry retry) {
  switch (retry) {
    case Retry::kNever:
      return "never";
    case Retry::kNow:
      return "now";
    case Retry::kBackoff:
      return "backoff";
    case Retry::kAfterFix:
      return "after_fix";
  }
  VESTO_CHECK(false);
}

Error& Error::with_hint(std::string hint) & {
  hint_ = std::move(hint);
  return *this;
}
Error&& Error::with_hint(std::string hint) && { return std::move(with_hint(std::move(hint))); }
Error& Error::with_upstream(Upstream upstream) & {
  upstream_ = std::move(upstream);
  return *this;
}
Error&& Error::with_upstream(Upstream upstream) && {
  return std::move(with_upstream(std::move(upstream)));
}
Error& Error::because(const ErrorCause* cause) & {
  if (cause != nullptr) cause_ = cause;
  return *this;
}
Error&& Error::because(const ErrorCause* cause) && { return std::move(because(cause)); }
Error& Error::blamed_on(Blame blame) & {
  blame_ = blame;
  return *this;
}
Error&& Error::blamed_on(Blame blame) && { return std::move(blamed_on(blame)); }
Error& Error::in(std::string where) & {
  const bool said = !context_.empty() && context_.back() == where;
  if (!where.empty() && !said) context_.push_back(std::move(where));
  return *this;
}
Error&& Error::in(std::string where) && { return std::move(in(std::move(where))); }

std::string Error::hint() const {
  if (!hint_.empty()) return hint_;
  if (cause_ != nullptr && !cause_->hint.empty()) return std::string(cause_->hint);
  return std::string(catalog_entry(code_).hint);
}

std::string Error::to_string() const {
  std::string out(name());
  out += ": ";
  out += message_;
  for (const std::string& where : context_) {
    out += " (in " + where + ")";
  }
  if (!upstream_.text.empty()) {
    out += " [" + upstream_.system + " " + upstream_.code + ": " + upstream_.text + "]";
  }
  return out;
}

}  // namespace vesto
