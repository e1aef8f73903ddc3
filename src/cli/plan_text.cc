#include "cli/plan_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/exit_codes.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

// What sync/identity.cc puts in the place of keys that are not asked for yet.
constexpr std::string_view kTemporary = "<temporary>";

std::string blocked_lines(const Error& error, std::string_view indent) {
  return fmt::format("{0}! blocked   {1} {2}\n{0}  Fix: {3}\n", indent, error.name(),
                     printable(error.message(), false), printable(error.hint(), false));
}

std::string change_line(const SyncPlan::Table& table) {
  if (table.change == "create") return "+ create table   " + table.change_text;
  if (table.change == "alter") return "~ alter table   " + table.change_text;
  return "= the table stays as it is";
}

std::string table_lines(const SyncPlan::Table& table, const Terminal& terminal) {
  constexpr std::string_view kIndent = "      ";
  std::string line =
      fmt::format("  {} {} {}", table.name, terminal.utf8 ? "\u2192" : "->", table.target);
  if (table.change.empty() && table.error) {  // it cannot even be read
    return line + "\n" + blocked_lines(*table.error, kIndent);
  }
  line += fmt::format("   {}, {}", table.mode, table.full ? "reads all" : "reads what is new");
  if (table.estimated_rows >= 0) {
    line += fmt::format(", about {}", count_text(table.estimated_rows, "row"));
  }
  if (table.estimated_bytes > 0) {
    line += fmt::format(", {}", format_bytes(static_cast<uint64_t>(table.estimated_bytes)));
  }
  line += "\n";
  if (!table.full && !table.from_text.empty()) {
    line += fmt::format("{}from {}\n", kIndent, cut_utf8(table.from_text, 200));
  }
  line += table.error ? blocked_lines(*table.error, kIndent)
                      : fmt::format("{}{}\n", kIndent, change_line(table));
  for (const std::string& note : table.notes) line += fmt::format("{}{}\n", kIndent, note);
  return line;
}

}  // namespace

std::string plan_text(const SyncPlan& plan, const SyncSpec& spec, const Terminal& terminal) {
  std::string out = fmt::format("Plan for {} {} {} (nothing was changed)\n", spec.name,
                                terminal.utf8 ? "\u2192" : "->", spec.destination_name);
  if (plan.error) {
    out += blocked_lines(*plan.error, "  ");
  } else if (plan.makes_schema) {
    out += fmt::format("  + create schema {}\n", spec.schema);
  }
  for (const SyncPlan::Table& table : plan.tables) out += table_lines(table, terminal);
  for (const std::string& warning : plan.warnings) out += fmt::format("Warning: {}\n", warning);
  if (plan_exit_code(plan) == kExitOk) {
    out += fmt::format("Next:  vesto run {}      --sql prints every statement\n", spec.name);
  } else {
    const auto blocked = std::count_if(plan.tables.begin(), plan.tables.end(),
                                       [](const SyncPlan::Table& table) { return table.error; });
    out += plan.error ? "The run would fail.\n"
                      : fmt::format("The run would fail for {} of {}.\n", blocked,
                                    count_text(static_cast<int64_t>(plan.tables.size()), "table"));
  }
  return printable(out, true);
}

std::string plan_json(const SyncPlan& plan, const std::string& sync) {
  const auto quoted = [](const std::vector<std::string>& texts) {
    std::vector<std::string> out;
    for (const std::string& text : texts) out.push_back(json_quote(text));
    return "[" + join(out, ",") + "]";
  };
  std::vector<std::string> tables;
  for (const SyncPlan::Table& table : plan.tables) {
    std::string item =
        fmt::format(R"({{"table":{},"target":{},"mode":{},"full":{},"from_position":{},"from":{},)"
                    R"("estimated_rows":{},"estimated_bytes":{},"notes":{})",
                    json_quote(table.name), json_quote(table.target), json_quote(table.mode),
                    table.full, json_quote(table.from_position), json_quote(table.from_text),
                    table.estimated_rows, table.estimated_bytes, quoted(table.notes));
    if (!table.change.empty()) {
      item += fmt::format(R"(,"change":{},"change_text":{})", json_quote(table.change),
                          json_quote(table.change_text));
    }
    if (table.error) item += ",\"error\":" + error_json(*table.error);
    tables.push_back(item + "}");
  }
  std::string out = fmt::format(
      R"({{"schema":"vesto.plan/1","sync":{},"exit_code":{},"creates_schema":{},"tables":[{}],)"
      R"("warnings":{},"sql":{})",
      json_quote(sync), plan_exit_code(plan), plan.makes_schema, join(tables, ","),
      quoted(plan.warnings), quoted(plan.sql));
  if (plan.error) out += ",\"error\":" + error_json(*plan.error);
  return out + "}\n";
}

std::string plan_sql(const SyncPlan& plan) {
  std::string out;
  const auto has_keys = [](const std::string& sql) { return sql.find(kTemporary) != sql.npos; };
  if (std::any_of(plan.sql.begin(), plan.sql.end(), has_keys)) {
    out += fmt::format(
        "-- In the place of {} and {{{{SECRET:...}}}} stand keys that AWS gives for a while: they "
        "are\n"
        "-- asked for as COPY is sent, and are kept nowhere.\n",
        kTemporary);
  }
  for (const std::string& sql : plan.sql) {
    out += sql;
    out += sql.ends_with(';') || sql.starts_with("--") ? "\n" : ";\n";
  }
  return out;
}

int plan_exit_code(const SyncPlan& plan) {
  if (plan.error) return exit_code_of(*plan.error);
  int code = kExitOk;
  size_t blocked = 0;
  for (const SyncPlan::Table& table : plan.tables) {
    if (!table.error) continue;
    if (++blocked == 1) code = exit_code_of(*table.error);
  }
  return blocked > 0 && blocked < plan.tables.size() ? kExitPartial : code;
}

}  // namespace vesto::cli
