// What ReportRedactor takes for a name.
#include <fmt/format.h>

#include <cctype>

#include "base/strings.h"
#include "check/redact_patterns.h"
#include "check/redact_report.h"

namespace vesto {

namespace {

using check::is_word_byte;

// Evidence whose value is one name, and what it is called.
struct EvidenceKind {
  std::string_view name;
  std::string_view kind;
};
constexpr EvidenceKind kEvidence[] = {{"account", "account"},
                                      {"address", "address"},
                                      {"our_address", "address"},
                                      {"arn", "arn"},
                                      {"session", "arn"},
                                      {"role", "role"},
                                      {"aud", "audience"},
                                      {"bucket", "bucket"},
                                      {"database", "database"},
                                      {"database_user", "user"},
                                      {"user", "user"},
                                      {"owner", "user"},
                                      {"email", "email"},
                                      {"fingerprint", "key"},
                                      {"id", "id"},
                                      {"key", "object"},
                                      {"key_id", "key-id"},
                                      {"sub", "sub"},
                                      {"sync", "sync"},
                                      {"table", "table"},
                                      {"target", "host"}};

// Settings whose values are words of ours.
bool is_choice(std::string_view key) {
  for (const char* one :
       {"kind", "method", "identity", "copy", "mode", "sslmode", "level", "region", "source_kind",
        "compression", "on_new_column", "on_type_change", "format", "encode", "session_duration",
        "wait_for_warehouse", "lookback", "style", "distkey_style"}) {
    if (key == one) return true;
  }
  return key.starts_with("on_");
}

bool is_name_byte(char c) {
  return is_word_byte(c) || c == '.' || c == '-' || c == '$' || c == '*' || c == ':' || c == '@';
}

// eu-west-1
bool is_region(std::string_view text) {
  const size_t dash = text.rfind('-');
  return text.size() > 6 && dash == text.size() - 2 && text[2] == '-' &&
         std::isdigit(static_cast<unsigned char>(text.back())) != 0;
}

// Words that a name may follow in messages of servers and of ours, and its kind.
constexpr EvidenceKind kNouns[] = {{"table", "table"},         {"relation", "table"},
                                   {"schema", "schema"},       {"database", "database"},
                                   {"user", "user"},           {"role", "role"},
                                   {"bucket", "bucket"},       {"column", "column"},
                                   {"workgroup", "warehouse"}, {"cluster", "warehouse"},
                                   {"sync", "sync"},           {"source", "source"},
                                   {"group", "group"},         {"destination", "destination"}};

std::string_view kind_of_noun(std::string_view word) {
  for (const EvidenceKind& one : kNouns) {
    if (one.name == word) return one.kind;
  }
  return {};
}

}  // namespace

void ReportRedactor::learn_arn(std::string_view arn) {
  if (arn.empty()) return;
  learn_name("arn", arn);
  const std::vector<std::string> parts = split(arn, ':');
  if (parts.size() < 6) return;
  learn_name("account", parts[4]);
  // "role/path/name", "assumed-role/name/session", "namespace:..."
  for (size_t i = 5; i < parts.size(); ++i) {
    const std::vector<std::string> pieces = split(parts[i], '/');
    for (size_t k = pieces.size() > 1 ? 1 : 0; k < pieces.size(); ++k) {
      if (!check::is_common_word(pieces[k])) learn_name("role", pieces[k]);
    }
  }
}

void ReportRedactor::learn_host(std::string_view host) {
  if (host.empty()) return;
  learn_name("host", host);
  // A certificate names the domain of a host with a "*" before it.
  const bool is_name = std::isalpha(static_cast<unsigned char>(host.back())) != 0;
  const size_t dot = host.find('.');
  if (!is_name || dot == std::string_view::npos) return;
  const std::string_view domain = host.substr(dot + 1);
  const bool aws = domain.find("amazonaws.com") != std::string_view::npos;
  if (!aws && domain.find('.') != std::string_view::npos) learn_name("domain", domain);
  if (!check::is_common_word(host.substr(0, dot))) {
    learn_name(aws ? "warehouse" : "host", host.substr(0, dot));
  }
}

void ReportRedactor::learn_path(std::string_view path) {
  if (path.empty()) return;
  learn_name("path", path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return;
  if (slash > 1) learn_name("path", path.substr(0, slash));
  learn_name("file", path.substr(slash + 1));
  for (const std::string& folder : split(path.substr(0, slash), '/')) {
    const bool usual = folder == "home" || folder == "tmp" || folder == "var" || folder == "etc" ||
                       folder == "srv" || folder == "opt" || folder == "usr" || folder == "root";
    if (!usual && !check::is_common_word(folder)) learn_name("folder", folder);
  }
}

void ReportRedactor::learn_reference(const ValueRef& ref) {
  switch (ref.kind) {
    case ValueRef::Kind::kFile:
      return learn_path(ref.name);
    case ValueRef::Kind::kEnv:
      return learn_name("variable", ref.name);
    case ValueRef::Kind::kSecret:
      return learn_name("secret", ref.name);
    case ValueRef::Kind::kText:  // of a user name or the id of a key; secrets are not written out
      return learn_name("user", ref.name);
    case ValueRef::Kind::kNone:
      break;
  }
}

void ReportRedactor::learn_ssh(const SshConfig& ssh) {
  learn_host(ssh.host);
  learn_name("user", ssh.user);
  learn_name("key", ssh.host_key);
  learn_reference(ssh.key);
  learn_reference(ssh.passphrase);
  learn_path(ssh.origin.file);
}

void ReportRedactor::learn_destination(const DestinationConfig& to) {
  learn_name("destination", to.name);
  // Its lifecycle rule, the sessions of its role, the user that the kit makes.
  ours_.insert("vesto-" + to.name);
  learn_host(to.host);
  learn_name("database", to.database);
  learn_name("account", to.endpoint.account);
  learn_name("warehouse", to.endpoint.name);
  learn_name("schema", to.schema);
  learn_path(to.tls_ca_file);
  const AuthConfig& auth = to.auth;
  for (const ValueRef* ref : {&auth.user, &auth.password, &auth.access_key_id,
                              &auth.secret_access_key, &auth.session_token}) {
    learn_reference(*ref);
  }
  if (!auth.role_arn.empty()) learn_name("role", auth.role_arn);
  learn_arn(auth.role_arn);
  learn_name("audience", auth.audience);
  learn_name("external-id", auth.external_id);
  learn_name("profile", auth.profile);
  learn_name("user", auth.db_user);
  learn_arn(auth.copy_role_arn);
  learn_name("warehouse", auth.warehouse);
  learn_name("url", auth.sts_endpoint);
  learn_name("url", auth.redshift_endpoint);
  learn_arn(to.kms_key_arn);
  learn_name("bucket", to.bucket);
  learn_name("prefix", std::string_view(to.prefix).substr(0, to.prefix.find_last_not_of('/') + 1));
  learn_name("url", to.s3_endpoint);
  learn_path(to.s3_tls_ca_file);
  if (to.ssh.given) learn_ssh(to.ssh);
  learn_name("secret", sealed_ssh_key_name("destination", to.name));
  learn_path(to.origin.file);
}

void ReportRedactor::learn_source(const SourceConfig& from) {
  learn_name("source", from.name);
  learn_host(from.host);
  learn_name("database", from.database);
  learn_reference(from.user);
  learn_reference(from.password);
  learn_path(from.tls_ca_file);
  if (from.ssh.given) learn_ssh(from.ssh);
  learn_name("secret", sealed_ssh_key_name("source", from.name));
  learn_path(from.origin.file);
}

// "IAM:kim@acme.com", "IAMR:loader": AWS knows the same one without what stands before it.
void ReportRedactor::learn_user(std::string_view user) {
  learn_name("user", user);
  const size_t colon = user.find(':');
  if (colon != std::string_view::npos && user.starts_with("IAM")) {
    learn_name("user", user.substr(colon + 1));
  }
}

void ReportRedactor::learn_table_name(std::string_view name) {
  learn_name("table", name);
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return;
  learn_name("schema", name.substr(0, dot));
  learn_name("table", name.substr(dot + 1));
}

void ReportRedactor::learn_sync(const SyncConfig& sync) {
  learn_name("sync", sync.name);
  for (const TableConfig& table : sync.tables) {
    learn_table_name(table.name);
    learn_name("table", table.target);
    for (const auto* columns : {&table.key, &table.exclude, &table.sortkey}) {
      for (const std::string& column : *columns) learn_name("column", column);
    }
    learn_name("column", table.cursor);
    if (table.distkey != "auto" && table.distkey != "even" && table.distkey != "all") {
      learn_name("column", table.distkey);
    }
    for (const auto& one : table.encode) learn_name("column", one.first);
    for (const auto& one : table.on_unrepresentable) learn_name("column", one.first);
    learn_name("filter", table.filter);
    learn_name("query", table.query);
  }
}

void ReportRedactor::learn(const Config& config) {
  for (const DestinationConfig& one : config.destinations) learn_destination(one);
  for (const SourceConfig& one : config.sources) learn_source(one);
  for (const SyncConfig& one : config.syncs) learn_sync(one);
  const GoogleIdentityConfig& google = config.google;
  learn_reference(google.key);
  learn_path(google.token_file);
  learn_path(google.tls_ca_file);
  learn_name("url", google.token_uri);
  learn_path(google.origin.file);
  for (const std::string& address : config.public_egress) learn_name("address", address);
}

void ReportRedactor::learn(const LoadedConfig& loaded) {
  learn(loaded.config);
  for (const std::string& file : loaded.files) learn_path(file);
  for (const ConfigIssue& issue : loaded.issues) learn_path(issue.origin.file);
  if (!loaded.issues.empty()) learn_tree(loaded.tree, "");
}

// A configuration that was not understood: what it says may be a name, unless it is a choice.
void ReportRedactor::learn_tree(const TomlValue& value, std::string_view key) {
  if (value.kind == TomlValue::Kind::kString && !is_choice(key)) {
    if (key == "host") return learn_host(value.text);
    if (key == "name") return learn_table_name(value.text);
    return learn_name(key.empty() ? "name" : key, value.text);
  }
  for (const TomlValue& item : value.items) learn_tree(item, key);
  for (const TomlValue::Member& member : value.members) {
    if (key == "destination" || key == "source" || key == "sync") learn_name(key, member.name);
    learn_tree(member.value, member.name);
  }
}

void ReportRedactor::learn_evidence(const Evidence& evidence) {
  std::string_view value = evidence.value;
  if (evidence.name == "arn" || evidence.name == "session" || evidence.name == "role") {
    learn_arn(value);
  }
  for (const EvidenceKind& one : kEvidence) {
    if (one.name != evidence.name) continue;
    return one.kind == "user" ? learn_user(value) : learn_name(one.kind, value);
  }
  if (evidence.name == "addresses") {
    for (const std::string& address : split(value, ',')) learn_name("address", address);
  } else if (evidence.name == "files") {
    for (const std::string& file : split(value, ',')) learn_path(trim(file));
  } else if (evidence.name == "names") {
    for (const std::string& item : split(value, ',')) {
      const std::string_view whole = trim(item);
      const size_t blank = whole.find(' ');
      if (blank == std::string_view::npos) continue;
      const std::string_view name = whole.substr(blank + 1);
      whole.starts_with("file") ? learn_path(name) : learn_name("secret", name);
    }
  } else if (evidence.name == "schema") {
    // "public, made by the first run", and the version of the store
    const std::string_view name = value.substr(0, value.find(", made by"));
    if (!parse_int(name)) learn_name("schema", name);
  } else if (evidence.name == "issuer" && value.find("google") == std::string_view::npos &&
             value.find("Amazon") == std::string_view::npos) {
    learn_name("issuer", value);
  } else if (evidence.name == "server") {
    const size_t at = value.rfind('@');
    if (at != std::string_view::npos) learn_name("user", value.substr(0, at));
  } else if (evidence.name == "expiration") {
    // The id of a lifecycle rule: somebody's own, or Vesto's, which names the destination alone.
    constexpr std::string_view kRule = "rule-id=\"";
    const size_t at = value.find(kRule);
    if (at == std::string_view::npos) return;
    value.remove_prefix(at + kRule.size());
    const std::string_view rule = value.substr(0, value.find('"'));
    if (!rule.starts_with("vesto-")) learn_name("rule", rule);
  } else if (evidence.name == "also") {
    learn_quoted(value, false);
    learn_behind_nouns(value);
  }
}

// Identifiers in quotes. `all`: also words of ours, as in SQL, where only names stand in them.
void ReportRedactor::learn_quoted(std::string_view text, bool all) {
  size_t at = 0;
  while ((at = text.find('"', at)) != std::string_view::npos) {
    const size_t end = text.find('"', at + 1);
    if (end == std::string_view::npos) return;
    const std::string_view name = text.substr(at + 1, end - at - 1);
    const bool plain = name.find_first_of(" \n=") == std::string_view::npos;
    const bool own = name.starts_with("_vesto_") || is_region(name) || check::is_common_word(name);
    if (all ? !name.starts_with("_vesto_") && name.find('\n') == std::string_view::npos
            : plain && !own) {
      name.find('.') != std::string_view::npos ? learn_table_name(name) : learn_name("name", name);
    }
    at = end + 1;
  }
}

// "permission denied for relation orders"
void ReportRedactor::learn_behind_nouns(std::string_view text) {
  size_t at = 0;
  std::string_view kind;
  while (at < text.size()) {
    if (!is_name_byte(text[at])) {
      if (text[at] != ' ') kind = {};
      ++at;
      continue;
    }
    size_t end = at;
    while (end < text.size() && is_name_byte(text[end])) ++end;
    size_t size = end - at;
    while (size > 0 && (text[at + size - 1] == '.' || text[at + size - 1] == ':')) --size;
    const std::string_view word = text.substr(at, size);
    const bool own = check::is_common_word(word) || word.starts_with("_vesto_") || word.empty() ||
                     parse_int(word).has_value();
    if (!kind.empty() && !own) {
      kind == "table" ? learn_table_name(word) : learn_name(kind, word);
    }
    kind = size == end - at ? kind_of_noun(to_lower_ascii(word)) : std::string_view();
    at = end;
  }
}

// "; likewise 2 more: public.a, public.b"
void ReportRedactor::learn_lists(std::string_view text) {
  for (const char* head : {" more: ", "no table matches "}) {
    const size_t found = text.find(head);
    if (found == std::string_view::npos) continue;
    for (const std::string& one : split(text.substr(found + std::string_view(head).size()), ',')) {
      const std::string_view name = trim(one);
      if (name != "..." && name.find(' ') == std::string_view::npos) learn_table_name(name);
    }
  }
}

// "sync.shop, table public.orders (vesto.toml:7)": a table that only a pattern names.
void ReportRedactor::learn_place(std::string_view place) {
  constexpr std::string_view kBefore = ", table ";
  const size_t at = place.find(kBefore);
  const size_t end = place.rfind(" (");
  if (at == std::string_view::npos || end == std::string_view::npos) return;
  const size_t begin = at + kBefore.size();
  if (begin < end) learn_table_name(place.substr(begin, end - begin));
}

void ReportRedactor::learn(const CheckResult& result) {
  const CheckAnswer& answer = result.answer;
  // First, so that a name is what it is known to be and not what a text makes of it.
  for (const Evidence& one : answer.names) learn_evidence(one);
  for (const Evidence& one : answer.evidence) learn_evidence(one);
  if (answer.fix && answer.fix->kind == "sql") learn_quoted(answer.fix->snippet, true);
  if (!answer.error) return;
  const Error& error = *answer.error;
  for (const std::string& where : error.context()) {
    learn_place(where);
    const size_t blank = where.find(' ');
    const std::string_view noun = std::string_view(where).substr(0, blank);
    const std::string_view kind = kind_of_noun(noun);
    if (kind.empty() || blank == std::string::npos) continue;
    const std::string_view name = std::string_view(where).substr(blank + 1);
    if (name.find(' ') != std::string_view::npos) continue;
    kind == "table" ? learn_table_name(name) : learn_name(kind, name);
  }
  for (const std::string& text : {error.message(), error.upstream().text}) {
    learn_quoted(text, false);
    learn_behind_nouns(text);
    learn_lists(text);
  }
}

void ReportRedactor::learn(const CheckReport& report) {
  if (report.kind != "host") learn_name(report.kind, report.name);
  for (const CheckResult& result : report.results) learn(result);
}

}  // namespace vesto
