// The answers as text: for the configuration, for a draft, as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "address/warehouse_host.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "cli/add/answers.h"
#include "config/edit.h"

namespace vesto::cli {

namespace {

using Kind = TomlValue::Kind;

// In the order of the file; what only a draft has stands below "draft".
constexpr std::array<std::string_view, 4> kTableNames = {"", "auth", "staging", "ssh"};
constexpr std::array<std::string_view, 16> kOrder = {"kind",
                                                     "endpoint",
                                                     "schema",
                                                     "create_schema",
                                                     "auth.method",
                                                     "auth.identity",
                                                     "auth.user",
                                                     "auth.password",
                                                     "auth.region",
                                                     "auth.warehouse",
                                                     "auth.role_arn",
                                                     "auth.audience",
                                                     "auth.access_key_id",
                                                     "auth.secret_access_key",
                                                     "ssh.host",
                                                     "ssh.port"};

// "host:port/database"; an address of IPv6 in brackets.
std::string plain_endpoint(const std::string& host, int64_t port, const std::string& database) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return fmt::format("{}:{}/{}", ipv6 ? "[" + host + "]" : host, port, database);
}

// The endpoint in a form from which the same database is read again; "" if there is none.
std::string endpoint_for(const std::string& host, int64_t port, const std::string& database) {
  const std::string plain = plain_endpoint(host, port, database);
  if (const auto again = parse_warehouse_endpoint(plain);
      again.ok() && again->database == database && again->host == host) {
    return plain;
  }
  std::string quoted = replace_all(replace_all(database, "\\", "\\\\"), "'", "\\'");
  std::string words = fmt::format("host={} port={} dbname='{}'", host, port, quoted);
  const auto again = parse_warehouse_endpoint(words);
  return again.ok() && again->database == database && again->host == host ? words : "";
}

std::string table_of(std::string_view setting) {
  const size_t dot = setting.find('.');
  return dot == std::string_view::npos ? "" : std::string(setting.substr(0, dot));
}

std::string key_of(std::string_view setting) {
  const size_t dot = setting.find('.');
  return std::string(dot == std::string_view::npos ? setting : setting.substr(dot + 1));
}

std::string value_json(const TomlValue& value) {
  switch (value.kind) {
    case Kind::kInteger:
      return std::to_string(value.integer);
    case Kind::kBoolean:
      return value.boolean ? "true" : "false";
    case Kind::kTable: {
      std::vector<std::string> members;
      for (const TomlValue::Member& member : value.members) {
        members.push_back(json_quote(member.name) + ":" + value_json(member.value));
      }
      return "{" + join(members, ",") + "}";
    }
    default:
      return json_quote(value.text);
  }
}

}  // namespace

Result<Answers::Settings> Answers::final_settings() const {
  Settings out;
  for (const auto& [setting, value] : settings_) {
    if (!setting.starts_with("draft.")) out.emplace(setting, value);
  }
  const WarehouseEndpoint known = endpoint();
  const std::string text_form = endpoint_for(known.host, known.port, known.database);
  if (text_form.empty()) {
    return Error(ErrorCode::kCfgValue, fmt::format("the database \"{}\" has no form in an endpoint",
                                                   printable(cut_utf8(known.database, 100), false)))
        .with_hint("Correct --database.");
  }
  out.insert_or_assign("endpoint", text_value(text_form));
  const WarehouseHost host = parse_warehouse_host(known.host);
  if (host.warehouse == known.name) out.erase("auth.warehouse");
  if (host.region == known.region) out.erase("auth.region");
  return out;
}

std::string Answers::tables_text(const Settings& settings) const {
  std::string out;
  for (const std::string_view table : kTableNames) {
    std::vector<std::string> keys;
    for (const auto& one : settings) {
      if (table_of(one.first) == table) keys.push_back(one.first);
    }
    if (keys.empty() && !table.empty()) continue;
    const auto rank = [](const std::string& key) {
      return std::find(kOrder.begin(), kOrder.end(), key) - kOrder.begin();
    };
    std::stable_sort(keys.begin(), keys.end(),
                     [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
    out += fmt::format("{}[destination.{}{}{}]\n", out.empty() ? "" : "\n", name_,
                       table.empty() ? "" : ".", table);
    for (const std::string& key : keys) {
      out += fmt::format("{} = {}\n", key_of(key), toml_value(settings.find(key)->second));
    }
  }
  return out;
}

Result<std::string> Answers::toml() const {
  VESTO_ASSIGN(const Settings settings, final_settings());
  return tables_text(settings);
}

Origin Answers::origin_of_line(int line) const {
  const Result<std::string> text = toml();
  if (!text.ok()) return {};
  const auto parsed = parse_toml(*text, "");
  const auto* tree = std::get_if<TomlValue>(&parsed);
  const TomlValue* all = tree == nullptr ? nullptr : tree->find("destination");
  const TomlValue* own = all == nullptr ? nullptr : all->find(name_);
  if (own == nullptr) return {};
  const auto origin_of = [this](const std::string& setting) {
    const auto found = settings_.find(setting == "endpoint" ? "draft.host" : setting);
    return found == settings_.end() ? Origin{} : found->second.origin;
  };
  for (const TomlValue::Member& member : own->members) {
    if (member.origin.line == line && member.value.kind != Kind::kTable) {
      return origin_of(member.name);
    }
    for (const TomlValue::Member& one : member.value.members) {
      // { env = "PW" } is the setting itself.
      if (one.origin.line == line && has(member.name)) return origin_of(member.name);
      if (one.origin.line == line) return origin_of(member.name + "." + one.name);
    }
  }
  return table_origin_;
}

std::string Answers::draft_toml() const {
  Settings known;
  std::string draft;
  for (const auto& [setting, value] : settings_) {
    if (setting.starts_with("draft.")) {
      draft += fmt::format("{} = {}\n", key_of(setting), toml_value(value));
    } else {
      known.emplace(setting, value);
    }
  }
  return fmt::format("# Draft: vesto destination add {} goes on with it.\n{}\n[draft]\n{}", name_,
                     tables_text(known), draft);
}

std::vector<std::pair<std::string, std::string>> Answers::known() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [setting, value] : settings_) {
    out.emplace_back(setting.starts_with("draft.") ? key_of(setting) : setting, toml_value(value));
  }
  return out;
}

std::string Answers::settings_json() const {
  const Result<Settings> complete = final_settings();
  std::vector<std::string> out;
  for (const auto& [setting, value] : complete.ok() ? *complete : settings_) {
    const std::string shown = setting.starts_with("draft.") ? key_of(setting) : setting;
    out.push_back(json_quote(shown) + ":" + value_json(value));
  }
  return "{" + join(out, ",") + "}";
}

}  // namespace vesto::cli
