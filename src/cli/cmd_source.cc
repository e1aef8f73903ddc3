// source test, source tables.
#include <fmt/format.h>

#include <vector>

#include "base/json_text.h"
#include "base/strings.h"
#include "check/reach_checks.h"
#include "check/report_json.h"
#include "cli/check_text.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "sync/assemble.h"
#include "sync/tunnel.h"

namespace vesto::cli {

namespace {

struct Seen {
  SourceIdentity identity;
  std::vector<SourceTable> tables;
};

// `connecting`: whether it failed at getting in.
Result<Seen> look(const Context& context, const Config& config, bool* connecting = nullptr) {
  const std::string& name = context.options.name;
  // Looking holds no lease and no lock: signals end the process as they are used to.
  if (config.find_source(name) == nullptr) {
    return no_object("source", name, names_of(config.sources));
  }
  VESTO_ASSIGN(const std::unique_ptr<Source> source,
               make_source(config, name, sealed_store(context), std::stop_token()));
  Seen seen;
  auto identity = source->identity();
  if (!identity.ok()) {
    if (connecting != nullptr) *connecting = true;
    return std::move(identity).error().in(source_place(*config.find_source(name)));
  }
  seen.identity = std::move(identity).value();
  VESTO_ASSIGN(seen.tables, source->tables());
  return seen;
}

// The way to a source that did not let us in, step by step. Nothing where there is no way to ask
// about: a Unix socket, or a tunnel whose secrets cannot be had.
std::optional<CheckReport> way_to(const Context& context, const Config& config) {
  const SourceConfig& source = *config.find_source(context.options.name);
  if (source.host.starts_with('/')) return std::nullopt;
  auto tunnel = make_tunnel(config, tunnel_place(source), sealed_store(context));
  if (!tunnel.ok()) return std::nullopt;
  const auto setting_at = [&source](const char* setting, const Origin& origin) {
    return fmt::format("source.{}.{} ({})", source.name, setting, origin.line_text());
  };
  const std::vector<Check> checks =
      reach_checks({.host = source.host,
                    .port = source.port,
                    .tls = source.sslmode.starts_with("verify-"),
                    .ca_file = source.tls_ca_file,
                    .server = ServerKind::kSource,
                    .tunnel = tunnel->get(),
                    .public_egress = config.public_egress,
                    .setting = setting_at("host", source.host_origin),
                    .ssh_setting = setting_at("ssh", source.ssh.origin)},
                   {});
  CheckReport report = run_checks(checks, {.clock = context.clock});
  report.kind = "source";
  report.name = source.name;
  return report;
}

int fail_with_way(const Context& context, const Config& config, const Error& error) {
  const std::optional<CheckReport> way = way_to(context, config);
  if (!way) return fail(context, error);
  if (context.options.json) {
    // The report, with the error that led to it.
    write_out(fmt::format("{{\"error\":{},{}\n", error_json(error), report_json(*way).substr(1)));
  }
  write_err(error_text(error) + "The way there:\n" + result_lines(context.terminal, way->results));
  return exit_code_for(error);
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

int cmd_source_test(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  bool connecting = false;
  const Result<Seen> seen = look(context, *config, &connecting);
  if (!seen.ok()) {
    return connecting ? fail_with_way(context, *config, seen.error()) : fail(context, seen.error());
  }
  if (context.options.json) {
    write_out(
        fmt::format(
            R"({{"schema":"vesto.source-test/1","source":{},"success":true,"version":{},"user":{},"id":{},"tables":{}}})",
            json_quote(context.options.name), json_quote(seen->identity.version),
            json_quote(seen->identity.user), json_quote(seen->identity.id), seen->tables.size()) +
        "\n");
    return kExitOk;
  }
  write_out(fmt::format(
      "{} {} is reachable: {}, user {}, {} to read\n"
      "Next:  vesto source tables {}\n",
      shape(context.terminal, Shape::kDone), context.options.name, seen->identity.version,
      seen->identity.user,
      seen->tables.size() == 1 ? "1 table or view"
                               : fmt::format("{} tables and views", seen->tables.size()),
      context.options.name));
  return kExitOk;
}

int cmd_source_tables(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const Result<Seen> seen = look(context, *config);
  if (!seen.ok()) return fail(context, seen.error());
  if (context.options.json) {
    std::vector<std::string> tables;
    for (const SourceTable& table : seen->tables) tables.push_back(table_json_of(table));
    write_out(fmt::format(R"({{"schema":"vesto.source-tables/1","source":{},"tables":[{}]}})",
                          json_quote(context.options.name), join(tables, ",")) +
              "\n");
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"TABLE", "KIND", "ROWS ABOUT", "SIZE", "COLUMNS", "PRIMARY KEY"}};
  for (const SourceTable& table : seen->tables) {
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
