#include <array>

#include "address/aws_partition.h"
#include "address/warehouse_endpoint_parts.h"
#include "base/strings.h"

namespace vesto::endpoint_text {

namespace {

struct Scheme {
  bool iam = false;  // jdbc:redshift:iam: may name a cluster and a region in the host's place
  bool web = false;
};

// Takes the scheme off `text`.
Result<Scheme> take_scheme(std::string_view* text, Pasted* pasted) {
  constexpr std::array<std::string_view, 4> kRedshift = {"jdbc:redshift:iam://", "jdbc:redshift://",
                                                         "jdbc:postgresql://", "jdbc:postgres://"};
  for (const std::string_view known : kRedshift) {
    if (!starts_with_ignoring_case(*text, known)) continue;
    text->remove_prefix(known.size());
    return Scheme{.iam = known == kRedshift[0]};
  }
  const size_t end = text->find("://");
  if (end != std::string_view::npos &&
      (starts_with_ignoring_case(*text, "jdbc:") || starts_with_ignoring_case(*text, "odbc:"))) {
    return refuse("it is an address for another driver than Redshift's",
                  "Redshift's begin with jdbc:redshift://.");
  }
  if (end == std::string_view::npos || end > text->find_first_of("/?;@")) return Scheme{};
  std::string name = to_lower_ascii(text->substr(0, end));
  name = name.substr(0, name.find('+'));  // redshift+psycopg2://
  text->remove_prefix(end + 3);
  if (name == "redshift" || name == "postgres" || name == "postgresql" || name == "tcp") {
    return Scheme{};
  }
  if (name == "http" || name == "https") {
    note(pasted, "https:// was left out: a warehouse speaks PostgreSQL's protocol.");
    return Scheme{.web = true};
  }
  for (const std::string_view other :
       {"mysql", "mariadb", "snowflake", "bigquery", "sqlserver", "oracle", "mongodb", "s3"}) {
    if (name == other) {
      return refuse("it is an address of " + name + ", not of a Redshift warehouse");
    }
  }
  return refuse("the word before :// is none of a Redshift address",
                "Leave it out, or write redshift://host:port/database.");
}

Error refuse_login_behind_host() {
  return refuse("an @ stands behind the host, where no user can be",
                "Leave out user and password: they go into auth.");
}

// "host;5439/dev": a semicolon in the place of the colon. Only right behind the host, since later
// ones may part a password.
bool take_port_and_database(std::string_view text, Pasted* pasted) {
  const size_t slash = text.find('/');
  if (!pasted->port.empty() || !all_digits(text.substr(0, slash))) return false;
  pasted->port = text.substr(0, slash);
  if (slash != std::string_view::npos && pasted->database.empty()) {
    pasted->database = percent_decoded(text.substr(slash + 1));
  }
  return true;
}

Status read_properties(std::string_view text, Pasted* pasted) {
  bool first = true;
  for (const std::string& by_and : split(text, '&')) {
    for (const std::string& one : split(by_and, ';')) {
      if (one.empty()) continue;
      const size_t equals = one.find('=');
      const size_t at = one.find('@');
      if (at != std::string::npos && (equals == std::string::npos || at < equals)) {
        return refuse_login_behind_host();
      }
      const std::string value =
          equals == std::string::npos ? "" : percent_decoded(one.substr(equals + 1));
      if (equals != std::string::npos) first = false;
      if (take_setting(one.substr(0, equals), value, pasted)) continue;
      if (std::exchange(first, false) && take_port_and_database(one, pasted)) continue;
      // redshift://etl:12?a=pw@host: the ? was one of the password's.
      if (at != std::string::npos) return refuse_login_behind_host();
      ++pasted->settings_left_out;
    }
  }
  return ok_status();
}

// "host:port", with or without brackets. The port's text may be a region after iam://.
Status read_host_and_port(std::string_view text, bool iam, Pasted* pasted) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return refuse("a ] is missing");
    port = text.substr(end + 1);
    pasted->host = text.substr(0, end + 1);
    if (!port.empty() && port[0] != ':') return refuse("a : is missing between ] and the port");
  } else {
    const size_t colon = text.find(':');
    // Two colons and more, and nothing else but hexadecimal digits: an IPv6 address alone.
    const bool ipv6 = colon != text.rfind(':') &&
                      text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    pasted->host = text.substr(0, ipv6 ? std::string_view::npos : colon);
    if (!ipv6 && colon != std::string_view::npos) port = text.substr(colon);
  }
  if (port.empty()) return ok_status();
  port.remove_prefix(1);
  const std::string region = to_lower_ascii(port);
  if (iam && is_region_name(region)) {
    pasted->out.region = region;
    take_setting("clusterid", pasted->host, pasted);
    pasted->host.clear();
    return ok_status();
  }
  if (port.empty()) return refuse("the port is missing behind the :");
  pasted->port = port;
  return ok_status();
}

}  // namespace

Status read_address(std::string_view text, Pasted* pasted) {
  VESTO_ASSIGN(const Scheme scheme, take_scheme(&text, pasted));
  const size_t host_end = text.find_first_of("/?#;:");
  if (is_console_host(text.substr(0, host_end))) {
    if (host_end == std::string_view::npos) return read_console(text, "", pasted);
    return read_console(text.substr(0, host_end), text.substr(host_end), pasted);
  }
  if (scheme.web) text = text.substr(0, text.find('#'));
  const size_t properties = text.find_first_of("?;");
  std::string_view head = text.substr(0, properties);
  const size_t slash = head.find('/');
  std::string_view address = head.substr(0, slash);
  if (const size_t at = address.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = address.substr(0, at);
    if (!login.empty()) pasted->out.held_user = true;
    if (login.find(':') != std::string_view::npos) pasted->out.held_password = true;
    address = address.substr(at + 1);
  }
  if (slash != std::string_view::npos && head.find('@', slash) != std::string_view::npos) {
    // The / was one of the password's, so what stands before it is no host.
    return refuse_login_behind_host();
  }
  VESTO_TRY(read_host_and_port(address, scheme.iam, pasted));
  if (slash != std::string_view::npos) {
    head.remove_prefix(slash + 1);
    while (head.ends_with('/')) head.remove_suffix(1);
    if (head.find('/') != std::string_view::npos) {
      return refuse("nothing may follow the database", "Leave out what stands behind it.");
    }
    pasted->database = percent_decoded(head);
  }
  if (properties == std::string_view::npos) return ok_status();
  return read_properties(text.substr(properties + 1), pasted);
}

}  // namespace vesto::endpoint_text
