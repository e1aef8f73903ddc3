// source tables.
#include <fmt/format.h>

#include <vector>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "sync/assemble.h"

namespace vesto::cli {

namespace {

Result<std::vector<SourceTable>> look(const Context& context, const Config& config) {
  const std::string& name = context.options.name;
  // Looking holds no lease and no lock: signals end the process as they are used to.
  const SourceConfig* configured = config.find_source(name);
  if (configured == nullptr) return no_object("source", name, names_of(config.sources));
  VESTO_ASSIGN(const std::unique_ptr<Source> source,
               make_source(config, name, sealed_store(context), std::stop_token()));
  auto tables = source->tables();
  if (!tables.ok()) return std::move(tables).error().in(source_place(*configured));
  return tables;
}

std::string table_json_of(const SourceTable& table) {
  std::vector<std::string> columns;
  for (const SourceColumn& column : table.columns) {
    columns.push_back(fmt::format(R"({{"name":{},"type":{},"nullable":{}}})",
                                  json_quote(column.name), json_quote(column.type),
                                  column.nullable));
  }
  std::vector<std::string> key;
  for (const std::string& column : table.primary_key) key.push_back(json_quote(column));
  return fmt::format(
      R"({{"schema":{},"name":{},"kind":{},"estimated_rows":{},"size_bytes":{},"primary_key":[{}],"columns":[{}]}})",
      json_quote(table.schema), json_quote(table.name), json_quote(table.kind),
      table.estimated_rows, table.size_bytes, join(key, ","), join(columns, ","));
}

}  // namespace

int cmd_source_tables(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const Result<std::vector<SourceTable>> seen = look(context, *config);
  if (!seen.ok()) return fail(context, seen.error());
  if (context.options.json) {
    std::vector<std::string> tables;
    for (const SourceTable& table : *seen) tables.push_back(table_json_of(table));
    write_out(fmt::format(R"({{"schema":"vesto.source-tables/1","source":{},"tables":[{}]}})",
                          json_quote(context.options.name), join(tables, ",")) +
              "\n");
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"TABLE", "KIND", "ROWS ABOUT", "SIZE", "COLUMNS", "PRIMARY KEY"}};
  for (const SourceTable& table : *seen) {
    rows.push_back(
        {printable(table.schema + "." + table.name, false), table.kind,
         table.estimated_rows < 0 ? "?" : format_count(table.estimated_rows),
         format_bytes(static_cast<uint64_t>(std::max<int64_t>(table.size_bytes, 0))),
         std::to_string(table.columns.size()),
         table.primary_key.empty() ? "-" : printable(join(table.primary_key, ", "), false)});
  }
  write_out(table_text(rows));
  return kExitOk;
}

}  // namespace vesto::cli
