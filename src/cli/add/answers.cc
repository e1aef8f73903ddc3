#include "cli/add/answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "address/access_key.h"
#include "address/warehouse_host.h"
#include "base/strings.h"
#include "cli/add/bucket.h"
#include "config/keys.h"

namespace vesto::cli {

namespace {

using Kind = TomlValue::Kind;

// Tables below that of a destination.
constexpr std::array<std::string_view, 3> kTables = {"auth", "staging", "ssh"};

TomlValue reference_value(std::string_view kind, const std::string& name) {
  TomlValue out;
  out.members.push_back({.name = std::string(kind), .origin = {}, .value = text_value(name)});
  return out;
}

// "FILE:LINE:COLUMN: " of what stands in a file; "" of a flag or an answer.
std::string place_of(const Origin& origin) {
  return origin.file.empty() ? "" : origin.text() + ": ";
}

Error at_place(const Origin& origin, std::string_view setting, const Error& error) {
  return Error(error.code(), fmt::format("{}{}: {}", place_of(origin), setting, error.message()))
      .with_hint(error.hint());
}

// A word that somebody answers who does not know: nothing tells it from a host of the own network.
bool is_bare_word(std::string_view text, const WarehouseEndpoint& parsed) {
  const std::string word = to_lower_ascii(trim(text));
  return word == parsed.host && word != "localhost" &&
         word.find_first_of(".:") == std::string::npos;
}

std::string_view kind_word(WarehouseKind kind) {
  if (kind == WarehouseKind::kUnknown) return "";
  return kind == WarehouseKind::kServerless ? "redshift-serverless" : "redshift";
}

Error wrong_kind(const TomlValue& value, std::string_view setting, Kind wanted) {
  return Error(ErrorCode::kCfgValue,
               fmt::format("{}: {} is {}, and must be {}", value.origin.text(), setting,
                           kind_name(value.kind), kind_name(wanted)));
}

bool is_path_setting(std::string_view setting) { return setting.ends_with("tls_ca_file"); }

}  // namespace

TomlValue text_value(std::string text) {
  TomlValue out;
  out.kind = Kind::kString;
  out.text = std::move(text);
  return out;
}

TomlValue integer_value(int64_t integer) {
  TomlValue out;
  out.kind = Kind::kInteger;
  out.integer = integer;
  return out;
}

TomlValue boolean_value(bool boolean) {
  TomlValue out;
  out.kind = Kind::kBoolean;
  out.boolean = boolean;
  return out;
}

Answers::Answers(std::string name, std::string config_file)
    : name_(std::move(name)), config_file_(std::move(config_file)) {}

bool Answers::has(std::string_view setting) const { return settings_.count(setting) != 0; }

std::string Answers::text(std::string_view setting) const {
  const auto found = settings_.find(setting);
  return found == settings_.end() || found->second.kind != Kind::kString ? "" : found->second.text;
}

void Answers::set_text(std::string_view setting, std::string text) {
  settings_.insert_or_assign(std::string(setting), text_value(std::move(text)));
}

void Answers::set_reference(std::string_view setting, std::string_view kind,
                            const std::string& name) {
  settings_.insert_or_assign(std::string(setting), reference_value(kind, name));
}

void Answers::put(std::string_view setting, TomlValue value) {
  settings_.insert_or_assign(std::string(setting), std::move(value));
}

void Answers::drop(std::string_view setting) {
  if (const auto found = settings_.find(setting); found != settings_.end()) settings_.erase(found);
}

std::string Answers::path_for_config(const std::string& path, const std::string& dir) const {
  const std::filesystem::path given(path);
  const std::filesystem::path home = std::filesystem::path(config_file_).parent_path();
  if (given.is_absolute() || home == std::filesystem::path(dir)) return path;
  return std::filesystem::absolute(std::filesystem::path(dir) / given).lexically_normal().string();
}

Status Answers::take_table(const TomlValue& table, const std::string& dir) {
  if (const TomlValue* endpoint = table.find("endpoint")) {
    if (endpoint->kind != Kind::kString) return wrong_kind(*endpoint, "endpoint", Kind::kString);
    const Result<std::string> taken = take_endpoint(endpoint->text);
    if (!taken.ok()) return at_place(endpoint->origin, "endpoint", taken.error());
    for (const char* told : {"draft.host", "draft.port", "draft.database"}) {
      if (has(told)) settings_.find(told)->second.origin = endpoint->origin;
    }
  }
  table_origin_ = table.origin;
  const auto put = [&](const std::string& setting, TomlValue value) -> Status {
    const bool is_reference = value.kind == Kind::kTable && value.members.size() == 1 &&
                              value.members.front().value.kind == Kind::kString;
    const bool plain =
        value.kind == Kind::kString || value.kind == Kind::kInteger || value.kind == Kind::kBoolean;
    if (!plain && !is_reference) {
      return Error(
          ErrorCode::kCfgValue,
          fmt::format("{}: {} is {}, which no setting of a destination is", value.origin.text(),
                      printable(cut_utf8(setting, 200), false), kind_name(value.kind)));
    }
    const KeySpec* spec = find_key("destination.*." + setting);
    if (plain && spec != nullptr && spec->type == KeyType::kSecret) {
      return Error(ErrorCode::kCfgSecretPlain,
                   fmt::format("{}: {} stands there in clear", value.origin.text(), setting));
    }
    if (setting == "auth.access_key_id" && looks_like_secret_key(value.text)) {
      return Error(ErrorCode::kCfgSecretPlain,
                   fmt::format("{}: {} holds what looks like the secret of a key",
                               value.origin.text(), setting));
    }
    if (is_reference && value.members.front().name == "file") {
      value.members.front().value.text = path_for_config(value.members.front().value.text, dir);
    }
    if (is_path_setting(setting)) value.text = path_for_config(value.text, dir);
    settings_.insert_or_assign(setting, std::move(value));
    fresh_.insert(setting);
    return ok_status();
  };
  for (const TomlValue::Member& member : table.members) {
    const bool is_table = std::find(kTables.begin(), kTables.end(), member.name) != kTables.end();
    if (member.name == "endpoint") continue;
    if (!is_table || member.value.kind != Kind::kTable) {
      VESTO_TRY(put(member.name, member.value));
      continue;
    }
    for (const TomlValue::Member& one : member.value.members) {
      VESTO_TRY(put(member.name + "." + one.name, one.value));
    }
  }
  const TomlValue* staging = table.find("staging");
  return staging == nullptr ? ok_status() : take_staging(*staging);
}

// A bucket in a file is understood as --bucket is. What it says besides its name may not be said
// otherwise beside it: nobody could tell which one is meant.
Status Answers::take_staging(const TomlValue& staging) {
  const TomlValue* bucket = staging.find("bucket");
  if (bucket == nullptr || bucket->kind != Kind::kString) return ok_status();
  const Result<PastedBucket> pasted = parse_bucket(bucket->text);
  if (!pasted.ok()) return at_place(bucket->origin, "staging.bucket", pasted.error());
  const auto take = [&](const char* key, const std::string& told) -> Status {
    if (told.empty()) return ok_status();
    const std::string setting = std::string("staging.") + key;
    const TomlValue* said = staging.find(key);
    if (said == nullptr) {
      set_text(setting, told);
    } else if (said->text != told) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("{}{} is \"{}\", but staging.bucket tells \"{}\"",
                               place_of(said->origin), setting,
                               printable(cut_utf8(said->text, 100), false), told))
          .with_hint("Leave one of them out.");
    }
    settings_.find(setting)->second.origin = said == nullptr ? bucket->origin : said->origin;
    return ok_status();
  };
  VESTO_TRY(take("prefix", pasted->prefix));
  VESTO_TRY(take("region", pasted->region));
  set_text("staging.bucket", pasted->bucket);
  settings_.find("staging.bucket")->second.origin = bucket->origin;
  return ok_status();
}

Status Answers::take_draft(const TomlValue& table) {
  for (const TomlValue::Member& member : table.members) {
    const bool said = member.name == "no_external_id" || member.name == "direct";
    if (said && member.value.kind == Kind::kBoolean) {
      settings_.insert_or_assign("draft." + member.name, member.value);
      continue;
    }
    const bool port = member.name == "port";
    if (!port && member.name != "host" && member.name != "database" && member.name != "account") {
      continue;
    }
    const Kind kind = port ? Kind::kInteger : Kind::kString;
    if (member.value.kind != kind) return wrong_kind(member.value, "draft." + member.name, kind);
    if (port && (member.value.integer < 1 || member.value.integer > 65535)) {
      return Error(ErrorCode::kCfgValue, fmt::format("{}: draft.port is no port: 1 to 65535",
                                                     member.value.origin.text()));
    }
    settings_.insert_or_assign("draft." + member.name, member.value);
  }
  return ok_status();
}

Status Answers::agree() const {
  const WarehouseHost host = parse_warehouse_host(text("draft.host"));
  const auto same = [this](std::string_view what, const char* setting,
                           const std::string& told) -> Status {
    const std::string said = text(setting);
    if (said.empty() || told.empty() || said == told) return ok_status();
    return Error(ErrorCode::kCfgValue,
                 fmt::format(
                     "{}the {} is said to be {}, but the endpoint is that of a warehouse in {}",
                     place_of(settings_.find(setting)->second.origin), what, said, told))
        .with_hint(fmt::format("Correct --{} or --endpoint; what the endpoint tells need not be "
                               "said again.",
                               what));
  };
  VESTO_TRY(same("region", "auth.region", host.known() ? host.region : told_region_));
  return same("account", "draft.account", host.account.empty() ? told_account_ : host.account);
}

// --- single values ---

// What was said of the warehouse before, and not by the endpoint that goes.
void Answers::note_what_goes(const WarehouseEndpoint& parsed) {
  const WarehouseHost old = parse_warehouse_host(text("draft.host"));
  const std::string_view old_kind =
      !old.known()
          ? ""
          : kind_word(old.serverless ? WarehouseKind::kServerless : WarehouseKind::kProvisioned);
  const auto note = [this](std::string_view what, const std::string& was, std::string_view of_old,
                           std::string_view now) {
    if (was.empty() || now.empty() || was == now || was == of_old) return;
    notes_.push_back(fmt::format("The {} was said to be {}; the endpoint tells {}, which counts.",
                                 what, was, now));
  };
  note("region", text("auth.region"), old.region, parsed.region);
  note("warehouse", text("auth.warehouse"), old.warehouse, parsed.name);
  note("kind", text("kind"), old_kind, kind_word(parsed.kind));
  note("account", text("draft.account"), old.account, parsed.account);
  if (!has("draft.host")) note("database", text("draft.database"), "", parsed.database);
}

Result<std::string> Answers::take_endpoint(const std::string& text) {
  VESTO_ASSIGN(const WarehouseEndpoint parsed, parse_warehouse_endpoint(text));
  if (is_bare_word(text, parsed)) {
    return Error(ErrorCode::kCfgValue, fmt::format("\"{}\" is no endpoint", parsed.host))
        .with_hint(fmt::format("Paste it as AWS shows it, like "
                               "shop.abc123.eu-west-1.redshift.amazonaws.com:5439/dev. A host of "
                               "one word is written with its port: {}:5439.",
                               parsed.host));
  }
  note_what_goes(parsed);
  // What an earlier endpoint told goes with it; what was said of a warehouse that had none stays
  // where this one does not tell it.
  if (has("draft.host")) {
    for (const char* old : {"draft.host", "draft.port", "draft.database", "draft.account", "kind",
                            "auth.region", "auth.warehouse"}) {
      drop(old);
    }
  }
  told_region_ = parsed.region;
  told_account_ = parsed.account;
  if (!parsed.host.empty()) {
    set_text("draft.host", parsed.host);
    put("draft.port", integer_value(parsed.port));
  }
  if (!parsed.database.empty()) set_text("draft.database", parsed.database);
  if (!parsed.account.empty()) set_text("draft.account", parsed.account);
  if (!parsed.region.empty()) set_text("auth.region", parsed.region);
  if (!parsed.name.empty()) {
    set_text("auth.warehouse", parsed.name);
    fresh_.insert("auth.warehouse");
  }
  if (parsed.kind != WarehouseKind::kUnknown) {
    set_text("kind", std::string(kind_word(parsed.kind)));
  }
  notes_.insert(notes_.end(), parsed.notes.begin(), parsed.notes.end());
  return "Understood: " + describe_warehouse_endpoint(parsed) + ".";
}

Result<std::string> Answers::take_bucket(const std::string& text) {
  VESTO_ASSIGN(const PastedBucket pasted, parse_bucket(text));
  set_text("staging.bucket", pasted.bucket);
  std::string said = "Understood: bucket " + pasted.bucket;
  if (!pasted.prefix.empty()) {
    set_text("staging.prefix", pasted.prefix);
    said += ", prefix " + pasted.prefix;
  }
  if (!pasted.region.empty()) {
    set_text("staging.region", pasted.region);
    said += ", region " + pasted.region;
  }
  return said + ".";
}

}  // namespace vesto::cli
