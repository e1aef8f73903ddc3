#include <array>
#include <optional>
#include <utility>

#include "address/arn.h"
#include "address/aws_partition.h"
#include "address/warehouse_endpoint_parts.h"
#include "base/strings.h"

namespace vesto::endpoint_text {

namespace {

constexpr size_t kMaxSettings = 256;

enum class Setting {
  kHost,
  kPort,
  kDatabase,
  kUser,
  kSecret,
  kRegion,
  kAccount,
  kCluster,
  kWorkgroup,
  kServerless,
  kTls,
  kHostAddress,
  kSchema,
  kDriver,  // of no meaning here
};

// Names without "_", "-" and capitals: those of the drivers for JDBC, ODBC, Python and libpq, of
// AWS's secrets, and of programs.
constexpr std::array<std::pair<std::string_view, Setting>, 66> kSettings = {{
    {"host", Setting::kHost},
    {"hostname", Setting::kHost},
    {"server", Setting::kHost},
    {"servername", Setting::kHost},
    {"endpoint", Setting::kHost},
    {"address", Setting::kHost},
    {"url", Setting::kHost},
    {"uri", Setting::kHost},
    {"jdbcurl", Setting::kHost},
    {"odbcurl", Setting::kHost},
    {"databaseurl", Setting::kHost},
    {"port", Setting::kPort},
    {"portnumber", Setting::kPort},
    {"database", Setting::kDatabase},
    {"databasename", Setting::kDatabase},
    {"dbname", Setting::kDatabase},
    {"db", Setting::kDatabase},
    {"initialcatalog", Setting::kDatabase},
    {"user", Setting::kUser},
    {"username", Setting::kUser},
    {"uid", Setting::kUser},
    {"userid", Setting::kUser},
    {"dbuser", Setting::kUser},
    {"adminuser", Setting::kUser},
    {"login", Setting::kUser},
    {"accesskeyid", Setting::kUser},
    {"password", Setting::kSecret},
    {"passwd", Setting::kSecret},
    {"pwd", Setting::kSecret},
    {"pass", Setting::kSecret},
    {"secretaccesskey", Setting::kSecret},
    {"sessiontoken", Setting::kSecret},
    {"clientsecret", Setting::kSecret},
    {"webidentitytoken", Setting::kSecret},
    {"token", Setting::kSecret},
    {"sslpassword", Setting::kSecret},
    {"region", Setting::kRegion},
    {"awsregion", Setting::kRegion},
    {"account", Setting::kAccount},
    {"accountid", Setting::kAccount},
    {"serverlessacctid", Setting::kAccount},
    {"cluster", Setting::kCluster},
    {"clusterid", Setting::kCluster},
    {"clusteridentifier", Setting::kCluster},
    {"dbclusteridentifier", Setting::kCluster},
    {"workgroup", Setting::kWorkgroup},
    {"workgroupname", Setting::kWorkgroup},
    {"serverlessworkgroup", Setting::kWorkgroup},
    {"serverlessworkgroupname", Setting::kWorkgroup},
    {"isserverless", Setting::kServerless},
    {"ssl", Setting::kTls},
    {"sslmode", Setting::kTls},
    {"hostaddr", Setting::kHostAddress},
    {"schema", Setting::kSchema},
    {"currentschema", Setting::kSchema},
    {"searchpath", Setting::kSchema},
    {"driver", Setting::kDriver},
    {"dsn", Setting::kDriver},
    {"engine", Setting::kDriver},
    {"type", Setting::kDriver},
    {"iam", Setting::kDriver},
    {"namespacename", Setting::kDriver},
    {"sslrootcert", Setting::kDriver},
    {"connecttimeout", Setting::kDriver},
    {"applicationname", Setting::kDriver},
    {"options", Setting::kDriver},
}};

const Setting* find_setting(std::string_view name) {
  std::string plain;
  for (const char c : to_lower_ascii(name)) {
    if (c != '_' && c != '-' && c != '.') plain += c;
  }
  for (const std::string_view prefix : {"", "redshift", "postgres", "pg", "db"}) {
    if (!std::string_view(plain).starts_with(prefix)) continue;
    const std::string_view rest = std::string_view(plain).substr(prefix.size());
    for (const auto& one : kSettings) {
      if (one.first == rest) return &one.second;
    }
  }
  return nullptr;
}

void take_tls(std::string_view value, Pasted* pasted) {
  const std::string word = to_lower_ascii(value);
  for (const char* off : {"disable", "allow", "false", "0", "no", "off"}) {
    if (word == off) pasted->out.held_no_tls = true;
  }
  const bool weaker = word == "prefer" || word == "require" || word == "verify-ca";
  if (!weaker && !pasted->out.held_no_tls) return;
  note(pasted, "The setting of TLS was left out: certificate and name are always verified.");
}

// What can be none is asked for.
void take_name(const std::string& name, Pasted* pasted) {
  if (is_name_label(name)) pasted->out.name = name;
}

void take_cluster(std::string_view value, Pasted* pasted) {
  constexpr std::string_view kServerlessPrefix = "redshift-serverless-";
  const std::string name = to_lower_ascii(value);
  if (name.starts_with(kServerlessPrefix)) {
    // How drivers name a workgroup where a cluster is asked for.
    pasted->out.kind = WarehouseKind::kServerless;
    take_name(name.substr(kServerlessPrefix.size()), pasted);
  } else {
    pasted->out.kind = WarehouseKind::kProvisioned;
    take_name(name, pasted);
  }
}

void take_more(Setting setting, std::string_view value, Pasted* pasted) {
  switch (setting) {
    case Setting::kRegion:
      if (is_region_name(to_lower_ascii(value))) pasted->out.region = to_lower_ascii(value);
      return;
    case Setting::kAccount:
      if (is_account_id(value)) pasted->out.account = value;
      return;
    case Setting::kCluster:
      return take_cluster(value, pasted);
    case Setting::kWorkgroup:
      pasted->out.kind = WarehouseKind::kServerless;
      return take_name(to_lower_ascii(value), pasted);
    case Setting::kServerless:
      if (to_lower_ascii(value) == "true") pasted->out.kind = WarehouseKind::kServerless;
      return;
    case Setting::kTls:
      return take_tls(value, pasted);
    case Setting::kHostAddress:
      return note(pasted, "hostaddr was left out: the host's name is looked up.");
    case Setting::kSchema:
      return note(pasted, "The schema was left out: it is a setting of its own.");
    default:
      ++pasted->settings_left_out;
  }
}

bool is_name_sign(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}
bool is_blank(char c) { return c == ' ' || c == '\n'; }
bool is_quote(char c) { return c == '"' || c == '\''; }

// Goes through "name = value" pairs, whatever stands between them.
class Pairs {
 public:
  explicit Pairs(std::string_view text) : text_(text), by_semicolon_(is_parted_by(';')) {}

  // What a list may begin with and go on with.
  void skip() {
    while (at_ < text_.size() && (is_blank(text_[at_]) || text_[at_] == ',' || text_[at_] == ';' ||
                                  text_[at_] == '{' || text_[at_] == '}')) {
      ++at_;
    }
    if (text_.substr(at_).starts_with("export ")) at_ += 7;
  }
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }

  // "" where no name stands with a sign of equality behind it.
  std::string name() {
    const bool quoted = !done() && is_quote(text_[at_]);
    const char quote = quoted ? text_[at_++] : ' ';
    const size_t begin = at_;
    while (!done() && is_name_sign(text_[at_])) ++at_;
    std::string out(text_.substr(begin, at_ - begin));
    if (quoted && (done() || text_[at_++] != quote)) return {};
    while (!done() && is_blank(text_[at_])) ++at_;
    if (done()) return {};
    const char sign = text_[at_++];
    const bool spaced = at_ < text_.size() && (is_blank(text_[at_]) || is_quote(text_[at_]));
    // "host:5439" is an address.
    if (sign != '=' && (sign != ':' || (!quoted && !spaced))) return {};
    return out;
  }

  // Nothing where a quote or bracket is not closed.
  std::optional<std::string> value() {
    while (!done() && is_blank(text_[at_])) ++at_;
    if (done()) return "";
    if (is_quote(text_[at_])) return quoted(text_[at_]);
    if (text_[at_] == '{' && by_semicolon_) return quoted('}');
    const size_t begin = at_;
    while (!done() && !ends_here()) ++at_;
    std::string_view found = text_.substr(begin, at_ - begin);
    if (text_.front() == '{' && found.ends_with('}')) found.remove_suffix(1);
    return std::string(trim(found));
  }

 private:
  // Whether the sign stands between settings, not inside a password.
  [[nodiscard]] bool is_parted_by(char sign) const {
    const size_t found = text_.find(sign);
    if (found == std::string_view::npos || text_.starts_with('{')) return false;
    std::string_view rest = trim(text_.substr(found + 1));
    size_t end = 0;
    while (end < rest.size() && is_name_sign(rest[end])) ++end;
    rest = trim(rest.substr(end));
    return end > 0 && rest.starts_with('=');
  }
  [[nodiscard]] bool ends_here() const {
    const char c = text_[at_];
    if (by_semicolon_) return c == ';' || c == '\n';
    return is_blank(c) || (c == ',' && (at_ + 1 == text_.size() || is_blank(text_[at_ + 1]) ||
                                        is_quote(text_[at_ + 1])));
  }
  std::optional<std::string> quoted(char end) {
    std::string out;
    for (++at_; !done(); ++at_) {
      if (text_[at_] == end) {
        ++at_;
        return out;
      }
      if (text_[at_] == '\\' && end != '}' && at_ + 1 < text_.size()) ++at_;
      out += text_[at_];
    }
    return std::nullopt;
  }

  std::string_view text_;
  bool by_semicolon_;
  size_t at_ = 0;
};

}  // namespace

bool take_setting(std::string_view name, std::string_view value, Pasted* pasted) {
  const Setting* setting = find_setting(name);
  if (setting == nullptr) return false;
  std::string* const text = *setting == Setting::kHost       ? &pasted->host
                            : *setting == Setting::kPort     ? &pasted->port
                            : *setting == Setting::kDatabase ? &pasted->database
                                                             : nullptr;
  if (text != nullptr) {
    // What stands in the address itself comes first.
    if (text->empty()) *text = value;
  } else if (*setting == Setting::kUser) {
    pasted->out.held_user = pasted->out.held_user || !value.empty();
  } else if (*setting == Setting::kSecret) {
    pasted->out.held_password = pasted->out.held_password || !value.empty();
  } else if (!value.empty()) {
    take_more(*setting, value, pasted);
  }
  return true;
}

bool begins_with_setting(std::string_view text) {
  Pairs pairs(text);
  pairs.skip();
  const std::string name = pairs.name();
  return !name.empty() && find_setting(name) != nullptr;
}

Status read_settings(std::string_view text, Pasted* pasted) {
  Pairs pairs(text);
  size_t count = 0;
  for (pairs.skip(); !pairs.done(); pairs.skip()) {
    const std::string name = pairs.name();
    const std::optional<std::string> value = name.empty() ? std::nullopt : pairs.value();
    if (!value) {
      return refuse("it is no list of settings: a name, a =, or the end of a quote is missing",
                    "Write host=... port=... dbname=...");
    }
    if (++count > kMaxSettings) return refuse("it has more than 256 settings");
    if (!take_setting(name, *value, pasted)) ++pasted->settings_left_out;
  }
  return ok_status();
}

}  // namespace vesto::endpoint_text
