#include "config/build_sync.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "config/section.h"
#include "config/values.h"
#include "schema/names.h"
#include "schema/table_name.h"
#include "schema/unrepresentable.h"

namespace vesto {

namespace {

using Kind = TomlValue::Kind;

class SyncBuilder {
 public:
  explicit SyncBuilder(std::vector<ConfigIssue>* issues) : issues_(issues) {}

  SyncConfig sync(const TomlValue::Member& object) {
    const Section section(&object.value, "sync.*");
    SyncConfig out{.name = object.name,
                   .origin = object.value.origin,
                   .source = section.text("source"),
                   .source_origin = section.origin("source"),
                   .destination = section.text("destination"),
                   .destination_origin = section.origin("destination"),
                   .max_rejected_rows = section.integer("max_rejected_rows"),
                   .tables = {}};
    const TomlValue* tables = section.find("table");
    if (tables == nullptr || tables->kind != Kind::kArray) return out;
    for (const TomlValue& item : tables->items) {
      if (item.kind == Kind::kTable) out.tables.push_back(table(item, section, out.name));
    }
    return out;
  }

 private:
  void add(ErrorCode code, const Origin& origin, std::string message, std::string hint) {
    issues_->push_back(
        {.code = code, .origin = origin, .message = std::move(message), .hint = std::move(hint)});
  }

  TableConfig table(const TomlValue& item, const Section& of_sync, const std::string& sync_name) {
    const Section section(&item, "sync.*.table[]");
    TableConfig out;
    const auto own_or_sync = [&](std::string_view name) {
      return section.has(name) ? section.text(name) : of_sync.text(name);
    };
    out.on_new_column = own_or_sync("on_new_column");
    out.on_type_change = own_or_sync("on_type_change");
    out.origin = item.origin;
    out.name = section.text("name");
    out.mode = section.text("mode");
    out.key = section.texts("key");
    out.cursor = section.text("cursor");
    out.exclude = section.texts("exclude");
    out.adopt = section.boolean("adopt");
    out.filter = section.text("filter");
    out.query = section.text("query");
    out.cursor_is_immutable = section.boolean("cursor_is_immutable");
    out.distkey = section.text("distkey");
    out.sortkey = section.texts("sortkey");
    out.encode = section.choices("encode");
    out.on_unrepresentable = section.choices("on_unrepresentable");
    if (const TomlValue* lookback = section.find("lookback")) {
      if (lookback->kind == Kind::kInteger) out.lookback_units = lookback->integer;
      if (lookback->kind == Kind::kString) out.lookback_ms = parse_duration_ms(lookback->text);
    }
    const std::string shown = fmt::format("sync.{}, table {}", sync_name, cut_utf8(out.name, 200));
    target(section, shown, &out);
    check_table(section, shown, out);
    return out;
  }

  void target(const Section& section, const std::string& shown, TableConfig* out) {
    if (out->name.empty()) return;
    std::string own_name;
    if (section.has("query")) {
      if (!is_query_name(out->name)) {
        return add(ErrorCode::kCfgValue, section.origin("name"),
                   fmt::format("{}: a query's name is one word", shown),
                   "Write letters, digits, _ and - only, at most 63.");
      }
      own_name = out->name;
    } else {
      const std::optional<TableName> name = parse_table_name(out->name);
      if (!name) {
        return add(ErrorCode::kCfgValue, section.origin("name"),
                   fmt::format("{}: the name needs a schema and a table", shown),
                   "Write \"public.orders\"; a name that holds a dot in double quotes.");
      }
      out->pattern = is_table_pattern(out->name);
      if (out->pattern) return pattern(section, shown);
      own_name = name->table;
    }
    out->target = section.has("target") ? to_lower_ascii(section.text("target"))
                                        : target_table_name(own_name);
    if (out->target.empty() && section.has("target")) return;  // lint has said so
    if (out->target.size() > 127) {
      add(ErrorCode::kCfgValue, section.origin("target"),
          fmt::format("{}: the target's name is longer than 127 bytes", shown),
          "Give a shorter one with target = \"...\".");
    } else if (out->target.starts_with("_vesto_")) {
      add(ErrorCode::kCfgValue, section.origin("target"),
          fmt::format("{}: names that begin with _vesto_ belong to Vesto", shown),
          "Give another one with target = \"...\".");
    }
  }

  // What a pattern stands for is known to each run alone.
  void pattern(const Section& section, const std::string& shown) {
    for (const char* name : {"target", "key", "distkey", "sortkey", "encode", "adopt"}) {
      // "adopt = false" is the default, which config show prints.
      const bool given =
          std::string_view(name) == "adopt" ? section.boolean(name) : section.has(name);
      if (!given) continue;
      add(ErrorCode::kCfgValue, section.origin(name),
          fmt::format("{}: {} is of one table, and the name is a pattern", shown, name),
          "Give that table an entry of its own: the pattern then leaves it out.");
    }
  }

  void check_table(const Section& section, const std::string& shown, const TableConfig& table) {
    const auto value_issue = [&](std::string_view name, std::string_view what,
                                 std::string_view hint) {
      add(ErrorCode::kCfgValue, section.origin(name), fmt::format("{}: {}", shown, what),
          std::string(hint));
    };
    if (section.has("lookback") && !section.has("cursor")) {
      value_issue("lookback", "lookback needs a cursor", "Add cursor, or remove lookback.");
    }
    if (table.mode == "replace" && section.has("cursor")) {
      value_issue("cursor", "replace reads the whole table, so it has no cursor",
                  "Remove cursor, or use mode = \"upsert\".");
    }
    if (table.mode == "append" && table.on_new_column == "add_and_backfill") {
      value_issue("mode", "append cannot read all rows again, as add_and_backfill says",
                  "Set on_new_column = \"add\" for this table.");
    }
    if (table.mode == "append" && !section.has("cursor")) {
      value_issue("mode", "append needs a cursor, or each run would add all rows again",
                  "Add cursor, or use mode = \"upsert\" or \"replace\".");
    }
    if (table.cursor_is_immutable && table.mode != "append") {
      value_issue("cursor_is_immutable", "cursor_is_immutable is for append",
                  "Use mode = \"append\", or remove the line.");
    }
    for (const auto& [column, policy] : table.on_unrepresentable) {
      if (table.mode != "append" || column != table.cursor) continue;
      if (policy != "null" && policy != "text") continue;
      value_issue("on_unrepresentable",
                  fmt::format("\"{}\" is the cursor of append, by which rows are found again: it "
                              "must hold what the source holds",
                              cut_utf8(column, 100)),
                  "Use reject or stop for it.");
    }
    if (table.cursor_is_immutable && table.lookback_units) {
      value_issue("lookback", "a cursor that is immutable is a time, so lookback is a duration",
                  "Write it like \"1m\", or remove the line.");
    }
    if (section.has("query") && section.has("filter")) {
      value_issue("filter", "a query has no filter beside it", "Put it into the query's WHERE.");
    }
    for (const auto& [column, policy] : table.on_unrepresentable) {
      const bool in_key = std::find(table.key.begin(), table.key.end(), column) != table.key.end();
      if (puts_null_into_key(unrepresentable_named(policy), in_key)) {
        value_issue("on_unrepresentable",
                    null_in_key_text(fmt::format("\"{}\"", cut_utf8(column, 100))),
                    null_in_key_hint());
      }
    }
    for (const std::string& column : table.exclude) {
      const bool in_key = std::find(table.key.begin(), table.key.end(), column) != table.key.end();
      if (in_key || column == table.cursor) {
        value_issue("exclude",
                    fmt::format("\"{}\" is {} and cannot be left out", cut_utf8(column, 100),
                                in_key ? "in the key" : "the cursor"),
                    "Remove it from exclude.");
      }
    }
  }

  std::vector<ConfigIssue>* issues_;
};

}  // namespace

SyncConfig build_sync(const TomlValue::Member& object, std::vector<ConfigIssue>* issues) {
  return SyncBuilder(issues).sync(object);
}

}  // namespace vesto
