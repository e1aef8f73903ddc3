#include "address/warehouse_endpoint.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "address/warehouse_endpoint_parts.h"
#include "base/strings.h"

namespace vesto {

namespace {

using endpoint_text::note;
using endpoint_text::Pasted;
using endpoint_text::refuse;

constexpr size_t kMaxDatabaseBytes = 127;

// "arn:5439" is a host of that name and its port.
bool is_arn(const std::string& text) {
  return endpoint_text::starts_with_ignoring_case(text, "arn:") &&
         (text.size() == 4 || text[4] < '0' || text[4] > '9');
}

Status read_form(const std::string& text, Pasted* pasted) {
  if (is_arn(text)) {
    VESTO_ASSIGN(const std::string arn, endpoint_text::without_blanks(text));
    return endpoint_text::read_arn(arn, pasted);
  }
  if (endpoint_text::is_psql_line(text)) return endpoint_text::read_psql_line(text, pasted);
  if (endpoint_text::begins_with_setting(text)) return endpoint_text::read_settings(text, pasted);
  VESTO_ASSIGN(const std::string address, endpoint_text::without_blanks(text));
  return endpoint_text::read_address(address, pasted);
}

// "endpoint = ..." and "Server=host:5439": an address in the place of the host.
Status take_host_apart(Pasted* pasted) {
  const std::string text = std::exchange(pasted->host, "");
  if (text.empty()) return ok_status();
  if (is_arn(text)) {
    return endpoint_text::read_arn(text, pasted);
  }
  const std::string port = std::exchange(pasted->port, "");
  const std::string database = std::exchange(pasted->database, "");
  VESTO_ASSIGN(const std::string address, endpoint_text::without_blanks(text));
  VESTO_TRY(endpoint_text::read_address(address, pasted));
  if (!port.empty()) pasted->port = port;
  if (!database.empty()) pasted->database = database;
  return ok_status();
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

Status take_port(Pasted* pasted) {
  if (pasted->port.empty()) return ok_status();
  const std::optional<int64_t> port = parse_int(pasted->port);
  if (!endpoint_text::all_digits(pasted->port) || !port || *port < 1 || *port > 65535) {
    return refuse("the port must be a number from 1 to 65535");
  }
  pasted->out.port = static_cast<int>(*port);
  pasted->out.port_given = true;
  const bool usual = (*port >= 5431 && *port <= 5455) || (*port >= 8191 && *port <= 8215);
  if (!usual && !is_loopback(pasted->out.host)) {
    note(pasted, fmt::format("The port {} is none that new warehouses take (5431 to 5455, 8191 to "
                             "8215; usual is 5439).",
                             *port));
  }
  return ok_status();
}

Status take_database(Pasted* pasted) {
  const std::string& name = pasted->database;
  if (name.size() > kMaxDatabaseBytes) return refuse("the database's name is too long");
  // Percent codes may have brought in what the text itself may not hold.
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return refuse("the database's name holds control characters");
    // Settings that were glued on, maybe a password: never shown as a name.
    if (std::string_view("&?#|,;=<>").find(c) != std::string_view::npos) {
      return refuse("behind the database stands something that is no part of its name",
                    "Write host:port/database alone.");
    }
  }
  Pasted scratch;
  if (!name.empty() && !endpoint_text::clean(name, &scratch).ok()) {
    return refuse("the database's name is no text (not UTF-8)");
  }
  pasted->out.database = name;
  return ok_status();
}

void say_what_is_left_out(Pasted* pasted) {
  const WarehouseEndpoint& out = pasted->out;
  if (out.held_password) {
    note(pasted,
         "A password or key was left out, with its user: they go into auth. Whoever has "
         "seen this text knows it.");
  } else if (out.held_user) {
    note(pasted, "The user was left out: it goes into auth.");
  }
  if (pasted->settings_left_out > 0) {
    note(pasted, fmt::format("{} of drivers {} left out.",
                             pasted->settings_left_out == 1
                                 ? "1 setting"
                                 : fmt::format("{} settings", pasted->settings_left_out),
                             pasted->settings_left_out == 1 ? "was" : "were"));
  }
  if (out.vpc_endpoint) {
    note(pasted,
         "A VPC endpoint: its name does not tell the cluster or workgroup, and it is "
         "reached from its own network alone.");
  }
}

void ask(WarehouseEndpoint* out) {
  const auto add = [&](const char* setting, std::string question) {
    out->missing.emplace_back(setting);
    out->questions.push_back(std::move(question));
  };
  if (out->host.empty()) {
    add("endpoint",
        "What is the endpoint? The AWS console shows it on the page of the cluster or workgroup.");
  }
  if (out->database.empty()) {
    add("database", "Which database? A new warehouse has one that is called dev.");
  }
  if (out->kind == WarehouseKind::kUnknown) {
    add("kind",
        "Is it a provisioned cluster (redshift) or a Serverless workgroup "
        "(redshift-serverless)?");
  }
  if (out->region.empty()) add("region", "In which AWS region is it?");
  if (!out->name.empty()) return;
  add("warehouse", out->kind == WarehouseKind::kProvisioned ? "What is the cluster's identifier?"
                   : out->kind == WarehouseKind::kServerless
                       ? "What is the workgroup's name?"
                       : "What is the cluster's identifier, or the workgroup's name?");
}

}  // namespace

Result<WarehouseEndpoint> parse_warehouse_endpoint(std::string_view text) {
  Pasted pasted;
  VESTO_ASSIGN(const std::string cleaned, endpoint_text::clean(text, &pasted));
  VESTO_TRY(read_form(cleaned, &pasted));
  VESTO_TRY(take_host_apart(&pasted));
  const WarehouseEndpoint& said = pasted.out;
  const bool names_one =
      !said.name.empty() || !said.region.empty() || said.kind != WarehouseKind::kUnknown;
  if (pasted.host.empty() && !names_one) {
    return refuse("the host is missing; the form is host:port/database");
  }
  if (!pasted.host.empty()) {
    VESTO_ASSIGN(pasted.out.host, endpoint_text::normal_host(pasted.host));
    VESTO_TRY(endpoint_text::derive_from_host(&pasted));
  }
  VESTO_TRY(take_port(&pasted));
  VESTO_TRY(take_database(&pasted));
  say_what_is_left_out(&pasted);
  ask(&pasted.out);
  return std::move(pasted.out);
}

std::string describe_warehouse_endpoint(const WarehouseEndpoint& endpoint) {
  std::string out = endpoint.kind == WarehouseKind::kProvisioned  ? "cluster"
                    : endpoint.kind == WarehouseKind::kServerless ? "workgroup"
                                                                  : "warehouse of unknown kind";
  if (!endpoint.name.empty()) out += " " + endpoint.name;
  if (!endpoint.account.empty()) out += " of account " + endpoint.account;
  if (!endpoint.region.empty()) out += " in " + endpoint.region;
  if (endpoint.vpc_endpoint) out += " by a VPC endpoint";
  out += endpoint.host.empty() ? ", host not known" : ", host " + endpoint.host;
  out += fmt::format(", port {}", endpoint.port);
  out += endpoint.database.empty() ? ", database not known"
                                   : ", database " + printable(endpoint.database, false);
  return out;
}

}  // namespace vesto
