// destination endpoint, destination list, destination show. Nothing is dialled.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "address/arn.h"
#include "address/warehouse_endpoint.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "cli/add/draft.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

constexpr size_t kMaxInputBytes = 64 * 1024;  // more than any endpoint has; the rest is not read

std::string kind_setting(WarehouseKind kind) {
  if (kind == WarehouseKind::kUnknown) return "";
  return kind == WarehouseKind::kServerless ? "redshift-serverless" : "redshift";
}

std::string kind_text(WarehouseKind kind) {
  if (kind == WarehouseKind::kUnknown) return "not known";
  return kind == WarehouseKind::kServerless ? "Serverless workgroup (redshift-serverless)"
                                            : "provisioned cluster (redshift)";
}

std::string field(std::string_view name, std::string_view value) {
  const std::string shown = printable(value, false);
  return fmt::format("  {:<10} {}\n", name, shown.empty() ? "not known" : shown);
}

std::string list_text(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = fmt::format("{}\n", title);
  for (const std::string& line : lines) out += fmt::format("  {}\n", line);
  return out;
}

// "host:port/database".
std::string plain_endpoint(const WarehouseEndpoint& endpoint) {
  const bool ipv6 = endpoint.host.find(':') != std::string::npos;
  return fmt::format("{}:{}/{}", ipv6 ? "[" + endpoint.host + "]" : endpoint.host, endpoint.port,
                     endpoint.database);
}

// Lines for vesto.toml, where the text tells all that they need.
std::string settings_text(const WarehouseEndpoint& endpoint) {
  if (endpoint.host.empty() || endpoint.database.empty()) return "";
  const auto again = parse_warehouse_endpoint(plain_endpoint(endpoint));
  // A database whose name holds / or blanks has no plain form.
  if (!again.ok() || again->database != endpoint.database) return "";
  std::string out = "In vesto.toml\n";
  if (endpoint.kind != WarehouseKind::kUnknown) {
    out += fmt::format("  kind = \"{}\"\n", kind_setting(endpoint.kind));
  }
  return out + fmt::format("  endpoint = {}\n", json_quote(plain_endpoint(endpoint)));
}

// The text of the command line, or stdin. Errors: USAGE where stdin cannot be read.
Result<std::string> pasted_text(const Context& context) {
  std::string text = join(context.options.names, " ");
  if (text != "-") return text;
  text.assign(kMaxInputBytes, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(STDIN_FILENO, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Error(ErrorCode::kUsage,
                   fmt::format("stdin cannot be read: {}", std::system_category().message(errno)));
    }
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

std::string endpoint_fields_json(const WarehouseEndpoint& endpoint) {
  return fmt::format(
      R"("host":{},"port":{},"port_given":{},"database":{},"vpc_endpoint":{},"account":{})",
      json_quote(endpoint.host), endpoint.port, endpoint.port_given, json_quote(endpoint.database),
      endpoint.vpc_endpoint, json_quote(endpoint.account));
}

std::string endpoint_json(const WarehouseEndpoint& endpoint) {
  std::vector<std::string> asks;
  for (size_t i = 0; i < endpoint.missing.size(); ++i) {
    asks.push_back(fmt::format(R"({{"setting":{},"question":{}}})", json_quote(endpoint.missing[i]),
                               json_quote(endpoint.questions[i])));
  }
  return fmt::format(
      R"({{"schema":"vesto.destination-endpoint/1","understood":{},"kind":{},{},"region":{},"warehouse":{},"asks":[{}],"notes":{}}})"
      "\n",
      json_quote(describe_warehouse_endpoint(endpoint)), json_quote(kind_setting(endpoint.kind)),
      endpoint_fields_json(endpoint), json_quote(endpoint.region), json_quote(endpoint.name),
      join(asks, ","), json_list(endpoint.notes));
}

std::string_view warehouse_label(WarehouseKind kind) {
  if (kind == WarehouseKind::kUnknown) return "warehouse";
  return kind == WarehouseKind::kServerless ? "workgroup" : "cluster";
}

std::string endpoint_text(const WarehouseEndpoint& endpoint) {
  std::string out = "Understood: " + describe_warehouse_endpoint(endpoint) + "\n";
  out += field("kind", kind_text(endpoint.kind)) + field("host", endpoint.host);
  out += field("port", fmt::format("{}{}", endpoint.port, endpoint.port_given ? "" : " (usual)"));
  out += field("database", endpoint.database) + field("region", endpoint.region);
  out += field("account", endpoint.account);
  out += field(warehouse_label(endpoint.kind), endpoint.name);
  out += list_text("Notes", endpoint.notes);
  out += list_text("To be asked", endpoint.questions);
  return out + settings_text(endpoint);
}

// A reference as it stands in the file; never what it stands for.
std::string reference_text(const ValueRef& reference) {
  switch (reference.kind) {
    case ValueRef::Kind::kNone:
      return "";
    case ValueRef::Kind::kText:
      return reference.name;
    case ValueRef::Kind::kEnv:
      return fmt::format("{{ env = {} }}", json_quote(reference.name));
    case ValueRef::Kind::kFile:
      return fmt::format("{{ file = {} }}", json_quote(reference.name));
    case ValueRef::Kind::kSecret:
      return fmt::format("{{ secret = {} }}", json_quote(reference.name));
  }
  return "";
}

WarehouseKind kind_of(const DestinationConfig& destination) {
  return destination.serverless ? WarehouseKind::kServerless : WarehouseKind::kProvisioned;
}

// The settings win over what the endpoint tells.
WarehouseEndpoint endpoint_of(const DestinationConfig& destination) {
  WarehouseEndpoint endpoint = destination.endpoint;
  endpoint.kind = kind_of(destination);
  endpoint.region = destination.auth.region;
  endpoint.name = destination.auth.warehouse;
  // A temporary login is given only by the warehouse's own account.
  if (endpoint.account.empty() && destination.auth.method == "iam_role") {
    endpoint.account = account_of_arn(destination.auth.role_arn);
  }
  return endpoint;
}

// "s3://bucket/prefix": a bucket alone has no prefix.
std::string staging_url(const DestinationConfig& destination) {
  return fmt::format("s3://{}/{}", destination.bucket, destination.prefix);
}

std::string login_text(const AuthConfig& auth) {
  if (auth.method == "password") return "by password, user " + reference_text(auth.user);
  return auth.db_user.empty() ? "temporary login of the identity"
                              : "temporary login as user " + auth.db_user;
}

std::string identity_line(const AuthConfig& auth) {
  return auth.role_arn.empty() ? auth.identity
                               : fmt::format("{}, as {}", auth.identity, auth.role_arn);
}

std::string tunnel_text(const SshConfig& ssh) {
  return fmt::format("{}@{}:{}, {}", ssh.user, ssh.host, ssh.port,
                     ssh.host_key.empty() ? "its key not approved yet" : ssh.host_key);
}

std::string tunnel_json(const SshConfig& ssh) {
  if (!ssh.given) return "null";
  return fmt::format(R"({{"host":{},"port":{},"user":{},"host_key":{},"own_key":{}}})",
                     json_quote(ssh.host), ssh.port, json_quote(ssh.user), json_quote(ssh.host_key),
                     ssh.own_key);
}

std::string show_text(const DestinationConfig& destination) {
  const WarehouseEndpoint endpoint = endpoint_of(destination);
  std::string out =
      fmt::format("{}: {}\n", destination.name, describe_warehouse_endpoint(endpoint));
  out += field("kind", kind_text(endpoint.kind)) + field("host", endpoint.host);
  out += field("port", std::to_string(endpoint.port)) + field("database", endpoint.database);
  out += field("schema", destination.schema +
                             (destination.create_schema ? " (made if it is not there)" : ""));
  out += field("region", endpoint.region) + field("account", endpoint.account);
  out += field(warehouse_label(endpoint.kind), endpoint.name);
  if (destination.ssh.given) out += field("tunnel", tunnel_text(destination.ssh));
  out += field("login", login_text(destination.auth));
  out += field("identity", identity_line(destination.auth)) + field("COPY", destination.auth.copy);
  out +=
      field("staging",
            fmt::format(
                "{}, {}{}", staging_url(destination),
                destination.region.empty() ? "region to be found" : "region " + destination.region,
                destination.s3_endpoint.empty() ? "" : ", at " + destination.s3_endpoint));
  return out + list_text("Notes", endpoint.notes);
}

std::string show_json(const DestinationConfig& destination) {
  const WarehouseEndpoint endpoint = endpoint_of(destination);
  const AuthConfig& auth = destination.auth;
  const std::string login =
      fmt::format(R"({{"method":{},"user":{},"db_user":{}}})", json_quote(auth.method),
                  json_quote(reference_text(auth.user)), json_quote(auth.db_user));
  const std::string staging =
      fmt::format(R"({{"bucket":{},"prefix":{},"region":{},"endpoint":{}}})",
                  json_quote(destination.bucket), json_quote(destination.prefix),
                  json_quote(destination.region), json_quote(destination.s3_endpoint));
  return fmt::format(
      R"({{"schema":"vesto.destination-show/1","name":{},"understood":{},"kind":{},{},"target_schema":{},"create_schema":{},"region":{},"warehouse":{},"login":{},"identity":{},"role_arn":{},"copy":{},"staging":{},"tunnel":{},"notes":{}}})"
      "\n",
      json_quote(destination.name), json_quote(describe_warehouse_endpoint(endpoint)),
      json_quote(kind_setting(endpoint.kind)), endpoint_fields_json(endpoint),
      json_quote(destination.schema), destination.create_schema, json_quote(endpoint.region),
      json_quote(endpoint.name), login, json_quote(auth.identity), json_quote(auth.role_arn),
      json_quote(auth.copy), staging, tunnel_json(destination.ssh), json_list(endpoint.notes));
}

struct Drafts {
  std::vector<Answers> read;
  std::vector<std::pair<std::string, Error>> unread;  // name, and why
};

// Drafts that nothing in the configuration has taken the name of.
Drafts drafts_of(const Context& context, const Config& config) {
  const std::string dir = data_dir(context.options);
  Drafts out;
  for (const std::string& name : draft_names(dir)) {
    if (config.find_destination(name) != nullptr) continue;
    auto draft = read_draft(dir, name, "");
    if (!draft.ok()) out.unread.emplace_back(name, draft.error());
    if (draft.ok() && *draft) out.read.push_back(**std::move(draft));
  }
  return out;
}

std::string draft_text(const Answers& draft) {
  std::string out = fmt::format("{} is a draft.\n", draft.name());
  for (const auto& [setting, value] : draft.known()) {
    out += fmt::format("  {} = {}\n", setting, printable(value, false));
  }
  const std::vector<std::string> missing = draft.missing_flags();
  if (!missing.empty()) out += fmt::format("It lacks {}.\n", join(missing, ", "));
  return out + fmt::format("Next:  vesto destination add {}\n", draft.name());
}

// vesto.destination-draft/1
std::string draft_json(const Answers& draft) {
  return fmt::format(
             R"({{"schema":"vesto.destination-draft/1","name":{},"settings":{},"missing":{}}})",
             json_quote(draft.name()), draft.settings_json(), json_list(draft.missing_flags())) +
         "\n";
}

std::string list_json(const std::vector<DestinationConfig>& destinations, const Drafts& drafts) {
  std::vector<std::string> rows;
  for (const DestinationConfig& one : destinations) {
    rows.push_back(fmt::format(R"({{"name":{},"kind":{},{},"target_schema":{},"staging":{}}})",
                               json_quote(one.name), json_quote(kind_setting(kind_of(one))),
                               endpoint_fields_json(endpoint_of(one)), json_quote(one.schema),
                               json_quote(staging_url(one))));
  }
  std::vector<std::string> unfinished;
  for (const Answers& draft : drafts.read) {
    unfinished.push_back(fmt::format(R"({{"name":{},"missing":{}}})", json_quote(draft.name()),
                                     json_list(draft.missing_flags())));
  }
  for (const auto& [name, error] : drafts.unread) {
    unfinished.push_back(fmt::format(R"({{"name":{},"missing":[],"error":{}}})", json_quote(name),
                                     error_json(error)));
  }
  return fmt::format(R"({{"schema":"vesto.destination-list/1","destinations":[{}],"drafts":[{}]}})",
                     join(rows, ","), join(unfinished, ",")) +
         "\n";
}

}  // namespace

int cmd_destination_endpoint(const Context& context) {
  const Result<std::string> text = pasted_text(context);
  if (!text.ok()) return fail(context, text.error());
  const Result<WarehouseEndpoint> endpoint = parse_warehouse_endpoint(*text);
  if (!endpoint.ok()) return fail(context, endpoint.error());
  write_out(context.options.json ? endpoint_json(*endpoint) : endpoint_text(*endpoint));
  return kExitOk;
}

int cmd_destination_list(const Context& context) {
  const std::optional<Config> config = load_or_drafts(context);
  if (!config) return kExitConfig;
  const Drafts drafts = drafts_of(context, *config);
  if (context.options.json) {
    write_out(list_json(config->destinations, drafts));
    return kExitOk;
  }
  if (config->destinations.empty() && drafts.read.empty() && drafts.unread.empty()) {
    write_out("There are no destinations.\nNext:  vesto destination add NAME\n");
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"DESTINATION", "KIND", "HOST", "PORT", "DATABASE", "SCHEMA", "STAGING"}};
  for (const DestinationConfig& one : config->destinations) {
    rows.push_back({one.name, kind_setting(kind_of(one)), one.host, std::to_string(one.port),
                    printable(one.database, false), printable(one.schema, false),
                    staging_url(one)});
  }
  for (const Answers& draft : drafts.read) {
    const WarehouseEndpoint endpoint = draft.endpoint();
    rows.push_back({draft.name(), "draft", endpoint.host.empty() ? "-" : endpoint.host,
                    std::to_string(endpoint.port), printable(endpoint.database, false),
                    printable(draft.text("schema"), false), draft.text("staging.bucket")});
  }
  for (const auto& one : drafts.unread) {
    rows.push_back({one.first, "draft", "(cannot be read)", "", "", "", ""});
  }
  write_out(table_text(rows));
  for (const auto& one : drafts.unread) write_err(error_text(one.second));
  return kExitOk;
}

int cmd_destination_show(const Context& context) {
  const std::optional<Config> config = load_or_drafts(context);
  if (!config) return kExitConfig;
  const std::string& name = context.options.name;
  if (config->find_destination(name) == nullptr) {
    const auto draft = read_draft(data_dir(context.options), name, "");
    if (draft.ok() && *draft) {
      write_out(context.options.json ? draft_json(**draft) : draft_text(**draft));
      return kExitOk;
    }
  }
  const auto destination = named_destination(context, *config);
  if (!destination.ok()) return fail(context, destination.error());
  write_out(context.options.json ? show_json(**destination) : show_text(**destination));
  return kExitOk;
}

}  // namespace vesto::cli
