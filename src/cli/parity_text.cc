#include "cli/parity_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "cli/exit_codes.h"
#include "cli/terminal.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

// Of the differences of a table that people see; JSON has all that are listed.
constexpr size_t kShown = 20;
constexpr size_t kShownKeyBytes = 100;
constexpr size_t kShownColumns = 8;

std::string number(uint64_t count) { return format_count(static_cast<int64_t>(count)); }
std::string rows_word(uint64_t count) { return count_text(static_cast<int64_t>(count), "row"); }

std::string names_json(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  quoted.reserve(names.size());
  for (const std::string& name : names) quoted.push_back(json_quote(name));
  return "[" + join(quoted, ",") + "]";
}

std::string table_json(const ParityResult& table) {
  std::string out = fmt::format(R"({{"table":{},"target":{},"state":{})", json_quote(table.name),
                                json_quote(table.target),
                                table.error     ? R"("not_compared")"
                                : table.equal() ? R"("equal")"
                                                : R"("different")");
  if (table.error) return out + fmt::format(R"(,"error":{}}})", error_json(*table.error));
  out += fmt::format(R"(,"rows":{{"source":{},"warehouse":{},"compared":{},"rejected":{}}})",
                     table.source_rows, table.warehouse_rows, table.compared_rows, table.rejected);
  if (table.nulled_values > 0) out += fmt::format(R"(,"nulled_values":{})", table.nulled_values);
  if (table.sums_known) {
    out += fmt::format(R"(,"sums":{{"equal":{},"unlike":{}}})", table.sums_equal,
                       names_json(table.unlike));
  } else {
    out += fmt::format(R"(,"sums":null,"no_sums":{})", json_quote(table.no_sums));
  }
  out += fmt::format(R"(,"streamed":{},"sampled_one_in":{})", table.streamed,
                     table.sampled_one_in > 0 ? std::to_string(table.sampled_one_in) : "null");
  out += fmt::format(
      R"(,"differences":{{"total":{},"missing":{},"only_in_warehouse":{},"twice":{},"differs":{}}})",
      table.differences(), table.missing, table.only_in_warehouse, table.twice, table.differing);
  std::vector<std::string> items;
  for (const ParityDifference& one : table.listed) {
    items.push_back(fmt::format(R"({{"kind":{},"key":{},"columns":{}}})",
                                json_quote(parity_kind_name(one.kind)), one.key,
                                names_json(one.columns)));
  }
  return out + fmt::format(R"(,"listed":[{}]}})", join(items, ","));
}

std::string kind_text(ParityDifference::Kind kind) {
  switch (kind) {
    case ParityDifference::Kind::kMissing:
      return "missing in the warehouse";
    case ParityDifference::Kind::kOnlyInWarehouse:
      return "only in the warehouse";
    case ParityDifference::Kind::kTwice:
      return "twice in the warehouse";
    case ParityDifference::Kind::kDiffers:
      return "differs";
  }
  return "";
}

std::string how_text(const ParityResult& table) {
  std::string out;
  if (!table.streamed) {
    out = "sums and hashes of all rows";
  } else if (table.sampled_one_in > 0) {
    out = fmt::format("values of one row in {}", table.sampled_one_in);
    if (table.sums_known) out += ", sums of all";
  } else {
    out = "value by value";
  }
  if (table.rejected > 0) out += fmt::format("; {} rejected", rows_word(table.rejected));
  if (table.nulled_values > 0) {
    out += fmt::format("; NULL in the place of {}",
                       count_text(static_cast<int64_t>(table.nulled_values), "value"));
  }
  return out;
}

std::string counts_text(const ParityResult& table) {
  std::vector<std::string> parts;
  const auto add = [&parts](uint64_t count, std::string_view what) {
    if (count > 0) parts.push_back(fmt::format("{} {}", number(count), what));
  };
  add(table.differing, table.differing == 1 ? "differs" : "differ");
  add(table.missing, "missing in the warehouse");
  add(table.only_in_warehouse, "only in the warehouse");
  add(table.twice, "twice in the warehouse");
  if (parts.empty()) parts.emplace_back("the sums differ, and no row of the sample does");
  return join(parts, ", ");
}

std::string listed_text(const ParityResult& table) {
  std::vector<std::vector<std::string>> cells;
  for (const ParityDifference& one : table.listed) {
    if (cells.size() == kShown) break;
    std::vector<std::string> columns(one.columns.begin(),
                                     one.columns.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                               one.columns.size(), kShownColumns)));
    if (one.columns.size() > kShownColumns) columns.emplace_back("...");
    std::string key = one.key;
    if (key.size() > kShownKeyBytes) key = std::string(cut_utf8(key, kShownKeyBytes)) + "...";
    cells.push_back({"     ", kind_text(one.kind), printable(key, false),
                     printable(join(columns, ", "), false)});
  }
  std::string out = table_text(cells);
  const uint64_t shown = cells.size();
  if (shown > 0 && table.differences() > shown) {
    out += fmt::format("       and {} more\n", number(table.differences() - shown));
  }
  return out;
}

std::string table_lines(const ParityResult& table, const ParityReport& report) {
  const std::string name = printable(table.name, false);
  if (table.error) {
    return fmt::format("  {}  not compared  {}  {}\n", name, table.error->name(),
                       printable(sentence(table.error->message()), false));
  }
  if (table.equal()) {
    return fmt::format("  {}  equal  {} ({})\n", name,
                       rows_word(table.source_rows - std::min(table.rejected, table.source_rows)),
                       how_text(table));
  }
  std::string out = fmt::format("  {}  DIFFERENT  {}; {} in the source, {} in the warehouse ({})\n",
                                name, counts_text(table), rows_word(table.source_rows),
                                number(table.warehouse_rows), how_text(table));
  if (table.sums_known && !table.unlike.empty()) {
    std::vector<std::string> columns;
    for (const std::string& column : table.unlike) {
      if (column != "*" && columns.size() < kShownColumns) columns.push_back(column);
    }
    if (!columns.empty()) {
      out += fmt::format("      sums differ: {}\n", printable(join(columns, ", "), false));
    }
  }
  out += listed_text(table);
  if (!table.mendable.empty() && report.repair == nullptr) {
    out += fmt::format("      Fix: vesto sync parity {} --table {} --repair\n", report.sync, name);
  }
  if (!table.keyed) {
    out += fmt::format("      Fix: vesto run {} --table {} --full-refresh\n", report.sync, name);
  } else if (table.only_in_warehouse > 0) {
    out += fmt::format(
        "      Rows that only the warehouse has stay until: vesto run {} --table {} "
        "--full-refresh\n",
        report.sync, name);
  }
  return out;
}

}  // namespace

int parity_exit_code(const ParityReport& report) {
  if (report.run->exit_code != 0) return report.run->exit_code;
  if (report.repair != nullptr && report.repair->exit_code != 0) return report.repair->exit_code;
  const Error* first = nullptr;
  size_t failed = 0;
  for (const ParityResult& table : report.tables) {
    if (!table.error) continue;
    ++failed;
    if (first == nullptr) first = &*table.error;
  }
  if (first != nullptr && failed == report.tables.size()) return exit_code_of(*first);
  const bool all = std::all_of(report.tables.begin(), report.tables.end(),
                               [](const ParityResult& table) { return table.equal(); });
  return all ? kExitOk : kExitPartial;
}

std::string parity_state(const ParityReport& report) {
  const bool broke = report.run->error || (report.repair != nullptr && report.repair->error);
  if (broke || report.tables.empty()) return "failed";
  return parity_exit_code(report) == kExitOk ? "equal" : "different";
}

std::string parity_json(const ParityReport& report) {
  const RunOutcome& run = *report.run;
  std::string out =
      fmt::format(R"({{"schema":"vesto.parity/1","sync":{},"run":{},"state":{},"exit_code":{})",
                  json_quote(report.sync), json_quote(run.id.text),
                  json_quote(parity_state(report)), parity_exit_code(report));
  const RunOutcome& last = report.repair != nullptr ? *report.repair : run;
  if (last.data_as_of_ms != 0) {
    out += ",\"data_as_of\":" + json_quote(format_utc(last.data_as_of_ms));
  }
  std::vector<std::string> items;
  for (const ParityResult& table : report.tables) items.push_back(table_json(table));
  out += fmt::format(R"(,"tables":[{}])", join(items, ","));
  if (report.repair != nullptr) {
    out += fmt::format(R"(,"repair":{{"run":{},"state":{},"keys":{}}})",
                       json_quote(report.repair->id.text), json_quote(report.repair->state),
                       report.repaired_keys);
  }
  if (run.error) {
    out += ",\"error\":" + error_json(*run.error);
  } else if (report.repair != nullptr && report.repair->error) {
    out += ",\"error\":" + error_json(*report.repair->error);
  }
  return out + "}\n";
}

std::string parity_text(const ParityReport& report) {
  const RunOutcome& last = report.repair != nullptr ? *report.repair : *report.run;
  if (report.tables.empty()) return "";
  std::string out = fmt::format("Source and warehouse of {} at {}: {}\n", report.sync,
                                format_utc(last.data_as_of_ms),
                                parity_exit_code(report) == kExitOk ? "equal" : "NOT EQUAL");
  if (report.repair != nullptr) {
    out += fmt::format("  Repaired: {} delivered again by key (run {})\n",
                       rows_word(report.repaired_keys), report.repair->id.text);
  }
  for (const ParityResult& table : report.tables) out += table_lines(table, report);
  return out;
}

}  // namespace vesto::cli
