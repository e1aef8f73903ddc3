// A report for a ticket: every name in it becomes a token ("bucket-1"), the same one wherever the
// name stands. What may be known of the case stays: codes, what was asked, versions, times, ports.
//
//   ReportRedactor redactor;
//   redactor.learn(config);
//   redactor.learn(report);          // the names that the evidence holds
//   const CheckReport clean = redactor.redacted(report);
//
// Names are those of the configuration and of the evidence, those that stand where only a name can
// (in quotes, behind "table"), and what is a name by its form (redact_patterns.h). A name that is a
// word of our own texts ("public", "a") is replaced only where it stands as a name.
// Tokens are numbered by their first use. Names are bounded by the configuration (4 MiB) and by
// what checks tell. Thread rule: one thread at a time.
#ifndef VESTO_CHECK_REDACT_REPORT_H_
#define VESTO_CHECK_REDACT_REPORT_H_

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "check/check.h"
#include "config/config.h"

namespace vesto {

class ReportRedactor {
 public:
  void learn(const Config& config);
  // Also one that is not valid: all its texts, its files.
  void learn(const LoadedConfig& loaded);
  // The evidence, and what the texts of the result name.
  void learn(const CheckResult& result);
  void learn(const CheckReport& report);
  // `kind` is what its tokens are called: "bucket". Texts without a letter or digit are no names.
  void learn_name(std::string_view kind, std::string_view name);
  // The directory and the name of a file.
  void learn_path(std::string_view path);

  // The result learned and redacted. Ids, titles, groups, codes, numbers stay as they are.
  CheckResult redacted(const CheckResult& result);
  // All its results are learned before the first is redacted. `redacted` is set.
  CheckReport redacted(const CheckReport& report);
  // A line of prose, such as a heading.
  std::string text(std::string_view text);

 private:
  enum class Care {
    kAnywhere,  // nothing of ours holds it: replaced also within a word, in any case
    kWord,      // wherever it stands as a whole word
    kAsName,    // a word of ours: only where it stands as a name
  };
  enum class Place { kProse, kValue, kSnippet };
  struct Name {
    std::string kind;
    std::string token_of;  // the name of which this is another spelling
    Care care = Care::kAsName;
  };
  struct Found {
    size_t size = 0;
    std::string kind = {};
    std::string name = {};
  };

  std::string redact(std::string_view text, Place place);
  Error redact(const Error& error);
  [[nodiscard]] Found known_at(const std::string& text, const std::string& lower, size_t at,
                               Place place) const;
  [[nodiscard]] bool fits(const std::string& text, size_t at, size_t size, const Name& name,
                          Place place) const;
  std::string token(const std::string& kind, const std::string& name);
  void put(std::string_view kind, std::string_view spelling, const std::string& name);

  void learn_arn(std::string_view arn);
  void learn_host(std::string_view host);
  void learn_reference(const ValueRef& ref);
  void learn_ssh(const SshConfig& ssh);
  void learn_destination(const DestinationConfig& destination);
  void learn_source(const SourceConfig& source);
  void learn_sync(const SyncConfig& sync);
  void learn_user(std::string_view user);
  void learn_table_name(std::string_view name);
  void learn_place(std::string_view place);
  void learn_tree(const TomlValue& value, std::string_view key);
  void learn_evidence(const Evidence& evidence);
  void learn_quoted(std::string_view text, bool all);
  void learn_behind_nouns(std::string_view text);
  void learn_lists(std::string_view text);

  // By the first byte in lower case, then by spelling.
  std::map<char, std::map<std::string, Name>> names_;
  // What Vesto itself calls things at AWS: the token of the destination within it is enough.
  std::set<std::string, std::less<>> ours_;
  std::map<std::string, std::string> tokens_;  // name -> token
  std::map<std::string, int> counts_;          // kind -> tokens given
};

}  // namespace vesto

#endif  // VESTO_CHECK_REDACT_REPORT_H_
