// What is known of a destination that is being made: from flags, a file, a draft, or answers. Each
// value is kept as it is understood. No secret is in it: only where secrets are.
// Thread rule: plain values; one thread at a time.
#ifndef VESTO_CLI_ADD_ANSWERS_H_
#define VESTO_CLI_ADD_ANSWERS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "address/warehouse_endpoint.h"
#include "base/result.h"
#include "cli/add/flags.h"
#include "config/config.h"
#include "config/tree.h"

namespace vesto::cli {

constexpr size_t kMaxAnswerBytes = 4096;

// Values of a setting.
TomlValue text_value(std::string text);
TomlValue integer_value(int64_t integer);
TomlValue boolean_value(bool boolean);

struct MissingAnswer {
  std::string flag;  // "--schema"
  std::string what;  // "schema of the target tables"
};

class Answers {
 public:
  // config_file: paths are written as seen from it.
  Answers(std::string name, std::string config_file);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool has(std::string_view setting) const;
  [[nodiscard]] std::string text(std::string_view setting) const;  // "" where it is no text
  void set_text(std::string_view setting, std::string text);
  // { kind = "name" }
  void set_reference(std::string_view setting, std::string_view kind, const std::string& name);
  void drop(std::string_view setting);

  // Takes one value; what was understood as a sentence, or "". Errors: CFG-VALUE; then all is as
  // before.
  Result<std::string> take(const AddFlag& flag, const std::string& text);
  // The table of a destination, as in the configuration; paths in it count from `dir`.
  // Errors, with file and line: CFG-VALUE: a setting of a kind that no destination has, an endpoint
  // or a bucket that is none.
  Status take_table(const TomlValue& table, const std::string& dir);
  // Values of a draft as they are. Errors: CFG-VALUE: one of another kind than a draft has.
  Status take_draft(const TomlValue& table);

  // All that is known until now is of a draft.
  void begin_with_draft();
  // Leaves out, with a note for each, what a draft told and what has no meaning for the login or
  // the identity that is wanted by now. Without a draft nothing.
  void drop_misfits();

  [[nodiscard]] std::string method() const;    // iam_role, password
  [[nodiscard]] std::string identity() const;  // google, aws, access_key
  [[nodiscard]] WarehouseEndpoint endpoint() const;
  // What the kit needs of it before there is a warehouse: kind, region, name (a usual one where
  // none is known), database, tunnel, staging. The rest is not filled in.
  [[nodiscard]] DestinationConfig sketch() const;
  // The sealed secrets that it names, and that of its tunnel's own key; sorted.
  [[nodiscard]] std::vector<std::string> secret_names() const;
  // The ARN of the role that the kit makes, where the account is known; else "".
  [[nodiscard]] std::string usual_role() const;
  [[nodiscard]] std::string usual_warehouse() const;  // "vesto-acme": what the kit makes
  // "vesto-acme-7f3a", another one each time; of an external id as well.
  [[nodiscard]] std::string fresh_audience() const;
  [[nodiscard]] bool without_external_id() const;  // somebody said "none"
  // Somebody has said that the warehouse is dialled without an SSH server.
  [[nodiscard]] bool goes_directly() const;
  void go_directly();

  // What has a usual value and was not given: role, audience, prefix, create_schema.
  void fill_defaults();
  [[nodiscard]] std::vector<MissingAnswer> missing() const;
  [[nodiscard]] std::vector<std::string> missing_flags() const;
  // Errors: CFG-VALUE: region or account are others than the endpoint tells; both are named.
  [[nodiscard]] Status agree() const;
  // What was left out of a pasted text, as sentences; and doubts.
  [[nodiscard]] std::vector<std::string> notes() const;
  [[nodiscard]] const std::vector<std::string>& taken_notes() const { return notes_; }
  void note(std::string text) { notes_.push_back(std::move(text)); }

  // The tables for the configuration. Errors: CFG-VALUE: the database has no form there.
  [[nodiscard]] Result<std::string> toml() const;
  // Where the setting on this line of toml() was read; the table for a line that is none of a
  // setting. No file: nowhere, or by a flag.
  [[nodiscard]] Origin origin_of_line(int line) const;
  // All that is known, complete or not.
  [[nodiscard]] std::string draft_toml() const;
  // {"kind":"redshift",...} by path.
  [[nodiscard]] std::string settings_json() const;
  // Each setting that is known, by path, and its value as TOML has it.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> known() const;

 private:
  using Settings = std::map<std::string, TomlValue, std::less<>>;

  Result<std::string> understand(const AddFlag& flag, const std::string& given);
  Result<std::string> take_endpoint(const std::string& text);
  Result<std::string> take_none(const AddFlag& flag);
  [[nodiscard]] bool is_old(std::string_view setting) const;
  void leave_out(std::string_view setting, std::string_view why);
  void follow_what_is_said();
  void drop_name_of_other_kind();
  [[nodiscard]] std::string serverless_login() const;
  void note_what_goes(const WarehouseEndpoint& parsed);
  Status take_staging(const TomlValue& staging);
  Result<std::string> take_bucket(const std::string& text);
  Result<std::string> take_warehouse_value(const AddFlag& flag, const std::string& text);
  Result<std::string> take_host(const AddFlag& flag, const std::string& text);
  Result<std::string> take_plain(const AddFlag& flag, const std::string& text);
  Result<std::string> take_typed(const AddFlag& flag, const std::string& text);
  void put(std::string_view setting, TomlValue value);
  [[nodiscard]] Result<Settings> final_settings() const;
  [[nodiscard]] std::string path_for_config(const std::string& path, const std::string& dir) const;
  [[nodiscard]] std::string tables_text(const Settings& settings) const;

  std::string name_;
  std::string config_file_;
  Settings settings_;
  bool of_draft_ = false;
  std::set<std::string, std::less<>> fresh_;  // said since the draft was read
  std::string draft_kind_;                    // as the draft told it
  std::vector<std::string> notes_;
  // Of an endpoint that was taken now: an ARN tells them without a host.
  std::string told_region_;
  std::string told_account_;
  Origin table_origin_;  // of the last table that was taken
};

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_ANSWERS_H_
